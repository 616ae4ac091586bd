import { expect, test } from "vitest";
import { silero } from "../../src/model/silero/index.ts";
import { makeRecipe } from "../../src/quant/recipe.ts";
import { type SubjectSpec, subjectOf } from "../../src/sweep/subject.ts";
import { because, missing } from "../model/fetched.ts";

const absent = missing(silero, "experiments/models/silero-vad");
const specOf = (model: SubjectSpec["model"], split: string): SubjectSpec => ({
  ...{ model, split, folder: `experiments/models/${model}` },
  ...{ samples: 20, calibration: 20, seed: 1 },
});

test.skipIf(absent !== undefined)(
  because("a recipe decides whether layers share their ranges, and calibration sees those layers", absent),
  () => {
    const subject = subjectOf(specOf("silero-vad", "sample"));
    const by = (recipe: Readonly<Record<string, unknown>>) => subject.preparedBy(makeRecipe(recipe));
    const [plain, level] = [by({}), by({ equalization: "yes" })];
    expect(plain.params).toBe(subject.params);
    expect(plain.ranges).toBe(subject.ranges);
    expect(level.params).not.toEqual(plain.params);
    // What goes in is the same, what flows between layers is not.
    expect(level.ranges.of("magnitudes")).toEqual(plain.ranges.of("magnitudes"));
    expect(level.ranges.of("conv.0")).not.toEqual(plain.ranges.of("conv.0"));
    // Weights are made level once, ranges once for each method.
    expect(by({ equalization: "yes" }).ranges).toBe(level.ranges);
    for (const range_method of ["average", "mse", "percentile"]) {
      const fitted = by({ equalization: "yes", range_method });
      expect(fitted.params).toBe(level.params);
      expect(fitted.ranges).not.toBe(level.ranges);
      expect(by({ range_method }).params).toBe(subject.params);
      expect(by({ range_method }).ranges.of("conv.0")).not.toEqual(fitted.ranges.of("conv.0"));
    }
  },
);

test("a model without such layers stays as it is", () => {
  const subject = subjectOf(specOf("g2p", "test"));
  expect(subject.preparedBy(makeRecipe({ equalization: "yes" }))).toEqual({
    ...{ params: subject.params, ranges: subject.ranges },
  });
});
