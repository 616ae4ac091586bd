import { describe, expect, test } from "vitest";
import { matmulScratchBytes } from "../../src/simd/kernels.ts";
import { loadKernels } from "../../src/simd/load.ts";
import { exactSaturate, exactWrap } from "../support/exact.ts";
import { Draw, FLAVOURS, LANES, Pair, rangeOf } from "./harness.ts";

const bigs = (values: readonly number[]): bigint[] => values.map(BigInt);
const settle = (x: bigint, accBytes: number): bigint => (accBytes === 4 ? BigInt.asIntN(32, x) : x);

interface Shape {
  readonly m: number;
  readonly k: number;
  readonly lanes: number;
}

function matmulCase(
  pair: Pair,
  name: string,
  wBytes: number,
  xBytes: number,
  accBytes: number,
  shape: Shape,
): void {
  const { m, k, lanes } = shape;
  const draw = new Draw(name);
  const flavour = draw.pick(FLAVOURS);
  const wStride = k + draw.int(0, 3);
  const keep = draw.int(0, 1);
  const w = draw.codes((m - 1) * wStride + k, wBytes, flavour);
  const x = draw.codes(k * lanes, xBytes, flavour);
  const before = draw.codes(m * lanes, accBytes, "any");
  const acc = pair.put(accBytes, before);
  const scratch = pair.room(1, matmulScratchBytes(k, lanes, m));
  const fence = pair.room(4, 4);
  const at = { w: pair.put(wBytes, w), x: pair.put(xBytes, x) };
  pair.run("matmul", at.w, wBytes, wStride, at.x, xBytes, acc, accBytes, m, k, lanes, keep, scratch);
  const [bw, bx] = [bigs(w), bigs(x)];
  const want = before.map((was, i) => {
    const row = Math.floor(i / lanes);
    let sum = keep === 1 ? BigInt(was) : 0n;
    for (let t = 0; t < k; t++) sum += bw[row * wStride + t]! * bx[t * lanes + (i % lanes)]!;
    return settle(sum, accBytes);
  });
  pair.expect(acc, accBytes, want, () => name);
  pair.expect(fence, 4, [77, 77, 77, 77], () => `${name}: the bytes behind the scratch`);
}

describe("matmul", () => {
  for (const wBytes of [1, 2]) {
    for (const xBytes of [1, 2]) {
      for (const accBytes of [4, 8]) {
        test(`int${8 * wBytes} weights, int${8 * xBytes} activations, ${accBytes}-byte accumulators`, () => {
          const pair = new Pair();
          for (let m = 1; m <= 9; m++) {
            for (const k of [1, 2, 3, 7, 16, 33]) {
              const lanes = LANES[(m + k) % LANES.length]!;
              const name = `matmul ${wBytes} ${xBytes} ${accBytes} ${m}x${k}x${lanes}`;
              matmulCase(pair, name, wBytes, xBytes, accBytes, { m, k, lanes });
            }
          }
          // Across the blocks that keep int32 sums exact, at odd depths too.
          for (const k of [127, 128, 129, 256, 257, 515]) {
            for (const seed of "abcd") {
              const name = `matmul ${wBytes} ${xBytes} ${accBytes} deep ${k} ${seed}`;
              matmulCase(pair, name, wBytes, xBytes, accBytes, { m: 5, k, lanes: 16 });
            }
          }
        });
      }
    }
  }

  test("the lowest int8 codes stay exact across a whole block of 2^16", () => {
    const pair = new Pair();
    const [k, lanes] = [65_537 * 3, 16];
    const w = pair.put(1, Array<number>(k).fill(-128));
    const x = pair.put(1, Array<number>(k * lanes).fill(-128));
    const acc = pair.room(8, lanes);
    const scratch = pair.room(1, matmulScratchBytes(k, lanes, 1));
    pair.run("matmul", w, 1, k, x, 1, acc, 8, 1, k, lanes, 0, scratch);
    pair.expect(acc, 8, Array<number>(lanes).fill(k * 16_384), () => "deep sum");
  });

  test.each([-1, 32_767])("low bytes of 255 stay exact across a whole block: int16 of %i", (code) => {
    const pair = new Pair();
    const [k, lanes] = [520, 16];
    const w = pair.put(2, Array<number>(k).fill(-32_768));
    const x = pair.put(2, Array<number>(k * lanes).fill(code));
    const acc = pair.room(8, lanes);
    const scratch = pair.room(1, matmulScratchBytes(k, lanes, 1));
    pair.run("matmul", w, 2, k, x, 2, acc, 8, 1, k, lanes, 0, scratch);
    pair.expect(acc, 8, Array<number>(lanes).fill(k * -32_768 * code), () => "deep sum");
  });

  test.each([1, 2])("reads nothing beyond its operands: int%i elements at the end of memory", (bytes) => {
    const { memory, kernels } = loadKernels();
    const [m, k, lanes, acc, scratch] = [5, 3, 16, 1024, 4096] as const;
    const end = memory.buffer.byteLength;
    const before = 8192;
    expect(() =>
      kernels.matmul(end - m * k * bytes, bytes, k, before, 2, acc, 4, m, k, lanes, 0, scratch),
    ).not.toThrow();
    const x = end - k * lanes * bytes;
    expect(() => kernels.matmul(before, bytes, k, x, bytes, acc, 8, m, k, lanes, 0, scratch)).not.toThrow();
    expect(() => kernels.matmul(end, bytes, k, x, bytes, acc, 8, m, k, lanes, 0, scratch)).toThrow();
  });
});

