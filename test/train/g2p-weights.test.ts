import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { score } from "../../src/model/g2p/metrics.ts";
import { loadWords } from "../../src/model/g2p/words.ts";
import { MODELS } from "../../src/model/table.ts";

describe.each(["g2p-ln", "g2p-mad"] as const)("the weights of %s", (name) => {
  const folder = `experiments/models/${name}`;
  const file = `${folder}/${name}.safetensors`;
  const card = readFileSync(`${folder}/README.md`, "utf8");
  const stated = (what: string) => new RegExp(`${what} \\*\\*([\\d.]+) %`).exec(card)?.[1];

  test("say what their card states", () => {
    const words = loadWords().test;
    const params = MODELS[name].load(file);
    const said = words.map((word) => [...MODELS[name].reference(params, word)]);
    const { per, wer } = score(said, words);
    expect([(100 * per).toFixed(2), (100 * wer).toFixed(2)]).toEqual([stated("PER"), stated("WER")]);
  });

  test("are those of the card", () => {
    expect(card).toContain(createHash("sha256").update(readFileSync(file)).digest("hex"));
  });
});
