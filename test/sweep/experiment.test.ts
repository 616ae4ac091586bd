import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { loadExperiment } from "../../src/sweep/experiment.ts";
import { temporaryFolder } from "../model/files.ts";
import { refusalOf, refusalOfPoints, write } from "./lab.ts";

const GOOD = "question: Why?\nwords: { count: 3 }\narch: edge16x16\npoints: [{}]\n";

test("what need not be said", () => {
  expect(loadExperiment(write(GOOD))).toMatchObject({
    name: expect.stringMatching(/^x\d+$/),
    question: "Why?",
    points: [
      { subject: { model: "g2p", split: "test", samples: 3, calibration: 300, seed: 1 }, mapper: "fixed" },
    ],
  });
});

test("everything said", () => {
  const text = `name: mine\nmodel: g2p\nseed: 7\ncalibration: { words: 9 }\nrecipe: { cell_bits: 8 }\n${GOOD}`;
  const experiment = loadExperiment(write(text.replace("count: 3", "split: validation, count: all")));
  expect(experiment).toMatchObject({
    name: "mine",
    points: [
      {
        subject: { split: "validation", samples: 6083, calibration: 9, seed: 7 },
        ...{ recipe: { cell_bits: 8 }, changes: "cell_bits=8" },
      },
    ],
  });
});

test("machines and models beside the experiment come before those of the package", () => {
  const root = temporaryFolder();
  const path = join(root, "experiments", "mine.yaml");
  mkdirSync(join(root, "arch"), { recursive: true });
  mkdirSync(join(root, "experiments", "models", "g2p"), { recursive: true });
  writeFileSync(join(root, "arch", "edge16x16.yaml"), "mac: { rows: 3 }\n");
  writeFileSync(join(dirname(path), "odd.yaml"), "mac: { rows: 5 }\n");
  writeFileSync(path, GOOD.replace("[{}]", "[{}, { arch: ./odd.yaml }, { arch: dot16x16 }]"));
  const { points } = loadExperiment(path);
  expect(points.map(({ arch }) => [arch.name, arch.settings["mac.rows"]])).toEqual([
    ["edge16x16", 3],
    ["odd", 5],
    ["dot16x16", 16],
  ]);
  expect(points[0]!.subject.folder).toBe(join(root, "experiments", "models", "g2p"));
});

