import fc from "fast-check";
import seedrandom from "seedrandom";
import { describe, expect, test } from "vitest";
import { makeArch } from "../../../src/arch/spec.ts";
import { choiceFor, isTaken } from "../../../src/model/onnx/kinds/choice.ts";
import { type Frames, Network } from "../../../src/model/onnx/network.ts";
import { Operation } from "../../../src/model/onnx/operation.ts";
import { partsOf } from "../../../src/model/onnx/parts.ts";
import { fuse } from "../../../src/onnx/patterns/fuse.ts";
import { elementsIn, type Tensor } from "../../../src/onnx/tensor.ts";
import { Ranges } from "../../../src/quant/grid.ts";
import { makeRecipe, type Recipe } from "../../../src/quant/recipe.ts";
import { execute } from "../../../src/sweep/execute.ts";
import { legalize } from "../../../src/sweep/legal.ts";
import { f32, type GraphSpec, graphOf, i64, type NodeSpec } from "../../onnx/models.ts";

const arch = makeArch();

/** Pieces where they are best, but for what has 16 bits: there it takes long, and the slope rule is enough. */
const FINE = {
  ...{ gate_method: "optimal-rms", candidate_method: "optimal-rms" },
  ...{ activation_method: "optimal-rms", exp_method: "optimal-rms" },
} as const;

/** Integers of a network on its own samples: by plain loops, by the machine, and in real numbers. */
function run(network: Network, samples: readonly Frames[], recipe: Partial<Recipe> = {}) {
  const ranges = new Ranges();
  for (const sample of samples)
    network.reference(sample, (site, values, lookedUp) => ranges.observe(site, values, lookedUp));
  const numerics = { recipe: makeRecipe({ ...FINE, ...recipe }), arch: arch.settings };
  const q = network.quantize(samples[0]!.size, ranges, numerics);
  const sizes = [...new Set(samples.map(({ size }) => size))];
  const job = legalize(network.compile(q, arch, sizes), arch);
  const inputs = samples.map((sample) => network.inputOf(q, sample));
  return {
    q,
    job,
    real: samples.map((sample) => network.reference(sample)),
    exact: samples.map((sample) => network.exact(q, sample, arch.settings)),
    machine: execute(job, inputs).map(({ outputs }) => outputs),
  };
}

const values = (rng: () => number, shape: readonly number[], limit = 1): Tensor =>
  f32(
    shape,
    Float64Array.from({ length: elementsIn(shape) }, () => limit * (2 * rng() - 1)),
  );

/** The largest difference, as a share of the largest number. */
function distance(real: readonly number[], integer: readonly number[]): number {
  const most = Math.max(...real.map(Math.abs), 1e-9);
  return real.reduce((worst, x, i) => Math.max(worst, Math.abs(x - integer[i]!) / most), 0);
}

