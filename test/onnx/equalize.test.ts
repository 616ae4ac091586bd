import fc from "fast-check";
import seedrandom from "seedrandom";
import { describe, expect, test } from "vitest";
import { weightsOf } from "../../src/model/model.ts";
import { silero } from "../../src/model/silero/index.ts";
import { equalize } from "../../src/onnx/equalize.ts";
import { execute } from "../../src/onnx/execute.ts";
import type { Graph } from "../../src/onnx/graph.ts";
import { loadModel } from "../../src/onnx/load.ts";
import { elementsIn, type Tensor } from "../../src/onnx/tensor.ts";
import { because, missing } from "../model/fetched.ts";
import { f32, graphOf, i64, type NodeSpec } from "./models.ts";

type Rng = () => number;

/** Elements whose sizes differ a thousand times from row to row, as those of trained layers do. */
function uneven(rng: Rng, shape: readonly number[]): Tensor {
  const row = elementsIn(shape.slice(1));
  const sizes = Array.from({ length: shape[0] ?? 1 }, () => 10 ** (3 * rng() - 2));
  const values = Array.from({ length: elementsIn(shape) }, (_, i) => {
    return (2 * rng() - 1) * (sizes[Math.floor(i / row)] ?? 1);
  });
  return f32(shape, values);
}

type Between = "Relu" | "LeakyRelu" | "Add" | "Sigmoid";
interface Step {
  readonly layer: "dense" | "depthwise" | "grouped" | "turned";
  readonly hasBias: boolean;
  readonly between: readonly Between[];
}

const steps = (...layers: readonly Step["layer"][]) =>
  fc.array(
    fc.record<Step>({
      layer: fc.constantFrom(...layers),
      hasBias: fc.boolean(),
      between: fc.array(fc.constantFrom<Between>("Relu", "LeakyRelu", "Add"), { maxLength: 2 }),
    }),
    { minLength: 2, maxLength: 5 },
  );

/** A chain of layers of four channels or, where they are free, of two to six. */
function chain(kind: "conv" | "product", list: readonly Step[], seed: number): Graph {
  const rng = seedrandom(`chain/${seed}`);
  const constants: Record<string, Tensor> = {};
  const nodes: NodeSpec[] = [];
  let [value, channels] = ["x", 4];
  const give = (op: string, inputs: readonly string[], attributes = {}) => {
    const output = `v${nodes.length}`;
    nodes.push({ op, name: output, inputs: [value, ...inputs], outputs: [output], attributes });
    value = output;
  };
  const constant = (shape: readonly number[]): string => {
    const name = `c${Object.keys(constants).length}`;
    constants[name] = uneven(rng, shape);
    return name;
  };
  for (const { layer, hasBias, between } of list) {
    if (kind === "conv") {
      const group = layer === "depthwise" ? channels : layer === "grouped" ? 2 : 1;
      const filters = layer === "depthwise" ? channels : 2 * (1 + Math.floor(3 * rng()));
      const weight = constant([filters, channels / group, 3, 2]);
      const pads = [1, 1, 1, 0];
      give("Conv", [weight, ...(hasBias ? [constant([filters])] : [])], { group, pads });
      channels = filters;
    } else if (layer === "turned") {
      const next = 2 + Math.floor(5 * rng());
      const bias = hasBias ? [constant(rng() < 0.5 ? [next] : [1, 1])] : [];
      give("Gemm", [constant([next, channels]), ...bias], { transB: 1, alpha: 0.5, beta: 3 });
      channels = next;
    } else {
      const next = 2 + Math.floor(5 * rng());
      give("MatMul", [constant([channels, next])]);
      channels = next;
    }
    for (const op of between) {
      if (op === "Add") give(op, [constant(kind === "conv" ? [channels, 1, 1] : [channels])]);
      else give(op, [], op === "LeakyRelu" ? { alpha: 0.1 } : {});
    }
  }
  const shape = kind === "conv" ? [1, 4, 5, 3] : [3, 4];
  return graphOf({ inputs: [{ name: "x", shape }], outputs: [value], constants, nodes });
}

