import { maxOf, minOf, saturate, signed, wrap } from "../../fixed/format.ts";
import { type Ints, ints, type Twin } from "./access.ts";

export const matmul: Twin<"matmul"> = (
  memory,
  w,
  wBytes,
  wStride,
  x,
  xBytes,
  acc,
  accBytes,
  m,
  k,
  lanes,
  keep,
) => {
  const sums = ints(memory, acc, accBytes, m * lanes);
  const codes = ints(memory, x, xBytes, k * lanes);
  const weights = ints(memory, w, wBytes, m > 0 ? (m - 1) * wStride + k : 0);
  if (keep === 0) sums.fill(0);
  for (let row = 0; row < m; row++) {
    const to = sums.subarray(row * lanes, (row + 1) * lanes);
    for (let t = 0; t < k; t++) {
      accumulate(to, codes.subarray(t * lanes, (t + 1) * lanes), weights[row * wStride + t]!);
    }
  }
};

/** sums[lane] += weight * codes[lane]. An int32 container wraps on its own; a product is below 2^31. */
function accumulate(sums: Ints, codes: Ints, weight: number): void {
  for (let l = 0; l < sums.length; l++) sums[l]! += weight * codes[l]!;
}

export const laneMatmul: Twin<"laneMatmul"> = (
  memory,
  a,
  aBytes,
  aStride,
  aZero,
  x,
  xBytes,
  xZero,
  acc,
  accBytes,
  m,
  k,
  lanes,
  keep,
) => {
  const sums = ints(memory, acc, accBytes, m * lanes);
  const codes = ints(memory, x, xBytes, k * lanes);
  const rows = ints(memory, a, aBytes, k > 0 ? ((k - 1) * aStride + m) * lanes : 0);
  if (keep === 0) sums.fill(0);
  for (let t = 0; t < k; t++) {
    for (let j = 0; j < m; j++) {
      for (let l = 0; l < lanes; l++) {
        const left = codes[t * lanes + l]! - xZero;
        sums[j * lanes + l]! += left * (rows[(t * aStride + j) * lanes + l]! - aZero);
      }
    }
  }
};

export const foldAccumulators: Twin<"foldAccumulators"> = (
  memory,
  acc,
  accBytes,
  n,
  lanes,
  bits,
  saturating,
  overflow,
) => {
  const sums = ints(memory, acc, accBytes, n * lanes);
  const counts = ints(memory, overflow, 4, lanes);
  const format = signed(bits);
  for (let i = 0; i < n * lanes; i++) {
    const x = sums[i]!;
    if (x >= minOf(format) && x <= maxOf(format)) continue;
    counts[i % lanes]! += 1;
    sums[i] = saturating !== 0 ? saturate(x, format) : wrap(x, format);
  }
};
