import { expect, test } from "vitest";
import { textOf } from "../../src/model/lm/passages.ts";
import { readSafetensors } from "../../src/model/safetensors.ts";
import { swapNorms } from "../../src/model/swap.ts";
import { MODELS } from "../../src/model/table.ts";

const where = "experiments/models/lm-ln/lm-ln.safetensors";

test("gains take what the deviation has less: the model is nearer to what it was", () => {
  const weights = readSafetensors(where);
  const { weights: swapped, gains } = swapNorms(weights);
  expect(gains).toBe(3);
  const [passage] = MODELS["lm-ln"].choose!([textOf("test")], 90, 1);
  const perplexity = (model: (typeof MODELS)["lm-ln"], of: typeof swapped): number => {
    const outputs = [model.reference(model.load(where, of), passage!)];
    return model.score([passage!], outputs, outputs)["perplexity"]!;
  };
  const before = perplexity(MODELS["lm-ln"], weights);
  const asIs = perplexity(MODELS["lm-mad"], weights);
  const scaled = perplexity(MODELS["lm-mad"], swapped);
  expect(Math.abs(Math.log(scaled / before))).toBeLessThan(0.5 * Math.abs(Math.log(asIs / before)));
});

test("everything else stays", () => {
  const weights = readSafetensors(where);
  const { weights: swapped } = swapNorms(weights);
  for (const [name, { data }] of weights) {
    const factor = name.endsWith(".gain") ? 0.7979 : 1;
    expect(swapped.get(name)!.data.at(7)).toBeCloseTo(factor * data.at(7)!, 3);
  }
});