function outputOf(graph: Graph, seed: number): ArrayLike<number> {
  const rng = seedrandom(`input/${seed}`);
  const inputs = graph.inputs.map(({ name, shape }) => {
    const sizes = shape as readonly number[];
    return [
      name,
      f32(
        sizes,
        Array.from({ length: elementsIn(sizes) }, () => 2 * rng() - 1),
      ),
    ] as const;
  });
  return [...execute(graph, new Map(inputs)).values()].flatMap(({ data }) => Array.from(data));
}

/** Largest difference, of the largest output. */
function difference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  const most = (values: readonly number[]) => values.reduce((m, x) => Math.max(m, Math.abs(x)), 0);
  const all = Array.from(a);
  return most(all.map((x, i) => x - b[i]!)) / Math.max(most(all), 1e-30);
}

/** Largest weights of a node's output channels, or of its input's. */
function rangesOf(graph: Graph, name: string, side: "given" | "read"): number[] {
  const node = graph.nodes.find((one) => one.name === name)!;
  const { shape: whole, data } = graph.constants.get(node.inputs[1]!)!;
  const isConv = node.op.name === "Conv";
  const shape = node.op.name === "LSTM" ? whole.slice(1) : whole;
  const group = isConv ? (node.attributes.get("group") as number) : 1;
  const isTurned = isConv || node.op.name === "LSTM" || node.attributes.get("transB") === 1;
  const [rows, columns] = (isTurned ? shape : [shape[1], shape[0]]) as [number, number];
  const area = elementsIn(shape.slice(2));
  const ranges = new Array<number>(side === "given" ? rows : columns * group).fill(0);
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < columns; c++) {
      for (let k = 0; k < area; k++) {
        const at = isTurned ? (r * columns + c) * area + k : c * rows + r;
        const channel = side === "given" ? r : Math.floor(r / (rows / group)) * columns + c;
        ranges[channel] = Math.max(ranges[channel]!, Math.abs(data[at]!));
      }
    }
  }
  return ranges;
}

describe.each([
  { kind: "conv", layers: ["dense", "depthwise", "grouped"] },
  { kind: "product", layers: ["dense", "turned"] },
] as const)("chains of kind $kind", ({ kind, layers }) => {
  test("every two layers are level, results are the same but for roundings", () => {
    fc.assert(
      fc.property(steps(...layers), fc.nat(), (list, seed) => {
        const graph = chain(kind, list, seed);
        const { graph: level, pairs } = equalize(graph);
        expect(pairs).toHaveLength(list.length - 1);
        expect(difference(outputOf(graph, seed), outputOf(level, seed))).toBeLessThan(2e-5);
        for (const { first, second } of pairs) {
          const [given, read] = [rangesOf(level, first, "given"), rangesOf(level, second, "read")];
          for (const [i, r] of given.entries()) expect(r / read[i]!).toBeCloseTo(1, 3);
        }
      }),
      { numRuns: 60 },
    );
  });
});

test("one step of a pair is the rule: both ranges become their geometric mean", () => {
  const constants = { a: f32([2, 2], [8, -2, 1, 0.25]), b: f32([2, 1], [2, -4]), c: f32([2], [16, 1]) };
  const graph = graphOf({
    inputs: [{ name: "x", shape: [1, 2] }],
    outputs: ["y"],
    constants,
    nodes: [
      { op: "Gemm", inputs: ["x", "a", "c"], outputs: ["h"] },
      { op: "Relu", inputs: ["h"], outputs: ["r"] },
      { op: "MatMul", inputs: ["r", "b"], outputs: ["y"] },
    ],
  });
  const { graph: level } = equalize(graph);
  const [gemm, , product] = level.nodes;
  const data = (name: string) => Array.from(level.constants.get(name)!.data);
  // r1 = 8 and 2, r2 = 2 and 4: s = 2 and sqrt(1/2).
  const close = (values: readonly number[]) => values.map((x) => expect.closeTo(x, 5));
  expect(data(gemm!.inputs[1]!)).toEqual(close([4, -2 * Math.SQRT2, 0.5, Math.SQRT2 / 4]));
  expect(data(gemm!.inputs[2]!)).toEqual(close([8, Math.SQRT2]));
  expect(data(product!.inputs[1]!)).toEqual(close([4, -2 * Math.SQRT2]));
});