describe("drawn graphs", () => {
  /** Operators on a value of [1, 4, 6], which they all keep. */
  const STEPS: readonly ((
    rng: () => number,
    from: string,
    older: string,
  ) => Omit<NodeSpec, "outputs"> & {
    readonly constants?: Readonly<Record<string, Tensor>>;
  })[] = [
    (rng, x) => ({
      op: "Conv",
      inputs: [x, "w", "b"],
      constants: { w: values(rng, [4, 4, 3]), b: values(rng, [4]) },
      attributes: { pads: [1, 1] },
    }),
    (rng, x) => ({
      op: "Conv",
      inputs: [x, "w"],
      constants: { w: values(rng, [4, 2, 1]) },
      attributes: { group: 2 },
    }),
    (rng, x) => ({ op: "MatMul", inputs: [x, "w"], constants: { w: values(rng, [6, 6]) } }),
    (rng, x) => ({ op: "Add", inputs: [x, "c"], constants: { c: values(rng, [4, 1]) } }),
    (rng, x) => ({ op: "Mul", inputs: ["c", x], constants: { c: values(rng, [6], 2) } }),
    (_rng, x, older) => ({ op: "Add", inputs: [x, older] }),
    (_rng, x, older) => ({ op: "Mul", inputs: [older, x] }),
    (_rng, x) => ({ op: "Relu", inputs: [x] }),
    (_rng, x) => ({ op: "Tanh", inputs: [x] }),
    (_rng, x) => ({ op: "Sigmoid", inputs: [x] }),
    (_rng, x) => ({ op: "Softmax", inputs: [x], attributes: { axis: 1 } }),
    (rng, x) => ({
      op: "LayerNormalization",
      inputs: [x, "g"],
      constants: { g: values(rng, [6]) },
      attributes: { axis: -1 },
    }),
    (_rng, x) => ({
      op: "AveragePool",
      inputs: [x],
      attributes: { kernel_shape: [3], pads: [1, 1], count_include_pad: 1 },
    }),
    (_rng, x) => ({ op: "MaxPool", inputs: [x], attributes: { kernel_shape: [3], pads: [1, 1] } }),
    (_rng, x) => ({
      op: "Gather",
      inputs: [x, "i"],
      constants: { i: i64(5, 0, 3, 3, 1, 2) },
      attributes: { axis: 2 },
    }),
    (_rng, x) => ({
      op: "Gather",
      inputs: [x, "i"],
      constants: { i: i64(3, 1, 0, 2) },
      attributes: { axis: 1 },
    }),
  ];

  function drawn(seed: number): GraphSpec {
    const rng = seedrandom(String(seed));
    const nodes: NodeSpec[] = [];
    const constants: Record<string, Tensor> = {};
    const names = ["x"];
    const count = 2 + Math.floor(rng() * 7);
    for (let i = 0; i < count; i++) {
      const { constants: own = {}, ...node } = STEPS[Math.floor(rng() * STEPS.length)]!(
        rng,
        names.at(-1)!,
        names[Math.floor(rng() * names.length)]!,
      );
      for (const [name, tensor] of Object.entries(own)) constants[`${name}${i}`] = tensor;
      nodes.push({
        ...node,
        inputs: node.inputs.map((name) => (name in own ? `${name}${i}` : name)),
        outputs: [`v${i}`],
      });
      names.push(`v${i}`);
    }
    // Two ends: as it is, and turned and joined with what is somewhere before.
    nodes.push({
      op: "Transpose",
      inputs: [names.at(-1)!],
      outputs: ["turned"],
      attributes: { perm: [2, 0, 1] },
    });
    nodes.push({
      op: "Transpose",
      inputs: [names[Math.floor(rng() * names.length)]!],
      outputs: ["other"],
      attributes: { perm: [2, 0, 1] },
    });
    nodes.push({ op: "Concat", inputs: ["turned", "other"], outputs: ["y"], attributes: { axis: 2 } });
    return { inputs: [{ name: "x", shape: [1, 4, 6] }], outputs: ["y", names.at(-1)!], constants, nodes };
  }

  function runDrawn(seed: number, recipe?: Partial<Recipe>) {
    const spec = drawn(seed);
    const graph = graphOf(spec.outputs[1] === "x" ? { ...spec, outputs: ["y"] } : spec);
    const rng = seedrandom(`inputs ${seed}`);
    const samples = Array.from({ length: 2 }, () => ({ size: 1, frames: [{ x: values(rng, [1, 4, 6]) }] }));
    return run(new Network(() => partsOf(fuse(graph))), samples, recipe);
  }

  test("the machine gives the bits of plain loops", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 100_000 }), (seed) => {
        const { exact, machine } = runDrawn(seed, { activation_method: "slope", exp_method: "slope" });
        expect(machine).toEqual(exact);
      }),
      { numRuns: 50 },
    );
  });

  test.each([1, 2, 3, 4, 5, 6, 7, 8, 5714])("graph %i comes near what real numbers give", (seed) => {
    const { real, exact, machine } = runDrawn(seed);
    expect(machine).toEqual(exact);
    for (const [i, one] of real.entries()) expect(distance(one, exact[i]!)).toBeLessThan(0.1);
  });
});

