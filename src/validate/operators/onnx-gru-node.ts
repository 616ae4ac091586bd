import { skipped, type Verdict } from "../verdict.ts";
import { gru, gruBound } from "./bounded-gru.ts";
import {
  directionsOf,
  inBatches,
  type Layout,
  layoutOf,
  outputsOf,
  partOf,
  sequencesOf,
  stateOf,
} from "./onnx-recurrent.ts";
import type { NodeTest } from "./onnx-test.ts";

/** Attributes that the kernel knows; others change what a unit is. */
const KNOWN = ["hidden_size", "layout", "direction", "linear_before_reset"];
const INPUTS = ["X", "W", "R", "B", "sequence_lens", "initial_h"] as const;
type Inputs = ReturnType<typeof inputsOf>;

const inputsOf = (test: NodeTest) => test.inputs(...INPUTS);

/** A direction's constants. ONNX's blocks are the kernel's, and biases of W and of R add, but where r gates those of R. */
function unitOf(test: NodeTest, given: Inputs, layout: Layout, k: number) {
  const { input, hidden } = layout;
  const matrix = (name: "W" | "R", columns: number) => ({
    ...{ rows: 3 * hidden, columns },
    data: partOf(test.need(given[name], name), layout, k, 3 * hidden, columns),
  });
  const resetAfter = test.number("linear_before_reset", 0) !== 0;
  const b = given.B && partOf(given.B, layout, k, 6 * hidden);
  const ofCandidate = (i: number) => i >= 2 * hidden;
  return {
    ...{ input, hidden, resetAfter, weightX: matrix("W", input), weightH: matrix("R", hidden) },
    ...(b && {
      bias: b.subarray(0, 3 * hidden).map((own, i) => own + (ofCandidate(i) ? 0 : b[3 * hidden + i]!)),
      candidateBias: b.slice(5 * hidden),
    }),
  };
}

/** ONNX's GRU: any direction, both layouts, both places of the reset gate, sequences of different lengths, start states. */
export function gruNode(test: NodeTest): Verdict {
  const other = test.attributes.keys().find((key) => !KNOWN.includes(key));
  if (other !== undefined) return skipped(`the GRU's unit knows no ${other}`);
  const given = inputsOf(test);
  const [x, r] = [test.need(given.X, "X"), test.need(given.R, "R")];
  const layout = layoutOf(test, x, r, 3);
  const sequences = sequencesOf(x, given.sequence_lens, layout);
  const runs = directionsOf(test, layout, r).map((reverse, k) => {
    const unit = unitOf(test, given, layout, k);
    const elements = sequences.map((xs, i) => ({ xs, start: stateOf(given.initial_h, layout, k, i) }));
    const hs = inBatches(elements, reverse, (some) => gru(unit, some));
    return { reverse, hs: reverse ? hs.map((own) => own.toReversed()) : hs };
  });
  const { y, h } = outputsOf(layout, runs);
  const bound = gruBound(layout.steps);
  return test.expect({ Y: { got: y, bound }, Y_h: { got: h, bound } });
}
