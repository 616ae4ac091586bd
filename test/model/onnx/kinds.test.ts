import seedrandom from "seedrandom";
import { describe, expect, test } from "vitest";
import { makeArch } from "../../../src/arch/spec.ts";
import { choiceFor, isTaken } from "../../../src/model/onnx/kinds/choice.ts";
import { type Frames, Network } from "../../../src/model/onnx/network.ts";
import { Operation } from "../../../src/model/onnx/operation.ts";
import { partsOf } from "../../../src/model/onnx/parts.ts";
import type { Graph } from "../../../src/onnx/graph.ts";
import { fuse } from "../../../src/onnx/patterns/fuse.ts";
import { elementsIn, type Tensor } from "../../../src/onnx/tensor.ts";
import { CURVES } from "../../../src/pwl/curves.ts";
import { Ranges } from "../../../src/quant/grid.ts";
import { makeRecipe, type Recipe } from "../../../src/quant/recipe.ts";
import { execute } from "../../../src/sweep/execute.ts";
import { legalize } from "../../../src/sweep/legal.ts";
import { f32, type GraphSpec, graphOf, i64, type NodeSpec } from "../../onnx/models.ts";

const arch = makeArch();

/** A network on samples: in real numbers, by plain loops, by the machine. Ranges are of the samples of `seen`. */
function run(
  network: Network,
  samples: readonly Frames[],
  recipe: Partial<Recipe> = {},
  seen: readonly Frames[] = samples,
) {
  const ranges = new Ranges();
  for (const sample of seen)
    network.reference(sample, (site, values, as) => ranges.observe(site, values, as));
  const numerics = { recipe: makeRecipe(recipe), arch: arch.settings };
  const q = network.quantize(seen[0]!.size, ranges, numerics);
  const job = legalize(network.compile(q, arch, [...new Set(samples.map(({ size }) => size))]), arch);
  return {
    job,
    real: samples.map((sample) => network.reference(sample)),
    exact: samples.map((sample) => network.exact(q, sample, arch.settings)),
    machine: execute(
      job,
      samples.map((sample) => network.inputOf(q, sample)),
    ).map(({ outputs }) => outputs),
  };
}

/** Of one frame. */
function runOnce(graph: Graph, frame: Readonly<Record<string, Tensor>>, recipe?: Partial<Recipe>) {
  const network = new Network(() => partsOf(graph));
  const { job, real, exact, machine } = run(network, [{ size: 1, frames: [frame] }], recipe);
  return { job, real: real[0]!, exact: exact[0]!, machine: machine[0]! };
}

const values = (rng: () => number, shape: readonly number[], limit = 1): Tensor =>
  f32(
    shape,
    Float64Array.from({ length: elementsIn(shape) }, () => limit * (2 * rng() - 1)),
  );

/** The largest difference between elements. */
const farthest = (real: readonly number[], integer: readonly number[]): number =>
  real.reduce((worst, x, i) => Math.max(worst, Math.abs(x - integer[i]!)), 0);

const GATES = { LSTM: 4, GRU: 3, RNN: 1 } as const;
type Recurrent = keyof typeof GATES;
const RECURRENT = Object.keys(GATES) as Recurrent[];
const STATES: Readonly<Record<Recurrent, readonly string[]>> = {
  ...{ LSTM: ["h", "c"], GRU: ["h"], RNN: ["h"] },
};
const [STEPS, BATCH, INPUT, HIDDEN] = [4, 2, 3, 4] as const;

interface Layer {
  readonly op: Recurrent;
  readonly direction?: "forward" | "bidirectional";
  /** Weights of each direction are up to so large. */
  readonly limits?: readonly number[];
  readonly starts?: Readonly<Record<string, Tensor>>;
  readonly outputs: readonly string[];
}

