import { exactLstmCell } from "../../../kernels/lstm/exact.ts";
import { lowerSequence } from "../../../kernels/lstm/lower.ts";
import { matricesOf, type QLstm, quantizeLstm } from "../../../kernels/lstm/quantize.ts";
import { type LstmParams, lstmCell } from "../../../kernels/lstm/real.ts";
import { widenLstm } from "../../../kernels/lstm/widen.ts";
import type { Operation } from "../operation.ts";
import { layerKind } from "./layer.ts";
import { blocksOf, oddRecurrence, stepsOf } from "./recurrent.ts";

/** Blocks of rows in the file, i o f g, in the order that the kernel has them. */
const GATES = [0, 2, 3, 1] as const;
/** Of the peepholes: i o f, as i f o. */
const PEEPHOLES = [0, 2, 1] as const;

function paramsOf(op: Operation, direction: number): LstmParams {
  const { input, hidden } = stepsOf(op);
  const matrix = (columns: number, data: Float64Array) => ({ rows: 4 * hidden, columns, data });
  const base = { input, hidden, forgetBias: 0, normScope: "all" } as const;
  if (op.name === "LstmStep") {
    const [w, r, bias] = [3, 4, 5].map((i) => Float64Array.from(op.constant(i)!.data));
    return { ...base, bias: bias!, weightX: matrix(input, w!), weightH: matrix(hidden, r!) };
  }
  const gates = (i: number, columns: number) =>
    matrix(columns, blocksOf(op.constant(i)!, direction, GATES, hidden * columns));
  const [b, p] = [op.constant(3), op.constant(7)];
  const bias = b && blocksOf(b, direction, GATES, hidden);
  // W's biases lie before R's.
  const other =
    b &&
    blocksOf(
      b,
      direction,
      GATES.map((gate) => gate + GATES.length),
      hidden,
    );
  return {
    ...{ ...base, weightX: gates(1, input), weightH: gates(2, hidden) },
    ...(bias && { bias: bias.map((x, i) => x + other![i]!) }),
    ...(p && { peepholes: blocksOf(p, direction, PEEPHOLES, hidden) }),
  };
}

/** Why a step is not one that the kernel knows; its states may be constants. */
function oddStep(op: Operation): string | undefined {
  if ([3, 4, 5].some((i) => op.constant(i) === undefined)) return "its weights are no constants";
  return op.isActive(0) ? undefined : "its input is a constant";
}

/** An LSTM over a sequence, or one step of it. */
export const lstm = layerKind<QLstm>({
  name: "lstm",
  ops: ["LSTM", "LstmStep"],
  hasCell: true,
  refusal(op) {
    if (op.name === "LstmStep") return oddStep(op);
    if (op.call.int("input_forget") !== 0) return "its input and forget gates are coupled";
    return oddRecurrence(op, ["sigmoid", "tanh", "tanh"]);
  },
  observe(op, direction, xs, start, reverse, tap) {
    const p = paramsOf(op, direction);
    let state = start;
    for (const x of reverse ? xs.toReversed() : xs) state = lstmCell(p, x, state, tap);
  },
  quantize(op, direction, grid, ranges, hidden, numerics) {
    const p = paramsOf(op, direction);
    return quantizeLstm(p, [{ weight: p.weightX, grid }], ranges, hidden, numerics);
  },
  grids: ({ hidden, cell }) => ({ hidden, memory: cell }),
  matrices: matricesOf,
  widen: widenLstm,
  exact(q, x, { h, memory }, arch) {
    const next = exactLstmCell(q, [x], { h, c: memory }, arch);
    return { h: next.h, memory: next.c };
  },
  lower: lowerSequence,
});
