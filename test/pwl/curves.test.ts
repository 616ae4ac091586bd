import { describe, expect, test } from "vitest";
import { CURVES, type Curve } from "../../src/pwl/curves.ts";

describe.each(Object.entries<Curve>(CURVES))("%s", (_, { f, domain: [lo, hi], symmetry }) => {
  const points = Array.from({ length: 501 }, (_, i) => lo + ((hi - lo) * i) / 500);

  test("is finite and monotone on its domain", () => {
    const values = points.map(f);
    expect(values.every(Number.isFinite)).toBe(true);
    const direction = Math.sign(values.at(-1)! - values[0]!);
    for (let i = 1; i < values.length; i++)
      expect((values[i]! - values[i - 1]!) * direction).toBeGreaterThan(0);
  });

  test("has the symmetry it declares, on a domain that has it too", () => {
    if (symmetry === "none") return;
    expect(lo).toBe(-hi);
    for (const x of points) expect(f(-x)).toBeCloseTo(symmetry === "odd" ? -f(x) : 1 - f(x), 14);
  });
});

test("values known by heart", () => {
  const { sigmoid, tanh, exp, rsqrt, reciprocal } = CURVES;
  expect([sigmoid.f(0), tanh.f(0), exp.f(0), rsqrt.f(1), reciprocal.f(1)]).toEqual([0.5, 0, 1, 1, 1]);
  expect([sigmoid.f(-1000), sigmoid.f(1000), rsqrt.f(4), reciprocal.f(2)]).toEqual([0, 1, 0.5, 0.5]);
});