/** A recurrent layer as a graph; `outputs` are those of the node, empty ones left out. */
function layer({ op, direction = "forward", limits = [1], starts = {}, outputs }: Layer): Graph {
  const rng = seedrandom(`layer ${op}`);
  const rows = GATES[op] * HIDDEN;
  const all = (...shape: number[]): Tensor =>
    f32(
      [limits.length, ...shape],
      limits.flatMap((limit) => [...values(rng, shape, limit).data]),
    );
  return graphOf({
    inputs: [{ name: "x", shape: [STEPS, BATCH, INPUT] }],
    outputs: outputs.filter((name) => name !== ""),
    constants: { W: all(rows, INPUT), R: all(rows, HIDDEN), B: all(2 * rows), ...starts },
    nodes: [
      {
        ...{
          op,
          inputs: ["x", "W", "R", "B", "", ...STATES[op].map((name) => (name in starts ? name : ""))],
        },
        outputs,
        attributes: { hidden_size: HIDDEN, direction },
      },
    ],
  });
}

const sequence = () => ({ x: values(seedrandom("x"), [STEPS, BATCH, INPUT]) });

describe("both directions of a layer come on one grid", () => {
  // Of a direction whose weights are small h and c stay small.
  const LIMITS = [
    ["the second is larger", [0.05, 2]],
    ["the first is larger", [2, 0.05]],
  ] as const;
  const OUTPUTS = [
    ["h of all steps", ["y"]],
    ["the last h", ["", "h"]],
    ["both", ["y", "h"]],
  ] as const;
  const cases = RECURRENT.flatMap((op) =>
    LIMITS.flatMap(([which, limits]) =>
      [...OUTPUTS, ...(op === "LSTM" ? [["the last c", ["", "", "c"]] as const] : [])].map(
        ([what, outputs]) => [`${what} of ${op}, ${which}`, op, limits, outputs] as const,
      ),
    ),
  );

  test.each(cases)("%s", (_, op, limits, outputs) => {
    const graph = layer({ op, direction: "bidirectional", limits, outputs });
    const { real, exact, machine } = runOnce(graph, sequence());
    expect(machine).toEqual(exact);
    expect(farthest(real, exact)).toBeLessThan(0.08);
  });
});

describe("constants that a layer starts from", () => {
  const rng = seedrandom("starts");
  const shaped = (limit: number, directions: number): Tensor =>
    values(rng, [directions, BATCH, HIDDEN], limit);
  const cases = RECURRENT.flatMap((op) =>
    (["forward", "bidirectional"] as const).map((direction) => {
      const count = direction === "forward" ? 1 : 2;
      // Beyond what h and c reach by themselves: a grid of h alone would cut them off.
      const all = { h: shaped(2, count), c: shaped(4, count) };
      const starts = Object.fromEntries(STATES[op].map((name) => [name, all[name as "h" | "c"]]));
      return { op, direction, starts, limits: new Array<number>(count).fill(0.5) };
    }),
  );

  test.each(cases)("of $op, $direction", (one) => {
    for (const outputs of [
      ["y"],
      ["y", "last"],
      ["", "last"],
      ...(one.op === "LSTM" ? [["", "", "cell"]] : []),
    ]) {
      const { real, exact, machine } = runOnce(layer({ ...one, outputs }), sequence());
      expect(machine).toEqual(exact);
      expect(farthest(real, exact)).toBeLessThan(0.1);
    }
  });

  test.each(cases)("of $op, $direction, are not zeros", (one) => {
    const [given, none] = [one.starts, {}].map((starts) => {
      const graph = layer({ ...one, starts, outputs: ["y"] });
      return new Network(() => partsOf(graph)).reference({ size: 1, frames: [sequence()] });
    });
    expect(farthest(given!, none!)).toBeGreaterThan(0.3);
  });

  test("where they are zeros cost nothing", () => {
    const starts = { h: values(rng, [1, BATCH, HIDDEN], 0), c: values(rng, [1, BATCH, HIDDEN], 0) };
    const programs = [{}, starts].map((given) => {
      const graph = layer({ op: "LSTM", outputs: ["y"], starts: given });
      return runOnce(graph, sequence()).job.stages;
    });
    expect(programs[1]).toEqual(programs[0]);
  });

  test("of a step that was written as products and gates", () => {
    const node = (op: string, inputs: string, outputs: string): NodeSpec => ({
      ...{ op, inputs: inputs.split(" "), outputs: outputs.split(" ") },
      ...(op === "Gemm" && { attributes: { transB: 1 } }),
      ...(op === "Split" && { attributes: { axis: 1 } }),
    });
    const graph = fuse(
      graphOf({
        opset: 13,
        inputs: [
          { name: "x", shape: [BATCH, INPUT] },
          { name: "h", shape: [BATCH, HIDDEN] },
        ],
        outputs: ["y", "cell"],
        constants: {
          ...{ W: values(rng, [4 * HIDDEN, INPUT]), R: values(rng, [4 * HIDDEN, HIDDEN]) },
          ...{ bw: values(rng, [4 * HIDDEN]), br: values(rng, [4 * HIDDEN]) },
          c: values(rng, [BATCH, HIDDEN], 3),
        },
        nodes: [
          ...[node("Gemm", "x W bw", "wx"), node("Gemm", "h R br", "rh"), node("Add", "wx rh", "s")],
          ...[node("Split", "s", "i f g o"), node("Sigmoid", "i", "i1"), node("Sigmoid", "f", "f1")],
          ...[node("Tanh", "g", "g1"), node("Sigmoid", "o", "o1"), node("Mul", "f1 c", "kept")],
          ...[node("Mul", "i1 g1", "added"), node("Add", "kept added", "cell")],
          ...[node("Tanh", "cell", "bent"), node("Mul", "o1 bent", "y")],
        ],
      }),
    );
    expect(graph.nodes.map(({ op }) => op.name)).toEqual(["LstmStep"]);
    const { real, exact, machine } = runOnce(graph, {
      x: values(rng, [BATCH, INPUT]),
      h: values(rng, [BATCH, HIDDEN]),
    });
    expect(machine).toEqual(exact);
    expect(farthest(real, exact)).toBeLessThan(0.06);
  });
});

