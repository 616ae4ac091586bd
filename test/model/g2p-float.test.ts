import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import check from "../../experiments/models/g2p/float-check.json" with { type: "json" };
import { EOS, letters } from "../../src/model/g2p/alphabet.ts";
import { agreement, score } from "../../src/model/g2p/metrics.ts";
import { encode, MAX_PHONES, runReal } from "../../src/model/g2p/real.ts";
import { loadG2p } from "../../src/model/g2p/weights.ts";
import { loadWords, phonesFromText } from "../../src/model/g2p/words.ts";
import { G2P, G2P_WEIGHTS } from "./files.ts";

const model = loadG2p(G2P_WEIGHTS);
const { test: words } = loadWords();
const file = `${G2P}/float-predictions.tsv`;
const predictions = readFileSync(file, "utf8")
  .trimEnd()
  .split("\n")
  .slice(1)
  .map((line, i) => phonesFromText(line.split("\t")[1]!, `${file}:${i + 2}`));
const spell = (word: string) => Array.from(word, (letter) => letters.indexOf(letter));

/** The check's logits come from single precision and are printed to six decimals. */
const LOGIT_BOUND = 1e-4;

/** In the card's words: percent to four decimals. */
const percent = (ratio: number) => (100 * ratio).toFixed(4);

describe("against the model as trained", () => {
  test.each(check.checks)("teacher-forced logits of $word", ({ word, phones, logits }) => {
    const teacher = phonesFromText(phones.join(" "), word);
    const run = runReal(model, spell(word), { teacher });
    expect(run.logits.length).toBe(logits.length);
    for (const [step, row] of logits.entries()) {
      for (const [i, wanted] of row.entries()) {
        const value = run.logits[step]![i]!;
        if (!(Math.abs(value - wanted) <= LOGIT_BOUND)) {
          expect.fail(`step ${step}, phone ${i}: ${value} is not ${wanted} within ${LOGIT_BOUND}`);
        }
      }
    }
  });

  test("the stored predictions score the card's figures", () => {
    const { per, wer } = score(predictions, words);
    expect([percent(per), percent(wer)]).toEqual(["9.4293", "38.2004"]);
  });

  test("all test words: the same phones as stored, and the card's figures", () => {
    const own = words.map((word) => runReal(model, word.letters).phones);
    const same = own.map((p, i) => p.join() === predictions[i]!.join());
    expect(same.slice(0, 300)).not.toContain(false);
    // A near tie may fall the other way in double precision: one word in a thousand is allowed.
    expect(same.filter(Boolean).length / words.length).toBeGreaterThanOrEqual(0.999);
    expect(agreement(own, predictions)).toBeGreaterThanOrEqual(0.999);
    const { per, wer } = score(own, words);
    expect([percent(per), percent(wer)]).toEqual(["9.4293", "38.2004"]);
  });
});

describe("how a run ends", () => {
  test("greedy decoding stops at <eos> or after maxPhones", () => {
    const whole = runReal(model, spell("ADORES"));
    expect(whole.logits.length).toBe(whole.phones.length + 1);
    expect(whole.phones).not.toContain(EOS);
    const cut = runReal(model, spell("ADORES"), { maxPhones: 2 });
    expect(cut.phones).toEqual(whole.phones.slice(0, 2));
    expect(cut.logits).toEqual(whole.logits.slice(0, 2));
    expect(MAX_PHONES).toBe(22);
  });

  test("a run led by its own choices is the greedy run", () => {
    const greedy = runReal(model, spell("ALAM"));
    expect(runReal(model, spell("ALAM"), { teacher: greedy.phones })).toEqual(greedy);
  });

  test("no letters and letters outside the alphabet are refused", () => {
    for (const wrong of [[], [28], [-1]]) expect(() => runReal(model, wrong)).toThrow(RangeError);
    expect(() => runReal(model, spell("AB"), { teacher: [42] })).toThrow(RangeError);
  });
});

describe("the tap", () => {
  /** How often each site is seen, and how long its vectors are. */
  function sitesOf(word: string, maxPhones: number) {
    const seen = new Map<string, { times: number; length: number }>();
    const tap = (site: string, values: Float64Array) => {
      seen.set(site, { times: (seen.get(site)?.times ?? 0) + 1, length: values.length });
    };
    const run = runReal(model, spell(word), { maxPhones, tap });
    return { seen, run };
  }

  test("shows every site, as often as it is passed, and changes nothing", () => {
    const { seen, run } = sitesOf("ADORES", 3);
    expect(run).toEqual(runReal(model, spell("ADORES"), { maxPhones: 3 }));
    const wanted: Record<string, [times: number, length: number]> = {
      letters: [6, 48],
      keys: [6, 64],
      bridge: [1, 96],
      start: [1, 96],
      phones: [3, 48],
      logits: [3, 42],
      "attention.query": [3, 64],
      "attention.sum": [18, 64],
      "attention.tanh": [18, 64],
      "attention.score": [3, 6],
      "attention.softmax.below": [3, 6],
      "attention.context": [3, 192],
    };
    for (const [cell, steps, input] of [
      ["encoder.forward", 6, 48],
      ["encoder.backward", 6, 48],
      ["decoder", 3, 240],
    ] as const) {
      wanted[`${cell}.input.x`] = [steps, input];
      wanted[`${cell}.input.h`] = [steps, 96];
      for (const site of ["product.x", "product.h", "gates"]) wanted[`${cell}.${site}`] = [steps, 384];
      wanted[`${cell}.gates.sigmoid`] = [2 * steps, 96];
      wanted[`${cell}.gates.tanh`] = [steps, 96];
      for (const site of ["cell", "cell.tanh", "hidden"]) wanted[`${cell}.${site}`] = [steps, 96];
      for (const [norm, length] of [
        ["norm.x", 384] as const,
        ["norm.h", 384] as const,
        ["norm.c", 96] as const,
      ]) {
        for (const site of [norm, `${norm}.centred`, `${norm}.normalized`])
          wanted[`${cell}.${site}`] = [steps, length];
        for (const site of [`${norm}.mean`, `${norm}.deviation`]) wanted[`${cell}.${site}`] = [steps, 1];
      }
    }
    const found = Array.from(seen, ([site, { times, length }]) => [site, [times, length]]);
    expect(Object.fromEntries(found)).toEqual(wanted);
  });

  test("the encoder alone shows its own sites and ends in the decoder's start", () => {
    const seen = new Map<string, number[]>();
    const { start, memory, keys } = encode(model, spell("AB"), (site, values) => seen.set(site, [...values]));
    expect(seen.get("start")).toEqual([...start]);
    expect(seen.get("keys")).toEqual([...keys[1]!]);
    expect(memory.map((m) => m.length)).toEqual([192, 192]);
    expect([...seen.keys()].some((site) => /^(decoder|attention|phones|logits)/.test(site))).toBe(false);
  });
});
