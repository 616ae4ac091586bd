import { exactLinear } from "../../../kernels/linear/exact.ts";
import { lowerLinear } from "../../../kernels/linear/lower.ts";
import { type QLinear, quantizeLinear } from "../../../kernels/linear/quantize.ts";
import type { LinearParams } from "../../../kernels/linear/real.ts";
import { widenLinear } from "../../../kernels/linear/widen.ts";
import type { Tensor as Real } from "../../../onnx/tensor.ts";
import { kind } from "../define.ts";
import type { Operation } from "../operation.ts";
import { rowWise } from "./rows.ts";

/** Whether the matrix is kept with a row for each result. */
const isTurned = ({ name, call }: Operation): boolean => name === "Gemm" && call.int("transB") !== 0;

/** Gemm's `alpha` and `beta`. */
const factors = ({ name, call }: Operation) =>
  name === "Gemm" ? { alpha: call.real("alpha"), beta: call.real("beta") } : { alpha: 1, beta: 1 };

/** The affine layer that a node is. */
function paramsOf(op: Operation): LinearParams {
  const w = op.constant(1)!;
  const [first, second] = w.shape as [number, number];
  const [rows, columns] = isTurned(op) ? [first, second] : [second, first];
  const { alpha, beta } = factors(op);
  const data = new Float64Array(rows * columns);
  for (let r = 0; r < rows; r++)
    for (let c = 0; c < columns; c++)
      data[r * columns + c] = alpha * w.data[isTurned(op) ? r * columns + c : c * rows + r]!;
  const added = op.constant(2);
  return {
    weight: { rows, columns, data },
    ...(added && {
      bias: Float64Array.from(
        { length: rows },
        (_, r) => beta * added.data[added.data.length === 1 ? 0 : r]!,
      ),
    }),
  };
}

/** The mean of all vectors of a value. */
function meanOf({ data }: Real, length: number): Float64Array {
  const mean = new Float64Array(length);
  for (let i = 0; i < data.length; i++) mean[i % length]! += (data[i]! * length) / data.length;
  return mean;
}

/** A product with a constant matrix over the last dimension. */
export const linear = kind<QLinear>({
  name: "linear",
  ops: ["MatMul", "Gemm", "Linear"],
  isWide: true,
  saturates: true,
  refusal(op) {
    const w = op.constant(1);
    if (w === undefined || !op.isActive(0)) return "its second operand is no constant";
    if (w.shape.length !== 2) return `a constant of ${w.shape.length} dimensions is no matrix`;
    if (op.name === "Gemm" && op.call.int("transA") !== 0) return "transA is set";
    const added = op.call.has(2) ? op.constant(2) : undefined;
    if (op.call.has(2) && added === undefined) return "its bias is no constant";
    const rows = w.shape[isTurned(op) ? 0 : 1]!;
    const isRow = added === undefined || added.data.length === 1 || added.shape.at(-1) === rows;
    return isRow && (added?.data.length ?? 0) <= rows ? undefined : "its bias differs from row to row";
  },
  observe: (op, [x], tap) => tap("input", meanOf(x!, op.shape(0).at(-1)!), "averaged"),
  quantize(op, { inputs: [grid], outputs: [output], ranges, numerics }) {
    const { weight, bias } = paramsOf(op);
    const input = { weight, grid: grid!, mean: ranges.meanOf("input") };
    return quantizeLinear([input], bias, output!, numerics.recipe.weight_bits, numerics);
  },
  outputs: ({ output }) => [output],
  matrices: ({ parts }) => parts.map(({ weights }) => weights),
  widen: widenLinear,
  place: (q, op, [natural]) =>
    rowWise(op, natural!, op.shape(0).length - 1, q.rows, {
      exact: (row, arch) => exactLinear(q, [row], arch),
      lower: (b, x, y) => lowerLinear(b, q, [x], y),
    }),
});
