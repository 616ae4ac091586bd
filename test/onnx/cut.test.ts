import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { cut, type Ends, without } from "../../src/onnx/cut.ts";
import { execute } from "../../src/onnx/execute.ts";
import type { Graph } from "../../src/onnx/graph.ts";
import { fuse } from "../../src/onnx/patterns/fuse.ts";
import { summarize } from "../../src/onnx/summary.ts";
import type { Tensor } from "../../src/onnx/tensor.ts";
import { CORPUS } from "./corpus.ts";
import { f32, graphOf, i64, type ModelSpec } from "./models.ts";

const ops = ({ nodes }: Graph): string[] => nodes.map(({ op }) => op.name);
const names = (list: readonly { readonly name: string }[]): string[] => list.map(({ name }) => name);

/** A chain with a branch: y = tanh(relu(a x)) + relu(a x), z = exp(b), and two outputs of one split. */
const BRANCHED: ModelSpec = {
  inputs: [
    { name: "x", shape: [2, 4] },
    { name: "b", shape: [2, 2] },
  ],
  outputs: ["y", "z"],
  constants: { a: f32([4], [1, -2, 3, 0.5]), k: f32([2, 2], [1, 2, 3, 4]), n: i64(2, 2) },
  nodes: [
    { op: "Mul", inputs: ["x", "a"], outputs: ["p"] },
    { op: "Relu", inputs: ["p"], outputs: ["r"] },
    { op: "Split", inputs: ["r", "n"], outputs: ["s", "t"], attributes: { axis: 1 } },
    { op: "Tanh", inputs: ["s"], outputs: ["h"] },
    { op: "Add", inputs: ["h", "t"], outputs: ["y"] },
    { op: "Exp", inputs: ["b"], outputs: ["e"] },
    { op: "Mul", inputs: ["e", "k"], outputs: ["z"] },
  ],
};
const branched = graphOf(BRANCHED);
const X = f32([2, 4], [0.5, -1, 2, 3, -0.25, 0.75, 1, -2]);
const B = f32([2, 2], [0, 1, -1, 0.5]);

describe("a part", () => {
  test("has what is between, and nothing else", () => {
    const part = cut(branched, { from: ["r"], to: ["h"] });
    expect(ops(part)).toEqual(["Split", "Tanh"]);
    expect(part.inputs).toEqual([{ name: "r", dtype: "float32", shape: [2, 4] }]);
    expect(part.outputs).toEqual([{ name: "h", value: "h" }]);
    expect([...part.constants.keys()]).toEqual(["n"]);
  });

  test("begins or ends with the graph where nothing is said", () => {
    expect(ops(cut(branched, { to: ["r"] }))).toEqual(["Mul", "Relu"]);
    expect(names(cut(branched, { to: ["r"] }).inputs)).toEqual(["x"]);
    const back = cut(branched, { from: ["t", "b", "h"] });
    expect(ops(back)).toEqual(["Exp", "Mul", "Add"]);
    expect(names(back.inputs)).toEqual(["t", "b", "h"]);
    expect(names(back.outputs)).toEqual(["y", "z"]);
    expect(ops(cut(branched, {}))).toEqual(ops(branched));
  });

  test("takes of a node's results the ones that it is not given", () => {
    const part = cut(branched, { from: ["r", "s"], to: ["y"] });
    expect(part.nodes.map(({ op, outputs }) => [op.name, outputs])).toEqual([
      ["Split", ["", "t"]],
      ["Tanh", ["h"]],
      ["Add", ["y"]],
    ]);
    const s = f32([2, 2], [1, 0, -1, 2]);
    const y = execute(
      part,
      new Map([
        ["r", X],
        ["s", s],
      ]),
    ).get("y")!;
    const t = [2, 3, 1, -2];
    expect([...y.data]).toEqual(t.map((value, i) => Math.fround(Math.fround(Math.tanh(s.data[i]!)) + value)));
  });

  test("knows an output of the graph by its public name", () => {
    const spec: ModelSpec = {
      ...BRANCHED,
      nodes: [...BRANCHED.nodes, { op: "Identity", inputs: ["z"], outputs: ["w"] }],
      outputs: ["y", "w"],
    };
    const part = cut(graphOf(spec), { to: ["w"] });
    expect(names(part.outputs)).toEqual(["w"]);
    expect([...execute(part, new Map([["b", B]])).get("w")!.data]).toEqual(
      [...B.data].map((value, i) => Math.fround(Math.fround(Math.exp(value)) * (i + 1))),
    );
  });

  test("has the nodes inside a choice that it needs", () => {
    const graph = graphOf(CORPUS["branches"]!);
    const [chosen] = graph.nodes.filter(({ branches }) => branches !== undefined);
    const [condition] = chosen!.inputs;
    const part = cut(graph, { from: [condition!, "x"] });
    expect(ops(part)).toEqual(["If"]);
    expect(() => cut(graph, { from: [condition!] })).toThrow(
      "test.onnx: input x: is needed for y, and the part does not begin with it",
    );
  });

  test("does not have what a branch has for itself", () => {
    const graph = graphOf(CORPUS["branches"]!);
    const inner = graph.nodes.flatMap(({ branches }) => branches ?? []).flatMap(({ nodes }) => nodes);
    const [hidden] = inner.flatMap(({ outputs }) => outputs);
    expect(() => cut(graph, { to: [hidden!] })).toThrow("is not in the graph");
  });
});

