import fc from "fast-check";
import { expect, test } from "vitest";
import { polynomialExp, polynomialGelu } from "../../src/fixed/polynomial.ts";
import { expectInt } from "../support/ints.ts";

/** Constants of I-BERT: a (p + b)² + c ~ exp(p), and a (q + b)² + 1 ~ erf(q / √2). */
const EXP = { a: 0.3585, b: 1.353, c: 0.344 };
const ERF = { a: -0.2888, b: -1.769 };

/** The exponential's constants on a grid of `scale` real units: a becomes 1, and the result's unit a · scale². */
const expOn = (scale: number) => ({
  log2: Math.floor(Math.LN2 / scale),
  a: 1,
  b: Math.floor(EXP.b / scale),
  c: Math.floor(EXP.c / (EXP.a * scale * scale)),
});

/** The error function's on the grid of x / √2. */
const erfOn = (scale: number) => ({
  one: Math.floor(1 / (-ERF.a * scale * scale)),
  b: Math.floor(ERF.b / scale),
});

test("exp is its definition on unbounded integers", () => {
  const cases = fc.record({
    t: fc.integer({ min: -(2 ** 20), max: 0 }),
    log2: fc.integer({ min: 1, max: 2 ** 12 }),
    a: fc.integer({ min: -7, max: 7 }),
    b: fc.integer({ min: -(2 ** 13), max: 2 ** 13 }),
    c: fc.integer({ min: -(2 ** 30), max: 2 ** 30 }),
  });
  fc.assert(
    fc.property(cases, ({ t, log2, a, b, c }) => {
      const quotient = BigInt(-t) / BigInt(log2);
      const z = quotient > 31n ? 31n : quotient;
      const p = BigInt(t) + z * BigInt(log2);
      const want = (BigInt(a) * (p + BigInt(b)) ** 2n + BigInt(c)) >> z;
      return Object.is(polynomialExp(t, { log2, a, b, c }), Number(want));
    }),
    { seed: 31, numRuns: 2000 },
  );
});

test("gelu is its definition on unbounded integers", () => {
  const cases = fc.record({
    x: fc.integer({ min: -(2 ** 15), max: 2 ** 15 }),
    one: fc.integer({ min: 0, max: 2 ** 28 }),
    b: fc.integer({ min: -(2 ** 14), max: 0 }),
  });
  fc.assert(
    fc.property(cases, ({ x, one, b }) => {
      const q = BigInt(Math.min(Math.abs(x), -b));
      const erf = BigInt(Math.sign(x)) * (BigInt(one) - (q + BigInt(b)) ** 2n);
      return Object.is(polynomialGelu(x, { one, b }), Number(BigInt(x) * ((BigInt(one) + erf) >> 1n)));
    }),
    { seed: 37, numRuns: 2000 },
  );
});

test("on a fine grid the polynomials are as good as I-BERT says", () => {
  const scale = 2 ** -12;
  for (let t = -(8 * 4096); t <= 0; t += 7) {
    const y = polynomialExp(t, expOn(scale)) * EXP.a * scale * scale;
    const error = Math.abs(y - Math.exp(t * scale));
    if (error > 3e-3) expect.fail(`exp(${t * scale}) is off by ${error}`);
  }
  const half = scale / Math.SQRT2;
  for (let x = -(4 * 4096); x <= 4 * 4096; x += 7) {
    const y = polynomialGelu(x, erfOn(half)) * scale * -ERF.a * half * half;
    const error = Math.abs(y - gelu(x * scale));
    if (error > 2e-2) expect.fail(`gelu(${x * scale}) is off by ${error}`);
  }
});

test("both sides of gelu", () => {
  const c = { one: 101, b: -10 };
  // From -b on the error function is 1, and its mirror image cancels `one`.
  expect([20, 10, -10, -20].map((x) => polynomialGelu(x, c))).toEqual([20 * 101, 10 * 101, 0, 0]);
  // (101 + 20) / 2 and (101 - 20) / 2, both dropped: 60 and 40.
  expect([1, -1].map((x) => polynomialGelu(x, c))).toEqual([60, -40]);
  for (const x of [0, -0]) expectInt(polynomialGelu(x, c), 0, () => `gelu(${x})`);
});

test("exp ends at 31 halvings", () => {
  const c = { log2: 10, a: 1, b: 0, c: 2 ** 40 };
  expectInt(polynomialExp(-0, c), 2 ** 40, () => "exp(-0)");
  expect(polynomialExp(-319, c)).toBe(Math.floor((81 + 2 ** 40) / 2 ** 31));
  expect(polynomialExp(-1000, c)).toBe(Math.floor((690 ** 2 + 2 ** 40) / 2 ** 31));
});

test("what has no exact product is refused", () => {
  expect(() => polynomialExp(1, { log2: 1, a: 1, b: 1, c: 1 })).toThrow(RangeError);
  expect(() => polynomialExp(0, { log2: 1, a: 1, b: 2 ** 27, c: 0 })).toThrow(RangeError);
  expect(() => polynomialExp(0, { log2: 1, a: 2 ** 30, b: 2 ** 12, c: 0 })).toThrow(RangeError);
  expect(() => polynomialExp(-1, { log2: 0, a: 1, b: 1, c: 1 })).toThrow(RangeError);
  expect(() => polynomialGelu(2 ** 30, { one: 2 ** 30, b: -4 })).toThrow(RangeError);
  expect(() => polynomialGelu(1, { one: 0, b: -(2 ** 27) })).toThrow(RangeError);
});

/** x · Φ(x), the error function by its series, which converges everywhere. */
function gelu(x: number): number {
  let term = x / Math.SQRT2;
  let sum = term;
  for (let n = 1; n < 100; n++) {
    term *= (-x * x) / 2 / n;
    sum += term / (2 * n + 1);
  }
  return (x / 2) * (1 + (2 / Math.sqrt(Math.PI)) * sum);
}
