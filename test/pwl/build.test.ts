import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { maxOf, minOf, signed, unsigned } from "../../src/fixed/format.ts";
import { decode, encode, type Grid } from "../../src/fixed/real.ts";
import { ROUNDINGS } from "../../src/fixed/round.ts";
import { buildTable } from "../../src/pwl/build.ts";
import { CURVES, type CurveName } from "../../src/pwl/curves.ts";
import { tableError } from "../../src/pwl/error.ts";
import {
  interpolate,
  type PiecewiseLine,
  PWL_METHODS,
  type PwlMethod,
  place,
} from "../../src/pwl/placement.ts";
import { lookup, type PwlTable } from "../../src/pwl/table.ts";

const NAMES = Object.keys(CURVES) as CurveName[];

/** A signed grid over a real range, its zero point wherever it falls. */
function grid(bits: number, lo: number, hi: number): Grid {
  const scale = (hi - lo) / (2 ** bits - 1);
  return { format: signed(bits), scale, zero: Math.round(-lo / scale) - 2 ** (bits - 1) };
}

/** Input over the curve's domain and output over what it takes there. */
function gridsOf(curve: CurveName, inBits: number, outBits: number): { input: Grid; output: Grid } {
  const { f, domain } = CURVES[curve];
  const [a, b] = [f(domain[0]), f(domain[1])];
  return {
    input: grid(inBits, domain[0], domain[1]),
    output: grid(outBits, Math.min(a, b, 0), Math.max(a, b)),
  };
}

function* codesOf({ format }: Grid): Generator<number> {
  for (let x = minOf(format); x <= maxOf(format); x++) yield x;
}

/** f at a code, cut off at the range of the output. */
function target(f: (x: number) => number, x: number, input: Grid, output: Grid): number {
  const lo = decode(minOf(output.format), output);
  const hi = decode(maxOf(output.format), output);
  return Math.min(hi, Math.max(lo, f(decode(x, input))));
}

/** What a table is made from: the curve's targets on all codes, placed, and the line bent to the output's ends. */
function lineOf(
  f: (x: number) => number,
  input: Grid,
  output: Grid,
  pieces: number,
  method: PwlMethod,
): PiecewiseLine {
  const values = Float64Array.from(codesOf(input), (x) => target(f, x, input, output));
  const { knots, ordinates } = place(values, pieces, method);
  return { knots, ordinates: ordinates.map((y) => target(() => y, 0, input, output)) };
}

/** Methods that place any number of pieces at once; what the border does with a line does not depend on its method. */
const QUICK = ["slope", "gap", "uniform"] as const satisfies readonly PwlMethod[];
const CASES = NAMES.flatMap((curve) => QUICK.map((method) => [curve, method] as const));

describe.each(CASES)("%s, %s", (curve, method) => {
  const { f } = CURVES[curve];

  test("is the code of the placed line on every knot, whatever the rounding", () => {
    const { input, output } = gridsOf(curve, 8, 8);
    for (const pieces of [1, 2, 3, 7, 16, 64]) {
      const table = buildTable(f, input, output, { pieces, method, slopeBits: 16 });
      expect(table.knots.length).toBe(pieces);
      expect(table.knots[0]).toBe(-128);
      const { ordinates } = lineOf(f, input, output, pieces, method);
      for (const [i, knot] of table.knots.entries()) {
        expect(table.bases[i]).toBe(encode(ordinates[i]!, output));
        for (const rounding of ROUNDINGS) expect(lookup(table, knot, rounding)).toBe(table.bases[i]);
      }
    }
  });

  test("with a knot on every input it is the rounded lookup table, whatever the rounding", () => {
    for (const [inBits, outBits] of [
      [4, 4],
      [6, 10],
      [8, 8],
    ] as const) {
      const { input, output } = gridsOf(curve, inBits, outBits);
      const table = buildTable(f, input, output, { pieces: 2 ** inBits - 1, method, slopeBits: 16 });
      for (const x of codesOf(input)) {
        const wanted = encode(target(f, x, input, output), output);
        for (const rounding of ROUNDINGS) {
          const got = lookup(table, x, rounding);
          if (got !== wanted)
            expect.fail(`${inBits} to ${outBits} bits, ${x}, ${rounding}: ${got}, not ${wanted}`);
        }
      }
    }
  });

  test("stays within an LSB of the real interpolation, and what the slope's rounding adds", () => {
    for (const [inBits, outBits] of [
      [8, 8],
      [8, 16],
      [12, 8],
    ] as const) {
      const { input, output } = gridsOf(curve, inBits, outBits);
      for (const pieces of [1, 5, 16, 50]) {
        const table = buildTable(f, input, output, { pieces, method, slopeBits: 16 });
        expectNearLine(table, lineOf(f, input, output, pieces, method), input, output);
      }
    }
  });

  test("the slopes use the width they are given, and a wider one never needs a smaller shift", () => {
    const { input, output } = gridsOf(curve, 8, 8);
    let shift = -1;
    for (let slopeBits = 6; slopeBits <= 32; slopeBits++) {
      const table = buildTable(f, input, output, { pieces: 16, method, slopeBits });
      const format = signed(slopeBits);
      const magnitudes = [...table.slopes].map((s) => (s < 0 ? s / minOf(format) : s / maxOf(format)));
      expect(Math.max(...magnitudes)).toBeLessThanOrEqual(1);
      const [own] = table.shifts;
      if (own! < 31) expect(Math.max(...magnitudes)).toBeGreaterThan(0.49 - 2 ** (2 - slopeBits));
      expect(own).toBeGreaterThanOrEqual(shift);
      shift = own!;
    }
  });
});