function laneCase(
  pair: Pair,
  name: string,
  aBytes: number,
  xBytes: number,
  accBytes: number,
  shape: Shape,
): void {
  const { m, k, lanes } = shape;
  const draw = new Draw(name);
  const aStride = m + draw.int(0, 2);
  const keep = draw.int(0, 1);
  const [aZero, xZero] = [draw.zero(aBytes), draw.zero(xBytes)];
  const a = draw.codes(((k - 1) * aStride + m) * lanes, aBytes, draw.pick(FLAVOURS));
  const x = draw.codes(k * lanes, xBytes, draw.pick(FLAVOURS));
  const before = draw.codes(m * lanes, accBytes, "any");
  const acc = pair.put(accBytes, before);
  const at = { a: pair.put(aBytes, a), x: pair.put(xBytes, x) };
  pair.run(
    "laneMatmul",
    ...[at.a, aBytes, aStride, aZero, at.x, xBytes, xZero],
    ...([acc, accBytes, m, k, lanes, keep] as const),
  );
  const [ba, bx] = [bigs(a), bigs(x)];
  const want = before.map((was, i) => {
    const [j, l] = [Math.floor(i / lanes), i % lanes];
    let sum = keep === 1 ? BigInt(was) : 0n;
    for (let t = 0; t < k; t++) {
      sum += (bx[t * lanes + l]! - BigInt(xZero)) * (ba[(t * aStride + j) * lanes + l]! - BigInt(aZero));
    }
    return settle(sum, accBytes);
  });
  pair.expect(acc, accBytes, want, () => `${name}, zeros ${aZero} ${xZero}`);
}

describe("laneMatmul", () => {
  for (const aBytes of [1, 2]) {
    for (const xBytes of [1, 2]) {
      for (const accBytes of [4, 8]) {
        test(`int${8 * aBytes} by int${8 * xBytes}, ${accBytes}-byte accumulators`, () => {
          const pair = new Pair();
          for (let i = 0; i < 80; i++) {
            const shape = { m: 1 + (i % 5), k: 1 + (i % 11), lanes: LANES[i % LANES.length]! };
            laneCase(pair, `lanes ${aBytes} ${xBytes} ${accBytes} ${i}`, aBytes, xBytes, accBytes, shape);
          }
        });
      }
    }
  }

  test("8-bit codes stay exact across the block of their greatest products", () => {
    const pair = new Pair();
    const [k, lanes] = [2 * 32_766 + 3, 16];
    const a = pair.put(1, Array<number>(k * lanes).fill(-128));
    const acc = pair.room(8, lanes);
    pair.run("laneMatmul", a, 1, 1, 127, a, 1, 127, acc, 8, 1, k, lanes, 0);
    pair.expect(acc, 8, Array<number>(lanes).fill(k * 255 * 255), () => "deep sum");
  });
});

describe("foldAccumulators", () => {
  for (const accBytes of [4, 8]) {
    test(`${accBytes}-byte accumulators in every width`, () => {
      const pair = new Pair();
      for (let bits = 2; bits <= (accBytes === 4 ? 32 : 48); bits++) {
        for (const flavour of FLAVOURS) {
          for (const saturating of [0, 1]) {
            const name = `fold ${accBytes} ${bits} ${flavour} ${saturating}`;
            const draw = new Draw(name);
            const lanes = draw.pick(LANES);
            const half = 2 ** (bits - 1);
            const [lo, hi] = rangeOf(accBytes);
            const near = [-half - 1, -half, half - 1, half, 0].map((v) => Math.min(Math.max(v, lo), hi));
            const values = [...near, ...draw.codes(3 * lanes - near.length, accBytes, flavour)];
            const acc = pair.put(accBytes, values);
            const overflow = pair.put(4, Array<number>(lanes).fill(1000));
            pair.run("foldAccumulators", acc, accBytes, 3, lanes, bits, saturating, overflow);
            const counts = Array<number>(lanes).fill(1000);
            const want = values.map((x, i) => {
              if (x < -half || x >= half) counts[i % lanes]! += 1;
              return saturating === 1
                ? exactSaturate(BigInt(x), bits, true)
                : exactWrap(BigInt(x), bits, true);
            });
            pair.expect(acc, accBytes, want, () => name);
            pair.expect(overflow, 4, counts, () => `${name}: counts`);
          }
        }
      }
    });
  }

  test("both ends of a format are inside it", () => {
    const pair = new Pair();
    const acc = pair.put(4, [...Array<number>(8).fill(-128), ...Array<number>(8).fill(127)]);
    const overflow = pair.zeros(16);
    pair.run("foldAccumulators", acc, 4, 1, 16, 8, 0, overflow);
    pair.expect(overflow, 4, Array<number>(16).fill(0), () => "counts");
    expect(rangeOf(1)).toEqual([-128, 127]);
  });
});
