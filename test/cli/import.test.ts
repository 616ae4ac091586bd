import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { fromNpyTensor, toNpyTensor } from "../../src/base/npy.ts";
import { CORPUS } from "../onnx/corpus.ts";
import { type ModelSpec, modelBytes } from "../onnx/models.ts";
import { folder, shiftline, without } from "./shiftline.ts";

/** A model's file in a folder of its own. */
function written(spec: ModelSpec): { readonly at: string; readonly model: string } {
  const at = folder();
  const model = join(at, "model.onnx");
  writeFileSync(model, modelBytes(spec));
  return { at, model };
}

test("import tells a model's operators, their work, and what of it the machine could take", async () => {
  const { at, model } = written(CORPUS["conv"]!);
  const { status, out, err } = await shiftline("import", model);
  expect({ status, err }).toEqual({ status: 0, err: "" });
  expect(without(at, out)).toMatchInlineSnapshot(`
    "model       FOLDER/model.onnx
    producer    test
    opset       13
    inputs      x: float32 [1, 3, 8, 8]
    outputs     y: float32 [1, 10]
    parameters  152
    MACs        1,768
    patterns    gain and bias folded into convolution 1

    operator           nodes   MACs     %  elements     %
    Conv                   1  1,728  97.7        64  37.2
    MatMul                 1     40   2.3        10   5.8
    Relu                   1      0   0.0        64  37.2
    MaxPool                1      0   0.0        16   9.3
    Softmax                1      0   0.0        10   5.8
    Flatten                1      0   0.0         4   2.3
    GlobalAveragePool      1      0   0.0         4   2.3

    what a lowering takes it to       nodes   MACs     %  elements     %  operators
    matrix product                        1     40   2.3        10   5.8  MatMul
    convolution                           1  1,728  97.7        64  37.2  Conv
    softmax                               1      0   0.0        10   5.8  Softmax
    curve                                 1      0   0.0        64  37.2  Relu
    element-wise                          2      0   0.0        20  11.6  MaxPool, GlobalAveragePool
    layout: addresses, no arithmetic      1      0   0.0         4   2.3  Flatten

    computed by  nodes   MACs      %  elements      %  operators
    machine          7  1,768  100.0       172  100.0
    "
  `);
});

test("import --json is one document of the same", async () => {
  const { model } = written(CORPUS["attention"]!);
  const document = JSON.parse((await shiftline("import", model, "--shape", "q=2,2,3,4", "--json")).out);
  expect(document).toMatchObject({
    ...{ opset: 13, producer: "test", file: model, parameters: 4 },
    inputs: ["q", "k", "v"].map((name) => ({ name, dtype: "float32", shape: [2, 2, 3, 4] })),
    outputs: [{ name: "y", dtype: "float32", shape: [2, 2, 3, 4] }],
    patterns: { SiLU: 1, "layer normalization": 1, "softmax attention": 1 },
    total: { nodes: 3, macs: 2 * 2 * 2 * 9 * 4, elements: 3 * 48, open: 0 },
  });
  expect(document.ops.map(({ op, target }: { op: string; target: string }) => [op, target])).toEqual([
    ["SoftmaxAttention", "softmax"],
    ["LayerNormalization", "norm"],
    ["Silu", "curve"],
  ]);
});

test("what has open sizes is counted apart, with what would close them", async () => {
  const { model } = written(CORPUS["attention"]!);
  const { out } = await shiftline("import", model);
  expect(out.trimEnd().split("\n").at(-1)).toBe(
    "3 of 3 nodes have open sizes and are not counted: give sizes with --shape q=1,2,T,4 --shape k=1,2,T,4 --shape v=1,2,T,4",
  );
});

test("--from and --to choose a part, and say what is outside it", async () => {
  const { at, model } = written(CORPUS["conv"]!);
  const { status, out, err } = await shiftline("import", model, "--from", "r", "--to", "l");
  expect({ status, err }).toEqual({ status: 0, err: "" });
  expect(without(at, out)).toMatchInlineSnapshot(`
    "model       FOLDER/model.onnx
    producer    test
    opset       13
    inputs      r: float32 [1, 4, 4, 4]
    outputs     l: float32 [1, 10]
    parameters  40
    MACs        40
    outside     3 of 7 nodes, 1,728 of 1,768 MACs (97.7 %)
    patterns    none

    operator           nodes  MACs      %  elements     %
    MatMul                 1    40  100.0        10  29.4
    MaxPool                1     0    0.0        16  47.1
    Flatten                1     0    0.0         4  11.8
    GlobalAveragePool      1     0    0.0         4  11.8

    what a lowering takes it to       nodes  MACs      %  elements     %  operators
    matrix product                        1    40  100.0        10  29.4  MatMul
    element-wise                          2     0    0.0        20  58.8  MaxPool, GlobalAveragePool
    layout: addresses, no arithmetic      1     0    0.0         4  11.8  Flatten

    computed by  nodes  MACs      %  elements      %  operators
    machine          4    40  100.0        34  100.0
    "
  `);
  const document = async (...words: readonly string[]) =>
    JSON.parse((await shiftline("import", model, "--json", ...words)).out);
  expect(await document("--to", "r")).toMatchObject({
    inputs: [{ name: "x" }],
    outputs: [{ name: "r", dtype: "float32", shape: [1, 4, 4, 4] }],
    total: { nodes: 2, macs: 1728 },
    outside: { nodes: 5, macs: 40 },
    patterns: { "gain and bias folded into convolution": 1 },
  });
  // Between the two of that pattern there is no such group.
  expect(await document("--from", "c")).toMatchObject({ patterns: {}, outside: { macs: 1728 } });
  expect(await document()).not.toHaveProperty("outside");
});