describe("layout that keeps channels together", () => {
  const constants = {
    a: f32([4, 2, 1, 1], [8, 1, 3, 0.01, 2, 50, 0.5, 0.25]),
    b: f32([4, 2], [1, -4, 0.02, 9, 5, 7, 100, 1]),
    w: f32([1, 2, 4], [1, -4, 0.02, 9, 5, 7, 100, 1]),
    r: f32([1, 2, 2], [0.5, 0, 0.25, 1]),
    rows: i64(1, 4, 4),
    pixels: i64(1, 8, 2),
    m: f32([2, 2], [1, 2, 3, 40]),
  };
  const behindConv = (nodes: readonly NodeSpec[]) =>
    graphOf({
      ...{ inputs: [{ name: "x", shape: [1, 2, 2, 2] }], outputs: ["y"], constants },
      nodes: [{ op: "Conv", inputs: ["x", "a"], outputs: ["c"] }, ...nodes],
    });
  const step = (op: string, inputs: readonly string[], output: string, attributes = {}): NodeSpec => ({
    ...{ op, inputs, outputs: [output], attributes },
  });

  test.each<[string, number, Graph]>([
    [
      "pooling over all places, and a matrix product of what is left",
      1,
      behindConv([
        step("Relu", ["c"], "r0"),
        step("GlobalAveragePool", ["r0"], "p"),
        step("Flatten", ["p"], "f"),
        step("MatMul", ["f", "b"], "y"),
      ]),
    ],
    [
      "channels last",
      1,
      behindConv([
        step("MaxPool", ["c"], "p", { kernel_shape: [2, 1] }),
        step("Transpose", ["p"], "t", { perm: [0, 2, 3, 1] }),
        step("MatMul", ["t", "b"], "y"),
      ]),
    ],
    [
      "a sequence for a recurrent layer",
      1,
      behindConv([
        step("Reshape", ["c", "rows"], "s"),
        step("Transpose", ["s"], "t", { perm: [2, 0, 1] }),
        step("RNN", ["t", "w", "r"], "y", { hidden_size: 2 }),
      ]),
    ],
    [
      "places in between channels",
      0,
      behindConv([step("Reshape", ["c", "pixels"], "f"), step("MatMul", ["f", "m"], "y")]),
    ],
  ])("%s: %i pairs", (_, count, graph) => {
    const { graph: level, pairs } = equalize(graph);
    expect(pairs).toHaveLength(count);
    expect(difference(outputOf(graph, 1), outputOf(level, 1))).toBeLessThan(1e-6);
  });
});

