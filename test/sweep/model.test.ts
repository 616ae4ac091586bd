import { describe, expect, test } from "vitest";
import { loadArch, makeArch } from "../../src/arch/spec.ts";
import type { Stage } from "../../src/model/job.ts";
import { type Model, observe, weightsOf } from "../../src/model/model.ts";
import { MODELS } from "../../src/model/table.ts";
import { makeRecipe } from "../../src/quant/recipe.ts";
import { columnsOf } from "../../src/sweep/columns.ts";
import { execute, Host } from "../../src/sweep/execute.ts";
import { executeOnFirst } from "../../src/sweep/halves.ts";
import type { LegalJob } from "../../src/sweep/legal.ts";
import { jobOf, measureOne, referenceOf } from "../../src/sweep/measure.ts";
import { costOf, type JobCost } from "../../src/sweep/price.ts";
import { chosenOf, countOf, type Subject } from "../../src/sweep/subject.ts";
import { because, missing } from "../model/fetched.ts";
import { frames, recordings } from "./frames.ts";

/** A model on some of its samples, as a sweep has it. */
function subjectOf(model: Model, params: unknown, samples: readonly unknown[]): Subject {
  const hashes = { modelHash: "", dataHash: "", hash: "", referenceHash: "" };
  const facts = { count: countOf(model, samples), parameters: 0, norm: model.normOf(params), ...hashes };
  const ranges = observe(model, params, samples);
  const preparedBy = () => ({ params, ranges });
  return { name: "g2p", path: "", model, params, samples, ranges, frozenRanges: ranges, preparedBy, facts };
}

const FOLDER = "experiments/models";
const absent = (name: keyof typeof MODELS) => missing(MODELS[name], `${FOLDER}/${name}`);
/** Lines of print are minutes of plain loops each: test/model/tesseract-integer.test.ts and ppocr-integer.test.ts take parts of some. */
const isLong = (name: string): boolean => name === "tesseract" || name === "ppocr";
const names = (Object.keys(MODELS) as (keyof typeof MODELS)[]).filter((name) => !isLong(name));
const subjects = [
  ...names
    .filter((name) => absent(name) === undefined)
    .map((name) => {
      const model: Model = MODELS[name];
      const folder = `${FOLDER}/${name}`;
      const all = model.samples(model.splits[0], folder);
      const samples = chosenOf<unknown>(model, all, 12);
      return { name, subject: subjectOf(model, model.load(weightsOf(model, folder)), samples) };
    }),
  { name: "a model of no table", subject: subjectOf(frames, frames.load(""), recordings) },
];

for (const name of names) {
  const reason = absent(name);
  if (reason !== undefined) test.skip(because(name, reason), () => {});
}

describe.each(subjects)("$name", ({ subject }) => {
  const { model, params, ranges, samples } = subject;
  const recipe = makeRecipe();

  test.each(["edge16x16", "edge8x8"])("the machine gives what its plain loops give, on %s", (name) => {
    const arch = loadArch(`arch/${name}.yaml`);
    const quantized = model.quantize(params, ranges, { recipe, arch: arch.settings });
    for (const mapper of ["fixed", "search"] as const) {
      const { job, inputs } = jobOf(subject, { recipe, arch }, mapper);
      const outcomes = execute(job, inputs, { lanes: 4 });
      for (const [i, sample] of samples.entries())
        expect(outcomes[i]!.outputs, model.nameOf(sample)).toEqual(
          model.exact(quantized, sample, arch.settings),
        );
    }
  });

  test("is near itself in floats, by every metric that says how near", () => {
    const { results } = measureOne(subject, recipe, makeArch(), "fixed");
    const reference = referenceOf(subject);
    const own = model.score(samples, reference, reference);
    const scores = model.score(samples, results.outputs, reference);
    expect(Object.keys(scores).sort()).toEqual(model.metrics.map(({ name }) => name).sort());
    for (const { name, isRelative } of model.metrics) {
      if (isRelative !== true) continue;
      expect(own[name]).toBe(1);
      // Ranges of a dozen samples leave some values outside.
      expect(scores[name]).toBeGreaterThan(0.8);
    }
  });

  test("costs what its stages cost, as often as they run", () => {
    const arch = makeArch();
    const { job, results, invocations, cost } = measureOne(subject, recipe, arch, "fixed");
    const stages = [...job.stages.values()].flat();
    expect(invocations.map(({ program }) => program)).toEqual([
      job.load,
      ...stages.map(({ program }) => program),
    ]);
    const turns = results.runs.flatMap((run) => run.turns).reduce((a, b) => a + b, 0);
    expect(invocations.slice(1).reduce((sum, { times }) => sum + times, 0)).toBe(turns);
    expect(cost.floats.fp32.equalArray.warmCycles).toBeGreaterThan(cost.warm.cycles);
    const executed = executeOnFirst({ subject, recipe, archs: [arch], mapper: "fixed" });
    expect(executed.results).toEqual({ key: "any array", of: results });
    expect(costOf(executed.priced[0] as JobCost, results.runs)).toEqual(cost);
  });
});