/**
 * Half an LSB in the base, half in the final rounding, and half a unit of the slope for every step away
 * from the knot. The last piece ends on a code and not on a real value: again at most half an LSB.
 */
function expectNearLine(table: PwlTable, placed: PiecewiseLine, input: Grid, output: Grid): void {
  const line = interpolate(placed);
  for (const [i, x] of [...codesOf(input)].entries()) {
    const run = x - table.knots.findLast((k) => k <= x)!;
    const off = lookup(table, x, "half-away") - output.zero - line[i]! / output.scale;
    const bound = 1 + run / 2 ** (table.shifts[0]! + 1) + 1e-9;
    if (!(Math.abs(off) <= bound)) expect.fail(`input ${x}: off by ${off} LSB, bound ${bound}`);
  }
}

test.each(PWL_METHODS)("%s: near its own line, which may leave the curve on the knots", (method) => {
  const { input, output } = gridsOf("tanh", 6, 8);
  const table = buildTable(CURVES.tanh.f, input, output, { pieces: 5, method, slopeBits: 16 });
  expectNearLine(table, lineOf(CURVES.tanh.f, input, output, 5, method), input, output);
});

test("any curve, any grid: near the line and on the knots", () => {
  const arbitrary = fc.record({
    waves: fc.array(fc.double({ min: -1, max: 1, noNaN: true }), { minLength: 4, maxLength: 4 }),
    inBits: fc.integer({ min: 2, max: 9 }),
    outBits: fc.integer({ min: 4, max: 16 }),
    isSigned: fc.boolean(),
    zero: fc.integer({ min: -4, max: 4 }),
    pieces: fc.integer({ min: 1, max: 40 }),
    method: fc.constantFrom<PwlMethod>(...QUICK),
  });
  fc.assert(
    fc.property(arbitrary, ({ waves, inBits, outBits, isSigned, zero, pieces, method }) => {
      const f = (x: number) => waves.reduce((sum, a, k) => sum + a * Math.sin((k + 1) * x), 0);
      const format = isSigned ? signed : unsigned;
      const input: Grid = { format: format(inBits), scale: 2 ** (2 - inBits), zero };
      const output: Grid = { format: format(outBits), scale: 2 ** (2 - outBits), zero: 2 * zero };
      const table = buildTable(f, input, output, { pieces, method, slopeBits: 24 });
      expectNearLine(table, lineOf(f, input, output, pieces, method), input, output);
    }),
    { numRuns: 200, seed: 5 },
  );
});

