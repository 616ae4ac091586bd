import seedrandom from "seedrandom";
import { describe, expect, test } from "vitest";
import { isqrt, normalize, normalizeAny } from "../../src/fixed/isqrt.ts";
import { edges, exactRoundShift } from "../support/exact.ts";
import { randomInt } from "../support/ints.ts";

const MAX = Number.MAX_SAFE_INTEGER;

test("isqrt on every 16-bit value", () => {
  for (let x = 0; x <= 2 ** 16; x++) expectRoot(x);
});

test("isqrt on both sides of squares, small to the largest", () => {
  const largest = 94_906_265; // floor of the root of 2^53
  const roots = [largest, largest - 1];
  for (let power = 1; power < largest; power *= 2) roots.push(power - 1, power, power + 1);
  const rng = seedrandom("isqrt");
  for (let i = 0; i < 5000; i++) roots.push(Math.floor(rng() * largest));
  for (const r of roots) for (const d of [-1, 0, 1]) if (r > 0) expectRoot(r * r + d);
  expectRoot(MAX);
  expectRoot(MAX - 1);
});

test("isqrt of what has no root is refused", () => {
  for (const x of [-1, 0.5, MAX + 1, Number.NaN]) expect(() => isqrt(x), `${x}`).toThrow(RangeError);
  expect(isqrt(-0)).toBe(0);
});

/** The definition, in integers that cannot overflow: r² <= x < (r + 1)². */
function expectRoot(x: number): void {
  const r = isqrt(x);
  const root = BigInt(r);
  if (!(r >= 0 && root * root <= BigInt(x) && BigInt(x) < (root + 1n) * (root + 1n)) || Object.is(r, -0)) {
    expect.fail(`isqrt(${x}) is ${r}`);
  }
}

describe.each([
  ["normalize", normalize, 2 ** 14, 2],
  ["normalizeAny", normalizeAny, 2 ** 15, 1],
] as const)("%s", (name, run, least, step) => {
  const rng = seedrandom(name);
  const values = [
    ...Array.from({ length: 70_000 }, (_, i) => i + 1),
    ...edges(54).filter((x) => x > 0 && x <= MAX),
    ...Array.from({ length: 5000 }, () => Math.abs(randomInt(rng, 54)) || 1),
  ];

  test("keeps the leading bits: the mantissa in range, the exponent a multiple of the step", () => {
    for (const x of values) {
      const { mantissa, exponent } = run(x);
      const want =
        exponent < 0 ? BigInt(x) << BigInt(-exponent) : exactRoundShift(BigInt(x), exponent, "floor");
      const isRight =
        BigInt(mantissa) === want && mantissa >= least && mantissa < 2 ** 16 && exponent % step === 0;
      if (!isRight) expect.fail(`${name}(${x}) is ${mantissa} · 2^${exponent}`);
    }
  });

  test("refuses what has no leading bit", () => {
    for (const x of [0, -1, 1.5, MAX + 1]) expect(() => run(x), `${x}`).toThrow(RangeError);
  });
});

test("normalized numbers, by hand", () => {
  expect([1, 2, 3, 2 ** 14, 2 ** 15, 2 ** 16, 2 ** 16 - 1].map((x) => normalize(x))).toEqual([
    { mantissa: 2 ** 14, exponent: -14 },
    { mantissa: 2 ** 15, exponent: -14 },
    { mantissa: 3 * 2 ** 14, exponent: -14 },
    { mantissa: 2 ** 14, exponent: 0 },
    { mantissa: 2 ** 15, exponent: 0 },
    { mantissa: 2 ** 14, exponent: 2 },
    { mantissa: 2 ** 16 - 1, exponent: 0 },
  ]);
  expect([1, 3, 2 ** 17 - 1].map((x) => normalizeAny(x))).toEqual([
    { mantissa: 2 ** 15, exponent: -15 },
    { mantissa: 3 * 2 ** 14, exponent: -14 },
    { mantissa: 2 ** 16 - 1, exponent: 1 },
  ]);
});
