import { maxOf, signed } from "../../fixed/format.ts";
import { decode, encode, roundReal } from "../../fixed/real.ts";
import type { Sample } from "../../onnx/data.ts";
import { isReal } from "../../onnx/dtype.ts";
import { equalize } from "../../onnx/equalize.ts";
import { execute, executeChanged } from "../../onnx/execute.ts";
import { type Graph, type Node, readsOf } from "../../onnx/graph.ts";
import { countOf } from "../../onnx/ops/define.ts";
import { type Tensor, tensorOf } from "../../onnx/tensor.ts";
import { along, type Weight, weightsOf } from "../../onnx/weights.ts";
import { affineGrid, type Ranges } from "../../quant/grid.ts";
import type { Recipe } from "../../quant/recipe.ts";
import { observeBy } from "../model.ts";
import { partsOf } from "./parts.ts";

/** A tensor that is quantized alone, and what that does to a network's outputs. */
export interface Sensitivity {
  /** Its name in the graph. */
  readonly tensor: string;
  readonly kind: "weights" | "activation";
  /** The node that multiplies it, or gives it; "input" of what a graph takes. */
  readonly node: string;
  readonly op: string;
  readonly bits: number;
  /** 0 of a value whose sizes the model leaves open. */
  readonly elements: number;
  /** Squared error of an output over its square, summed over all samples; the mean over all outputs. */
  readonly loss: number;
  /** Share of the first output's rows, along its last axis, whose largest element is another one; absent where a row is one element. */
  readonly changed?: number;
}

type Values = ReadonlyMap<string, Tensor>;

/** What becomes of a network where one tensor is quantized. */
interface Trial {
  readonly about: Omit<Sensitivity, "loss" | "changed">;
  /** What has other values then, among all those of an execution. */
  change(values: Values): Values;
}

/** Called before each piece of work, with how much is done, how much there is, and what it is. */
type Watch = (done: number, all: number, label: string) => void;

/**
 * Quantizes each tensor of a network alone, everything else in floats, and measures what that costs, the worst first: the weights of
 * each node as symmetric codes of `weight_bits`, with the recipe's `weight_scale`, and each value that a machine would keep as codes of
 * `activation_bits` on a grid of its range. Grids, `equalization` and `bias_correction` are the recipe's; a bias is corrected where a
 * node's result is its product. What the host computes stays as it is. These are estimates in floats, not a machine's results.
 *
 * @param samples  that ranges are observed and losses measured on
 * @throws InputError for samples that the graph does not take
 */
export function sensitivities(
  imported: Graph,
  samples: readonly Sample[],
  recipe: Recipe,
  watch?: Watch,
): Sensitivity[] {
  const graph = recipe.equalization === "yes" ? equalize(imported).graph : imported;
  const machine = partsOf(graph).machine;
  const ranges = observeBy({ reference: showAll }, graph, samples, recipe);
  const weights = weightTrials(machine, recipe);
  const corrected = recipe.bias_correction === "yes" ? withBiases(weights, graph, samples) : weights;
  const trials = [...corrected, ...activationTrials(machine, ranges, recipe)];
  const losses = trials.map(() => new Loss(graph));
  for (const [i, sample] of samples.entries()) {
    const { values, results } = executed(graph, sample);
    for (const [k, { about, change }] of trials.entries()) {
      watch?.(i * trials.length + k, samples.length * trials.length, `sample ${i + 1}: ${about.tensor}`);
      losses[k]!.add(results, executeChanged(graph, values, change(values)));
    }
  }
  return trials
    .map(({ about }, k) => ({ ...about, ...losses[k]!.figures }))
    .toSorted((a, b) => b.loss - a.loss || (a.tensor < b.tensor ? -1 : 1));
}

/** A run that shows every real value by its name. */
function showAll(graph: Graph, sample: Sample, tap?: (site: string, values: Float64Array) => void): number[] {
  for (const [name, tensor] of executed(graph, sample).values)
    if (isReal(tensor.dtype) && !graph.constants.has(name)) tap?.(name, Float64Array.from(tensor.data));
  return [];
}

