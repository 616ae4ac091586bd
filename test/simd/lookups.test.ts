import { describe, test } from "vitest";
import { NO_MIRROR, PWL_SCRATCH_BYTES } from "../../src/simd/kernels.ts";
import { exactRoundShift } from "../support/exact.ts";
import { Draw, exactMode, FLAVOURS, LANES, MODES, Pair, rangeOf, target } from "./harness.ts";

interface Pieces {
  readonly knots: readonly number[];
  readonly base: readonly number[];
  readonly slope: readonly number[];
  readonly shift: readonly number[];
  readonly fraction: number;
  readonly inSum: number;
  readonly outSum: number;
}

function drawPieces(draw: Draw, count: number, aBytes: number, reach: number): Pieces {
  const [lo, hi] = rangeOf(aBytes);
  const mirrors = draw.pick([false, false, true]);
  // A mirrored code can lie beyond the container, a knot then not.
  const [first, last] = mirrors ? [lo, hi] : [reach * lo - 5, reach * hi + 5];
  const knots = draw.values(count, first, last, "any").sort((a, b) => a - b);
  const fraction = draw.pick([0, 0, 1, 7, 16]);
  const steep = 2 ** draw.pick([4, 15, 20, 31]) - 1;
  const deepest = Math.max(draw.pick([0, 6, 20, 40, fraction > 0 ? 52 : 62]), fraction);
  return {
    knots,
    base: draw.values(count, -(2 ** (15 + fraction)), 2 ** (15 + fraction) - 1, "mixed"),
    slope: draw.values(count, -steep, steep, draw.pick(["any", "mixed"])),
    shift: draw.pick([
      Array<number>(count).fill(deepest),
      draw.values(count, Math.max(deepest - 9, fraction), deepest, "any"),
      draw.values(count, fraction, deepest, "any"),
    ]),
    fraction,
    inSum: mirrors ? draw.pick([0, 2 * lo, 2 * hi, draw.int(2 * lo, 2 * hi)]) : NO_MIRROR,
    outSum: draw.int(-(2 ** 17), 2 ** 17),
  };
}

function exactPwl({ knots, base, slope, shift, fraction }: Pieces, x: number, rounding: number): bigint {
  const last = knots.findLastIndex((knot) => knot <= x);
  const p = Math.max(last, 0);
  const rise = (BigInt(x) - BigInt(knots[p]!)) * BigInt(slope[p]!);
  const whole = BigInt(base[p]!) >> BigInt(fraction);
  const part = (BigInt(base[p]!) - (whole << BigInt(fraction))) << BigInt(shift[p]! - fraction);
  return whole + exactRoundShift(part + rise, shift[p]!, exactMode(rounding));
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
    ...([pair.put(4, pieces.shift), pieces.fraction, pieces.inSum, pieces.outSum, lo, hi] as const),
    ...([rounding, sat, pair.room(1, PWL_SCRATCH_BYTES)] as const),
  );
  const counts = Array<number>(lanes).fill(0);
  const clamp = (y: bigint) => (y < lo ? BigInt(lo) : y > hi ? BigInt(hi) : y);
  const want = a.map((x, i) => {
    const isMirrored = 2 * x < pieces.inSum;
    const y = exactPwl(pieces, isMirrored ? pieces.inSum - x : x, rounding);
    const turned = isMirrored ? BigInt(pieces.outSum) - clamp(y) : y;
    if (clamp(y) !== y || clamp(turned) !== turned) counts[i % lanes]! += 1;
    return Number(clamp(turned));
  });
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