describe("a stream", () => {
  const rng = seedrandom("stream");
  const HIDDEN = 5;
  const spec = (op: "LSTM" | "GRU"): GraphSpec => {
    const gates = op === "LSTM" ? 4 : 3;
    const states = op === "LSTM" ? ["h", "c"] : ["h"];
    return {
      inputs: [{ name: "x", shape: [2, 1, 3] }, ...states.map((name) => ({ name, shape: [1, 1, HIDDEN] }))],
      outputs: ["y", ...states.map((name) => `${name}N`)],
      constants: {
        W: values(rng, [1, gates * HIDDEN, 3]),
        R: values(rng, [1, gates * HIDDEN, HIDDEN]),
        B: values(rng, [1, 2 * gates * HIDDEN]),
      },
      nodes: [
        {
          ...{
            op,
            inputs: ["x", "W", "R", "B", "", ...states],
            outputs: ["y", ...states.map((name) => `${name}N`)],
          },
          attributes: { hidden_size: HIDDEN },
        },
      ],
    };
  };

  test.each(["LSTM", "GRU"] as const)("of an %s goes on from frame to frame", (op) => {
    const graph = graphOf(spec(op));
    const names = op === "LSTM" ? ["h", "c"] : ["h"];
    const states = names.map((input) => ({ input, output: `${input}N` }));
    const network = new Network(() => partsOf(graph), states);
    const frames = Array.from({ length: 6 }, () => ({ x: values(rng, [2, 1, 3]) }));
    const { real, exact, machine, job } = run(network, [{ size: 1, frames }]);
    expect(machine).toEqual(exact);
    expect(real[0]).toHaveLength(6 * 2 * HIDDEN);
    expect(distance(real[0]!, exact[0]!)).toBeLessThan(0.06);
    expect([...job.stages.values()][0]!.map(({ name }) => name)).toEqual(["start", "run"]);
    // The whole sequence at once is the same function.
    const whole = graphOf({
      ...spec(op),
      ...{ inputs: [{ name: "x", shape: [12, 1, 3] }], outputs: ["y"] },
      constants: Object.fromEntries(graph.constants),
      nodes: [{ op, inputs: ["x", "W", "R", "B"], outputs: ["y"], attributes: { hidden_size: HIDDEN } }],
    });
    const x = f32(
      [12, 1, 3],
      frames.flatMap(({ x: one }) => [...one.data]),
    );
    const once = new Network(() => partsOf(whole)).reference({ size: 1, frames: [{ x }] });
    expect(distance(once, real[0]!)).toBeLessThan(1e-6);
  });

  test("without what it remembers gives something else", () => {
    const graph = graphOf(spec("LSTM"));
    const frames = Array.from({ length: 3 }, () => ({ x: values(rng, [2, 1, 3]) }));
    const states = ["h", "c"].map((input) => ({ input, output: `${input}N` }));
    const network = new Network(() => partsOf(graph), states);
    const { exact } = run(network, [{ size: 1, frames }]);
    const { exact: alone } = run(network, [
      { size: 1, frames },
      { size: 1, frames: frames.slice(2) },
    ]);
    expect(alone[0]).toEqual(exact[0]);
    expect(alone[1]).not.toEqual(exact[0]!.slice(-alone[1]!.length));
  });
});

describe("attention", () => {
  test.each([
    ["one head", [1, 1, 5, 4], false],
    ["heads beside each other", [1, 3, 6, 4], false],
    ["keys that come as columns", [1, 2, 5, 4], true],
  ] as const)("%s", (_, shape, isColumns) => {
    const rng = seedrandom("attention");
    const keys = isColumns ? [...shape.slice(0, 2), shape[3], shape[2]] : shape;
    const graph = fuse(
      graphOf({
        inputs: [
          { name: "q", shape },
          { name: "k", shape: keys },
          { name: "v", shape },
        ],
        outputs: ["y"],
        constants: { scale: f32([], [0.5]) },
        nodes: [
          ...(isColumns
            ? []
            : [{ op: "Transpose", inputs: ["k"], outputs: ["kt"], attributes: { perm: [0, 1, 3, 2] } }]),
          { op: "MatMul", inputs: ["q", isColumns ? "k" : "kt"], outputs: ["s"] },
          { op: "Mul", inputs: ["s", "scale"], outputs: ["scaled"] },
          { op: "Softmax", inputs: ["scaled"], outputs: ["p"], attributes: { axis: -1 } },
          { op: "MatMul", inputs: ["p", "v"], outputs: ["y"] },
        ],
      }),
    );
    expect(graph.nodes.map(({ op }) => op.name)).toEqual(["SoftmaxAttention"]);
    const network = new Network(() => partsOf(graph));
    const frame = { q: values(rng, shape, 2), k: values(rng, keys, 2), v: values(rng, shape) };
    const { real, exact, machine } = run(network, [{ size: 1, frames: [frame] }]);
    expect(machine).toEqual(exact);
    expect(distance(real[0]!, exact[0]!)).toBeLessThan(0.03);
  });
});