/** Why nothing takes the only node of a graph. */
function whyNot(spec: GraphSpec): string | undefined {
  const graph = graphOf(spec);
  const choice = choiceFor(new Operation(graph.nodes[0]!, graph));
  return isTaken(choice) ? undefined : choice.odd;
}

test("peepholes that are a value are refused", () => {
  const rng = seedrandom("peepholes");
  const [W, R] = [INPUT, HIDDEN].map((columns) => values(rng, [1, 4 * HIDDEN, columns]));
  const x = { name: "x", shape: [STEPS, BATCH, INPUT] };
  const nodes = [
    {
      ...{ op: "LSTM", inputs: ["x", "W", "R", "", "", "", "", "P"], outputs: ["y"] },
      attributes: { hidden_size: HIDDEN },
    },
  ];
  const P = { name: "P", shape: [1, 3 * HIDDEN] };
  const whole = { outputs: ["y"], nodes };
  expect(whyNot({ ...whole, inputs: [x, P], constants: { W: W!, R: R! } })).toBe(
    "its peepholes are no constants",
  );
  const constants = { W: W!, R: R!, P: values(rng, P.shape) };
  expect(whyNot({ ...whole, inputs: [x], constants })).toBeUndefined();
});

const geluErf = CURVES.gelu.f;
const geluTanh = (x: number): number =>
  (x / 2) * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)));

