import { maxOf, minOf } from "../../../fixed/format.ts";
import { encode, type Grid } from "../../../fixed/real.ts";
import { clamp } from "../../../isa/ops/convert.ts";
import {
  elementsOf,
  exactRescale,
  lowerRescale,
  type QRescale,
  quantizeRescale,
  widenRescale,
} from "../../../kernels/elementwise.ts";
import { kind } from "../define.ts";
import type { Operation } from "../operation.ts";

/** A rescaling, and the codes that its results are kept between. */
type QBounded = QRescale & { readonly lo: number; readonly hi: number };

/** The real numbers that a node keeps its results between. */
export function boundsOf(op: Operation): { readonly lo: number; readonly hi: number } {
  const { call } = op;
  if (op.name === "Relu") return { lo: 0, hi: Infinity };
  if (call.opset < 11) return { lo: call.real("min"), hi: call.real("max") };
  return { lo: op.constant(1)?.data[0] ?? -Infinity, hi: op.constant(2)?.data[0] ?? Infinity };
}

const endsOf = ({ format }: Grid) => ({ lo: minOf(format), hi: maxOf(format) });

/** A value on another grid, cut off: ReLU and its relatives, where nothing before them has a grid that ends there. */
export const bounded = kind<QBounded>({
  name: "bounded",
  ops: ["Relu", "Clip"],
  refusal: (op) => (op.active.join() === "0" ? undefined : "its bounds are no constants"),
  quantize(op, { inputs: [a], outputs: [output], numerics }) {
    const { lo, hi } = boundsOf(op);
    return {
      ...quantizeRescale(a!, output!, numerics),
      ...{ lo: encode(lo, output!), hi: encode(hi, output!) },
    };
  },
  outputs: ({ output }) => [output],
  widen(q, floats) {
    const wide = widenRescale(q, floats);
    return { ...wide, ...endsOf(wide.output), ...(isCut(q) && { lo: 0 }) };
  },
  place: (q, _op, [order]) => ({
    inputs: [{ order: order! }],
    outputs: [{ order: order! }],
    exact: ([x], arch) => [exactRescale(q, x!, arch).map((code) => Math.min(q.hi, Math.max(q.lo, code)))],
    lower(b, [x], [y]) {
      lowerRescale(b, q, x!, y!);
      if (!isCut(q)) return;
      const { bits } = q.output.format;
      b.emit(clamp, { dst: y!.at, a: y!.at, n: elementsOf(y!), bits, lo: q.lo, hi: q.hi });
    },
  }),
});

/** Whether the ends of the grid are not enough. */
const isCut = ({ lo, hi, output }: QBounded): boolean =>
  lo > minOf(output.format) || hi < maxOf(output.format);