describe("the host", () => {
  const conv = (x: string, y: string): NodeSpec => ({ op: "Conv", inputs: [x, "w"], outputs: [y] });
  const graph = (nodes: readonly NodeSpec[]) =>
    graphOf({
      inputs: [{ name: "x", shape: [1, 2, 4] }],
      outputs: ["y"],
      constants: { w: values(seedrandom("host"), [2, 2, 1]) },
      nodes,
    });
  const odd = (x: string, y: string): NodeSpec => ({ op: "Floor", inputs: [x], outputs: [y] });
  const opsOf = (
    one: { readonly nodes: readonly { readonly op: { readonly name: string } }[] } | undefined,
  ) => one?.nodes.map(({ op }) => op.name);

  test("does what is odd before all matrices, with what it needs, and behind them, with what needs it", () => {
    const parts = partsOf(
      graph([
        ...[{ op: "Neg", inputs: ["x"], outputs: ["a"] }, odd("a", "b"), conv("b", "c"), odd("c", "d")],
        { op: "Neg", inputs: ["d"], outputs: ["y"] },
      ]),
    );
    expect([parts.front, parts.machine, parts.back].map(opsOf)).toEqual([
      ["Neg", "Floor"],
      ["Conv"],
      ["Floor", "Neg"],
    ]);
    const network = new Network(() => parts);
    const x = f32([1, 2, 4], [3.2, -1.5, 0.4, 2, 7.9, -3.3, 5.5, 1.1]);
    const { real, exact, machine } = run(network, [{ size: 1, frames: [{ x }] }]);
    expect(machine).toEqual(exact);
    expect(real[0]!.every((value) => Number.isInteger(value))).toBe(true);
    expect(machine[0]!.every((value) => Number.isInteger(value))).toBe(true);
  });

  test("does not do what is between matrices: that is refused, node by node", () => {
    const parts = partsOf(graph([conv("x", "a"), odd("a", "b"), conv("b", "y")]));
    expect(opsOf(parts.machine)).toEqual(["Conv", "Floor", "Conv"]);
    const network = new Network(() => parts);
    expect(() => run(network, [{ size: 1, frames: [{ x: values(seedrandom("x"), [1, 2, 4]) }] }])).toThrow(
      "test.onnx: the machine does not take #1 (Floor): has no lowering",
    );
  });

  test("a ReLU costs nothing where its operand is written for it alone", () => {
    const relu = graph([conv("x", "a"), { op: "Relu", inputs: ["a"], outputs: ["y"] }]);
    const frames = [{ x: values(seedrandom("relu"), [1, 2, 4]) }];
    const { q } = run(new Network(() => partsOf(relu)), [{ size: 1, frames }]);
    expect(q.steps.map(({ kind }) => kind)).toEqual(["conv"]);
    const shared = graph([
      ...[conv("x", "a"), { op: "Relu", inputs: ["a"], outputs: ["b"] }],
      { op: "Add", inputs: ["a", "b"], outputs: ["y"] },
    ]);
    const both = run(new Network(() => partsOf(shared)), [{ size: 1, frames }]);
    expect(both.q.steps.map(({ kind }) => kind)).toEqual(["conv", "bounded", "sum"]);
    expect(both.machine).toEqual(both.exact);
  });
});

