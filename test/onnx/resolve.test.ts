import { expect, test } from "vitest";
import { execute } from "../../src/onnx/execute.ts";
import type { Graph } from "../../src/onnx/graph.ts";
import { summarize } from "../../src/onnx/summary.ts";
import { readTensor, type Tensor, tensorOf } from "../../src/onnx/tensor.ts";
import { CORPUS } from "./corpus.ts";
import { f32, graphOf, i64, type ModelSpec, modelProto, tensorProto } from "./models.ts";

const ops = ({ nodes }: Graph): string[] => nodes.map(({ op }) => op.name);
const shapeOf = (graph: Graph, i = 0) => graph.types.get(graph.outputs[i]!.value)!.shape;

test("a choice that hangs on a constant is made, also within another one, and its branch takes the node's place", () => {
  const { branches } = CORPUS as { branches: ModelSpec };
  expect(ops(graphOf(branches))).toEqual(["Equal", "If"]);
  expect(ops(graphOf(branches, { fixed: new Map([["rate", [16]]]) }))).toEqual(["MatMul"]);
  expect(ops(graphOf(branches, { fixed: new Map([["rate", [8]]]) }))).toEqual(["Add"]);
});

test("a choice on data computes the branch that the data say", () => {
  const graph = graphOf(CORPUS["branches"]!);
  const x = f32([2, 3], [1, -2, 3, -4, 5, -6]);
  for (const rate of [8, 16]) {
    const inputs = new Map([
      ["x", x],
      ["rate", tensorOf("int64", [], [rate])],
    ]);
    const chosen = execute(
      graphOf(CORPUS["branches"]!, { fixed: new Map([["rate", [rate]]]) }),
      new Map([["x", x]]),
    );
    expect(execute(graph, inputs)).toEqual(chosen);
  }
});

test("names of a branch and of the graph around it may be the same: they are other values", () => {
  const spec: ModelSpec = {
    inputs: [
      { name: "x", shape: [1] },
      { name: "c", dtype: "bool", shape: [] },
    ],
    outputs: ["y"],
    nodes: [
      // What the first graph within another calls its u, if that is all it goes by.
      { op: "Exp", inputs: ["x"], outputs: ["if/0/u"] },
      {
        ...{ name: "if", op: "If", inputs: ["c"], outputs: ["chosen"] },
        branches: {
          then_branch: {
            outputs: ["v"],
            nodes: [
              { op: "Neg", inputs: ["x"], outputs: ["u"] },
              { op: "Exp", inputs: ["u"], outputs: ["v"] },
            ],
          },
          else_branch: { outputs: ["u"], nodes: [{ op: "Abs", inputs: ["x"], outputs: ["u"] }] },
        },
      },
      { op: "Add", inputs: ["if/0/u", "chosen"], outputs: ["y"] },
    ],
  };
  const y = (c: number) =>
    execute(
      graphOf(spec),
      new Map([
        ["x", f32([1], [2])],
        ["c", tensorOf("bool", [], [c])],
      ]),
    ).get("y")!.data[0];
  expect(y(1)).toBeCloseTo(Math.exp(2) + Math.exp(-2), 5);
  expect(y(0)).toBeCloseTo(Math.exp(2) + 2, 5);
});

test("constants are folded into one, and what nothing needs is gone", () => {
  const { folded } = CORPUS as { folded: ModelSpec };
  const dead = { op: "Exp", inputs: ["x"], outputs: ["unused"] };
  const graph = graphOf({ ...folded, nodes: [...folded.nodes, dead] });
  expect(ops(graph)).toEqual(["Mul", "LayerNormalization", "Gelu", "Gemm"]);
  // 8 rows of b + 1/4, which are added up: 8 (sum of b + 6/4).
  const sum = graph.constants.get("k")!;
  const b = Array.from(folded.constants!["b"]!.data);
  expect(sum.data[0]).toBeCloseTo(8 * (b.reduce((all, x) => all + x) + 1.5), 5);
});