describe("layers that are no pair stay as they are", () => {
  const constants = { a: f32([2, 2], [8, -2, 1, 0.25]), b: f32([2, 2], [2, -4, 1, 1]), k: f32([2], [1, 2]) };
  const between = (nodes: readonly NodeSpec[], outputs = ["y"], last = "h") =>
    graphOf({
      ...{ inputs: [{ name: "x", shape: [1, 2] }], outputs, constants },
      nodes: [
        { op: "MatMul", inputs: ["x", "a"], outputs: ["g"] },
        ...nodes,
        { op: "MatMul", inputs: [last, "b"], outputs: ["y"] },
      ],
    });

  test.each<[string, Graph]>([
    ["where a curve is between", between([{ op: "Sigmoid", inputs: ["g"], outputs: ["h"] }])],
    ["where a channel is multiplied", between([{ op: "Mul", inputs: ["g", "k"], outputs: ["h"] }])],
    ["where what flows comes out too", between([{ op: "Relu", inputs: ["g"], outputs: ["h"] }], ["y", "g"])],
    [
      "where another reads what flows",
      between(
        [
          { op: "Relu", inputs: ["g"], outputs: ["h"] },
          { op: "Tanh", inputs: ["h"], outputs: ["t"] },
        ],
        ["y", "t"],
      ),
    ],
    ["where it is added to itself", between([{ op: "Add", inputs: ["g", "g"], outputs: ["h"] }])],
    [
      "where it is the bias of what follows",
      graphOf({
        ...{ inputs: [{ name: "x", shape: [1, 2] }], outputs: ["y"], constants },
        nodes: [
          { op: "MatMul", inputs: ["x", "a"], outputs: ["g"] },
          { op: "Gemm", inputs: ["x", "b", "g"], outputs: ["y"] },
        ],
      }),
    ],
    [
      "where channels of one are rows of the other",
      graphOf({
        ...{ inputs: [{ name: "x", shape: [1, 2, 2] }], outputs: ["y"] },
        constants: { a: f32([2, 2, 1], [1, 2, 3, 40]), b: constants.b },
        nodes: [
          { op: "Conv", inputs: ["x", "a"], outputs: ["g"] },
          { op: "MatMul", inputs: ["g", "b"], outputs: ["y"] },
        ],
      }),
    ],
  ])("%s", (_, graph) => {
    const { graph: level, pairs } = equalize(graph);
    expect(pairs).toEqual([]);
    expect(level.nodes).toEqual(graph.nodes);
    expect(level.constants).toEqual(graph.constants);
  });

  test("a constant that others read too is changed for the pair alone", () => {
    const graph = graphOf({
      ...{ inputs: [{ name: "x", shape: [1, 2] }], outputs: ["y", "z"], constants },
      nodes: [
        { op: "MatMul", inputs: ["x", "a"], outputs: ["g"] },
        { op: "MatMul", inputs: ["g", "a"], outputs: ["y"] },
        { op: "MatMul", inputs: ["x", "a"], outputs: ["z"] },
      ],
    });
    const { graph: level, pairs } = equalize(graph);
    expect(pairs).toHaveLength(1);
    expect(level.constants.get("a")).toEqual(constants.a);
    expect(difference(outputOf(graph, 1), outputOf(level, 1))).toBeLessThan(1e-6);
  });

  test("a dead channel, whose bias would grow without end", () => {
    const graph = graphOf({
      ...{ inputs: [{ name: "x", shape: [1, 2] }], outputs: ["y"] },
      constants: { ...constants, a: f32([2, 2], [1, 1e-20, 1, 1e-21]), c: f32([2], [1, 0.5]) },
      nodes: [
        { op: "Gemm", inputs: ["x", "a", "c"], outputs: ["g"] },
        { op: "MatMul", inputs: ["g", "b"], outputs: ["y"] },
      ],
    });
    const { graph: level } = equalize(graph);
    expect(level.constants.get(level.nodes[0]!.inputs[2]!)!.data[1]).toBe(0.5);
  });
});

const weights = missing(silero, "none");

test.skipIf(weights !== undefined)(
  because("Silero VAD's convolutions level out, and its outputs stay", weights),
  () => {
    const graph = loadModel(weightsOf(silero, "none"), {
      fixed: new Map([["sr", [16000]]]),
      shapes: new Map([["input", [1, 576]]]),
      batch: 1,
    });
    const { graph: level, pairs } = equalize(graph);
    const opOf = (name: string) => graph.nodes.find((node) => node.name === name)!.op.name;
    expect(pairs.map(({ first, second }) => [opOf(first), opOf(second)])).toEqual([
      ["Conv", "Conv"],
      ["Conv", "Conv"],
      ["Conv", "Conv"],
      ["Conv", "LSTM"],
    ]);
    for (const { first, second } of pairs) {
      const [given, read] = [rangesOf(level, first, "given"), rangesOf(level, second, "read")];
      for (const [i, r] of given.entries()) expect(r / read[i]!).toBeCloseTo(1, 3);
    }
    // Channels' mean share of a layer's range: what one scale for all leaves each of them.
    const share = (ranges: readonly number[]) =>
      ranges.reduce((sum, r) => sum + r, 0) / ranges.length / Math.max(...ranges);
    const shares = (of: Graph) => pairs.map(({ first }) => share(rangesOf(of, first, "given")));
    expect(Math.min(...shares(graph))).toBeLessThan(0.02);
    expect(Math.min(...shares(level))).toBeGreaterThan(0.1);
    expect(difference(outputOf(graph, 1), outputOf(level, 1))).toBeLessThan(1e-5);
  },
);
