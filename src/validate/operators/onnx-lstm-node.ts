import { skipped, type Verdict } from "../verdict.ts";
import { lstmBound } from "./bounded-lstm.ts";
import { lstmBatch, lstmParams } from "./onnx-lstm.ts";
import {
  directionsOf,
  type Layout,
  layoutOf,
  outputsOf,
  partOf,
  sequencesOf,
  stateOf,
  statesOf,
} from "./onnx-recurrent.ts";
import type { NodeTest, Tensor } from "./onnx-test.ts";

/** Attributes that the kernel knows; others change what a cell is. */
const KNOWN = ["hidden_size", "layout", "direction", "activations"];
/** Both directions' activations as they are by default. */
const DEFAULTS = ["sigmoid", "tanh", "tanh", "sigmoid", "tanh", "tanh"];

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

/** A direction's constants. */
function paramsOf(test: NodeTest, given: Inputs, layout: Layout, k: number) {
  const { input, hidden } = layout;
  const part = (tensor: Tensor, ...shape: readonly number[]) => partOf(tensor, layout, k, ...shape);
  return lstmParams({
    ...{ input, hidden },
    w: part(test.need(given.W, "W"), 4 * hidden, input),
    r: part(test.need(given.R, "R"), 4 * hidden, hidden),
    ...(given.B && { b: part(given.B, 8 * hidden) }),
    ...(given.P && { p: part(given.P, 3 * hidden) }),
  });
}

/** ONNX's LSTM: any direction, both layouts, sequences of different lengths, start states, peepholes. */
export function lstmNode(test: NodeTest): Verdict {
  const strange = strangeness(test);
  if (strange !== undefined) return skipped(strange);
  const given = test.inputs(...INPUTS);
  const [x, r] = [test.need(given.X, "X"), test.need(given.R, "R")];
  const layout = layoutOf(test, x, r, 4);
  const sequences = sequencesOf(x, given.sequence_lens, layout);
  const runs = directionsOf(test, layout, r).map((reverse, k) => {
    const elements = sequences.map((xs, i) => ({
      xs,
      start: { h: stateOf(given.initial_h, layout, k, i), c: stateOf(given.initial_c, layout, k, i) },
    }));
    return { reverse, batch: lstmBatch(paramsOf(test, given, layout, k), elements, reverse) };
  });
  const { y, h } = outputsOf(
    layout,
    runs.map(({ reverse, batch }) => ({ reverse, hs: batch.map(({ hs }) => hs) })),
  );
  const c = statesOf(
    layout,
    runs.map(({ batch }) => batch.map((run) => run.c)),
  );
  const bound = lstmBound(layout.steps);
  return test.expect({ Y: { got: y, bound }, Y_h: { got: h, bound }, Y_c: { got: c, bound } });
}