test("sizes that a model leaves open go through shapes that are computed", () => {
  const open = graphOf(CORPUS["sizes"]!);
  expect(shapeOf(open)).toEqual(["N", 1, 2, "T"]);
  expect(shapeOf(open, 1)).toEqual(["N", "?", 1]);
  const closed = graphOf(CORPUS["sizes"]!, { shapes: new Map([["x", [4, 5, 6]]]) });
  expect([shapeOf(closed), shapeOf(closed, 1)]).toEqual([
    [4, 1, 2, 5],
    [4, 7, 1],
  ]);
});

test("sizes of one name are one size in all inputs, and the first may be taken as a batch", () => {
  const { attention } = CORPUS as { attention: ModelSpec };
  const shapes = (given: Parameters<typeof graphOf>[1]) =>
    graphOf(attention, given).inputs.map(({ shape }) => shape);
  const all = (shape: readonly (number | string)[]) => [shape, shape, shape];
  expect(shapes({})).toEqual(all(["B", 2, "T", 4]));
  expect(shapes({ batch: 1 })).toEqual(all([1, 2, "T", 4]));
  expect(shapes({ shapes: new Map([["q", [3, 2, 5, 4]]]), batch: 1 })).toEqual(all([3, 2, 5, 4]));
  expect(() =>
    shapes({
      shapes: new Map([
        ["q", [3, 2, 5, 4]],
        ["k", [3, 2, 6, 4]],
      ]),
    }),
  ).toThrow("test.onnx: input k: [3, 2, 6, 4] for float32 [B, 2, T, 4], where T is 5");
  expect(() => shapes({ shapes: new Map([["z", [1]]]) })).toThrow("has no input z; its inputs are q, k, v");
});

test("nodes are put in order, whatever order the file has them in", () => {
  const { conv } = CORPUS as { conv: ModelSpec };
  const graph = graphOf({ ...conv, nodes: conv.nodes.toReversed() });
  expect(ops(graph)).toEqual(ops(graphOf(conv)));
});

test("all nodes that are not read are named at once, each with what would do instead", () => {
  const spec: ModelSpec = {
    inputs: [{ name: "x", shape: [1, 1, 2, 2] }],
    outputs: ["y"],
    nodes: [
      ...["a", "b", "c", "d"].map((name, i) => ({
        name,
        op: "Resize",
        inputs: [i ? `r${i}` : "x"],
        outputs: [`r${i + 1}`],
      })),
      { name: "f", op: "FusedConv", domain: "com.microsoft", inputs: ["r4"], outputs: ["y"] },
    ],
  };
  expect(() => graphOf(spec)).toThrow(
    "test.onnx: 5 nodes are not supported: " +
      "Resize of opset 22 (a, b, c and 1 more): cut the model before it: what enlarges images is not computed; " +
      "com.microsoft.FusedConv of opset 22 (f): it is not ONNX's own but of com.microsoft: save the model without the optimizations of a runtime",
  );
});

test("an operator that is not read does no harm where it is not chosen", () => {
  const spec: ModelSpec = {
    inputs: [{ name: "x", shape: [2] }],
    outputs: ["y"],
    constants: { c: tensorOf("bool", [], [1]) },
    nodes: [
      {
        ...{ op: "If", inputs: ["c"], outputs: ["y"] },
        branches: {
          then_branch: { outputs: ["a"], nodes: [{ op: "Abs", inputs: ["x"], outputs: ["a"] }] },
          else_branch: { outputs: ["b"], nodes: [{ op: "Resize", inputs: ["x"], outputs: ["b"] }] },
        },
      },
    ],
  };
  expect(ops(graphOf(spec))).toEqual(["Abs"]);
});

