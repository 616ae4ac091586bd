import seedrandom from "seedrandom";
import { describe, expect, test } from "vitest";
import { sensitivities } from "../../../src/model/onnx/sensitivity.ts";
import type { Sample } from "../../../src/onnx/data.ts";
import { execute, executeChanged } from "../../../src/onnx/execute.ts";
import type { Graph } from "../../../src/onnx/graph.ts";
import { fuse } from "../../../src/onnx/patterns/fuse.ts";
import { elementsIn, type Tensor } from "../../../src/onnx/tensor.ts";
import { makeRecipe } from "../../../src/quant/recipe.ts";
import { f32, graphOf } from "../../onnx/models.ts";

const rng = seedrandom("sensitivity");
const drawn = (shape: readonly number[], sizes: readonly number[] = [1]): Tensor =>
  f32(
    shape,
    Array.from({ length: elementsIn(shape) }, (_, i) => (2 * rng() - 1) * sizes[i % sizes.length]!),
  );

/** A convolution with a ReLU behind it, a curve, a product that is the output. */
const graph: Graph = fuse(
  graphOf({
    inputs: [{ name: "x", shape: [1, 2, 3] }],
    outputs: ["y"],
    constants: { c: drawn([4, 2, 1]), b: drawn([4]), w: drawn([3, 5], [1, 0.01, 1, 1, 1]) },
    nodes: [
      { op: "Conv", name: "conv", inputs: ["x", "c", "b"], outputs: ["g"] },
      { op: "Relu", name: "relu", inputs: ["g"], outputs: ["h"] },
      { op: "Tanh", name: "tanh", inputs: ["h"], outputs: ["t"] },
      { op: "MatMul", name: "product", inputs: ["t", "w"], outputs: ["y"] },
    ],
  }),
);
const samples: readonly Sample[] = Array.from({ length: 12 }, () => new Map([["x", drawn([1, 2, 3])]]));

const outputs = (one: Graph, sample: Sample): number[] => Array.from(execute(one, sample).get("y")!.data);

/** The loss, by its definition. */
function lossOf(changed: (sample: Sample) => readonly number[]): number {
  let [error, size] = [0, 0];
  for (const sample of samples) {
    const got = changed(sample);
    for (const [i, y] of outputs(graph, sample).entries()) {
      error += (got[i]! - y) ** 2;
      size += y ** 2;
    }
  }
  return error / size;
}

const rowsOf = (recipe: Readonly<Record<string, unknown>>, of = graph) =>
  new Map(sensitivities(of, samples, makeRecipe(recipe)).map((row) => [row.tensor, row]));

test("each tensor that a machine keeps is there once, the worst first", () => {
  const rows = sensitivities(graph, samples, makeRecipe({ weight_bits: 3, activation_bits: 5 }));
  expect(
    rows
      .map(({ tensor, kind, node, op, bits, elements }) => [tensor, kind, node, op, bits, elements])
      .toSorted(),
  ).toEqual([
    // g is written as h, and y is never narrowed.
    ["c", "weights", "conv", "Conv", 3, 8],
    ["h", "activation", "relu", "Relu", 5, 12],
    ["t", "activation", "tanh", "Tanh", 5, 12],
    ["w", "weights", "product", "MatMul", 3, 15],
    ["x", "activation", "input", "", 5, 6],
  ]);
  const losses = rows.map(({ loss }) => loss);
  expect(losses).toEqual(losses.toSorted((a, b) => b - a));
  expect(losses.every((loss) => loss > 0)).toBe(true);
});

test("the loss is that of the outputs, of weights with a scale for each row or one for all", () => {
  const { data } = graph.constants.get("w")!;
  const round = (x: number, most: number) => (Math.round((x / most) * 3) / 3) * most;
  const columns = Array.from({ length: 5 }, (_, c) =>
    Math.max(...[0, 1, 2].map((r) => Math.abs(data[r * 5 + c]!))),
  );
  const most = Math.max(...columns);
  for (const [weight_scale, mostOf] of [
    ["per-channel", (c: number) => columns[c]!],
    ["per-tensor", () => most],
  ] as const) {
    const w = f32(
      [3, 5],
      Array.from(data, (x, i) => round(x, mostOf(i % 5))),
    );
    const other = { ...graph, constants: new Map([...graph.constants, ["w", w]]) };
    const row = rowsOf({ weight_bits: 3, weight_scale }).get("w")!;
    expect(row.loss).toBeCloseTo(
      lossOf((sample) => outputs(other, sample)),
      9,
    );
  }
});

test("the loss of a value is that of its codes", () => {
  let [lo, hi] = [0, 0];
  for (const sample of samples)
    for (const x of sample.get("x")!.data) [lo, hi] = [Math.min(lo, x), Math.max(hi, x)];
  const scale = (hi - lo) / 15;
  const zero = Math.round(-lo / scale);
  const coded = (x: number) => (Math.max(0, Math.min(15, Math.round(x / scale) + zero)) - zero) * scale;
  const wanted = lossOf((sample) => {
    const { shape, data } = sample.get("x")!;
    return outputs(graph, new Map([["x", f32(shape, Array.from(data, coded))]]));
  });
  expect(rowsOf({ activation_bits: 4 }).get("x")!.loss).toBeCloseTo(wanted, 9);
});

