import { describe, test } from "vitest";
import { REQUANT_ROUNDINGS } from "../../src/fixed/requant.ts";
import { REDUCTIONS } from "../../src/simd/kernels.ts";
import { exactDivide, exactRoundShift } from "../support/exact.ts";
import { Draw, exactClamp, exactMode, exactScaled, FLAVOURS, LANES, MODES, Pair, target } from "./harness.ts";

const size = (x: bigint): bigint => (x < 0n ? -x : x);

const EXACT: { readonly [K in (typeof REDUCTIONS)[number]]: (xs: readonly bigint[]) => bigint } = {
  sum: (xs) => xs.reduce((so, x) => so + x),
  squares: (xs) => xs.map((x) => x * x).reduce((so, x) => so + x),
  absolutes: (xs) => xs.map(size).reduce((so, x) => so + x),
  maximum: (xs) => [...xs].sort((a, b) => Number(a - b)).at(-1)!,
};

describe("reduce", () => {
  for (const [kind, reduction] of REDUCTIONS.entries()) {
    for (const aBytes of [1, 2, 4]) {
      test(`${reduction} of int${8 * aBytes}`, () => {
        const pair = new Pair();
        for (let i = 0; i < 60; i++) {
          const name = `reduce ${reduction} ${aBytes} ${i}`;
          const draw = new Draw(name);
          const outBytes = draw.pick([4, 8]);
          const [groups, n, lanes] = [draw.int(1, 3), draw.int(1, 9), draw.pick(LANES)];
          // Squares of int32 are kept below the bound on the exact result.
          const narrow = aBytes === 4 && reduction === "squares";
          const count = groups * n * lanes;
          const a = narrow
            ? draw.values(count, -(2 ** 23), 2 ** 23, "any")
            : draw.codes(count, aBytes, draw.pick(FLAVOURS));
          const aZero = narrow ? 0 : draw.zero(aBytes);
          const out = pair.room(outBytes, groups * lanes);
          pair.run("reduce", kind, pair.put(aBytes, a), aBytes, aZero, groups, n, lanes, out, outBytes);
          const want = Array.from({ length: groups * lanes }, (_, own) => {
            const g = Math.floor(own / lanes);
            const column = Array.from({ length: n }, (_, j) => a[(g * n + j) * lanes + (own % lanes)]!);
            const exact = EXACT[reduction](column.map((x) => BigInt(x) - BigInt(aZero)));
            return outBytes === 4 ? BigInt.asIntN(32, exact) : exact;
          });
          pair.expect(out, outBytes, want, () => name);
        }
      });
    }
  }
});

describe("argmax", () => {
  for (const aBytes of [1, 2, 4]) {
    test(`the first greatest int${8 * aBytes}`, () => {
      const pair = new Pair();
      for (let i = 0; i < 60; i++) {
        const name = `argmax ${aBytes} ${i}`;
        const draw = new Draw(name);
        const [n, lanes] = [draw.int(1, 40), draw.pick(LANES)];
        const a = draw.pick([
          draw.codes(n * lanes, aBytes, draw.pick(FLAVOURS)),
          draw.values(n * lanes, -2, 2, "any"),
        ]);
        const out = pair.room(2, lanes);
        pair.run("argmax", pair.put(aBytes, a), aBytes, n, lanes, out);
        const want = Array.from({ length: lanes }, (_, l) => {
          const column = Array.from({ length: n }, (_, j) => a[j * lanes + l]!);
          return column.indexOf(Math.max(...column));
        });
        pair.expect(out, 2, want, () => name);
      }
    });
  }
});