test("sizes that a part leaves open are those of the model's inputs", async () => {
  const { model } = written(CORPUS["attention"]!);
  const { out } = await shiftline("import", model, "--to", "y");
  expect(out.trimEnd().split("\n").at(-1)).toMatch(/give sizes with --shape q=1,2,T,4 --shape k=1,2,T,4/);
});

test("--run computes a part, of values that the model itself computes", async () => {
  const { at, model } = written(CORPUS["conv"]!);
  const f = join(at, "f.npy");
  writeFileSync(f, toNpyTensor({ dtype: "float32", shape: [1, 4], data: [1, 0, 0, 0] }));
  const words = ["--from", "f", "--to", "l", "--run", `f=${f}`, "--out", join(at, "out")];
  const answer = await shiftline("import", model, ...words);
  expect(answer).toEqual({ status: 0, out: `${join(at, "out", "l.npy")}  float32 [1, 10]\n`, err: "" });
  const first = Array.from(CORPUS["conv"]!.constants!["h"]!.data).slice(0, 10);
  expect(Array.from(fromNpyTensor(readFileSync(join(at, "out", "l.npy")), "").data)).toEqual(first);
});

test("--fix chooses a branch, and of an open choice the one with more products is counted", async () => {
  const { model } = written(CORPUS["branches"]!);
  const macs = async (...words: readonly string[]) =>
    JSON.parse((await shiftline("import", model, "--json", ...words)).out).total.macs;
  expect(await macs()).toBe(18);
  expect(await macs("--fix", "rate=16")).toBe(18);
  expect(await macs("--fix", "rate=8")).toBe(0);
});

test("--run computes a model on .npy files, and writes its outputs", async () => {
  const { at, model } = written(CORPUS["branches"]!);
  const [x, rate] = [join(at, "x.npy"), join(at, "rate.npy")];
  writeFileSync(x, toNpyTensor({ dtype: "float32", shape: [2, 3], data: [1, 2, 3, 4, 5, 6] }));
  writeFileSync(rate, toNpyTensor({ dtype: "int64", shape: [], data: [8] }));
  const answer = await shiftline(
    "import",
    model,
    "--run",
    `x=${x}`,
    "--run",
    `rate=${rate}`,
    "--out",
    join(at, "out"),
  );
  expect(answer).toEqual({ status: 0, out: `${join(at, "out", "y.npy")}  float32 [2, 3]\n`, err: "" });
  const y = fromNpyTensor(readFileSync(join(at, "out", "y.npy")), "y.npy");
  const bias = Array.from(CORPUS["branches"]!.nodes[1]!.branches!["else_branch"]!.constants!["k"]!.data);
  expect(y).toEqual({
    ...{ dtype: "float32", shape: [2, 3] },
    data: Float64Array.of(1, 2, 3, 4, 5, 6).map((value, i) => Math.fround(value + bias[i % 3]!)),
  });
});

test("what cannot be done is refused in a line, and nothing is left behind", async () => {
  const { at, model } = written(CORPUS["branches"]!);
  const x = join(at, "x.npy");
  writeFileSync(x, toNpyTensor({ dtype: "float32", shape: [2, 2], data: [1, 2, 3, 4] }));
  const out = join(at, "out");
  const refused = async (...words: readonly string[]) => {
    const { status, err } = await shiftline("import", ...words);
    return `${status} ${without(at, err).replace(/^shiftline: |\n$/g, "")}`;
  };
  expect(await refused(join(at, "none.onnx"))).toBe("1 FOLDER/none.onnx: no such file");
  expect(await refused(x)).toMatch(/^1 FOLDER\/x\.npy: is truncated or no ONNX model \(.*\)$/);
  expect(await refused(model, "--run", `x=${x}`)).toBe(
    "2 --run and --out go together (see shiftline --help)",
  );
  expect(await refused(model, "--run", `x=${x}`, "--out", out)).toBe(
    "1 FOLDER/model.onnx: input x: [2, 2] for float32 [2, 3]",
  );
  expect(await refused(model, "--run", `x=${model}`, "--out", out)).toBe(
    "1 FOLDER/model.onnx: is no .npy file",
  );
  expect(await refused(model, "--fix", "rate=1,2")).toBe(
    "1 FOLDER/model.onnx: input rate: 2 elements for int64 []",
  );
  expect(await refused(model, "--fix", "rate=fast")).toMatch(/^2 --fix takes NAME=NUMBER,…, not "rate=fast"/);
  expect(await refused(model, "--shape", "x=0,3")).toBe(
    "1 --shape: x=0,3: sizes are whole numbers from 1 on",
  );
  expect(await refused(model, "--from", "x,,y")).toMatch(/^2 --from takes NAME,…, not "x,,y"/);
  expect(await refused(model, "--to", "nothing")).toBe(
    "1 FOLDER/model.onnx: value nothing: is not in the graph",
  );
  expect(await refused(model, "--shape", "z=1")).toBe(
    "1 FOLDER/model.onnx: has no input z; its inputs are x, rate",
  );
  expect(existsSync(out)).toBe(false);
});
