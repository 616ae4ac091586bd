import seedrandom from "seedrandom";
import { describe, expect, test } from "vitest";
import { execute } from "../../src/onnx/execute.ts";
import type { Graph } from "../../src/onnx/graph.ts";
import type { AttributeValue } from "../../src/onnx/ops/define.ts";
import { fuse } from "../../src/onnx/patterns/fuse.ts";
import { elementsIn, isConcrete, type Tensor } from "../../src/onnx/tensor.ts";
import { f32, graphOf, i64, type ModelSpec, type NodeSpec } from "./models.ts";

const random = (key: string, shape: readonly number[], scale = 1): Tensor => {
  const next = seedrandom(`patterns/${key}`);
  return f32(
    shape,
    Array.from({ length: elementsIn(shape) }, () => scale * (2 * next() - 1)),
  );
};
const number = (x: number): Tensor => f32([], [x]);

/** Nodes from lines such as `y = Add x b`; attributes go by the name of the first output. */
function nodes(
  lines: string,
  attributes: Readonly<Record<string, Readonly<Record<string, AttributeValue>>>> = {},
): NodeSpec[] {
  return lines
    .trim()
    .split(/\s*\n\s*/)
    .map((line) => {
      const [outputs, right] = line.split(" = ") as [string, string];
      const [op, ...inputs] = right.split(" ") as [string, ...string[]];
      const names = outputs.split(" ");
      return { op, inputs, outputs: names, attributes: attributes[names[0]!] ?? {} };
    });
}

interface Case {
  readonly what: string;
  readonly spec: ModelSpec;
  /** The operators that are left. */
  readonly ops: readonly string[];
  readonly found: Readonly<Record<string, number>>;
}

const x = [{ name: "x", shape: [3, 8] }];
const curve = (what: string, lines: string, op: string, name: string, opset = 13): Case => ({
  what,
  spec: {
    ...{ opset, inputs: x, outputs: ["y"], nodes: nodes(lines) },
    constants: {
      ...{
        one: number(1),
        half: number(0.5),
        two: number(2),
        three: number(3),
        zero: number(0),
        six: number(6),
      },
      ...{
        root2: number(Math.SQRT2),
        invroot2: number(Math.SQRT1_2),
        k: number(0.044715),
        c: number(Math.sqrt(2 / Math.PI)),
      },
      sixth: number(1 / 6),
    },
  },
  ops: [op],
  found: { [name]: 1 },
});

const CURVES: readonly Case[] = [
  curve("SiLU", "s = Sigmoid x\n y = Mul x s", "Silu", "SiLU"),
  curve("SiLU, the other way round", "s = Sigmoid x\n y = Mul s x", "Silu", "SiLU"),
  curve(
    "SiLU whose argument is multiplied by 1",
    "m = Mul x one\n s = Sigmoid m\n y = Mul x s",
    "Silu",
    "SiLU",
  ),
  ...[
    "d = Div x root2\n e = Erf d\n a = Add e one\n m = Mul x a\n y = Mul m half",
    "d = Mul x invroot2\n e = Erf d\n a = Add one e\n m = Mul half x\n y = Mul m a",
    "d = Div x root2\n e = Erf d\n a = Add e one\n m = Mul half a\n y = Mul x m",
    "d = Div x root2\n e = Erf d\n a = Add e one\n m = Mul x a\n y = Div m two",
  ].map((lines, i) => curve(`GELU by erf, order ${i}`, lines, "Gelu", "GELU (erf)")),
  ...[
    "p = Pow x three\n m = Mul p k\n a = Add x m\n t = Mul a c\n h = Tanh t\n o = Add h one\n g = Mul x half\n y = Mul g o",
    "q = Mul x x\n p = Mul x q\n m = Mul k p\n a = Add m x\n t = Mul c a\n h = Tanh t\n o = Add one h\n g = Mul x o\n y = Mul half g",
  ].map((lines, i) => curve(`GELU by tanh, order ${i}`, lines, "Gelu", "GELU (tanh)")),
  curve(
    "hard swish by Clip",
    "a = Add x three\n c1 = Clip a zero six\n m = Mul x c1\n y = Div m six",
    "HardSwish",
    "hard swish",
  ),
  {
    ...curve("hard swish by HardSigmoid", "h = HardSigmoid x\n y = Mul x h", "HardSwish", "hard swish"),
    spec: {
      ...{ opset: 13, inputs: x, outputs: ["y"] },
      nodes: nodes("h = HardSigmoid x\n y = Mul x h", { h: { alpha: 1 / 6, beta: 0.5 } }),
    },
  },
];

