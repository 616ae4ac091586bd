import { describe, expect, test } from "vitest";
import { CURVES, type Curve, erf } from "../../src/pwl/curves.ts";

describe.each(Object.entries<Curve>(CURVES))("%s", (_, { f, domain: [lo, hi], symmetry }) => {
  const points = Array.from({ length: 501 }, (_, i) => lo + ((hi - lo) * i) / 500);

  test("is finite on its domain", () => {
    expect(points.map(f).every(Number.isFinite)).toBe(true);
  });

  test("has the symmetry it declares, on a domain that has it too", () => {
    if (symmetry === undefined) return;
    expect(lo).toBe(-hi);
    for (const x of points) expect(f(-x)).toBeCloseTo(symmetry - f(x), 14);
  });

  test("declares a symmetry if it has one, where its domain does", () => {
    if (lo !== -hi) return;
    const sums = points.map((x) => f(x) + f(-x));
    const isSymmetric = sums.every((sum) => Math.abs(sum - sums[0]!) < 1e-12);
    expect(symmetry !== undefined).toBe(isSymmetric);
  });
});

test.each(["sigmoid", "sigmoid2", "tanh", "exp", "softplus", "elu", "log", "sqrt"] as const)(
  "%s rises",
  (curve) => {
    const { f, domain } = CURVES[curve];
    const values = Array.from({ length: 501 }, (_, i) => f(domain[0] + ((domain[1] - domain[0]) * i) / 500));
    for (let i = 1; i < values.length; i++) expect(values[i]).toBeGreaterThan(values[i - 1]!);
  },
);

test("the positive half is the negative one and x: gelu, silu, softplus, hard-swish", () => {
  for (const curve of ["gelu", "silu", "softplus", "hard-swish"] as const) {
    const { f } = CURVES[curve];
    for (let x = -6; x <= 6; x += 0.01) expect(f(x) - f(-x)).toBeCloseTo(x, 13);
  }
});

/** erf and 1 - erf as the C library of GNU computes them, to its last place. */
const ERROR_FUNCTION = [
  [0.5, 0.5204998778130465, 0.4795001221869535],
  [1, 0.8427007929497149, 0.15729920705028513],
  [2, 0.9953222650189527, 0.004677734981047265],
  [2.49, 0.9995707121322661, 0.000429287867733913],
  [2.51, 0.9996142945182758, 0.0003857054817242798],
  [3, 0.9999779095030014, 2.2090496998585438e-5],
  [4, 0.9999999845827421, 1.541725790028002e-8],
  [5.5, 0.9999999999999927, 7.357847917974398e-15],
] as const;

test.each(ERROR_FUNCTION)("the error function at %d", (x, of, complement) => {
  expect(Math.abs(erf(x) / of - 1)).toBeLessThan(1e-15);
  expect(erf(-x)).toBe(-erf(x));
  // gelu(-x sqrt(2)) is -x / sqrt(2) times the complement: small, and right to its own last places.
  expect(Math.abs(CURVES.gelu.f(-x * Math.SQRT2) / ((-x / Math.SQRT2) * complement) - 1)).toBeLessThan(1e-12);
});

test("values known by heart", () => {
  const { sigmoid, tanh, exp, rsqrt, reciprocal } = CURVES;
  expect([sigmoid.f(0), tanh.f(0), exp.f(0), rsqrt.f(1), reciprocal.f(1)]).toEqual([0.5, 0, 1, 1, 1]);
  expect([sigmoid.f(-1000), sigmoid.f(1000), rsqrt.f(4), reciprocal.f(2)]).toEqual([0, 1, 0.5, 0.5]);
  expect([-9, -3, 0, 3, 9].map(CURVES["hard-sigmoid"].f)).toEqual([0, 0, 0.5, 1, 1]);
  expect([-3, -1.5, 0, 3, 4].map(CURVES["hard-swish"].f)).toEqual([-0, -0.375, 0, 3, 4]);
  expect([CURVES.softplus.f(0), CURVES.softplus.f(1000), CURVES.elu.f(-1000)]).toEqual([Math.LN2, 1000, -1]);
});
