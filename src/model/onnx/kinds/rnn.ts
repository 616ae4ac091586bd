import { plus } from "../../../kernels/builder.ts";
import { lowerCopy } from "../../../kernels/elementwise.ts";
import { exactRnnCell } from "../../../kernels/rnn/exact.ts";
import { lowerRnnSequence } from "../../../kernels/rnn/lower.ts";
import { matricesOf, type QRnn, quantizeRnn } from "../../../kernels/rnn/quantize.ts";
import { type RnnParams, rnnSequence } from "../../../kernels/rnn/real.ts";
import { widenRnn } from "../../../kernels/rnn/widen.ts";
import type { Operation } from "../operation.ts";
import { layerKind } from "./layer.ts";
import { blocksOf, oddRecurrence, stepsOf } from "./recurrent.ts";

/** The function of a direction, in small letters; each has one. */
const functionOf = ({ call }: Operation, direction: number): string =>
  call.texts("activations")?.[direction]?.toLowerCase() ?? "tanh";

function paramsOf(op: Operation, direction: number): RnnParams {
  const { input, hidden } = stepsOf(op);
  const matrix = (i: number, columns: number) => ({
    ...{ rows: hidden, columns },
    data: blocksOf(op.constant(i)!, direction, [0], hidden * columns),
  });
  const b = op.constant(3);
  // W's bias and R's.
  const both = b && [0, 1].map((block) => blocksOf(b, direction, [block], hidden));
  return {
    ...{ input, hidden, weightX: matrix(1, input), weightH: matrix(2, hidden) },
    ...(both && { bias: both[0]!.map((own, i) => own + both[1]![i]!) }),
    activation: functionOf(op, direction) === "relu" ? "relu" : "tanh",
  };
}

/** A recurrent layer without a cell. What it remembers is h, as matrices read it. */
export const rnn = layerKind<QRnn>({
  name: "rnn",
  ops: ["RNN"],
  hasCell: false,
  refusal(op) {
    const functions = stepsOf(op).directions.map(({ index }) => functionOf(op, index));
    const odd = functions.find((name) => name !== "tanh" && name !== "relu");
    return odd === undefined ? oddRecurrence(op, functions) : `${odd} is neither tanh nor relu`;
  },
  observe: (op, direction, xs, { h }, reverse, tap) =>
    rnnSequence(paramsOf(op, direction), xs, reverse, tap, h),
  quantize(op, direction, grid, ranges, hidden, numerics) {
    const p = paramsOf(op, direction);
    return quantizeRnn(p, [{ weight: p.weightX, grid }], ranges, hidden, numerics);
  },
  grids: ({ hidden }) => ({ hidden, memory: hidden }),
  matrices: matricesOf,
  widen: widenRnn,
  exact(q, x, { h }, arch) {
    const next = exactRnnCell(q, [x], h, arch);
    return { h: next, memory: next };
  },
  lower(b, q, inputs, rows, reverse, memory) {
    lowerRnnSequence(b, q, inputs, rows, reverse);
    const last = reverse ? 1 : inputs[0]!.count;
    lowerCopy(b, { ...rows.first, at: plus(rows.first.at, last * rows.stride) }, memory);
  },
});
