import { describe, expect, test } from "vitest";
import { CURVES, erf } from "../../src/pwl/curves.ts";
import { CURVE_BOUND, curve } from "../../src/validate/operators/bounded.ts";

/** A thousand arguments in ± 1, and one far away. */
const withOutlier = (far: number): number[] => [
  far,
  ...Array.from({ length: 999 }, (_, i) => Math.sin(i) * (i % 7 === 0 ? 0.01 : 1)),
];

describe("a curve keeps to its bound however far its arguments reach", () => {
  test.each([
    ["tanh", Math.tanh],
    ["erf", erf],
    ["sigmoid", CURVES.sigmoid.f],
  ] as const)("%s", (_, f) => {
    for (const far of [2, 32, 100, -1000]) {
      const x = withOutlier(far);
      const want = x.map(f);
      const bound = CURVE_BOUND * (Math.max(0, ...want) - Math.min(0, ...want));
      for (const [i, got] of curve(x, f).entries()) {
        if (Math.abs(got - want[i]!) > bound)
          expect.fail(`f(${x[i]}) = ${want[i]}, got ${got}, reach ${far}`);
      }
    }
  });
});
