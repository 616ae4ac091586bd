import { describe, test } from "vitest";
import { PWL_SCRATCH_BYTES } from "../../src/simd/kernels.ts";
import { exactRoundShift } from "../support/exact.ts";
import { Draw, exactClamp, exactMode, FLAVOURS, LANES, MODES, Pair, rangeOf, target } from "./harness.ts";

interface Pieces {
  readonly knots: readonly number[];
  readonly base: readonly number[];
  readonly slope: readonly number[];
  readonly shift: readonly number[];
}

function drawPieces(draw: Draw, count: number, aBytes: number, reach: number): Pieces {
  const [lo, hi] = rangeOf(aBytes);
  const knots = draw.values(count, reach * lo - 5, reach * hi + 5, "any").sort((a, b) => a - b);
  const steep = 2 ** draw.pick([4, 15, 20, 31]) - 1;
  const deepest = draw.pick([0, 6, 20, 40, 62]);
  return {
    knots,
    base: draw.values(count, -(2 ** 15), 2 ** 15, "mixed"),
    slope: draw.values(count, -steep, steep, draw.pick(["any", "mixed"])),
    shift: draw.pick([
      Array<number>(count).fill(deepest),
      draw.values(count, Math.max(deepest - 9, 0), deepest, "any"),
      draw.values(count, 0, deepest, "any"),
    ]),
  };
}

function exactPwl({ knots, base, slope, shift }: Pieces, x: number, rounding: number): bigint {
  const last = knots.findLastIndex((knot) => knot <= x);
  const p = Math.max(last, 0);
  const rise = (BigInt(x) - BigInt(knots[p]!)) * BigInt(slope[p]!);
  return BigInt(base[p]!) + exactRoundShift(rise, shift[p]!, exactMode(rounding));
}

function pwlCase(pair: Pair, name: string, aBytes: number, outBytes: number, rounding: number): void {
  const draw = new Draw(name);
  const [n, lanes] = [draw.int(1, 6), draw.pick(LANES)];
  const count = draw.pick([1, 2, 3, 8, 16, 33, 128, 150]);
  const pieces = drawPieces(draw, count, aBytes, draw.pick([1, 1, 3]));
  const a = draw.codes(n * lanes, aBytes, draw.pick(FLAVOURS));
  // Where the knots are, and on both sides of each, is where a search goes wrong.
  const [least, greatest] = rangeOf(aBytes);
  for (const [i, knot] of pieces.knots.entries()) {
    if (i < a.length) a[i] = Math.min(Math.max(knot - (i % 3) + 1, least), greatest);
  }
  const { lo, hi } = target(draw, outBytes);
  const out = pair.room(outBytes, n * lanes);
  const sat = pair.zeros(lanes);
  pair.run(
    "pwl",
    ...([pair.put(aBytes, a), aBytes, out, outBytes, n, lanes, count] as const),
    ...([pair.put(4, pieces.knots), pair.put(4, pieces.base), pair.put(4, pieces.slope)] as const),
    ...([pair.put(4, pieces.shift), lo, hi, rounding, sat, pair.room(1, PWL_SCRATCH_BYTES)] as const),
  );
  const counts = Array<number>(lanes).fill(0);
  const want = exactClamp(
    a.map((x) => exactPwl(pieces, x, rounding)),
    lo,
    hi,
    counts,
  );
  pair.expect(out, outBytes, want, () => name);
  pair.expect(sat, 4, counts, () => `${name}: counts`);
}

describe("pwl", () => {
  for (const aBytes of [1, 2]) {
    for (const outBytes of [1, 2]) {
      test(`int${8 * aBytes} to int${8 * outBytes}`, () => {
        const pair = new Pair();
        for (const rounding of MODES) {
          for (let i = 0; i < 40; i++) {
            pwlCase(pair, `pwl ${aBytes} ${outBytes} ${rounding} ${i}`, aBytes, outBytes, rounding);
          }
        }
      });
    }
  }
});

describe("gather", () => {
  for (const bytes of [1, 2, 4, 8]) {
    test(`rows of ${bytes}-byte elements, indices clamped`, () => {
      const pair = new Pair();
      for (let i = 0; i < 40; i++) {
        const name = `gather ${bytes} ${i}`;
        const draw = new Draw(name);
        const [rows, n, lanes] = [draw.int(1, 20), draw.int(1, 9), draw.pick(LANES)];
        const table = draw.codes(rows * n, bytes, "any");
        const index = draw.values(lanes, -3, rows + 2, "any");
        const out = pair.room(bytes, n * lanes);
        pair.run("gather", pair.put(bytes, table), bytes, pair.put(2, index), rows, out, n, lanes);
        const want = Array.from({ length: n * lanes }, (_, at) => {
          const row = Math.min(Math.max(index[at % lanes]!, 0), rows - 1);
          return table[row * n + Math.floor(at / lanes)]!;
        });
        pair.expect(out, bytes, want, () => name);
      }
    });
  }
});
