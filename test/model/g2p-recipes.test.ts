import { readdirSync } from "node:fs";
import { expect, test } from "vitest";
import { makeArch, overrideArch } from "../../src/arch/spec.ts";
import { runExact } from "../../src/model/g2p/exact.ts";
import { compileG2p } from "../../src/model/g2p/lower.ts";
import { quantizeG2p } from "../../src/model/g2p/quantize.ts";
import { loadG2p } from "../../src/model/g2p/weights.ts";
import { loadWords } from "../../src/model/g2p/words.ts";
import { observe } from "../../src/model/model.ts";
import { MODELS } from "../../src/model/table.ts";
import { makeRecipe } from "../../src/quant/recipe.ts";
import { loadRecipe } from "../../src/quant/recipe-file.ts";
import { execute } from "../../src/sweep/execute.ts";
import { legalize } from "../../src/sweep/legal.ts";
import { G2P_WEIGHTS } from "./files.ts";

const { g2p } = MODELS;

const model = loadG2p(G2P_WEIGHTS);
const { test: words, validation } = loadWords();
const ranges = observe(g2p, model, validation.slice(0, 100));
const some = [3, 7, 10].map((length) => words.find(({ letters }) => letters.length === length)!);

test.each(readdirSync("recipes"))("under %s the machine speaks as the integers do", (file) => {
  const { name, values, machine } = loadRecipe(`recipes/${file}`);
  const arch = overrideArch(makeArch(), machine, name);
  const q = quantizeG2p(model, ranges, { recipe: makeRecipe(values), arch: arch.settings });
  const job = compileG2p(
    q,
    arch,
    some.map(({ letters }) => letters.length),
  );
  const outcomes = execute(
    legalize(job, arch),
    some.map((word) => g2p.inputOf(q, word)),
  );
  for (const [i, { spelling, letters }] of some.entries()) {
    const { phones } = runExact(q, letters, arch.settings);
    expect(phones.length, spelling).toBeGreaterThan(1);
    expect(outcomes[i]!.outputs, spelling).toEqual(phones);
    expect(outcomes[i]!.overflows, spelling).toBe(0);
  }
});