function executed(graph: Graph, sample: Sample): { readonly values: Values; readonly results: Values } {
  const values = new Map([...graph.constants, ...sample]);
  const results = execute(graph, sample, {
    show(node, _, given) {
      for (const [i, name] of node.outputs.entries()) if (name !== "") values.set(name, given[i]!);
    },
  });
  return { values, results };
}

/** A trial of one weight, with what it is of. */
interface WeightTrial extends Trial {
  readonly node: Node;
  readonly weight: Weight;
  readonly name: string;
}

/** Each constant once, whoever else multiplies it. */
function weightTrials(graph: Graph, { weight_bits: bits, weight_scale }: Recipe): WeightTrial[] {
  const seen = new Set<string>();
  return graph.nodes.flatMap((node) =>
    weightsOf(node, graph).flatMap((weight): WeightTrial[] => {
      const name = node.inputs[weight.input]!;
      if (seen.has(name)) return [];
      seen.add(name);
      const rounded = roundedWeight(weight, bits, weight_scale === "per-channel");
      const about = {
        ...({ tensor: name, kind: "weights", bits } as const),
        node: node.name,
        op: node.op.name,
      };
      return [
        {
          ...{ node, weight, name },
          about: { ...about, elements: weight.tensor.data.length },
          change: () => new Map([[name, rounded]]),
        },
      ];
    }),
  );
}

/** Symmetric codes of a scale for each row, or of one, and what they stand for. */
function roundedWeight({ tensor, channels, rows }: Weight, bits: number, perChannel: boolean): Tensor {
  const { dtype, shape, data } = tensor;
  const largest = new Float64Array(perChannel ? rows : 1);
  const at = (i: number): number => (perChannel ? channels[i]! : 0);
  for (let i = 0; i < data.length; i++) largest[at(i)] = Math.max(largest[at(i)]!, Math.abs(data[i]!));
  const scales = largest.map((most) => most / maxOf(signed(bits)));
  const values = Float64Array.from(data, (x, i) => {
    const scale = scales[at(i)]!;
    return scale === 0 ? 0 : scale * roundReal(x / scale, "half-away");
  });
  return tensorOf(dtype, shape, values);
}

/** The same trials, but that a product's result keeps the mean of each of its channels. */
function withBiases(trials: readonly WeightTrial[], graph: Graph, samples: readonly Sample[]): Trial[] {
  const shifts = trials.map(({ weight }) => ({ sums: new Float64Array(weight.rows), count: 0 }));
  for (const sample of samples) {
    const { values } = executed(graph, sample);
    for (const [k, trial] of trials.entries()) {
      if (!trial.weight.isGiven) continue;
      const { got, wanted, channels } = productOf(trial, graph, values);
      const shift = shifts[k]!;
      shift.count += got.data.length / trial.weight.rows;
      for (const [i, channel] of channels.entries()) shift.sums[channel]! += got.data[i]! - wanted.data[i]!;
    }
  }
  return trials.map((trial, k): Trial => {
    if (!trial.weight.isGiven) return trial;
    const excess = shifts[k]!.sums.map((sum) => sum / shifts[k]!.count);
    return {
      about: trial.about,
      change(values) {
        const { name, got, channels } = productOf(trial, graph, values);
        const kept = Float64Array.from(got.data, (x, i) => x - excess[channels[i]!]!);
        return new Map([[name, tensorOf(got.dtype, got.shape, kept)]]);
      },
    };
  });
}

/** A node's result with its weight quantized and without, and which channel each element is of. */
function productOf({ node, weight, change }: WeightTrial, graph: Graph, values: Values) {
  const name = node.outputs[0]!;
  const alone = { ...graph, nodes: [node], outputs: [{ name, value: name }] };
  const got = executeChanged(alone, values, change(values)).get(name)!;
  const channels = along(got.shape, { [got.shape.length - 1 - weight.axis]: 1 });
  return { name, got, wanted: values.get(name)!, channels };
}