test("inputs of a run that do not fit are refused by name", () => {
  const graph = graphOf({
    inputs: [{ name: "x", shape: ["N", 3] }],
    outputs: ["y"],
    nodes: [{ op: "Abs", inputs: ["x"], outputs: ["y"] }],
  });
  const run = (...inputs: readonly (readonly [string, Tensor])[]) => execute(graph, new Map(inputs));
  expect(() => run()).toThrow("test.onnx: input x: is not given");
  expect(() => run(["x", f32([2, 2], [1, 2, 3, 4])])).toThrow(
    "float32 [2, 2] where float32 [N, 3] is needed",
  );
  expect(() => run(["x", i64(1, 2, 3)])).toThrow("int64 [3] where float32 [N, 3] is needed");
  expect(() => run(["z", f32([1], [1])])).toThrow("has no input z; its inputs are x");
  expect(run(["x", f32([1, 3], [-1, 2, -3])]).get("y")).toEqual(f32([1, 3], [1, 2, 3]));
});

/** Sum of products by hand, as each operator's definition has it. */
test.each([
  ["Conv of 4 filters over 3 channels, 3x3, 4x4 places", "conv", {}, 4 * 4 * 4 * 27 + 4 * 10],
  [
    "LSTM of two directions, GRU, RNN",
    "recurrent",
    {},
    5 * 2 * (2 * 4 * (4 * 7 + 3) + 4 * (3 * 7 + 2) + 4 * 7),
  ],
  [
    "two products of attention, 3 steps",
    "attention",
    { shapes: new Map([["q", [1, 2, 3, 4]]]) },
    2 * 2 * 9 * 4,
  ],
])("multiply-accumulates: %s", (_, name, given, macs) => {
  expect(summarize(graphOf(CORPUS[name]!, { batch: 1, ...given })).total.macs).toBe(macs);
});

test("every type is read from its list and from raw bytes", () => {
  const values = {
    float32: [0.5, -3],
    float64: [0.1, 7],
    int64: [-5, 2 ** 40],
    uint64: [3, 2 ** 40],
    uint32: [1, 2 ** 32 - 1],
  };
  const small = {
    int32: [-7, 9],
    int16: [-300, 5],
    int8: [-128, 1],
    uint16: [65535, 0],
    uint8: [255, 3],
    bool: [1, 0],
  };
  for (const [dtype, list] of Object.entries({ ...values, ...small })) {
    const tensor = tensorOf(dtype as Tensor["dtype"], [2], list);
    expect(readTensor(tensorProto("t", tensor), "t"), dtype).toEqual(tensor);
  }
  const raw = (code: number, count: number, ...bytes: readonly number[]) => {
    const proto = modelProto({ outputs: [], constants: { t: f32([1], [0]) }, nodes: [] }).graph!
      .initializer[0]!;
    Object.assign(proto, {
      dataType: code,
      dims: [BigInt(count)],
      floatData: [],
      rawData: Uint8Array.from(bytes),
    });
    return Array.from(readTensor(proto, "t").data);
  };
  expect(raw(1, 1, 0, 0, 0xc0, 0xbf)).toEqual([-1.5]);
  expect(raw(7, 1, 0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff)).toEqual([-2]);
  // Halves: 1, the smallest subnormal, the largest, minus infinity.
  expect(raw(10, 4, 0, 0x3c, 1, 0, 0xff, 0x7b, 0, 0xfc)).toEqual([1, 2 ** -24, 65504, -Infinity]);
  expect(raw(16, 2, 0x80, 0x3f, 0x40, 0xc0)).toEqual([1, -3]);
  // Two codes a byte, the low half first; the last byte is half full.
  expect(raw(22, 3, 0x8f, 0x07)).toEqual([-1, -8, 7]);
  expect(raw(21, 3, 0x8f, 0x07)).toEqual([15, 8, 7]);
});

test("16-bit floats are rounded to nearest, ties to even", () => {
  const half = (...values: readonly number[]) =>
    Array.from(tensorOf("float16", [values.length], values).data);
  expect(half(1 + 2 ** -11, 1 + 3 * 2 ** -11, 65519, 65520, 2 ** -25, 3 * 2 ** -25)).toEqual([
    1,
    1 + 2 ** -9,
    65504,
    Infinity,
    0,
    2 ** -23,
  ]);
  expect(tensorOf("bfloat16", [2], [1 + 2 ** -8, 1 + 3 * 2 ** -8]).data).toEqual(
    Float32Array.of(1, 1 + 2 ** -6),
  );
});
