import type { Sequence } from "./bounded-recurrent.ts";
import { elementsIn } from "./onnx.ts";
import type { NodeTest, Tensor } from "./onnx-test.ts";

/** What ONNX's recurrent operators have in common: directions, two layouts, sequences of different lengths. */

/** Whether each direction reads from the end. */
const DIRECTIONS: Readonly<Record<string, readonly boolean[]>> = {
  forward: [false],
  reverse: [true],
  bidirectional: [false, true],
};

/** Whether each of the operator's directions reads from the end. */
export function directionsOf(
  { attributes }: NodeTest,
  { directions }: Layout,
  r: Tensor,
): readonly boolean[] {
  const direction = attributes.has("direction") ? attributes.text("direction") : "forward";
  const all = DIRECTIONS[direction] ?? attributes.at("direction").refuse(`${direction} is no direction`);
  if (directions !== all.length) r.source.refuse(`its first dimension is not ${all.length}`);
  return all;
}

/** How the operator's tensors are laid out: time first, or (layout 1) the batch. */
export interface Layout {
  readonly steps: number;
  readonly count: number;
  readonly input: number;
  readonly hidden: number;
  readonly directions: number;
  readonly isBatchFirst: boolean;
}

/** Places of vectors: of x, of a state, of y. */
const vectorOfX = ({ steps, count, isBatchFirst }: Layout, t: number, i: number): number =>
  isBatchFirst ? i * steps + t : t * count + i;
const vectorOfState = ({ count, directions, isBatchFirst }: Layout, k: number, i: number): number =>
  isBatchFirst ? i * directions + k : k * count + i;
const vectorOfY = (layout: Layout, t: number, k: number, i: number): number => {
  const { steps, count, directions, isBatchFirst } = layout;
  return isBatchFirst ? (i * steps + t) * directions + k : (t * directions + k) * count + i;
};

const vector = (data: ArrayLike<number>, i: number, size: number): Float64Array =>
  Float64Array.from({ length: size }, (_, j) => data[i * size + j]!);

/** @param gates  blocks of rows in W and R */
export function layoutOf(test: NodeTest, x: Tensor, r: Tensor, gates: number): Layout {
  x.shaped(undefined, undefined, undefined);
  const [directions, , hidden] = r.shape as [number, number, number];
  r.shaped(directions, gates * hidden, hidden);
  const isBatchFirst = test.number("layout", 0) === 1;
  const [first, second, input] = x.shape as [number, number, number];
  const [steps, count] = isBatchFirst ? [second, first] : [first, second];
  return { steps, count, input, hidden, directions, isBatchFirst };
}

/** A direction's part of a tensor whose first dimension is that. */
export const partOf = (
  tensor: Tensor,
  { directions }: Layout,
  k: number,
  ...shape: readonly number[]
): Float64Array => vector(tensor.shaped(directions, ...shape), k, elementsIn(shape));

/** The vectors of each sequence of the batch, in the order of time. */
export function sequencesOf(x: Tensor, lengths: Tensor | undefined, layout: Layout): Float64Array[][] {
  const { steps, count, input } = layout;
  const data = x.reals();
  const all = lengths?.shaped(count) ?? new Array<number>(count).fill(steps);
  if (all.some((length) => !(Number.isInteger(length) && length >= 1 && length <= steps)))
    lengths!.source.refuse(`a length is not within 1 … ${steps}`);
  return all.map((length, i) =>
    Array.from({ length }, (_, t) => vector(data, vectorOfX(layout, t, i), input)),
  );
}

/**
 * What `run` makes of each sequence in one direction, such as have one length together: they are lanes of one machine.
 *
 * @param run  takes sequences in the order in which they are read
 */
export function inBatches<S extends { readonly xs: readonly Float64Array[] }, R>(
  batch: readonly S[],
  reverse: boolean,
  run: (sequences: readonly S[]) => readonly R[],
): R[] {
  const results = new Array<R>(batch.length);
  for (const length of new Set(batch.map(({ xs }) => xs.length))) {
    const members = [...batch.keys()].filter((i) => batch[i]!.xs.length === length);
    const sequences = members.map((i): S => {
      const one = batch[i]!;
      return reverse ? { ...one, xs: one.xs.toReversed() } : one;
    });
    for (const [k, result] of run(sequences).entries()) results[members[k]!] = result;
  }
  return results;
}

/** The state of a sequence before its first vector: 0 where it is not given. */
export function stateOf(tensor: Tensor | undefined, layout: Layout, k: number, i: number): Float64Array {
  const { count, hidden, directions, isBatchFirst } = layout;
  const shape = isBatchFirst ? [count, directions, hidden] : [directions, count, hidden];
  const data = tensor?.shaped(...shape) ?? new Float64Array(elementsIn(shape));
  return vector(data, vectorOfState(layout, k, i), hidden);
}

/** What a direction left of each sequence of the batch. */
export interface DirectionRun {
  readonly reverse: boolean;
  /** h after every vector, in the order of time. */
  readonly hs: readonly (readonly Float64Array[])[];
}

/** All h and the last ones, as the operator has them; what lies behind a sequence's end is 0. */
export function outputsOf(layout: Layout, runs: readonly DirectionRun[]) {
  const { steps, count, hidden, directions } = layout;
  const y = new Float64Array(steps * directions * count * hidden);
  const h = new Float64Array(directions * count * hidden);
  for (const [k, { reverse, hs }] of runs.entries()) {
    for (const [i, own] of hs.entries()) {
      for (const [t, value] of own.entries()) y.set(value, vectorOfY(layout, t, k, i) * hidden);
      h.set(own.at(reverse ? 0 : -1)!, vectorOfState(layout, k, i) * hidden);
    }
  }
  return { y, h };
}

/** Last states that are no h, as the operator has them. */
export function statesOf(layout: Layout, runs: readonly (readonly Float64Array[])[]): Float64Array {
  const { count, hidden, directions } = layout;
  const all = new Float64Array(directions * count * hidden);
  for (const [k, batch] of runs.entries())
    for (const [i, state] of batch.entries()) all.set(state, vectorOfState(layout, k, i) * hidden);
  return all;
}

/** Inputs of an operator whose state is h. */
export type HiddenInputs = ReturnType<typeof hiddenInputsOf>;

export function hiddenInputsOf(test: NodeTest) {
  const given = test.inputs("X", "W", "R", "B", "sequence_lens", "initial_h");
  return { ...given, X: test.need(given.X, "X"), R: test.need(given.R, "R") };
}

/**
 * h of every step of every sequence, in each direction of such an operator.
 * @param unitOf  a direction's unit, run over sequences of one length in the order in which they are read
 */
export function hiddenRuns(
  test: NodeTest,
  given: HiddenInputs,
  layout: Layout,
  unitOf: (k: number) => (sequences: readonly Sequence[]) => readonly Float64Array[][],
) {
  const sequences = sequencesOf(given.X, given.sequence_lens, layout);
  return directionsOf(test, layout, given.R).map((reverse, k) => {
    const elements = sequences.map((xs, i) => ({ xs, start: stateOf(given.initial_h, layout, k, i) }));
    const hs = inBatches(elements, reverse, unitOf(k));
    return { reverse, hs: reverse ? hs.map((own) => own.toReversed()) : hs };
  });
}
