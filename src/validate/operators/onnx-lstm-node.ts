import { skipped, type Verdict } from "../verdict.ts";
import { lstmBound, type Run } from "./bounded-lstm.ts";
import { elementsIn } from "./onnx.ts";
import { type Element, lstmBatch, lstmParams } from "./onnx-lstm.ts";
import type { NodeTest, Tensor } from "./onnx-test.ts";

/** Attributes that the kernel knows; others change what a cell is. */
const KNOWN = ["hidden_size", "layout", "direction", "activations"];
/** Both directions' activations as they are by default. */
const DEFAULTS = ["sigmoid", "tanh", "tanh", "sigmoid", "tanh", "tanh"];

/** Whether each direction reads from the end. */
const DIRECTIONS: Readonly<Record<string, readonly boolean[]>> = {
  forward: [false],
  reverse: [true],
  bidirectional: [false, true],
};

const INPUTS = ["X", "W", "R", "B", "sequence_lens", "initial_h", "initial_c", "P"] as const;
type Inputs = { readonly [K in (typeof INPUTS)[number]]?: Tensor };

/** Why the kernel is not this LSTM; nothing where it is. */
function strangeness({ attributes }: NodeTest): string | undefined {
  const other = attributes.keys().find((key) => !KNOWN.includes(key));
  if (other !== undefined) return `the LSTM's cell knows no ${other}`;
  if (!attributes.has("activations")) return undefined;
  const odd = attributes
    .at("activations")
    .items()
    .find(({ value }, i) => String(value).toLowerCase() !== DEFAULTS[i]);
  return odd && `the LSTM's gates have sigmoid and tanh, not ${odd.value}`;
}

/** How the operator's tensors are laid out: time first, or (layout 1) the batch. */
interface Layout {
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

function layoutOf(test: NodeTest, x: Tensor, r: Tensor): Layout {
  x.shaped(undefined, undefined, undefined);
  const [directions, , hidden] = r.shape as [number, number, number];
  r.shaped(directions, 4 * hidden, hidden);
  const isBatchFirst = test.number("layout", 0) === 1;
  const [first, second, input] = x.shape as [number, number, number];
  const [steps, count] = isBatchFirst ? [second, first] : [first, second];
  return { steps, count, input, hidden, directions, isBatchFirst };
}

/** A direction's constants. */
function paramsOf(test: NodeTest, given: Inputs, { directions, input, hidden }: Layout, k: number) {
  const part = (tensor: Tensor, ...shape: readonly number[]) =>
    vector(tensor.shaped(directions, ...shape), k, elementsIn(shape));
  return lstmParams({
    ...{ input, hidden },
    w: part(test.need(given.W, "W"), 4 * hidden, input),
    r: part(test.need(given.R, "R"), 4 * hidden, hidden),
    ...(given.B && { b: part(given.B, 8 * hidden) }),
    ...(given.P && { p: part(given.P, 3 * hidden) }),
  });
}

/** The sequences of the batch, with a direction's start states. */
function elementsOf(test: NodeTest, given: Inputs, layout: Layout, k: number): Element[] {
  const { steps, count, input, hidden, directions, isBatchFirst } = layout;
  const x = test.need(given.X, "X").reals();
  const lengths = given.sequence_lens?.shaped(count) ?? new Array<number>(count).fill(steps);
  if (lengths.some((length) => !(Number.isInteger(length) && length >= 1 && length <= steps)))
    given.sequence_lens!.source.refuse(`a length is not within 1 … ${steps}`);
  const shape = isBatchFirst ? [count, directions, hidden] : [directions, count, hidden];
  const state = (tensor: Tensor | undefined, i: number) =>
    vector(
      tensor?.shaped(...shape) ?? new Float64Array(elementsIn(shape)),
      vectorOfState(layout, k, i),
      hidden,
    );
  return lengths.map((length, i) => ({
    xs: Array.from({ length }, (_, t) => vector(x, vectorOfX(layout, t, i), input)),
    start: { h: state(given.initial_h, i), c: state(given.initial_c, i) },
  }));
}

/** The three outputs, from every direction's runs; what lies behind a sequence's end is 0. */
function outputsOf(
  layout: Layout,
  runs: readonly { readonly reverse: boolean; readonly batch: readonly Run[] }[],
) {
  const { steps, count, hidden, directions } = layout;
  const y = new Float64Array(steps * directions * count * hidden);
  const h = new Float64Array(directions * count * hidden);
  const c = new Float64Array(directions * count * hidden);
  for (const [k, { reverse, batch }] of runs.entries()) {
    for (const [i, run] of batch.entries()) {
      for (const [t, value] of run.hs.entries()) y.set(value, vectorOfY(layout, t, k, i) * hidden);
      const at = vectorOfState(layout, k, i) * hidden;
      h.set(run.hs.at(reverse ? 0 : -1)!, at);
      c.set(run.c, at);
    }
  }
  return { y, h, c };
}

/** ONNX's LSTM: any direction, both layouts, sequences of different lengths, start states, peepholes. */
export function lstmNode(test: NodeTest): Verdict {
  const strange = strangeness(test);
  if (strange !== undefined) return skipped(strange);
  const given = test.inputs(...INPUTS);
  const { attributes } = test;
  const direction = attributes.has("direction") ? attributes.text("direction") : "forward";
  const directions =
    DIRECTIONS[direction] ?? attributes.at("direction").refuse(`${direction} is no direction`);
  const r = test.need(given.R, "R");
  const layout = layoutOf(test, test.need(given.X, "X"), r);
  if (layout.directions !== directions.length)
    r.source.refuse(`its first dimension is not ${directions.length}`);
  const runs = directions.map((reverse, k) => {
    const params = paramsOf(test, given, layout, k);
    return { reverse, batch: lstmBatch(params, elementsOf(test, given, layout, k), reverse) };
  });
  const { y, h, c } = outputsOf(layout, runs);
  const bound = lstmBound(layout.steps);
  return test.expect({ Y: { got: y, bound }, Y_h: { got: h, bound }, Y_c: { got: c, bound } });
}
