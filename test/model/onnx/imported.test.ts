import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import seedrandom from "seedrandom";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { makeArch } from "../../../src/arch/spec.ts";
import { type Model, observe } from "../../../src/model/model.ts";
import { importedModel } from "../../../src/model/onnx/imported.ts";
import { makeRecipe } from "../../../src/quant/recipe.ts";
import { execute } from "../../../src/sweep/execute.ts";
import { legalize } from "../../../src/sweep/legal.ts";
import { shiftline } from "../../cli/shiftline.ts";
import { f32, modelBytes } from "../../onnx/models.ts";

/** A model that somebody brings, from a description's file to figures. */

const ROWS = 12;
let folder = "";
const rng = seedrandom("imported");
const drawn = (count: number) => Array.from({ length: count }, () => 2 * rng() - 1);

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "shiftline-imported-"));
  const at = (name: string) => join(folder, name);
  // Floor, which the machine does not have, on either side of a layer that it has.
  writeFileSync(
    at("net.onnx"),
    modelBytes({
      inputs: [{ name: "x", shape: ["batch", 4] }],
      outputs: ["y"],
      constants: {
        ten: f32([], [10]),
        w: f32([4, 3], drawn(12)),
        b: f32([3], drawn(3)),
      },
      nodes: [
        { op: "Mul", inputs: ["x", "ten"], outputs: ["tens"] },
        { op: "Floor", inputs: ["tens"], outputs: ["whole"] },
        { op: "MatMul", inputs: ["whole", "w"], outputs: ["product"] },
        { op: "Add", inputs: ["product", "b"], outputs: ["logits"] },
        { op: "Relu", inputs: ["logits"], outputs: ["positive"] },
        { op: "Ceil", inputs: ["positive"], outputs: ["y"] },
      ],
    }),
  );
  const rows = Array.from({ length: ROWS }, () => drawn(4).join(","));
  writeFileSync(at("data.csv"), `${rows.join("\n")}\n`);
  writeFileSync(at("net.yaml"), "onnx: net.onnx\ncalibration: data.csv\nsamples: data.csv\n");
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const described = (text: string): string => {
  const path = join(folder, "other.yaml");
  writeFileSync(path, text);
  return path;
};

describe("a description", () => {
  test("makes a model: its ends are the host's, its middle the machine's, bit by bit what plain loops give", () => {
    const model = importedModel(join(folder, "net.yaml"));
    const params = model.load(model.locate!(folder));
    const samples = model.samples("sample", folder);
    expect(samples).toHaveLength(ROWS);
    const arch = makeArch();
    const ranges = observe(model, params, model.samples("calibration", folder));
    const q = model.quantize(params, ranges, { recipe: makeRecipe({}), arch: arch.settings });
    const job = legalize(model.compile(q, arch, [1]), arch);
    const outputs = execute(
      job,
      samples.map((sample) => model.inputOf(q, sample)),
    ).map((one) => one.outputs);
    expect(outputs).toEqual(samples.map((sample) => model.exact(q, sample, arch.settings)));
    const reference = samples.map((sample) => model.reference(params, sample));
    const { agreement, cosine } = model.score(samples, outputs, reference) as Record<string, number>;
    expect(agreement).toBeGreaterThan(0.8);
    expect(cosine).toBeGreaterThan(0.99);
    expect(model.invocations(1)).toBe(
      "one program a frame. The host computes Floor, Mul, Ceil in floats: 0 of 12 MACs a frame",
    );
  });

  test("its figures are 1 for what is equal, and tell the largest of each vector", () => {
    const model = importedModel(join(folder, "net.yaml")) as Model;
    const samples = model.samples("sample", folder).slice(0, 2);
    const right = [
      [1, 2, 0],
      [0, 0, 5],
    ];
    expect(model.score(samples, right, right)).toEqual({ agreement: 1, cosine: 1 });
    expect(
      model.score(
        samples,
        [
          [2, 1, 0],
          [0, 0, 4],
        ],
        right,
      ),
    ).toEqual({
      agreement: 0.5,
      cosine: (2 + 2 + 20) / Math.sqrt((4 + 1 + 16) * (1 + 4 + 25)),
    });
  });

  test.each([
    ["onnx: net.onnx\n", "calibration: Invalid input"],
    ["onnx: net.onnx\ncalibration: data.csv\nsamples: data.csv\nsample: x\n", "Unrecognized key"],
    ["onnx: none.onnx\ncalibration: data.csv\nsamples: data.csv\n", "none.onnx: no such file"],
    ["onnx: net.onnx\nshapes: { z: [1] }\ncalibration: data.csv\nsamples: data.csv\n", "has no input z"],
    [
      "onnx: net.onnx\nshapes: { x: [0, 4] }\ncalibration: data.csv\nsamples: data.csv\n",
      "line 2, column 15: shapes.x.0",
    ],
    [
      "onnx: net.onnx\nfrom: [nothing]\ncalibration: data.csv\nsamples: data.csv\n",
      "value nothing: is not in the graph",
    ],
    [
      "onnx: net.onnx\nstates: { x: y }\ncalibration: data.csv\nsamples: data.csv\n",
      "state x is not at the ends of the machine's part",
    ],
    ["onnx: net.onnx\ncalibration: data.csv\nsamples: none.csv\n", "none.csv: no such file"],
  ])("%j is refused in a line", (text, problem) => {
    const path = described(text);
    let message = "";
    try {
      const model = importedModel(path);
      model.samples("sample", folder);
      model.load(model.locate!(folder));
    } catch (error) {
      message = (error as Error).message;
    }
    expect(message).toContain(problem);
    expect(message).not.toContain("\n");
  });
});

describe("commands", () => {
  test("run and sweep take a description where they take a model", async () => {
    const path = join(folder, "net.yaml");
    const ran = await shiftline("run", "--model", path, "--json");
    expect(ran.err).toBe("");
    expect(JSON.parse(ran.out).columns.agreement_pct).toBeGreaterThan(80);
    const out = join(folder, "sweep.csv");
    const swept = await shiftline("sweep", "imported", "--model", path, "--out", out);
    expect(swept).toMatchObject({ status: 0 });
    const [header, ...rows] = readFileSync(out, "utf8").trimEnd().split("\n");
    expect(header!.split(",")).toEqual(expect.arrayContaining(["agreement_pct", "cosine_pct"]));
    expect(rows.length).toBeGreaterThan(10);
    expect(rows.every((row) => row.includes(path))).toBe(true);
  });

  test("a name that is neither is refused", async () => {
    const { status, err } = await shiftline("run", "--model", "g3p");
    expect(status).toBe(2);
    expect(err).toContain('--model: "g3p" is not one of g2p');
    expect(err).toContain("and no path of a .yaml file");
  });
});
