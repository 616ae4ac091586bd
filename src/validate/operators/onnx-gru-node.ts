import { skipped, type Verdict } from "../verdict.ts";
import { gru, gruBound } from "./bounded-gru.ts";
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

/** Attributes that the kernel knows; others change what a unit is. */
const KNOWN = ["hidden_size", "layout", "direction", "linear_before_reset"];

/** A direction's constants. ONNX's blocks are the kernel's, and biases of W and of R add, but where r gates those of R. */
function unitOf(test: NodeTest, given: HiddenInputs, layout: Layout, k: number) {
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
  const given = hiddenInputsOf(test);
  const layout = layoutOf(test, given.X, given.R, 3);
  const runs = hiddenRuns(test, given, layout, (k) => {
    const unit = unitOf(test, given, layout, k);
    return (sequences) => gru(unit, sequences);
  });
  const { y, h } = outputsOf(layout, runs);
  const bound = gruBound(layout.steps);
  return test.expect({ Y: { got: y, bound }, Y_h: { got: h, bound } });
}