test("every kind says why it does not take what it does not", () => {
  const graph = graphOf({
    inputs: [
      { name: "x", shape: [2, 2, 4] },
      { name: "w", shape: [2, 2, 1] },
    ],
    outputs: ["a", "b", "c"],
    nodes: [
      { op: "Conv", inputs: ["x", "w"], outputs: ["a"] },
      { op: "Div", inputs: ["x", "x"], outputs: ["b"] },
      { op: "Pow", inputs: ["x", "x"], outputs: ["c"] },
    ],
  });
  const whys = graph.nodes.map((node) => {
    const choice = choiceFor(new Operation(node, graph));
    return isTaken(choice) ? "" : choice.odd;
  });
  expect(whys).toEqual([
    "its weights are no constants",
    "is no operation of a value and a constant",
    "is no function of one number",
  ]);
});

describe("what streams and hosts are given", () => {
  const frame = (seed: string) => ({ x: values(seedrandom(seed), [1, 3, 4]) });
  const x = { name: "x", shape: [1, 3, 4] };
  const turned = (from: string, to: string): NodeSpec => ({
    ...{ op: "Transpose", inputs: [from], outputs: [to] },
    attributes: { perm: [0, 1, 2] },
  });

  test("an output that shows a state shows the one that the frame began with", () => {
    const graph = graphOf({
      inputs: [x, { name: "s", shape: [1, 3, 4] }],
      outputs: ["y", "sN"],
      nodes: [{ op: "Add", inputs: ["x", "s"], outputs: ["sN"] }, turned("s", "y")],
    });
    const network = new Network(() => partsOf(graph), [{ input: "s", output: "sN" }]);
    const { real, exact, machine } = run(network, [
      { size: 1, frames: [frame("a"), frame("b"), frame("c")] },
    ]);
    expect(machine).toEqual(exact);
    expect(distance(real[0]!, exact[0]!)).toBeLessThan(0.02);
  });

  test.each([
    ["s1", "s2"],
    ["s2", "s1"],
  ])("states that pass on what they were, %s first", (first, second) => {
    const graph = graphOf({
      inputs: [x, { name: "s1", shape: [1, 3, 4] }, { name: "s2", shape: [1, 3, 4] }],
      outputs: ["y", "s1N", "s2N"],
      nodes: [turned("x", "s1N"), turned("s1", "s2N"), { op: "Add", inputs: ["x", "s2"], outputs: ["y"] }],
    });
    const states = [first!, second!].map((input) => ({ input, output: `${input}N` }));
    const frames = ["a", "b", "c", "d"].map(frame);
    const { real, exact, machine } = run(new Network(() => partsOf(graph), states), [{ size: 1, frames }]);
    expect(machine).toEqual(exact);
    expect(distance(real[0]!, exact[0]!)).toBeLessThan(0.02);
  });

  test("h of an LSTM comes on a shared grid without the rows beside it", () => {
    const rng = seedrandom("margin");
    const graph = graphOf({
      inputs: [
        { name: "x", shape: [3, 1, 2] },
        { name: "z", shape: [3, 1, 4] },
      ],
      outputs: ["y"],
      constants: {
        W: values(rng, [1, 16, 2]),
        R: values(rng, [1, 16, 4]),
        g: values(rng, [4]),
        axes: i64(1),
      },
      nodes: [
        { op: "LSTM", inputs: ["x", "W", "R"], outputs: ["hs"], attributes: { hidden_size: 4 } },
        { op: "Squeeze", inputs: ["hs", "axes"], outputs: ["h"] },
        { op: "LayerNormalization", inputs: ["z", "g"], outputs: ["n"] },
        { op: "Concat", inputs: ["h", "n"], outputs: ["y"], attributes: { axis: 2 } },
      ],
    });
    const network = new Network(() => partsOf(graph));
    const frames = [{ x: values(rng, [3, 1, 2]), z: values(rng, [3, 1, 4]) }];
    const { real, exact, machine } = run(network, [{ size: 1, frames }], { norm_bits: 16 });
    expect(machine).toEqual(exact);
    expect(distance(real[0]!, exact[0]!)).toBeLessThan(0.1);
  });

  test("a Clip is folded only where the grid ends where it does", () => {
    const graph = graphOf({
      inputs: [{ name: "x", shape: [1, 2] }],
      outputs: ["y"],
      constants: { w: f32([2, 2], [1, 0, 0, 1]), lo: f32([], [0]), hi: f32([], [6]) },
      nodes: [
        { op: "MatMul", inputs: ["x", "w"], outputs: ["a"] },
        { op: "Clip", inputs: ["a", "lo", "hi"], outputs: ["y"] },
      ],
    });
    const samples = [
      [6, 1],
      [7, 7.9],
    ].map((list) => ({ size: 1, frames: [{ x: f32([1, 2], list) }] }));
    const { exact, machine } = run(new Network(() => partsOf(graph)), samples, { scales: "power-of-two" });
    expect(machine).toEqual(exact);
    expect(Math.max(...exact[1]!)).toBeLessThanOrEqual(6.03);
  });

  test("outputs that the host reads too, and outputs of one name with another value, are all there, in order", () => {
    const graph = graphOf({
      inputs: [x],
      outputs: ["logits", "best", "early"],
      constants: { w: values(seedrandom("w"), [4, 4]) },
      nodes: [
        { op: "MatMul", inputs: ["x", "w"], outputs: ["m"] },
        { op: "Identity", inputs: ["m"], outputs: ["logits"] },
        { op: "ArgMax", inputs: ["logits"], outputs: ["best"], attributes: { axis: 2, keepdims: 0 } },
        { op: "Floor", inputs: ["x"], outputs: ["early"] },
      ],
    });
    const network = new Network(() => partsOf(graph));
    const { real, exact, machine } = run(network, [{ size: 1, frames: [frame("outputs")] }]);
    expect(machine).toEqual(exact);
    // Logits and their best; what hangs on nothing of the machine's is no result of it.
    expect(real[0]).toHaveLength(12 + 3);
    expect(network.widthsAt(1)).toEqual([4, 4, 4, 3]);
    expect(exact[0]!.slice(12)).toEqual(real[0]!.slice(12));
  });

  test("the host may read what is a state's next value, and nothing of what it was", () => {
    const spec = (read: string): GraphSpec => ({
      inputs: [x, { name: "s", shape: [1, 3, 4] }],
      outputs: ["y", "sN"],
      constants: { w: values(seedrandom("w"), [4, 4]) },
      nodes: [
        { op: "MatMul", inputs: ["x", "w"], outputs: ["m"] },
        { op: "Add", inputs: ["m", "s"], outputs: ["sN"] },
        { op: "Add", inputs: ["m", read], outputs: ["z"] },
        { op: "Floor", inputs: [read === "s" ? "s" : "sN"], outputs: ["f"] },
        { op: "Add", inputs: ["f", "z"], outputs: ["y"] },
      ],
    });
    const states = [{ input: "s", output: "sN" }];
    const network = new Network(() => partsOf(graphOf(spec("sN"))), states);
    const { exact, machine } = run(network, [{ size: 1, frames: [frame("a"), frame("b")] }]);
    expect(machine).toEqual(exact);
  });

  test("a graph of which nothing is the machine's is refused", () => {
    const graph = graphOf({
      inputs: [x],
      outputs: ["y"],
      nodes: [{ op: "Floor", inputs: ["x"], outputs: ["y"] }],
    });
    expect(() => partsOf(graph)).toThrow(
      "test.onnx: has nothing that the machine computes: the host does all of it",
    );
  });

  test("what calibration sees beyond all numbers is refused by the value's name", () => {
    const graph = graphOf({
      inputs: [x],
      outputs: ["y"],
      nodes: [{ op: "Log", inputs: ["x"], outputs: ["y"] }],
    });
    const zero = f32([1, 3, 4], new Float64Array(12));
    expect(() => run(new Network(() => partsOf(graph)), [{ size: 1, frames: [{ x: zero }] }])).toThrow(
      /value y ranges over -Infinity/,
    );
  });
});
