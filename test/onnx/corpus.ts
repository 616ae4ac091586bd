import { f32, i64, type ModelSpec, type NodeSpec } from "./models.ts";

/** Small valid models that together use most of what is read; those of `samples.ts` are for what becomes of their values. */

const ramp = (...shape: readonly number[]) =>
  f32(
    shape,
    Array.from({ length: shape.reduce((all, n) => all * n, 1) }, (_, i) => ((i * 7) % 11) / 10 - 0.5),
  );

const node = (
  op: string,
  inputs: string,
  outputs: string,
  attributes: NodeSpec["attributes"] = {},
): NodeSpec => ({
  ...{ op, attributes },
  inputs: inputs.split(" ").map((name) => name.replace("_", "")),
  outputs: outputs.split(" ").map((name) => name.replace("_", "")),
});

const conv: ModelSpec = {
  opset: 13,
  inputs: [{ name: "x", shape: ["N", 3, 8, 8] }],
  outputs: ["y"],
  constants: {
    w: ramp(4, 3, 3, 3),
    b: ramp(4),
    s: ramp(4),
    m: ramp(4),
    v: f32([4], [1, 2, 3, 4]),
    h: ramp(4, 10),
  },
  nodes: [
    node("Conv", "x w b", "c", { pads: [1, 1, 1, 1], strides: [2, 2] }),
    node("BatchNormalization", "c s b m v", "n"),
    node("Relu", "n", "r"),
    node("MaxPool", "r", "p", { kernel_shape: [2, 2], strides: [2, 2] }),
    node("GlobalAveragePool", "p", "g"),
    node("Flatten", "g", "f"),
    node("MatMul", "f h", "l"),
    node("Softmax", "l", "y"),
  ],
};

const recurrent: ModelSpec = {
  opset: 14,
  inputs: [
    { name: "x", shape: [5, 2, 3] },
    { name: "h0", shape: [2, 2, 4] },
  ],
  outputs: ["y", "g", "z"],
  constants: {
    W: ramp(2, 16, 3),
    R: ramp(2, 16, 4),
    B: ramp(2, 32),
    GW: ramp(1, 12, 3),
    GR: ramp(1, 12, 4),
    NW: ramp(1, 4, 3),
    NR: ramp(1, 4, 4),
  },
  nodes: [
    node("LSTM", "x W R B _ h0", "y _ c", { hidden_size: 4, direction: "bidirectional" }),
    node("GRU", "x GW GR", "g", { hidden_size: 4, linear_before_reset: 1 }),
    node("RNN", "x NW NR", "_ z", { hidden_size: 4, activations: ["Relu"], direction: "reverse" }),
  ],
};

const sizes: ModelSpec = {
  opset: 17,
  inputs: [{ name: "x", shape: ["N", "T", 6] }],
  outputs: ["y", "u"],
  constants: {
    zero: i64(0),
    one: i64(1),
    minus: i64(-1),
    two: i64(2, 3),
    pads: i64(0, 1, 0, 0, 1, 0),
    ends: i64(5),
    six: i64(2),
  },
  nodes: [
    node("Shape", "x", "s"),
    node("Slice", "s zero one", "n"),
    node("Concat", "n minus two", "shape", { axis: 0 }),
    node("Reshape", "x shape", "r"),
    node("Transpose", "r", "t", { perm: [0, 2, 1, 3] }),
    node("ReduceMean", "t", "m", { axes: [-1], keepdims: 0 }),
    node("Unsqueeze", "m one", "y"),
    node("Pad", "x pads", "p", { mode: "reflect" }),
    node("Split", "p", "a b", { axis: 2 }),
    node("Where", "q a b", "w"),
    node("Less", "a b", "q"),
    node("Cast", "w", "k", { to: 1 }),
    node("Clip", "k", "e"),
    node("Gather", "e six", "u", { axis: 2 }),
  ],
};

const branches: ModelSpec = {
  opset: 16,
  inputs: [
    { name: "x", shape: [2, 3] },
    { name: "rate", dtype: "int64", shape: [] },
  ],
  outputs: ["y"],
  constants: { wanted: { dtype: "int64", shape: [], data: Float64Array.of(16) }, w: ramp(3, 3) },
  nodes: [
    node("Equal", "rate wanted", "c"),
    {
      ...node("If", "c", "y"),
      branches: {
        then_branch: {
          outputs: ["i"],
          nodes: [
            node("Not", "c", "d"),
            {
              ...node("If", "d", "i"),
              branches: {
                then_branch: { outputs: ["j"], nodes: [node("Relu", "x", "j")] },
                else_branch: { outputs: ["j"], nodes: [node("MatMul", "x w", "j")] },
              },
            },
          ],
        },
        else_branch: { outputs: ["o"], constants: { k: ramp(3) }, nodes: [node("Add", "x k", "o")] },
      },
    },
  ],
};

const folded: ModelSpec = {
  opset: 20,
  inputs: [{ name: "x", shape: [4, 6] }],
  outputs: ["y"],
  constants: { n: i64(4, 6), a: ramp(), b: ramp(6), r: i64(2, 1), g: ramp(6), axes: i64(0, 1) },
  nodes: [
    node("ConstantOfShape", "n", "z", { value: f32([1], [0.25]) }),
    node("Expand", "b n", "e"),
    node("Add", "z e", "s"),
    node("Tile", "s r", "t"),
    node("ReduceSum", "t axes", "k", { keepdims: 0 }),
    node("Mul", "x k", "m"),
    node("LayerNormalization", "m g b", "l"),
    node("Gelu", "l", "q", { approximate: "tanh" }),
    node("Gemm", "q e", "y", { transB: 1, alpha: 0.5 }),
  ],
};

const attention: ModelSpec = {
  opset: 13,
  inputs: [
    { name: "q", shape: ["B", 2, "T", 4] },
    { name: "k", shape: ["B", 2, "T", 4] },
    { name: "v", shape: ["B", 2, "T", 4] },
  ],
  outputs: ["y"],
  constants: { s: ramp(1), e: f32([], [1e-5]), two: f32([], [2]), g: ramp(4) },
  nodes: [
    node("Transpose", "k", "t", { perm: [0, 1, 3, 2] }),
    node("MatMul", "q t", "p"),
    node("Div", "p two", "d"),
    node("Softmax", "d", "a"),
    node("MatMul", "a v", "o"),
    node("ReduceMean", "o", "m", { axes: [-1] }),
    node("Sub", "o m", "c"),
    node("Pow", "c two", "w"),
    node("ReduceMean", "w", "x", { axes: [-1] }),
    node("Add", "x e", "u"),
    node("Sqrt", "u", "r"),
    node("Div", "c r", "n"),
    node("Mul", "n g", "z"),
    node("Sigmoid", "z", "h"),
    node("Mul", "z h", "y"),
  ],
};

export const CORPUS: Readonly<Record<string, ModelSpec>> = {
  conv,
  recurrent,
  sizes,
  branches,
  folded,
  attention,
};
