import { create, toBinary } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { InputError } from "../../src/base/errors.ts";
import { parseModel } from "../../src/onnx/parse.ts";
import { fuse } from "../../src/onnx/patterns/fuse.ts";
import {
  type ModelProto,
  ModelProtoSchema,
  OperatorSetIdProtoSchema,
  SparseTensorProtoSchema,
  TensorProtoSchema,
} from "../../src/onnx/proto/onnx_pb.ts";
import { resolve } from "../../src/onnx/resolve.ts";
import { f32, type GraphSpec, i64, type ModelSpec, modelProto } from "./models.ts";

const RELU: ModelSpec = {
  inputs: [{ name: "x", shape: [2, 3] }],
  outputs: ["y"],
  nodes: [{ name: "relu", op: "Relu", inputs: ["x"], outputs: ["y"] }],
};

/** What is said of a file that is made to hurt, and that it is said at once. */
function refusal(bytes: Uint8Array): string {
  const before = process.cpuUsage();
  try {
    fuse(resolve(parseModel(bytes, "evil.onnx")));
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    const { user, system } = process.cpuUsage(before);
    expect(user + system).toBeLessThan(1e6);
    return error.message;
  }
  return "loaded";
}

const written = (spec: ModelSpec, change: (model: ModelProto) => void = () => {}): Uint8Array => {
  const model = modelProto(spec);
  change(model);
  return toBinary(ModelProtoSchema, model);
};

/** Relu of a constant instead of the input. */
const ofConstant = (change: (model: ModelProto) => void): Uint8Array =>
  written({ ...RELU, inputs: [], constants: { x: f32([2], [1, 2]) } }, change);

const tensor = (model: ModelProto) => model.graph!.initializer[0]!;

const one = (op: string, spec: Partial<ModelSpec> & Partial<ModelSpec["nodes"][number]> = {}): ModelSpec => ({
  ...RELU,
  ...spec,
  nodes: [
    {
      name: "it",
      op,
      inputs: spec.inputs ? ["x"] : ["x"],
      outputs: ["y"],
      ...(spec.attributes && { attributes: spec.attributes }),
    },
  ],
});

/** An If in an If in an If … */
const nested = (depth: number): GraphSpec => ({
  outputs: ["y"],
  nodes: [
    depth === 0
      ? { op: "Relu", inputs: ["x"], outputs: ["y"] }
      : {
          op: "If",
          inputs: ["c"],
          outputs: ["y"],
          branches: { then_branch: nested(depth - 1), else_branch: nested(0) },
        },
  ],
});

const withCondition = (depth: number): ModelSpec => ({
  ...nested(depth),
  inputs: [
    { name: "x", shape: [2] },
    { name: "c", dtype: "bool", shape: [] },
  ],
});