describe("refused, with the place", () => {
  test("what is missing", () => {
    expect(refusalOf("seed: 1\n")).toMatchInlineSnapshot(
      `"x.yaml: question: missing (one sentence); words.count: missing (how many words, or "all"); arch: missing (the name of a machine, or the path of its file); points: missing (a list of groups)"`,
    );
  });

  test("keys that do not exist", () => {
    expect(refusalOf(`${GOOD}\npoint: 3\ncalibration: { word: 3 }\n`)).toMatchInlineSnapshot(
      `"x.yaml: line 6, column 1: point: no such key; did you mean points?; line 7, column 16: calibration.word: no such key; did you mean words?"`,
    );
  });

  test("values of another kind", () => {
    const text =
      "question: 3\nname: []\nmodel: g3p\nwords: [1]\ncalibration: 7\nseed: -1\narch: {}\nrecipe: 8\npoints: {}\n";
    expect(refusalOf(text)).toMatchInlineSnapshot(
      `"x.yaml: line 1, column 1: question: 3 is not one sentence; line 2, column 1: name: a list is not a name; line 3, column 1: model: "g3p" is not one of g2p, g2p-ln, g2p-mad, lm-ln, lm-mad, lm-mogrifier, silero-vad, tesseract, and no path of a .yaml file; line 4, column 1: words: a list is not a mapping of split, count; line 5, column 1: calibration: 7 is not a mapping of words; line 6, column 1: seed: -1 is not an integer in 0 … 4294967295; line 7, column 1: arch: a mapping is not the name of a machine, or the path of its file; line 8, column 1: recipe: 8 is not a mapping of parameters; line 9, column 1: points: a mapping is not a list of groups"`,
    );
  });

  test("more words than there are", () => {
    const text = GOOD.replace("count: 3", "count: 7000").replace(
      "points",
      "calibration: { words: 0 }\npoints",
    );
    expect(refusalOf(text)).toMatchInlineSnapshot(
      `"x.yaml: line 2, column 10: words.count: 7000 is not an integer in 1 … 6157 words; line 4, column 16: calibration.words: 0 is not an integer in 1 … 6083 words"`,
    );
  });

  test("a machine that is not there", () => {
    expect(refusalOf(GOOD.replace("edge16x16", "edge16x17"))).toMatchInlineSnapshot(
      `"x.yaml: line 3, column 1: arch: no machine edge16x17; did you mean edge16x16?"`,
    );
  });

  test("recipe parameters: wrong names, wrong values, a machine's", () => {
    const text = `recipe: { weight_bit: 4, cell_bits: 99, mac.rows: 3 }\n${GOOD}`;
    expect(refusalOf(text)).toMatchInlineSnapshot(
      `"x.yaml: line 1, column 11: recipe.weight_bit: no such parameter; did you mean weight_bits?; line 1, column 41: recipe.mac.rows: no such parameter; line 1, column 26: recipe.cell_bits: 99 is not an integer in 2 … 16 bit"`,
    );
  });

  test("points: all mistakes of all groups at once", () => {
    const points = [
      "- axes: { weight_bits: [8, 40], mac.row: [1], pwl_method: slope }",
      "- { sets: { weight_bits: 4 }, arch: [edge8x8, egde8x8] }",
      "- { set: { requant.kind: sum }, axes: { cell_bits: [] } }",
      "- 7",
    ];
    expect(refusalOfPoints(points)).toMatchInlineSnapshot(
      `"x.yaml: line 6, column 35: points.0.axes.mac.row: no such parameter; did you mean mac.rows?; line 6, column 30: points.0.axes.weight_bits.1: 40 is not an integer in 2 … 16 bit; line 6, column 49: points.0.axes.pwl_method: "slope" is not a list of values; line 7, column 7: points.1.sets: no such key; did you mean set?; line 7, column 49: points.1.arch.1: no machine egde8x8; did you mean edge8x8?; line 8, column 43: points.2.axes.cell_bits: an empty list has no values; line 8, column 14: points.2.set.requant.kind: "sum" is not one of shift, two-shift, multiplier; line 9, column 5: points.3: 7 is not a mapping of arch, recipe, set, axes, zip, where"`,
    );
  });

  test("combinations that no machine can be built for, once each", () => {
    const points = [
      "- {}",
      "- axes: { weight_bits: [8, 4], acc.bits: [32, 48], requant.multiplierBits: [8, 20] }",
      "- { arch: edge8x8, set: { pwl_pieces: 64, rsqrt_pieces: 64 } }",
    ];
    expect(refusalOfPoints(points)).toMatchInlineSnapshot(
      `"x.yaml: line 7, column 5: points.1: edge16x16: requant.multiplierBits: 20 bits times an accumulator of 48 and a bias exceed the 64-bit product; line 8, column 5: points.2: edge8x8: pwl_pieces: 64 pieces exceed pwl.maxPieces 32; rsqrt_pieces: 64 pieces exceed pwl.maxPieces 32"`,
    );
  });

  test("what is no YAML", () => {
    expect(refusalOf("question: [\n")).toMatchInlineSnapshot(
      `"x.yaml:2:1: Flow sequence in block collection must be sufficiently indented and end with a ]"`,
    );
  });

  test("a file that is not there", () => {
    expect(() => loadExperiment("nowhere.yaml")).toThrow("nowhere.yaml: no such file");
  });

  test("a list in place of an experiment", () => {
    expect(refusalOf("- 1\n")).toMatchInlineSnapshot(
      `"x.yaml: not a mapping of question, name, model, words, calibration, seed, mapper, arch, recipe, where, points, baselines, derive"`,
    );
  });
});

describe("what the command line says is refused in its own name", () => {
  test.each([
    [
      { sets: { "mac.row": 3, cell_bits: "wide" } },
      '--set: mac.row: no such parameter; did you mean mac.rows?; cell_bits: "wide" is not an integer in 2 … 16 bit',
    ],
    [{ arch: "edge8x9" }, "--arch: no machine edge8x9; did you mean edge8x8?"],
    [{ words: 100_000 }, "--words: 100000 is not an integer in 1 … 6157 words"],
  ])("%j", (overrides, message) => {
    expect(refusalOf(GOOD, overrides)).toBe(message);
  });
});

test("more pieces than a machine has are no problem for a parameter that is not in use", () => {
  expect(refusalOfPoints(["- { arch: edge8x8, set: { rsqrt_pieces: 64, norm_inverse: division } }"])).toBe(
    "nothing",
  );
});

test.each(readdirSync("experiments").filter((name) => name.endsWith(".yaml")))("%s is sound", (name) => {
  const { points, question } = loadExperiment(join("experiments", name));
  expect(points.length).toBeGreaterThan(0);
  expect(question).toMatch(/\?$/);
});

test.each([
  ["g2p", 24],
  ["g2p-full", 200],
])("%s asks at least %i points", (name, least) => {
  expect(loadExperiment(`experiments/${name}.yaml`).points.length).toBeGreaterThanOrEqual(least);
});