const means = { m: { axes: [-1] }, v: { axes: [-1] } };
const norm = (what: string, lines: string, constants: ModelSpec["constants"] = {}): Case => ({
  what: `layer norm: ${what}`,
  spec: {
    ...{ opset: 13, inputs: [{ name: "x", shape: [2, 3, 8] }], outputs: ["y"], nodes: nodes(lines, means) },
    constants: {
      two: number(2),
      one: number(1),
      eps: number(1e-5),
      g: random("g", [8]),
      b: random("b", [8]),
      ...constants,
    },
  },
  ops: ["LayerNormalization"],
  found: { "layer normalization": 1 },
});

const CORE = "m = ReduceMean x\n d = Sub x m\n p = Pow d two\n v = ReduceMean p\n e = Add v eps\n s = Sqrt e";
const NORMS: readonly Case[] = [
  norm("with gain and bias", `${CORE}\n n = Div d s\n h = Mul n g\n y = Add h b`),
  norm("with gain and bias, the other way round", `${CORE}\n n = Div d s\n h = Mul g n\n y = Add b h`),
  norm("with a gain", `${CORE}\n n = Div d s\n y = Mul n g`),
  norm("with neither", `${CORE}\n y = Div d s`),
  norm("by a reciprocal", `${CORE}\n r = Reciprocal s\n n = Mul d r\n h = Mul n g\n y = Add h b`),
  norm("by 1 / s", `${CORE}\n r = Div one s\n n = Mul d r\n h = Mul n g\n y = Add h b`),
  norm("by a product", `${CORE.replace("Pow d two", "Mul d d")}\n n = Div d s\n h = Mul n g\n y = Add h b`),
  norm(
    "the mean taken off twice",
    `${CORE.replace("Pow d two", "Pow d2 two").replace("p =", "d2 = Sub x m\n p =")}\n n = Div d s\n h = Mul n g\n y = Add h b`,
  ),
  {
    ...norm("over two axes, as an input", `${CORE}\n y = Div d s`),
    spec: {
      ...{ opset: 18, inputs: [{ name: "x", shape: [2, 3, 8] }], outputs: ["y"] },
      constants: { two: number(2), eps: number(1e-5), axes: i64(1, 2) },
      nodes: nodes(`${CORE.replaceAll(/(ReduceMean \w)/g, "$1 axes")}\n y = Div d s`),
    },
  },
];

const qkv = ["q", "k", "v"].map((name) => ({ name, shape: [2, 4, 5, 6] }));
const attention = (what: string, lines: string, attributes: Parameters<typeof nodes>[1] = {}): Case => ({
  what: `attention: ${what}`,
  spec: {
    ...{ opset: 13, inputs: qkv, outputs: ["y"] },
    constants: { scale: number(0.4), root: number(2.5), mask: random("mask", [2, 1, 1, 5], 4) },
    nodes: nodes(lines, { t: { perm: [0, 1, 3, 2] }, ...attributes }),
  },
  ops: ["SoftmaxAttention"],
  found: { "softmax attention": 1 },
});

const ATTENTIONS: readonly Case[] = [
  attention("plain", "t = Transpose k\n p = MatMul q t\n a = Softmax p\n y = MatMul a v"),
  attention(
    "scores divided",
    "t = Transpose k\n p = MatMul q t\n s = Div p root\n a = Softmax p s\n y = MatMul a v".replace(
      "Softmax p s",
      "Softmax s",
    ),
  ),
  attention(
    "queries multiplied",
    "t = Transpose k\n m = Mul q scale\n p = MatMul m t\n a = Softmax p\n y = MatMul a v",
  ),
  attention(
    "both multiplied, keys after they are transposed, and masked",
    "t = Transpose k\n m = Mul scale q\n u = Mul t scale\n p = MatMul m u\n s = Add p mask\n a = Softmax s\n y = MatMul a v",
  ),
  {
    ...attention(
      "keys that are transposed with their heads",
      "p = MatMul q u\n a = Softmax p\n y = MatMul a v",
    ),
    spec: {
      ...{
        opset: 13,
        inputs: [...qkv.filter(({ name }) => name !== "k"), { name: "k", shape: [2, 5, 4, 6] }],
        outputs: ["y"],
      },
      nodes: nodes("u = Transpose k\n p = MatMul q u\n a = Softmax p\n y = MatMul a v", {
        u: { perm: [0, 2, 3, 1] },
      }),
    },
    ops: ["Transpose", "SoftmaxAttention"],
  },
];