test.each<readonly [string, () => Uint8Array, string]>([
  [
    "an empty file",
    () => new Uint8Array(),
    "evil.onnx: names no version of ONNX's operators: it is no ONNX model",
  ],
  [
    "no protobuf",
    () => new TextEncoder().encode("<html></html>"),
    "evil.onnx: is truncated or no ONNX model (",
  ],
  ["a truncated file", () => written(RELU).slice(0, -5), "evil.onnx: is truncated or no ONNX model ("],
  ["no graph", () => written(RELU, (m) => delete m.graph), "evil.onnx: has no graph: it is no ONNX model"],
  ["no outputs", () => written({ ...RELU, outputs: [] }), "evil.onnx: has no outputs"],
  [
    "an old opset",
    () => written({ ...RELU, opset: 6 }),
    "evil.onnx: opset 6 is not in 7 … 22: convert the model",
  ],
  [
    "a new opset",
    () => written({ ...RELU, opset: 23 }),
    "evil.onnx: opset 23 is not in 7 … 22: convert the model",
  ],
  [
    "no opset of ONNX's own",
    () =>
      written(RELU, (m) => {
        m.opsetImport = [create(OperatorSetIdProtoSchema, { domain: "else", version: 1n })];
      }),
    "evil.onnx: names no version of ONNX's operators: it is no ONNX model",
  ],
  [
    "functions",
    () =>
      written(RELU, (m) => {
        m.functions = [{ $typeName: "onnx.FunctionProto", name: "f" }];
      }),
    "evil.onnx: defines functions of its own (f): inline them first",
  ],
  [
    "sparse initializers",
    () =>
      written(RELU, (m) => {
        m.graph!.sparseInitializer = [create(SparseTensorProtoSchema)];
      }),
    "evil.onnx: has sparse initializers, which are not read",
  ],
  [
    "external data",
    () =>
      ofConstant((m) => {
        tensor(m).dataLocation = 1;
      }),
    "evil.onnx: initializer x: its elements are in another file (external data): save the model with all weights inside",
  ],
  [
    "a type that is not held",
    () =>
      ofConstant((m) => {
        tensor(m).dataType = 8;
      }),
    "evil.onnx: initializer x: elements of ONNX's type 8 are not read",
  ],
  [
    "too few raw bytes",
    () =>
      ofConstant((m) => {
        Object.assign(tensor(m), { floatData: [], rawData: new Uint8Array(7) });
      }),
    "evil.onnx: initializer x: raw_data of 7 bytes where float32 [2] takes 8",
  ],
  [
    "too many elements",
    () =>
      ofConstant((m) => {
        tensor(m).floatData = [1, 2, 3];
      }),
    "evil.onnx: initializer x: 3 elements where float32 [2] takes 2",
  ],
  [
    "a dimension of 2^31",
    () =>
      ofConstant((m) => {
        tensor(m).dims = [2n ** 31n];
      }),
    "evil.onnx: initializer x: [2147483648] has more than 268435456 elements",
  ],
  [
    "dimensions that overflow, hidden by a 0",
    () =>
      ofConstant((m) => {
        tensor(m).dims = [2n ** 62n, 0n, 2n ** 62n];
      }),
    "evil.onnx: initializer x: [4611686018427388000, 0, 4611686018427388000] has more than 268435456 elements",
  ],
  [
    "a dimension below 0",
    () =>
      ofConstant((m) => {
        tensor(m).dims = [-2n];
      }),
    "evil.onnx: initializer x: a dimension of -2 is below 0",
  ],
  [
    "an initializer twice",
    () =>
      ofConstant((m) => {
        m.graph!.initializer.push(create(TensorProtoSchema, tensor(m)));
      }),
    "evil.onnx: initializer x: its name is taken",
  ],
  [
    "an output twice",
    () =>
      written({ ...RELU, nodes: [...RELU.nodes, { name: "abs", op: "Abs", inputs: ["x"], outputs: ["y"] }] }),
    "evil.onnx: node abs (Abs, opset 22): its output y has a name that is taken",
  ],
  [
    "an output of an input's name",
    () => written({ ...RELU, nodes: [{ name: "abs", op: "Abs", inputs: ["x"], outputs: ["x"] }] }),
    "evil.onnx: node abs (Abs, opset 22): its output x has a name that is taken",
  ],
  [
    "an input that nothing gives",
    () => written({ ...RELU, inputs: [] }),
    "evil.onnx: node relu (Relu, opset 22): reads x, which nothing gives",
  ],
  [
    "an output that nothing gives",
    () => written({ ...RELU, outputs: ["z"] }),
    "evil.onnx: output z: nothing gives it",
  ],
  [
    "a cycle",
    () =>
      written({
        ...RELU,
        nodes: [
          { name: "a", op: "Add", inputs: ["x", "z"], outputs: ["y"] },
          { name: "b", op: "Relu", inputs: ["y"], outputs: ["z"] },
        ],
      }),
    "evil.onnx: node a (Add, opset 22): waits for itself: the graph has a cycle",
  ],
  [
    "an attribute that the operator does not have",
    () => written(one("Relu", { attributes: { alpha: 1 } })),
    "evil.onnx: node it (Relu, opset 22): has no attribute alpha",
  ],
  [
    "an attribute of another type",
    () =>
      written(one("Flatten", { attributes: { axis: 1 } }), (m) => {
        m.graph!.node[0]!.attribute[0]!.type = 1;
      }),
    "evil.onnx: node it (Flatten, opset 22): axis is of ONNX's type 1, not 2",
  ],
  [
    "an axis that is not there",
    () => written(one("Softmax", { attributes: { axis: 2 } })),
    "evil.onnx: node it (Softmax, opset 22): axis 2 is none of 2 dimensions",
  ],
  [
    "shapes that do not multiply",
    () => written({ ...RELU, nodes: [{ name: "mm", op: "MatMul", inputs: ["x", "x"], outputs: ["y"] }] }),
    "evil.onnx: node mm (MatMul, opset 22): shapes [2, 3] and [2, 3] do not multiply",
  ],
  [
    "an operator of a later opset",
    () => written(one("Gelu", { opset: 19 })),
    "evil.onnx: node it (Gelu, opset 19): exists from opset 20 on",
  ],
  [
    "names of many lines",
    () =>
      written({
        ...RELU,
        nodes: [{ name: `a\n${"b".repeat(1000)}`, op: "Add", inputs: ["x"], outputs: ["y"] }],
      }),
    `evil.onnx: node a?${"b".repeat(58)}… (Add, opset 22): 1 inputs where 2 … 2 are taken`,
  ],
  ["a deep nest of If", () => written(withCondition(40)), "evil.onnx: is truncated or no ONNX model ("],
])("%s is refused in a line", (_, file, message) => {
  const said = refusal(file());
  expect(said.split("\n")).toHaveLength(1);
  expect(message.endsWith("(") ? said.slice(0, message.length) : said).toBe(message);
});

