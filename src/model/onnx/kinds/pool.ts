import { saturate, signed } from "../../../fixed/format.ts";
import type { Grid } from "../../../fixed/real.ts";
import { max, sum } from "../../../isa/ops/reduce.ts";
import { WORD_BITS } from "../../../isa/widths.ts";
import { lowerConversion } from "../../../kernels/convert.ts";
import {
  exactRescale,
  lowerRescale,
  type QRescale,
  quantizeRescale,
  widenRescale,
} from "../../../kernels/elementwise.ts";
import type { Floats } from "../../../kernels/floats.ts";
import { kind } from "../define.ts";
import type { Operation } from "../operation.ts";
import { rowMajor, vectorsOf } from "../order.ts";

/** What becomes of the elements that an output is made of. */
interface QPool {
  readonly input: Grid;
  readonly output: Grid;
  /** From the sum, in words, to the output; the largest is on its grid already. */
  readonly scale?: QRescale;
}

const MEANS = ["ReduceMean", "AveragePool", "GlobalAveragePool"];
const LARGEST = ["ReduceMax", "MaxPool", "GlobalMaxPool"];

const isLargest = ({ name }: Operation): boolean => LARGEST.includes(name);

/** The sum, the mean or the largest of some elements: reductions and pooling. */
export const pool = kind<QPool>({
  name: "pool",
  ops: ["ReduceSum", ...MEANS, ...LARGEST],
  refusal(op) {
    if (op.active.join() !== "0") return "reduces axes that are no constants";
    if (op.results.length > 1) return "the places of the largest are asked for";
    if (op.call.shape(0)?.some((size) => typeof size !== "number") ?? true) return undefined;
    return op.node.op.gathers?.(op.call) === undefined
      ? "divides by fewer elements at its borders: count_include_pad is not set"
      : undefined;
  },
  ties: (op) => (isLargest(op) ? [[op.operands[0]!, op.key]] : []),
  quantize(op, { inputs: [input], outputs: [output], numerics }) {
    const grids = { input: input!, output: output! };
    if (isLargest(op)) return grids;
    const divisor = MEANS.includes(op.name) ? op.node.op.gathers!(op.call)!.each : 1;
    const sums: Grid = { format: signed(WORD_BITS), scale: input!.scale / divisor, zero: 0 };
    return { ...grids, scale: quantizeRescale(sums, output!, numerics) };
  },
  outputs: ({ output }) => [output],
  widen: ({ input, output, scale }, floats: Floats) => ({
    ...{ input: floats.grid(input), output: floats.grid(output) },
    ...(scale && { scale: widenRescale(scale, floats) }),
  }),
  place({ input, output, scale }, op) {
    const { each, sources } = op.node.op.gathers!(op.call)!;
    const groups = sources.length / each;
    const shape = { groups, n: each };
    return {
      inputs: [{ order: rowMajor(op.shape(0).length), pick: sources }],
      outputs: [{ order: rowMajor(op.resultShape.length) }],
      exact([x], arch) {
        const rows = vectorsOf(x!, each);
        if (scale === undefined) return [Int32Array.from(rows, (row) => Math.max(...row))];
        const total = (row: Int32Array) => row.reduce((all, code) => all + code - input.zero, 0);
        return [
          exactRescale(
            scale,
            Int32Array.from(rows, (row) => saturate(total(row), scale.a.format)),
            arch,
          ),
        ];
      },
      lower(b, [x], [y]) {
        const { bits } = input.format;
        b.scratch(() => {
          const words = b.map.tensor({ ...output, format: signed(WORD_BITS) }, groups);
          if (scale === undefined) {
            b.emit(max, { ...shape, dst: words.at, a: x!.at, aBits: bits, aZero: 0, bits: WORD_BITS });
            lowerConversion(b, {
              ...{ dst: y!.at, a: words.at, n: groups, aBits: WORD_BITS },
              ...{ bits: output.format.bits, shift: 0 },
            });
            return;
          }
          b.emit(sum, { ...shape, dst: words.at, a: x!.at, aBits: bits, aZero: input.zero, bits: WORD_BITS });
          lowerRescale(b, scale, { ...words, grid: scale.a }, y!);
        });
      },
    };
  },
});
