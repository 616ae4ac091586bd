import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  expNegative,
  logistic,
  reciprocalOnePlus,
  roundingDoublingHighMultiply16,
  tanh,
} from "../../src/fixed/elementary.ts";
import { edges } from "../support/exact.ts";
import { expectInt, expectSameInts } from "../support/ints.ts";
import { goldenInt16, goldenTable } from "./golden.ts";

const INTEGER_BITS = [0, 1, 2, 3, 4, 5, 6];
const INT16 = Array.from({ length: 2 ** 16 }, (_, i) => i - 2 ** 15);

/** The columns of a table of integers, by row. */
const rowsOf = (file: string) =>
  goldenTable(file)
    .slice(1)
    .map((row) => row.map(Number));

describe.each(INTEGER_BITS)("gemmlowp itself, all of 16 bits with %i integer bits", (integerBits) => {
  test.each([
    ["logistic", logistic],
    ["tanh", tanh],
  ] as const)("%s", (name, run) => {
    const want = goldenInt16(`gemmlowp/${name}_i16_ib${integerBits}.bin`);
    const got = INT16.map((x) => run(x, integerBits, 16));
    expectSameInts(got, want, `${name} with ${integerBits} integer bits`);
  });
});

test("gemmlowp itself, 32 bits", () => {
  for (const [x, want] of rowsOf("gemmlowp/exp_neg_q5_26.csv")) {
    expectInt(expNegative(x!), want!, () => `exp(${x})`);
  }
  for (const [x, want] of rowsOf("gemmlowp/one_over_one_plus_x_q0_31.csv")) {
    expectInt(reciprocalOnePlus(x!), want!, () => `1 / (1 + ${x})`);
  }
  for (const [x, wantLogistic, wantTanh] of rowsOf("gemmlowp/logistic_tanh_q3_28.csv")) {
    expectInt(logistic(x!, 3, 32), wantLogistic!, () => `logistic(${x})`);
    expectInt(tanh(x!, 3, 32), wantTanh!, () => `tanh(${x})`);
  }
});

test("doubling high multiply of 16 bits on all pairs of edges", () => {
  for (const a of edges(16)) {
    for (const b of edges(16)) {
      const want = Math.min(Math.floor((a * b + 2 ** 14) / 2 ** 15), 2 ** 15 - 1);
      expectInt(roundingDoublingHighMultiply16(a, b), want, () => `${a} · ${b}`);
    }
  }
});

describe.each([
  [16, 2 ** 15],
  [32, 2 ** 31],
] as const)("%i bits", (bits, one) => {
  const argument = fc.record({
    x: fc.integer({ min: -one, max: one - 1 }),
    integerBits: fc.integer({ min: 0, max: 6 }),
  });

  test("the logistic function and tanh are mirrored, and never negative zero", () => {
    fc.assert(
      fc.property(argument, ({ x, integerBits }) => {
        const mirrored = Math.min(-x, one - 1);
        const [up, down] = [logistic(x, integerBits, bits), logistic(mirrored, integerBits, bits)];
        const [right, left] = [tanh(x, integerBits, bits), tanh(mirrored, integerBits, bits)];
        const whole = x === 0 ? one : one - 1;
        // The lowest code has no mirror image of its own.
        const isMirrored = x === -one || (up + down === whole && right + left === 0);
        return isMirrored && ![up, down, right, left].some((y) => Object.is(y, -0));
      }),
      { seed: 17 },
    );
  });

  test("they are as near the functions as they say", () => {
    const bound =
      bits === 16 ? { logistic: 6.8 / one, tanh: 12.1 / one } : { logistic: 2 ** -23, tanh: 2 ** -22 };
    fc.assert(
      fc.property(argument, ({ x, integerBits }) => {
        const real = (x / one) * 2 ** integerBits;
        const sigmoidError = logistic(x, integerBits, bits) / one - 1 / (1 + Math.exp(-real));
        const tanhError = tanh(x, integerBits, bits) / one - Math.tanh(real);
        return Math.abs(sigmoidError) < bound.logistic && Math.abs(tanhError) < bound.tanh;
      }),
      { seed: 19, numRuns: 2000 },
    );
  });
});

test("exp and 1 / (1 + x) are as near the functions as they say", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: -(2 ** 31), max: 0 }),
      (x) => Math.abs(expNegative(x) / 2 ** 31 - Math.exp(x / 2 ** 26)) < 2 ** -22,
    ),
    { seed: 23, numRuns: 2000 },
  );
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 2 ** 31 - 1 }),
      (x) => Math.abs(reciprocalOnePlus(x) / 2 ** 31 - 1 / (1 + x / 2 ** 31)) < 2 ** -28,
    ),
    { seed: 29, numRuns: 2000 },
  );
});

test("negative zero is zero", () => {
  expectInt(expNegative(-0), 2 ** 31 - 1, () => "exp(-0)");
  expectInt(reciprocalOnePlus(-0), 2 ** 31 - 1, () => "1 / (1 + -0)");
  expectInt(logistic(-0, 3, 16), 2 ** 14, () => "logistic(-0)");
  expectInt(tanh(-0, 3, 16), 0, () => "tanh(-0)");
});

test("what is out of range is refused", () => {
  for (const x of [1, -(2 ** 31) - 1, Number.NaN]) expect(() => expNegative(x), `${x}`).toThrow(RangeError);
  for (const x of [-1, 2 ** 31, Number.NaN]) expect(() => reciprocalOnePlus(x), `${x}`).toThrow(RangeError);
  for (const run of [logistic, tanh]) {
    for (const x of [2 ** 15, -(2 ** 15) - 1, Number.NaN]) expect(() => run(x, 3, 16)).toThrow(RangeError);
    for (const integerBits of [-1, 7, 0.5]) expect(() => run(1, integerBits, 16)).toThrow(RangeError);
  }
});