test("an If within ten others is read", () => {
  expect(refusal(written(withCondition(10)))).toBe("loaded");
});

test("what would take gigabytes is not computed while a model is read, and not when it is run", () => {
  const huge = (op: string, sizes: readonly number[]): ModelSpec => ({
    outputs: ["y"],
    constants: { n: i64(...sizes), x: f32([1], [1]) },
    nodes: [{ name: "big", op, inputs: op === "ConstantOfShape" ? ["n"] : ["x", "n"], outputs: ["y"] }],
  });
  for (const op of ["ConstantOfShape", "Expand", "Tile"]) {
    for (const sizes of [[2 ** 31], [2 ** 62, 2 ** 62], [2 ** 28 + 1]]) {
      const shape = op === "Tile" ? sizes.slice(0, 1) : sizes;
      expect(refusal(written(huge(op, shape))), op).toBe("loaded");
    }
  }
});

test("a bomb of constants stays within what folding may cost", () => {
  // Each node doubles: 2^60 elements at the end, of which only the first few are made.
  const nodes = Array.from({ length: 60 }, (_, i) => ({
    ...{ op: "Concat", inputs: [`x${i}`, `x${i}`], outputs: [`x${i + 1}`], attributes: { axis: 0 } },
  }));
  const bomb = { outputs: ["x60"], constants: { x0: f32([1], [1]) }, nodes };
  const graph = resolve(parseModel(written(bomb), "evil.onnx"));
  const elements = [...graph.constants.values()].reduce((sum, { data }) => sum + data.length, 0);
  expect(elements).toBeLessThan(2 ** 25);
  expect(graph.types.get("x60")!.shape).toEqual([2 ** 60]);
});

test("long chains are read without running out of stack", () => {
  const length = 20_000;
  for (const op of ["Mul", "Add"]) {
    const nodes = Array.from({ length }, (_, i) => ({ op, inputs: [`v${i}`, "c"], outputs: [`v${i + 1}`] }));
    const chain = {
      inputs: [{ name: "v0", shape: [1] }],
      outputs: [`v${length}`],
      constants: { c: f32([1], [2]) },
      nodes,
    };
    expect(refusal(written(chain)), op).toBe("loaded");
  }
});
