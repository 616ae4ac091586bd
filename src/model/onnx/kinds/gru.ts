import { exactGruCell } from "../../../kernels/gru/exact.ts";
import { lowerGruSequence } from "../../../kernels/gru/lower.ts";
import { matricesOf, type QGru, quantizeGru } from "../../../kernels/gru/quantize.ts";
import { type GruParams, gruSequence } from "../../../kernels/gru/real.ts";
import { widenGru } from "../../../kernels/gru/widen.ts";
import type { Operation } from "../operation.ts";
import { layerKind } from "./layer.ts";
import { blocksOf, oddRecurrence, stepsOf } from "./recurrent.ts";

/** Blocks of rows, z r n, as the kernel has them. */
const GATES = [0, 1, 2] as const;

function paramsOf(op: Operation, direction: number): GruParams {
  const { input, hidden } = stepsOf(op);
  const gates = (i: number, columns: number) => ({
    ...{ rows: 3 * hidden, columns },
    data: blocksOf(op.constant(i)!, direction, GATES, hidden * columns),
  });
  const resetAfter = op.call.int("linear_before_reset") !== 0;
  const b = op.constant(3);
  const both =
    b &&
    [0, GATES.length].map((from) =>
      blocksOf(
        b,
        direction,
        GATES.map((gate) => gate + from),
        hidden,
      ),
    );
  return {
    ...{ input, hidden, resetAfter, weightX: gates(1, input), weightH: gates(2, hidden) },
    ...(both && {
      // R's bias of the candidate is r's to gate, the others add to W's.
      bias: both[0]!.map((own, i) => own + (i < 2 * hidden ? both[1]![i]! : 0)),
      candidateBias: both[1]!.slice(2 * hidden),
    }),
  };
}

/** A GRU over a sequence. What it remembers is finer than the h that matrices read, and is the h that it ends with. */
export const gru = layerKind<QGru>({
  name: "gru",
  ops: ["GRU"],
  hasCell: false,
  refusal: (op) => oddRecurrence(op, ["sigmoid", "tanh"]),
  observe: (op, direction, xs, { h }, reverse, tap) =>
    gruSequence(paramsOf(op, direction), xs, reverse, tap, h),
  quantize(op, direction, grid, ranges, hidden, numerics) {
    const p = paramsOf(op, direction);
    return quantizeGru(p, [{ weight: p.weightX, grid }], ranges, hidden, numerics);
  },
  grids: ({ hidden, state }) => ({ hidden, memory: state }),
  matrices: matricesOf,
  widen: widenGru,
  exact(q, x, { h, memory }, arch) {
    const next = exactGruCell(q, [x], { h, state: memory }, arch);
    return { h: next.h, memory: next.state };
  },
  lower: lowerGruSequence,
});
