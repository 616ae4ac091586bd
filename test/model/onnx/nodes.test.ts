import { describe, expect, test } from "vitest";
import { makeArch } from "../../../src/arch/spec.ts";
import { choiceFor, isTaken } from "../../../src/model/onnx/kinds/choice.ts";
import { Network } from "../../../src/model/onnx/network.ts";
import { Operation } from "../../../src/model/onnx/operation.ts";
import { isReal } from "../../../src/onnx/dtype.ts";
import { type Graph, trimmed } from "../../../src/onnx/graph.ts";
import { Ranges } from "../../../src/quant/grid.ts";
import { makeRecipe } from "../../../src/quant/recipe.ts";
import { execute } from "../../../src/sweep/execute.ts";
import { legalize } from "../../../src/sweep/legal.ts";
import { graphOfNode, isTraining, type NodeTest, nodeTests, tensor } from "../../onnx/node-tests.ts";

/** ONNX's node tests imported, quantized to 8 bits on their own inputs, and executed on the machine. */

const arch = makeArch();
const recipe = makeRecipe({ pwl_method: "optimal-rms" });

/**
 * How far a result may be from ONNX's, in 255ths of the results' range: half an LSB of the output, and what half an LSB of each input
 * and of each weight does.
 */
const BOUNDS: Readonly<Record<string, number>> = {
  layout: 0.6,
  linear: 1,
  matrices: 1.5,
  conv: 0.6,
  gain: 1.5,
  sum: 1.5,
  product: 1,
  // Of an input whose range reaches far beyond what is cut off.
  bounded: 2,
  // Sixteen pieces.
  curve: 3,
  norm: 2,
  softmax: 1.5,
  pool: 1.5,
  lstm: 2,
  // Gates of 8 bits move h at every step, docs/vectors.md.
  gru: 6,
  rnn: 3,
};

/** Tests with bounds of their own. */
const ODD: Readonly<Record<string, number>> = {
  // Next to 0 the logarithm is steeper than its pieces.
  test_log: 5,
  test_log_example: 5,
  // The function jumps, and half a code of the input decides which side it is on.
  test_thresholdedrelu_example: 255,
};

interface Case {
  readonly test: NodeTest;
  readonly constants: readonly string[];
  readonly graph: Graph;
  readonly kind: string;
}

/** What of a test's inputs may be constants of the model, as weights are: all but the first, but the first two, and so on, or the first alone. */
function casesOf(one: NodeTest): Case[] {
  const names = one.inputs.map(({ name }) => name);
  const sets = [...names.slice(0, 3).map((_, i) => names.slice(i + 1)), names.slice(0, 1)];
  return sets.flatMap((constants) => {
    if (constants.length === names.length) return [];
    let graph: Graph;
    try {
      graph = trimmed(graphOfNode(one, constants, [one.outputs[0]!.name]));
    } catch {
      return []; // What an operator refuses is what test/onnx is about.
    }
    const [node] = graph.nodes;
    if (node === undefined || graph.inputs.length + constants.length < names.length) return [];
    const types = [...graph.inputs, ...graph.outputs.map(({ value }) => graph.types.get(value)!)];
    const choice = choiceFor(new Operation(node, graph));
    if (!isTaken(choice) || !types.every(({ dtype }) => isReal(dtype))) return [];
    if (one.outputs[0]!.data.length === 0) return [];
    return [{ test: one, constants, graph, kind: choice === "layout" ? choice : choice.name }];
  });
}

const isRefused = ({ test }: NodeTest): boolean => test === "test_softmax_large_number";
const cases = nodeTests.filter((one) => !isTraining(one) && !isRefused(one)).flatMap(casesOf);

function run({ test: one, constants, graph }: Case) {
  const network = new Network(() => ({ machine: graph }));
  const given = one.inputs.filter(({ name }) => !constants.includes(name));
  const frames = { size: 1, frames: [Object.fromEntries(given.map((input) => [input.name, tensor(input)]))] };
  const ranges = new Ranges();
  network.reference(frames, (site, values, lookedUp) => ranges.observe(site, values, lookedUp));
  const q = network.quantize(1, ranges, { recipe, arch: arch.settings });
  const exact = network.exact(q, frames, arch.settings);
  const [outcome] = execute(legalize(network.compile(q, arch, [1]), arch), [network.inputOf(q, frames)]);
  return { exact, outputs: outcome!.outputs };
}

describe.each(Object.keys(BOUNDS))("%s", (kind) => {
  test.each(
    cases
      .filter((one) => one.kind === kind)
      .map((one) => [`${one.test.test}, constants: ${one.constants.join(" ") || "none"}`, one] as const),
  )("%s", (_, one) => {
    const { exact, outputs } = run(one);
    expect(outputs).toEqual(exact);
    const wanted = one.test.outputs[0]!.data.map(Number);
    // What is only moved is on the grid of where it comes from.
    const seen = [...wanted, ...(kind === "layout" ? one.test.inputs[0]!.data.map(Number) : [])];
    const range = Math.max(0, ...seen) - Math.min(0, ...seen);
    const bound = (ODD[one.test.test] ?? BOUNDS[kind]!) * (range / 255);
    const worst = wanted.reduce((most, x, i) => Math.max(most, Math.abs(x - outputs[i]!)), 0);
    expect(worst).toBeLessThanOrEqual(bound);
  });
});

test("every kind has tests", () => {
  const counts = Object.keys(BOUNDS).map((kind) => [kind, cases.filter((one) => one.kind === kind).length]);
  expect(Object.fromEntries(counts)).toMatchInlineSnapshot(`
    {
      "bounded": 9,
      "conv": 6,
      "curve": 39,
      "gain": 21,
      "gru": 3,
      "layout": 83,
      "linear": 9,
      "lstm": 2,
      "matrices": 3,
      "norm": 7,
      "pool": 41,
      "product": 3,
      "rnn": 3,
      "softmax": 6,
      "sum": 5,
    }
  `);
  expect(cases.every(({ kind }) => kind in BOUNDS)).toBe(true);
});

test("scores further apart than a table's slopes reach are refused in a line", () => {
  const [one] = nodeTests.filter(isRefused).flatMap(casesOf);
  expect(() => run(one!)).toThrow(/^test\.onnx: node #0 \(Softmax, opset 13\): pwl\.slopeBits: /);
});