test("rows whose largest element is another one are counted", () => {
  const { changed } = rowsOf({ weight_bits: 2 }).get("w")!;
  const { data } = graph.constants.get("w")!;
  const largest = (row: readonly number[]) => row.indexOf(Math.max(...row));
  const columns = Array.from({ length: 5 }, (_, c) =>
    Math.max(...[0, 1, 2].map((r) => Math.abs(data[r * 5 + c]!))),
  );
  const w = f32(
    [3, 5],
    Array.from(data, (x, i) => Math.round(x / columns[i % 5]!) * columns[i % 5]!),
  );
  const other = { ...graph, constants: new Map([...graph.constants, ["w", w]]) };
  const rows = samples.flatMap((sample) => {
    const [a, b] = [outputs(graph, sample), outputs(other, sample)];
    return [0, 5, 10, 15].map((at) => largest(a.slice(at, at + 5)) !== largest(b.slice(at, at + 5)));
  });
  expect(changed).toBe(rows.filter(Boolean).length / rows.length);
  expect(changed).toBeGreaterThan(0);
});

test("a corrected bias takes the mean of each channel out of the loss", () => {
  const recipe = { weight_bits: 2 };
  const [plain, corrected] = [rowsOf(recipe), rowsOf({ ...recipe, bias_correction: "yes" })];
  // Behind the last product nothing bends what a mean is.
  const perChannel = lossOf((sample) => {
    const all = samples.map((one) => outputs(graph, one));
    const off = all.map((ys, k) => {
      const { data } = graph.constants.get("w")!;
      const columns = Array.from({ length: 5 }, (_, c) =>
        Math.max(...[0, 1, 2].map((r) => Math.abs(data[r * 5 + c]!))),
      );
      const w = f32(
        [3, 5],
        Array.from(data, (x, i) => Math.round(x / columns[i % 5]!) * columns[i % 5]!),
      );
      const other = { ...graph, constants: new Map([...graph.constants, ["w", w]]) };
      return outputs(other, samples[k]!).map((y, i) => y - ys[i]!);
    });
    const mean = (c: number) =>
      off.reduce((sum, one) => sum + one.reduce((part, x, i) => part + (i % 5 === c ? x : 0), 0), 0) /
      (4 * off.length);
    const k = samples.indexOf(sample);
    return all[k]!.map((y, i) => y + off[k]![i]! - mean(i % 5));
  });
  expect(corrected.get("w")!.loss).toBeCloseTo(perChannel, 6);
  expect(corrected.get("w")!.loss).toBeLessThan(plain.get("w")!.loss);
  expect(corrected.get("t")).toEqual(plain.get("t"));
});

test("equalization is done before anything is quantized", () => {
  const uneven: Graph = fuse(
    graphOf({
      inputs: [{ name: "x", shape: [1, 2, 3] }],
      outputs: ["y"],
      constants: { c: f32([2, 2, 1], [1, -0.5, 0.002, 0.001]), w: f32([2, 2, 1], [0.001, 0.5, 0.002, -1]) },
      nodes: [
        { op: "Conv", inputs: ["x", "c"], outputs: ["g"] },
        { op: "Relu", inputs: ["g"], outputs: ["h"] },
        { op: "Conv", inputs: ["h", "w"], outputs: ["y"] },
      ],
    }),
  );
  const recipe = { weight_scale: "per-tensor", weight_bits: 6 };
  const before = rowsOf(recipe, uneven).get("c")!.loss;
  const after = rowsOf({ ...recipe, equalization: "yes" }, uneven).get("c equalized")!.loss;
  expect(after).toBeLessThan(before / 20);
});

describe("an execution with other values", () => {
  test("is that of the graph with these, and computes nothing else", () => {
    const [sample] = samples;
    const known = new Map([...graph.constants, ...sample!]);
    execute(graph, sample!, {
      show: (node, _, given) => known.set(node.outputs[0]!, given[0]!),
    });
    const h = drawn([1, 4, 3]);
    const got = executeChanged(graph, known, new Map([["h", h]])).get("y")!;
    const behind = graphOf({
      ...{ inputs: [{ name: "h", shape: [1, 4, 3] }], outputs: ["y"] },
      constants: { w: graph.constants.get("w")! },
      nodes: [
        { op: "Tanh", inputs: ["h"], outputs: ["t"] },
        { op: "MatMul", inputs: ["t", "w"], outputs: ["y"] },
      ],
    });
    expect(got).toEqual(execute(behind, new Map([["h", h]])).get("y"));
    expect(executeChanged(graph, known, new Map())).toEqual(execute(graph, sample!));
    // What is changed stays so, although what it is made of is changed too.
    const x = drawn([1, 2, 3]);
    const both = new Map([
      ["h", h],
      ["x", x],
    ]);
    expect(executeChanged(graph, known, both).get("y")).toEqual(got);
  });
});
