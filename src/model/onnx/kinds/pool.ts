import { type Scaling, scalingOf } from "../../../arch/scaling.ts";
import { saturate, signed } from "../../../fixed/format.ts";
import type { Grid } from "../../../fixed/real.ts";
import { nearestScale } from "../../../fixed/scale.ts";
import { max, sum } from "../../../isa/ops/reduce.ts";
import { WORD_BITS } from "../../../isa/widths.ts";
import { lowerConversion } from "../../../kernels/convert.ts";
import { exactRescale, lowerRescale, type QRescale } from "../../../kernels/elementwise.ts";
import { type Floats, NO_SCALE } from "../../../kernels/floats.ts";
import { scaleFor } from "../../../quant/numerics.ts";
import { kind } from "../define.ts";
import type { Operation } from "../operation.ts";
import { rowMajor, vectorsOf } from "../order.ts";

/** What becomes of the elements that an output is made of. */
interface QPool {
  readonly input: Grid;
  readonly output: Grid;
  /** Of the sum, in words; the largest is on the output's grid already. */
  readonly sums?: Grid;
  /** What the vector unit's scales are, by which sums come to the output; absent in floats, which need none. */
  readonly unit?: Pick<Scaling, "kind" | "multiplierBits">;
}

const MEANS = ["ReduceMean", "AveragePool", "GlobalAveragePool"];
const LARGEST = ["ReduceMax", "MaxPool", "GlobalMaxPool"];

/** From the sum of so many elements to the output: a mean divides by what a size of the network makes them. */
function rescaleOf({ sums, output, unit }: QPool, op: Operation, each: number): QRescale | undefined {
  if (sums === undefined) return undefined;
  const a = { ...sums, scale: sums.scale / (MEANS.includes(op.name) ? each : 1) };
  const scale = unit ? nearestScale(a.scale / output.scale, unit.kind, unit.multiplierBits) : NO_SCALE;
  return { a, output, scale };
}

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
    const sums: Grid = { format: signed(WORD_BITS), scale: input!.scale, zero: 0 };
    const { kind, multiplierBits } = scalingOf("vector", numerics.arch);
    const q = { ...grids, sums, unit: { kind, multiplierBits } };
    // Says in a line where the machine has no such scale; means over other sizes are near.
    const { a } = rescaleOf(q, op, op.node.op.gathers!(op.call)!.each)!;
    scaleFor(a.scale / output!.scale, "vector", numerics);
    return q;
  },
  outputs: ({ output }) => [output],
  widen: ({ input, output, sums }, floats: Floats) => ({
    ...{ input: floats.grid(input), output: floats.grid(output) },
    ...(sums && { sums: floats.grid(sums) }),
  }),
  place(q, op) {
    const { input, output } = q;
    const { each, sources } = op.node.op.gathers!(op.call)!;
    const scale = rescaleOf(q, op, each);
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