/** Each value that is kept in memory. */
function activationTrials(graph: Graph, ranges: Ranges, recipe: Recipe): Trial[] {
  const { activation_bits: bits, scales } = recipe;
  return keptValues(graph).map(({ name, node }): Trial => {
    const grid = affineGrid(ranges.of(name), bits, scales === "power-of-two");
    return {
      about: {
        ...({ tensor: name, kind: "activation", bits } as const),
        ...{
          node: node?.name ?? "input",
          op: node?.op.name ?? "",
          elements: countOf(graph.types.get(name)!),
        },
      },
      change(values) {
        const { dtype, shape, data } = values.get(name)!;
        const rounded = Float64Array.from(data, (x) => decode(encode(x, grid), grid));
        return new Map([[name, tensorOf(dtype, shape, rounded)]]);
      },
    };
  });
}

const BOUNDS: readonly string[] = ["Relu", "Clip"];
const PRODUCTS: readonly string[] = ["matrix product", "convolution"];

/**
 * Values that a machine keeps as codes: what comes in and what nodes compute. Layout makes none of its own; of what a ReLU alone reads,
 * its result takes the place; and what comes out of the last product stays in accumulators.
 */
function keptValues(graph: Graph): { readonly name: string; readonly node?: Node }[] {
  const readers = new Map<string, Node[]>();
  for (const node of graph.nodes)
    for (const name of readsOf(node)) readers.set(name, [...(readers.get(name) ?? []), node]);
  const results = new Set(graph.outputs.map(({ value }) => value));
  const isKept = (name: string, node: Node): boolean => {
    const read = readers.get(name) ?? [];
    if (name === "" || node.op.target === "layout" || !isReal(graph.types.get(name)!.dtype)) return false;
    if (!PRODUCTS.includes(node.op.target)) return true;
    const isBounded = read.length === 1 && BOUNDS.includes(read[0]!.op.name) && !results.has(name);
    return !isBounded && (read.length > 0 || !results.has(name));
  };
  return [
    ...graph.inputs.filter(({ dtype }) => isReal(dtype)).map(({ name }) => ({ name })),
    ...graph.nodes.flatMap((node) =>
      node.outputs.filter((name) => isKept(name, node)).map((name) => ({ name, node })),
    ),
  ];
}

/** Errors of outputs, sample by sample. */
class Loss {
  readonly #outputs: readonly string[];
  readonly #errors = new Map<string, { error: number; size: number }>();
  #rows = 0;
  #changed = 0;

  constructor({ outputs, types }: Graph) {
    this.#outputs = outputs.filter(({ value }) => isReal(types.get(value)!.dtype)).map(({ name }) => name);
  }

  add(wanted: Values, got: Values): void {
    for (const [i, name] of this.#outputs.entries()) {
      const [a, b] = [wanted.get(name)!, got.get(name)!];
      const sum = this.#errors.get(name) ?? { error: 0, size: 0 };
      this.#errors.set(name, sum);
      for (let k = 0; k < a.data.length; k++) {
        sum.error += (a.data[k]! - b.data[k]!) ** 2;
        sum.size += a.data[k]! ** 2;
      }
      if (i === 0) this.#decide(a, b);
    }
  }

  #decide(a: Tensor, b: Tensor): void {
    const width = a.shape.at(-1) ?? 1;
    if (width === 1) return;
    for (let from = 0; from < a.data.length; from += width) {
      this.#rows++;
      if (largestAt(a, from, width) !== largestAt(b, from, width)) this.#changed++;
    }
  }

  /** Outputs that are zero throughout lose what is added to them. */
  get figures(): Pick<Sensitivity, "loss" | "changed"> {
    const all = [...this.#errors.values()].map(({ error, size }) => error / (size || 1));
    const loss = all.reduce((sum, share) => sum + share, 0) / Math.max(all.length, 1);
    return { loss, ...(this.#rows > 0 && { changed: this.#changed / this.#rows }) };
  }
}

/** The first of a row's largest elements. */
function largestAt({ data }: Tensor, from: number, width: number): number {
  let best = from;
  for (let i = from + 1; i < from + width; i++) if (data[i]! > data[best]!) best = i;
  return best;
}
