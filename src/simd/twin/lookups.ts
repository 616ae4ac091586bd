import { floorDiv, mulShift, powerOfTwo, type Rounding, roundShift } from "../../fixed/round.ts";
import { type Ints, ints, type Twin } from "./access.ts";
import { plainModeOf } from "./scaling.ts";

interface Pieces {
  readonly knots: Ints;
  readonly base: Ints;
  readonly slope: Ints;
  readonly shift: Ints;
  readonly fraction: number;
}

export const pwl: Twin<"pwl"> = (
  memory,
  a,
  aBytes,
  out,
  outBytes,
  n,
  lanes,
  pieces,
  knots,
  base,
  slope,
  shift,
  fraction,
  inSum,
  outSum,
  lo,
  hi,
  rounding,
  sat,
) => {
  const codes = ints(memory, a, aBytes, n * lanes);
  const to = ints(memory, out, outBytes, n * lanes);
  const counts = ints(memory, sat, 4, lanes);
  const table: Pieces = {
    knots: ints(memory, knots, 4, pieces),
    base: ints(memory, base, 4, pieces),
    slope: ints(memory, slope, 4, pieces),
    shift: ints(memory, shift, 4, pieces),
    fraction,
  };
  const mode = plainModeOf(rounding);
  const clamp = (y: number): number => Math.min(Math.max(y, lo), hi);
  for (let i = 0; i < n * lanes; i++) {
    const x = codes[i]!;
    const isMirrored = 2 * x < inSum;
    const y = evaluate(table, isMirrored ? inSum - x : x, mode);
    const mirrored = isMirrored ? outSum - clamp(y) : y;
    to[i] = clamp(mirrored);
    if (clamp(y) !== y || clamp(mirrored) !== mirrored) counts[i % lanes]! += 1;
  }
};

function evaluate({ knots, base, slope, shift, fraction }: Pieces, x: number, mode: Rounding): number {
  let p = 0;
  while (p + 1 < knots.length && knots[p + 1]! <= x) p++;
  if (fraction === 0) return base[p]! + mulShift(x - knots[p]!, slope[p]!, shift[p]!, mode);
  const step = powerOfTwo(fraction);
  const whole = floorDiv(base[p]!, step);
  const rest = (base[p]! - whole * step) * powerOfTwo(shift[p]! - fraction);
  return whole + roundShift(rest + (x - knots[p]!) * slope[p]!, shift[p]!, mode);
}

export const gather: Twin<"gather"> = (memory, table, tableBytes, index, rows, out, n, lanes) => {
  const entries = ints(memory, table, tableBytes, rows * n);
  const wanted = ints(memory, index, 2, lanes);
  const to = ints(memory, out, tableBytes, n * lanes);
  for (let l = 0; l < lanes; l++) {
    const row = Math.min(Math.max(wanted[l]!, 0), rows - 1);
    for (let j = 0; j < n; j++) to[j * lanes + l] = entries[row * n + j]!;
  }
};