describe("normalize", () => {
  for (const aBytes of [1, 2]) {
    for (const sumBytes of [4, 8]) {
      test(`int${8 * aBytes} with ${sumBytes}-byte sums`, () => {
        const pair = new Pair();
        for (const rounding of MODES) {
          for (let i = 0; i < 12; i++) {
            const name = `normalize ${aBytes} ${sumBytes} ${rounding} ${i}`;
            const draw = new Draw(name);
            const outBytes = draw.pick([1, 2, 4]);
            const [groups, n, lanes] = [draw.int(1, 3), draw.int(1, 5), draw.pick(LANES)];
            const factor = draw.pick([n, 1, 1024, 2 ** 20 - 1]);
            const a = draw.codes(groups * n * lanes, aBytes, draw.pick(FLAVOURS));
            const top = 2 ** draw.pick([8, 16, sumBytes === 8 ? 44 : 30]);
            const sum = draw.values(groups * lanes, -top, top, "any");
            const mantissa = draw.values(groups * lanes, 0, 2 ** 16, "mixed");
            const exponent = draw.values(groups * lanes, draw.pick([0, 8]), draw.pick([20, 62]), "any");
            const { zero, lo, hi } = target(draw, outBytes);
            const out = pair.room(outBytes, groups * n * lanes);
            const sat = pair.zeros(lanes);
            pair.run(
              "normalize",
              ...([
                pair.put(aBytes, a),
                aBytes,
                groups,
                n,
                factor,
                lanes,
                pair.put(sumBytes, sum),
                sumBytes,
              ] as const),
              ...([pair.put(4, mantissa), pair.put(4, exponent), out, outBytes] as const),
              ...([zero, lo, hi, rounding, sat] as const),
            );
            const counts = Array<number>(lanes).fill(0);
            const raw = a.map((x, at) => {
              const own = Math.floor(at / lanes / n) * lanes + (at % lanes);
              const product = (BigInt(factor) * BigInt(x) - BigInt(sum[own]!)) * BigInt(mantissa[own]!);
              return exactRoundShift(product, exponent[own]!, exactMode(rounding)) + BigInt(zero);
            });
            pair.expect(out, outBytes, exactClamp(raw, lo, hi, counts), () => name);
            pair.expect(sat, 4, counts, () => `${name}: counts`);
          }
        }
      });
    }
  }
});

describe("divide", () => {
  for (const aBytes of [1, 2, 4, 8]) {
    for (const bBytes of [4, 8]) {
      test(`${aBytes}-byte codes by ${bBytes}-byte divisors`, () => {
        const pair = new Pair();
        for (const rounding of MODES) {
          for (let i = 0; i < 12; i++) {
            const name = `divide ${aBytes} ${bBytes} ${rounding} ${i}`;
            const draw = new Draw(name);
            const outBytes = draw.pick([1, 2, 4]);
            const [groups, n, lanes] = [draw.int(1, 3), draw.int(1, 5), draw.pick(LANES)];
            const a = draw.codes(groups * n * lanes, aBytes, draw.pick(FLAVOURS));
            const aZero = draw.zero(aBytes);
            const b = draw.values(
              groups * lanes,
              -1,
              2 ** draw.pick([3, 12, bBytes === 8 ? 47 : 30]),
              "mixed",
            );
            // Numerators stay below 2^62; small factors and divisors make ties.
            const factor = draw.int(
              1,
              2 ** draw.pick([2, 12, aBytes === 8 ? 14 : aBytes === 4 ? 29 : 31]) - 1,
            );
            const shift = draw.int(0, draw.pick([2, bBytes === 8 ? 14 : 31]));
            const { zero, lo, hi } = target(draw, outBytes);
            const out = pair.room(outBytes, groups * n * lanes);
            const sat = pair.zeros(lanes);
            pair.run(
              "divide",
              ...([
                pair.put(aBytes, a),
                aBytes,
                aZero,
                pair.put(bBytes, b),
                bBytes,
                groups,
                n,
                lanes,
              ] as const),
              ...([factor, shift, out, outBytes, zero, lo, hi, rounding, sat] as const),
            );
            const counts = Array<number>(lanes).fill(0);
            const raw = a.map((x, at) => {
              const divisor = b[Math.floor(at / lanes / n) * lanes + (at % lanes)]!;
              const below = BigInt(Math.max(divisor, 1)) << BigInt(shift);
              const above = (BigInt(x) - BigInt(aZero)) * BigInt(factor);
              return exactDivide(above, below, exactMode(rounding)) + BigInt(zero);
            });
            pair.expect(
              out,
              outBytes,
              exactClamp(raw, lo, hi, counts),
              () => `${name}: ${aZero} ${factor} ${shift}`,
            );
            pair.expect(sat, 4, counts, () => `${name}: counts`);
          }
        }
      });
    }
  }
});

