import type { Tensor } from "../../../onnx/tensor.ts";
import type { Operation } from "../operation.ts";

/** What LSTM, GRU and RNN have in common. */

/** One way through a sequence. */
interface Direction {
  /** Its place in weights and results. */
  readonly index: number;
  readonly name: "forward" | "backward";
  readonly isReverse: boolean;
}

export interface Steps {
  readonly steps: number;
  /** Sequences beside each other. */
  readonly batch: number;
  readonly input: number;
  readonly hidden: number;
  readonly directions: readonly Direction[];
}

const FORWARD = { name: "forward", isReverse: false } as const;
const BACKWARD = { name: "backward", isReverse: true } as const;

/** Sizes; those of the input are 1 while they are not known. */
export function stepsOf({ name, call }: Operation): Steps {
  if (name === "LstmStep") {
    const [rows, input] = call.concrete(3) as [number, number];
    const batch = sizeAt(call.shape(0)?.[0]);
    return { steps: 1, batch, input, hidden: rows / 4, directions: [{ index: 0, ...FORWARD }] };
  }
  const input = call.concrete(1)[2]!;
  const hidden = call.concrete(2)[2]!;
  const [steps, batch] = [0, 1].map((axis) => sizeAt(call.shape(0)?.[axis]));
  const direction = call.text("direction");
  const ways =
    direction === "bidirectional" ? [FORWARD, BACKWARD] : [direction === "reverse" ? BACKWARD : FORWARD];
  return {
    ...{ steps: steps!, batch: batch!, input, hidden },
    directions: ways.map((way, index) => ({ index, ...way })),
  };
}

const sizeAt = (size: number | string | undefined): number => (typeof size === "number" ? size : 1);

/** Values around a layer by what they are, and where the operands are that it starts from. */
export interface Sites {
  /** h of every step. */
  readonly all?: string | undefined;
  /** h behind the last. */
  readonly last?: string | undefined;
  readonly cell?: string | undefined;
  readonly firstH?: string | undefined;
  readonly firstC?: string | undefined;
  readonly atH: number;
  readonly atC: number;
}

export function sitesOf(op: Operation): Sites {
  const { inputs, outputs } = op.node;
  const named = (name: string | undefined) => (name === "" ? undefined : name);
  const isStep = op.name === "LstmStep";
  const [atH, atC] = isStep ? [1, 2] : [5, 6];
  const [all, last, cell] = isStep ? [undefined, ...outputs] : outputs;
  const given = (i: number) => (op.isActive(i) ? named(inputs[i]) : undefined);
  return {
    ...{ all: named(all), last: named(last), cell: named(cell), atH, atC },
    ...{ firstH: given(atH), firstC: given(atC) },
  };
}

export const known = (...values: readonly (string | undefined)[]): string[] =>
  values.filter((value) => value !== undefined);

/** Blocks of a direction's part of a tensor, each of so many elements, in another order. */
export function blocksOf(
  { shape, data }: Tensor,
  direction: number,
  order: readonly number[],
  size: number,
): Float64Array {
  const from = (direction * data.length) / shape[0]!;
  const blocks = new Float64Array(order.length * size);
  for (const [to, block] of order.entries())
    blocks.set(data.subarray(from + block * size, from + (block + 1) * size), to * size);
  return blocks;
}

/**
 * The constant that sequences start from, by direction and sequence; undefined where the operand is none, or is zeros, as exporters
 * write where a model says nothing.
 */
export function constantStarts(op: Operation, at: number): Float64Array[][] | undefined {
  const constant = op.constant(at);
  if (constant === undefined || constant.data.every((x) => x === 0)) return undefined;
  const { hidden, directions } = stepsOf(op);
  const batch = constant.data.length / (hidden * directions.length);
  return directions.map(({ index }) =>
    Array.from({ length: batch }, (_, k) => startOf(constant, index * batch + k, hidden)),
  );
}

/** Why a layer is not one that the kernels know; undefined where it is. */
export function oddRecurrence(op: Operation, activations: readonly string[]): string | undefined {
  const { call } = op;
  if ([1, 2, 3].some((i) => call.has(i) && op.constant(i) === undefined))
    return "its weights are no constants";
  if (!op.isActive(0)) return "its input is a constant";
  if (call.has(7) && op.constant(7) === undefined) return "its peepholes are no constants";
  if (call.opset >= 14 && call.int("layout") !== 0) return "layout is 1";
  if (call.has(4)) return "sequences have lengths of their own";
  if (call.given("clip")) return "its gates are clipped";
  const named = call.texts("activations")?.map((name) => name.toLowerCase());
  const odd = named?.find((name, i) => name !== activations[i % activations.length]);
  return odd === undefined ? undefined : `${odd} is not the ${activations.join(", ")} that are known`;
}

/** What sequence `k`, of all sequences in all directions, starts from: zeros where nothing is given. */
export function startOf(given: Tensor | undefined, k: number, hidden: number): Float64Array {
  if (given === undefined) return new Float64Array(hidden);
  return Float64Array.from(given.data.subarray(k * hidden, (k + 1) * hidden));
}