test("columns are named after a model's metrics and nouns", () => {
  const names = columnsOf(frames).map(({ name }) => name);
  expect(names).toEqual(
    expect.arrayContaining(["frames", "accuracy", "accuracy_float", "agreement_pct", "cycles_per_frame"]),
  );
  expect(names.filter((name) => /word|per_pct|wer|[{}]/.test(name))).toEqual([]);
  expect(columnsOf(frames).filter(({ doc }) => /word|[{}]/.test(doc))).toEqual([]);
  expect(names).toHaveLength(columnsOf(MODELS.g2p).length - 2);
});

describe("a host", () => {
  const arch = makeArch();
  const { subject } = subjects.at(-1)!;
  const { job, inputs } = jobOf(subject, { recipe: makeRecipe(), arch }, "fixed");
  const [frame] = job.stages.get(inputs[0]!.size)! as [Stage];
  const jobWith = (...stages: readonly Stage[]): LegalJob => ({
    ...job,
    stages: new Map([[inputs[0]!.size, stages]]),
  });

  test("runs a stage without an end for as long as an input's codes last, in any lanes", () => {
    const outcomes = execute(job, inputs, { lanes: 64 });
    expect(outcomes.map(({ turns }) => turns)).toEqual(recordings.map(({ frames: all }) => [all.length]));
    for (const lanes of [1, 2, 5]) expect(execute(job, inputs, { lanes })).toEqual(outcomes);
  });

  test("stops at the most turns, and goes on with the codes that are left in the next stage", () => {
    const [first] = execute(job, [inputs[1]!]);
    const [both] = execute(jobWith({ ...frame, turns: 2 }, { ...frame, name: "rest" }), [inputs[1]!]);
    expect(both).toMatchObject({ outputs: first!.outputs, turns: [2, 5] });
    const [short] = execute(jobWith({ ...frame, turns: 2 }), [inputs[1]!]);
    expect(short!.outputs).toEqual(first!.outputs.slice(0, 2));
  });

  test("ends a stage at its end, which is no output", () => {
    const raw = { ...inputs[1]!, keep: undefined };
    const { keep: _, ...plain } = raw;
    const [all] = execute(job, [plain]);
    const codes = all!.outputs.slice(5, 10);
    const [ended] = execute(jobWith({ ...frame, end: codes[0]! }), [plain]);
    expect(ended!.outputs).toEqual(all!.outputs.slice(0, 5));
    expect(ended!.turns).toEqual([2]);
  });

  test("refuses lanes that would go on from turns that were not theirs", () => {
    const two = jobWith(frame, { ...frame, name: "rest", turns: 1 });
    expect(() => execute(two, inputs)).toThrow(
      new RangeError("inputs of one size take unequal turns of frame, which is not the last stage"),
    );
    expect(execute(two, inputs, { lanes: 1 })).toHaveLength(inputs.length);
  });

  test("asks who watches each program, by stage and turn", () => {
    const told: unknown[] = [];
    const watch = ({ stage, turn }: { stage: string; turn?: number }) => {
      told.push([stage, turn]);
      return undefined;
    };
    new Host(jobWith({ ...frame, turns: 1 }, { ...frame, name: "rest" }), { lanes: 1, watch }).run([
      inputs[0]!,
    ]);
    expect(told).toEqual([
      ["load", undefined],
      ["frame", undefined],
      ["rest", 1],
      ["rest", 2],
    ]);
  });
});
