import type { RnnParams } from "../../kernels/rnn/real.ts";
import { skipped, type Verdict } from "../verdict.ts";
import { rnn } from "./bounded-rnn.ts";
import {
  type HiddenInputs,
  hiddenInputsOf,
  hiddenRuns,
  type Layout,
  layoutOf,
  outputsOf,
  partOf,
} from "./onnx-recurrent.ts";
import type { NodeTest } from "./onnx-test.ts";

/** Attributes that the kernel knows; others change what a layer is. */
const KNOWN = ["hidden_size", "layout", "direction", "activations"];

const isKnown = (name: string): name is RnnParams["activation"] => name === "tanh" || name === "relu";

/** Each direction's activation: tanh where nothing is said. */
function activationsOf({ attributes }: NodeTest): readonly string[] {
  if (!attributes.has("activations")) return [];
  return attributes
    .at("activations")
    .items()
    .map(({ value }) => String(value).toLowerCase());
}

/** A direction's constants: biases of W and of R add. */
function layerOf(
  test: NodeTest,
  given: HiddenInputs,
  layout: Layout,
  k: number,
  activation: RnnParams["activation"],
): RnnParams {
  const { input, hidden } = layout;
  const matrix = (name: "W" | "R", columns: number) => ({
    ...{ rows: hidden, columns },
    data: partOf(test.need(given[name], name), layout, k, hidden, columns),
  });
  const b = given.B && partOf(given.B, layout, k, 2 * hidden);
  return {
    ...{ input, hidden, activation, weightX: matrix("W", input), weightH: matrix("R", hidden) },
    ...(b && { bias: b.slice(0, hidden).map((own, i) => own + b[hidden + i]!) }),
  };
}

/** ONNX's RNN by tanh or relu: any direction, both layouts, sequences of different lengths, start states. */
export function rnnNode(test: NodeTest): Verdict {
  const other = test.attributes.keys().find((key) => !KNOWN.includes(key));
  if (other !== undefined) return skipped(`the RNN's layer knows no ${other}`);
  const activations = activationsOf(test);
  const odd = activations.find((name) => !isKnown(name));
  if (odd !== undefined) return skipped(`the RNN's layer has tanh or relu, not ${odd}`);
  const given = hiddenInputsOf(test);
  const layout = layoutOf(test, given.X, given.R, 1);
  let bound = 0;
  const runs = hiddenRuns(test, given, layout, (k) => {
    const activation = (activations as readonly RnnParams["activation"][])[k] ?? "tanh";
    const layer = layerOf(test, given, layout, k, activation);
    return (sequences) => {
      const made = rnn(layer, sequences);
      bound = Math.max(bound, made.bound);
      return made.hs;
    };
  });
  const { y, h } = outputsOf(layout, runs);
  return test.expect({ Y: { got: y, bound }, Y_h: { got: h, bound } });
}