describe("tableError", () => {
  const { input, output } = gridsOf("sigmoid", 8, 8);
  const { f } = CURVES.sigmoid;

  test("is rounding alone when every input is a knot", () => {
    const error = tableError(
      buildTable(f, input, output, { pieces: 255, method: "slope", slopeBits: 16 }),
      f,
      input,
      output,
      "half-away",
    );
    expect(error.maxLsb).toBeLessThanOrEqual(0.5 + 1e-9);
    expect(error.monotonicityViolations).toBe(0);
  });

  test("counts by hand", () => {
    // The curve is the input itself; the table goes up by 2 from 0, then starts again at -1.
    const plain: Grid = { format: signed(3), scale: 1, zero: 0 };
    const table: PwlTable = {
      in: plain.format,
      out: signed(8),
      knots: Int32Array.of(-4, 0),
      bases: Int32Array.of(-4, -1),
      offsetFraction: 0,
      slopes: Int32Array.of(2, 1),
      shifts: Int32Array.of(0),
      slopeBits: 4,
    };
    // -4 -2 0 2 | -1 0 1 2 against -4 -3 -2 -1 0 1 2 3.
    const wide: Grid = { format: signed(8), scale: 1, zero: 0 };
    expect(tableError(table, (x) => x, plain, wide, "floor")).toEqual({
      maxLsb: 3,
      meanLsb: (0 + 1 + 2 + 3 - 4) / 8,
      rmsLsb: Math.sqrt((0 + 1 + 4 + 9 + 4) / 8),
      knotMaxLsb: 1,
      monotonicityViolations: 1,
    });
  });

  test("more pieces, less error", () => {
    const rms = [4, 8, 16, 32].map((pieces) => {
      const table = buildTable(f, input, output, { pieces, method: "uniform", slopeBits: 16 });
      return tableError(table, f, input, output, "half-away").rmsLsb;
    });
    for (let i = 1; i < rms.length; i++) expect(rms[i]).toBeLessThan(rms[i - 1]!);
  });
});

describe("saturation", () => {
  test("a curve that leaves the output is cut off at its ends", () => {
    const input: Grid = { format: signed(8), scale: 1, zero: 0 };
    const output: Grid = { format: signed(4), scale: 1, zero: 1 };
    const table = buildTable((x) => x, input, output, { pieces: 255, method: "slope", slopeBits: 8 });
    expect([-128, -10, -9, -8, 0, 6, 7, 127].map((x) => lookup(table, x, "floor"))).toEqual([
      -8, -8, -8, -7, 1, 7, 7, 7,
    ]);
    expect(tableError(table, (x) => x, input, output, "floor").maxLsb).toBe(0);
  });

  test("infinities go to the ends, and what is not a number goes with its neighbour", () => {
    const input: Grid = { format: signed(4), scale: 1, zero: 0 };
    const output: Grid = { format: signed(8), scale: 1 / 64, zero: 0 };
    const rsqrt = buildTable(CURVES.rsqrt.f, input, output, { pieces: 15, method: "uniform", slopeBits: 8 });
    expect([-8, -1, 0, 1, 4].map((x) => lookup(rsqrt, x, "floor"))).toEqual([127, 127, 127, 64, 32]);
    const log = buildTable(Math.log, input, output, { pieces: 15, method: "uniform", slopeBits: 9 });
    expect([-8, -1, 0, 1].map((x) => lookup(log, x, "floor"))).toEqual([-128, -128, -128, 0]);
    const gap = buildTable((x) => (Math.abs(x) < 2 ? Number.NaN : x / 64), input, output, {
      ...{ pieces: 15, method: "uniform", slopeBits: 8 },
    });
    expect([-2, -1, 0, 1, 2].map((x) => lookup(gap, x, "floor"))).toEqual([-2, -2, -2, 2, 2]);
  });
});

describe("refusals", () => {
  const { input, output } = gridsOf("tanh", 8, 8);
  const build = (pieces: number, slopeBits: number) =>
    buildTable(Math.tanh, input, output, { pieces, method: "slope", slopeBits });

  test("less than one piece", () => {
    expect(() => build(0, 16)).toThrow(new RangeError("a table has 1 piece or more, not 0"));
  });

  test("slopes of no width or beyond 32 bits", () => {
    expect(() => build(4, 1)).toThrow(RangeError);
    expect(() => build(4, 33)).toThrow(RangeError);
  });

  test("slopes that do not fit", () => {
    const fine: Grid = { format: signed(16), scale: 2 ** -15, zero: 0 };
    expect(() => buildTable(Math.tanh, input, fine, { pieces: 8, method: "slope", slopeBits: 8 })).toThrow(
      /does not fit 8 bits/,
    );
  });

  test("inputs of more than 16 bits, and a curve without values", () => {
    expect(() =>
      buildTable(Math.tanh, grid(17, -4, 4), output, { pieces: 4, method: "slope", slopeBits: 16 }),
    ).toThrow(/up to 16 bits, not 17/);
    expect(() =>
      buildTable(() => Number.NaN, input, output, { pieces: 4, method: "slope", slopeBits: 16 }),
    ).toThrow(/not a number on any input/);
  });
});