const GATES =
  "i f g o = Split s\n is = Sigmoid i\n fs = Sigmoid f\n os = Sigmoid o\n gt = Tanh g\n a = Mul fs c\n b = Mul is gt\n cell = Add a b\n ct = Tanh cell\n y = Mul os ct";
const step = (what: string, lines: string, turned: boolean): Case => ({
  what: `LSTM step: ${what}`,
  spec: {
    ...{ opset: 13, outputs: ["y", "cell"] },
    inputs: [
      { name: "x", shape: [2, 3] },
      { name: "h", shape: [2, 5] },
      { name: "c", shape: [2, 5] },
    ],
    constants: {
      W: random("W", turned ? [20, 3] : [3, 20]),
      R: random("R", turned ? [20, 5] : [5, 20]),
      bw: random("bw", [20]),
      br: random("br", [20]),
    },
    nodes: nodes(lines, { i: { axis: 1 }, ...(turned && { wx: { transB: 1 }, rh: { transB: 1 } }) }),
  },
  ops: ["LstmStep"],
  found: { "LSTM step": 1 },
});

const STEPS: readonly Case[] = [
  step("Gemm, as PyTorch exports it", `wx = Gemm x W bw\n rh = Gemm h R br\n s = Add wx rh\n ${GATES}`, true),
  step(
    "MatMul and biases",
    `wx = MatMul x W\n rh = MatMul h R\n t = Add wx bw\n u = Add t rh\n s = Add u br\n ${GATES}`,
    false,
  ),
  step(
    "gates in another order",
    `wx = MatMul x W\n rh = MatMul h R\n t = Add rh wx\n s = Add t bw\n ${GATES.replace("i f g o =", "i o f g =")}`,
    false,
  ),
];

const image = [{ name: "x", shape: [2, 3, 6, 6] }];
const conv = (what: string, lines: string, ops: readonly string[] = ["Conv"], bias = true): Case => ({
  what: `convolution: ${what}`,
  spec: {
    ...{ opset: 13, inputs: image, outputs: ["y"] },
    constants: {
      ...{ w: random("w", [4, 3, 3, 3]), b: random("b", [4]), s: random("s", [4]), m: random("m", [4]) },
      ...{
        v: f32([4], [0.5, 1, 2, 3]),
        c: random("c", [1, 4, 1, 1]),
        k: number(1.7),
        n: random("n", [4, 1, 1]),
      },
    },
    nodes: nodes(lines.replace("conv", bias ? "Conv x w b" : "Conv x w"), {
      o: { pads: [1, 0, 1, 0], strides: [2, 1] },
    }),
  },
  ops,
  found: ops.length === 1 ? { "gain and bias folded into convolution": 1 } : {},
});

const CONVOLUTIONS: readonly Case[] = [
  conv("batch norm", "o = conv\n y = BatchNormalization o s b m v"),
  conv("batch norm without a bias", "o = conv\n y = BatchNormalization o s b m v", ["Conv"], false),
  conv("a gain and a bias", "o = conv\n g = Mul c o\n y = Add g k"),
  conv(
    "all that there is",
    "o = conv\n n1 = BatchNormalization o s b m v\n d = Div n1 k\n e = Sub d n\n y = Mul k e",
  ),
];

/** Every input, of numbers on both sides of 0. */
const inputsOf = ({ inputs }: Graph): Map<string, Tensor> =>
  new Map(inputs.map(({ name, shape }) => [name, random(name, isConcrete(shape) ? shape : [], 3)]));

/** Float32 constants that are multiplied beforehand, and roundings that are left out, of numbers up to 100. */
const BOUND = 2e-5;

const offBy = (a: Tensor, b: Tensor): number =>
  Math.max(0, ...Array.from(a.data, (value, i) => Math.abs(value - b.data[i]!)));