/** Models whose inputs have sizes, and an input for each. */
const inputsOf = ({ inputs }: Graph): Map<string, Tensor> =>
  new Map(
    inputs.map(({ name, shape }) => {
      const sizes = shape as readonly number[];
      const count = sizes.reduce((all, size) => all * size, 1);
      return [
        name,
        f32(
          sizes,
          Array.from({ length: count }, (_, i) => ((5 * i) % 13) / 6 - 1),
        ),
      ];
    }),
  );

describe("front and part together are the whole", () => {
  const whole = [
    graphOf(CORPUS["conv"]!, { batch: 2 }),
    graphOf(CORPUS["attention"]!, { shapes: new Map(["q", "k", "v"].map((name) => [name, [2, 2, 3, 4]])) }),
    branched,
  ];
  const values = whole.flatMap((graph) =>
    graph.nodes.flatMap(({ outputs }) => outputs).map((value) => ({ graph, value })),
  );

  test("for every value that a graph can be cut at", () => {
    let cuts = 0;
    fc.assert(
      fc.property(fc.constantFrom(...values), ({ graph, value }) => {
        if (graph.outputs.some((output) => output.value === value)) return;
        const inputs = inputsOf(graph);
        const own = names(graph.inputs);
        // With all inputs a part has whatever it needs besides the value.
        const back = cut(graph, { from: [value, ...readBehind(graph, value)] });
        const front = cut(graph, { to: [value] });
        const middle = execute(front, new Map(names(front.inputs).map((name) => [name, inputs.get(name)!])));
        const given = new Map(
          names(back.inputs).map((name) => [name, inputs.get(name) ?? middle.get(name)!]),
        );
        expect(execute(back, given)).toEqual(execute(graph, inputs));
        expect(names(front.inputs).every((name) => own.includes(name))).toBe(true);
        cuts++;
      }),
    );
    expect(cuts).toBeGreaterThan(50);
  });

  /** Inputs of a graph that its outputs need beside a value. */
  function readBehind(graph: Graph, value: string): string[] {
    return names(graph.inputs).filter((name) => {
      try {
        cut(graph, { from: [value, ...names(graph.inputs).filter((other) => other !== name)] });
        return false;
      } catch (error) {
        return String(error).includes(`input ${name}: is needed`);
      }
    });
  }

  test("in nodes and products too", () => {
    const ends: readonly Ends[] = [{ from: ["r"], to: ["h"] }, { to: ["r"] }, { from: ["h", "t", "b"] }];
    const total = (graph: Graph) => summarize(graph).total;
    for (const one of ends) {
      const part = cut(branched, one);
      const rest = without(branched, part);
      for (const key of ["nodes", "macs", "elements"] as const)
        expect(total(part)[key] + total(rest)[key]).toBe(total(branched)[key]);
    }
  });
});

test("the rest gives what the part begins with, and takes what it ends with", () => {
  const rest = without(branched, cut(branched, { from: ["s"], to: ["h"] }));
  expect(ops(rest)).toEqual(["Mul", "Exp", "Relu", "Mul", "Split", "Add"]);
  expect(names(rest.inputs)).toEqual(["x", "b", "h"]);
  expect(names(rest.outputs)).toEqual(["y", "z", "s"]);
  const h = f32([2, 2], [1, 2, 3, 4]);
  const all = execute(
    fuse(rest),
    new Map([
      ["x", X],
      ["b", B],
      ["h", h],
    ]),
  );
  expect([...all.get("s")!.data]).toEqual([0.5, 2, 0, 0]);
  expect([...all.get("y")!.data]).toEqual([1 + 6, 2 + 1.5, 3 + 3, 4]);
});

test.each([
  ["a value that is not there", { from: ["q"] }, "value q: is not in the graph"],
  ["an end that is not there", { to: ["q"] }, "value q: is not in the graph"],
  ["a name twice", { from: ["r", "r"] }, "value r: is named twice"],
  [
    "a constant at the beginning",
    { from: ["a"] },
    "value a: is a constant: a part begins with what is computed",
  ],
  [
    "a constant at the end",
    { to: ["k"] },
    "value k: is not computed by any node behind where the part begins",
  ],
  ["an end at the beginning", { from: ["r"], to: ["r"] }, /^test.onnx: value r: is not computed by any node/],
  [
    "an end before the beginning",
    { from: ["h"], to: ["r"] },
    "input x: is needed for r, and the part does not",
  ],
  [
    "an input that is needed too",
    { from: ["h"], to: ["y", "z"] },
    "input x: is needed for y, z, and the part",
  ],
  ["a beginning too many", { from: ["r", "b"], to: ["y"] }, "value b: is not needed for y"],
  ["a beginning behind another", { from: ["r", "x"], to: ["y"] }, "value x: is not needed for y"],
  ["a name of two lines", { to: ["a\nb"] }, "value a?b: is not in the graph"],
] as const)("refused: %s", (_, ends, rule) => {
  expect(() => cut(branched, ends)).toThrow(rule);
  expect(() => cut(branched, ends)).toThrow(/^test\.onnx: /);
});