/** rowScale knows no float32. */
const exactRowMode = (rounding: number): number =>
  REQUANT_ROUNDINGS[rounding] === "float32" ? REQUANT_ROUNDINGS.indexOf("half-even") : rounding;

describe("rowScale", () => {
  for (const aBytes of [1, 2, 4]) {
    for (const outBytes of [1, 2, 4]) {
      test(`int${8 * aBytes} to int${8 * outBytes}`, () => {
        const pair = new Pair();
        for (const rounding of MODES) {
          for (let i = 0; i < 12; i++) {
            const name = `rowScale ${aBytes} ${outBytes} ${rounding} ${i}`;
            const draw = new Draw(name);
            const [groups, n, lanes] = [draw.int(1, 3), draw.int(1, 5), draw.pick(LANES)];
            const a = draw.codes(groups * n * lanes, aBytes, draw.pick(FLAVOURS));
            const aZero = draw.zero(aBytes);
            const span = 2 ** draw.pick([4, 15, 31]);
            const mantissa = draw.values(groups * lanes, -span, span - 1, draw.pick(FLAVOURS));
            const [least, most] = draw.pick([
              [0, 63],
              [0, 20],
              [31, 31],
              [16, 48],
            ] as const);
            const shift = draw.values(groups * lanes, least, most, "any");
            const { zero, lo, hi } = target(draw, outBytes);
            const out = pair.room(outBytes, groups * n * lanes);
            const sat = pair.zeros(lanes);
            pair.run(
              "rowScale",
              ...([pair.put(aBytes, a), aBytes, aZero, pair.put(4, mantissa), pair.put(4, shift)] as const),
              ...([groups, n, lanes, out, outBytes, zero, lo, hi, rounding, sat] as const),
            );
            const counts = Array<number>(lanes).fill(0);
            const raw = a.map((x, at) => {
              const own = Math.floor(at / lanes / n) * lanes + (at % lanes);
              const difference = BigInt(x) - BigInt(aZero);
              const scaled = exactScaled(difference, mantissa[own]!, shift[own]!, exactRowMode(rounding));
              return scaled + BigInt(zero);
            });
            pair.expect(out, outBytes, exactClamp(raw, lo, hi, counts), () => name);
            pair.expect(sat, 4, counts, () => `${name}: counts`);
          }
        }
      });
    }
  }

  test("the lowest code times the lowest mantissa, at every shift", () => {
    const pair = new Pair();
    const lanes = 16;
    const lowest = -(2 ** 31);
    const a = pair.put(4, Array<number>(lanes).fill(lowest));
    const mantissa = pair.put(4, Array<number>(lanes).fill(lowest));
    for (const rounding of MODES) {
      for (let s = 0; s <= 63; s++) {
        const shift = pair.put(4, Array<number>(lanes).fill(s));
        const [out, sat] = [pair.room(4, lanes), pair.zeros(lanes)];
        pair.run(
          "rowScale",
          ...([
            a,
            4,
            0,
            mantissa,
            shift,
            1,
            1,
            lanes,
            out,
            4,
            0,
            lowest,
            -1 - lowest,
            rounding,
            sat,
          ] as const),
        );
        const counts = Array<number>(lanes).fill(0);
        const value = exactScaled(BigInt(lowest), lowest, s, exactRowMode(rounding));
        const want = exactClamp(Array<bigint>(lanes).fill(value), lowest, -1 - lowest, counts);
        pair.expect(out, 4, want, () => `rounding ${rounding}, shift ${s}`);
        pair.expect(sat, 4, counts, () => `rounding ${rounding}, shift ${s}: counts`);
      }
    }
  });
});
