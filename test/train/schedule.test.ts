import { describe, expect, test } from "vitest";
import { rateAt } from "../../src/train/schedule.ts";

describe("the learning rate", () => {
  const constant = { rate: 0.5, warmup: 10, schedule: "constant" } as const;
  const at = (step: number, validation: readonly number[] = []) => ({ step, steps: 100, validation });

  test("rises evenly while it is warming up, and then stays", () => {
    const rates = [1, 5, 10, 11, 100].map((step) => rateAt(constant, at(step)));
    expect(rates).toEqual([0.05, 0.25, 0.5, 0.5, 0.5]);
  });

  test("without a warm-up is whole at once", () => {
    expect(rateAt({ ...constant, warmup: 0 }, at(1))).toBe(0.5);
  });

  test("by a cosine is whole at first, half in the middle, and nearly nothing at last", () => {
    const cosine = { rate: 1, warmup: 0, schedule: "cosine" } as const;
    expect(rateAt(cosine, at(1))).toBe(1);
    expect(rateAt(cosine, at(51))).toBeCloseTo(0.5, 12);
    expect(rateAt(cosine, at(100))).toBeCloseTo(0.000247, 6);
  });

  test.each([
    [[], 1],
    [[5, 4, 3], 1],
    [[5, 4, 4], 0.25],
    [[5, 6, 4, 4.5], 0.0625],
  ])("on a plateau, after validation losses %j, is %d of itself", (validation, share) => {
    expect(rateAt({ rate: 1, warmup: 0, schedule: "plateau" }, at(50, validation))).toBe(share);
  });
});