describe("GELU", () => {
  const x = f32(
    [1, 101],
    Array.from({ length: 101 }, (_, i) => i / 10 - 5),
  );
  const named = (approximate: "none" | "tanh"): GraphSpec => ({
    inputs: [{ name: "x", shape: x.shape }],
    outputs: ["y"],
    nodes: [{ op: "Gelu", inputs: ["x"], outputs: ["y"], attributes: { approximate } }],
  });
  const CONSTANTS = {
    root2: Math.SQRT2,
    half: 0.5,
    one: 1,
    three: 3,
    k: 0.044715,
    a: Math.sqrt(2 / Math.PI),
  };
  const written = (lines: string): GraphSpec => ({
    inputs: [{ name: "x", shape: x.shape }],
    outputs: ["y"],
    constants: Object.fromEntries(Object.entries(CONSTANTS).map(([name, value]) => [name, f32([], [value])])),
    nodes: lines.split("; ").map((line) => {
      const [to, op, ...inputs] = line.split(" ");
      return { op: op!, inputs, outputs: [to!] };
    }),
  });
  const ERF = "d Div x root2; e Erf d; s Add e one; m Mul x half; y Mul m s";
  const TANH =
    "p Pow x three; m Mul p k; s Add x m; t Mul s a; h Tanh t; o Add h one; g Mul x half; y Mul g o";

  test.each([
    ["of erf", named("none"), geluErf],
    ["of tanh", named("tanh"), geluTanh],
    ["of erf in parts", written(ERF), geluErf],
    ["of tanh in parts", written(TANH), geluTanh],
  ] as const)("%s", (_, spec, f) => {
    const graph = fuse(graphOf(spec));
    expect(graph.nodes.map(({ op }) => op.name)).toEqual(["Gelu"]);
    const wanted = Array.from(x.data, (value) => f(value));
    const recipes: Partial<Recipe>[] = [
      {},
      ...(f === geluErf ? [{ softmax_method: "polynomial" } as const] : []),
    ];
    for (const recipe of recipes) {
      const { exact, machine } = runOnce(graph, { x }, recipe);
      expect(machine).toEqual(exact);
      // Three codes of some 5 / 255.
      expect(farthest(wanted, exact)).toBeLessThan(0.06);
    }
  });

  test("of tanh has its own curve, a few codes of 16 bits from that of erf", () => {
    const recipe = { activation_bits: 16, pwl_pieces: 64 } as const;
    // Where the two differ most.
    const near = f32(
      [1, 41],
      Array.from({ length: 41 }, (_, i) => 2.2 + i / 100),
    );
    const graph = (approximate: "none" | "tanh") =>
      graphOf({ ...named(approximate), inputs: [{ name: "x", shape: near.shape }] });
    for (const [approximate, own, other] of [
      ["none", geluErf, geluTanh],
      ["tanh", geluTanh, geluErf],
    ] as const) {
      const { exact } = runOnce(graph(approximate), { x: near }, recipe);
      expect(
        farthest(
          Array.from(near.data, (value) => own(value)),
          exact,
        ),
      ).toBeLessThan(
        farthest(
          Array.from(near.data, (value) => other(value)),
          exact,
        ),
      );
    }
  });
});

describe("what is pooled of a size that the network was not quantized at", () => {
  const POOLS: readonly (readonly [string, Omit<NodeSpec, "inputs" | "outputs">])[] = [
    ["GlobalAveragePool", { op: "GlobalAveragePool" }],
    ["ReduceMean", { op: "ReduceMean" }],
    ["ReduceSum", { op: "ReduceSum" }],
    ["AveragePool", { op: "AveragePool", attributes: { kernel_shape: [3] } }],
    ["GlobalMaxPool", { op: "GlobalMaxPool" }],
  ];

  test.each(POOLS)("%s", (_, { op, attributes }) => {
    const axes = op.startsWith("Reduce") ? { axes: i64(2) } : {};
    const network = new Network((size) => ({
      machine: graphOf({
        inputs: [{ name: "x", shape: [1, 3, size] }],
        outputs: ["y"],
        constants: axes,
        nodes: [
          { op, inputs: ["x", ...Object.keys(axes)], outputs: ["y"], ...(attributes && { attributes }) },
        ],
      }),
    }));
    const rng = seedrandom("pools");
    const sampleOf = (size: number) => ({ size, frames: [{ x: values(rng, [1, 3, size]) }] });
    const samples = [5, 20].map(sampleOf);
    for (const seen of [samples, samples.toReversed()]) {
      const { real, exact, machine } = run(network, samples, {}, seen);
      expect(machine).toEqual(exact);
      const largest = Math.max(...real.flat().map(Math.abs));
      for (const [i, one] of real.entries())
        expect(farthest(one, exact[i]!)).toBeLessThan(0.01 * largest + 0.01);
    }
  });
});