describe.each([...CURVES, ...NORMS, ...ATTENTIONS, ...STEPS, ...CONVOLUTIONS])(
  "$what",
  ({ spec, ops, found }) => {
    test("is one node", () => {
      const graph = fuse(graphOf(spec));
      expect(graph.nodes.map(({ op }) => op.name)).toEqual(ops);
      expect(Object.fromEntries(graph.patterns)).toEqual(found);
    });

    test("computes the same, and every node of it has a type", () => {
      const graph = graphOf(spec);
      const one = fuse(graph);
      const inputs = inputsOf(graph);
      const [wanted, results] = [execute(graph, inputs), execute(one, inputs)];
      for (const [name, { shape, dtype }] of wanted) {
        const got = results.get(name)!;
        expect({ shape: got.shape, dtype: got.dtype }).toEqual({ shape, dtype });
        expect(offBy(got, wanted.get(name)!), name).toBeLessThan(BOUND);
      }
      for (const node of one.nodes)
        for (const name of [...node.inputs, ...node.outputs]) expect(one.types.has(name), name).toBe(true);
    });
  },
);

test("constants that a match brings along take no name that a value has", () => {
  const { spec } = CONVOLUTIONS[0]!;
  const graph = graphOf({
    ...{ ...spec, outputs: ["y", "z"] },
    nodes: [...nodes("y/B = Abs x"), ...spec.nodes, ...nodes("z = Neg y/B")],
  });
  const inputs = inputsOf(graph);
  const [wanted, got] = [execute(graph, inputs), execute(fuse(graph), inputs)];
  expect(got.get("z")).toEqual(wanted.get("z"));
  expect(offBy(got.get("y")!, wanted.get("y")!)).toBeLessThan(BOUND);
});

describe("what only looks like a pattern is left alone", () => {
  const left = (
    lines: string,
    spec: Partial<ModelSpec> = {},
    attributes: Parameters<typeof nodes>[1] = {},
  ) => {
    const graph = fuse(
      graphOf({
        ...{
          opset: 13,
          inputs: [{ name: "x", shape: [3, 8] }],
          outputs: ["y"],
          nodes: nodes(lines, attributes),
        },
        ...spec,
      }),
    );
    return [...graph.patterns.keys()];
  };

  test("a part that is read elsewhere too", () => {
    expect(left("s = Sigmoid x\n y = Mul x s", { outputs: ["y", "s"] })).toEqual([]);
    expect(left("s = Sigmoid x\n y = Mul x s\n z = Exp s", { outputs: ["y", "z"] })).toEqual([]);
  });

  test("a gate of another value", () => {
    expect(left("a = Exp x\n s = Sigmoid a\n y = Mul x s")).toEqual([]);
  });

  test("constants that are others", () => {
    const constants = { six: number(6), three: number(3.1), zero: number(0) };
    expect(
      left("a = Add x three\n c = Clip a zero six\n m = Mul x c\n y = Div m six", { constants }),
    ).toEqual([]);
  });

  test("a norm over other axes than the last", () => {
    const constants = { two: number(2), eps: number(1e-5) };
    expect(left(`${CORE}\n y = Div d s`, { constants }, { m: { axes: [0] }, v: { axes: [0] } })).toEqual([]);
    expect(left(`${CORE}\n y = Div d s`, { constants }, { m: { axes: [0, 1] }, v: { axes: [1] } })).toEqual(
      [],
    );
  });

  test("a constant that gives the result more dimensions, and a mask that repeats it", () => {
    const lines = "t = Transpose q\n p = MatMul q t\n s = Add p m\n a = Softmax s\n y = MatMul a q";
    const masked = (shape: readonly number[]) =>
      left(
        lines,
        { inputs: [{ name: "q", shape: [1, 3, 4] }], constants: { m: random("m", shape) } },
        { t: { perm: [0, 2, 1] } },
      );
    expect(masked([1, 3])).toEqual(["softmax attention"]);
    expect(masked([2, 3, 3])).toEqual([]);
    expect(masked([1, 1, 3, 3])).toEqual([]);
    const constants = { half: f32([1, 1, 1], [0.5]), one: number(1), root2: number(Math.SQRT2) };
    const gelu = "d = Div x root2\n e = Erf d\n a = Add e one\n m = Mul x a\n y = Mul m half";
    expect(left(gelu, { constants })).toEqual([]);
  });

  test("a softmax over another axis than the last", () => {
    const lines = "t = Transpose x\n p = MatMul x t\n a = Softmax p\n y = MatMul a x";
    expect(left(lines)).toEqual(["softmax attention"]);
    expect(left(lines, {}, { a: { axis: 0 } })).toEqual([]);
  });

  test("a convolution whose channels change along a row", () => {
    const constants = { w: random("w", [4, 3, 1, 1]), r: random("r", [6]) };
    expect(left("o = Conv x w\n y = Mul o r", { inputs: image, constants })).toEqual([]);
  });
});
