import { gather } from "../../isa/ops/dma.ts";
import { INDEX_BITS } from "../../isa/widths.ts";
import { type Address, type Builder, strideOf, type Tensor } from "../builder.ts";
import { lowerRescale } from "../elementwise.ts";
import type { QEmbedding } from "./quantize.ts";

/** Where a table lies in the image. */
export interface PlacedEmbedding {
  readonly q: QEmbedding;
  readonly at: number;
}

/** The row of every index in a vector of them, into the vectors of `output`. */
export function lowerEmbedding(
  b: Builder,
  { q, at }: PlacedEmbedding,
  indices: Address,
  output: Tensor,
): void {
  b.scratch(() => {
    const rows = q.scale === undefined ? output : b.map.tensor(q.stored, q.columns, output.count);
    const emit = (index: Address, dst: Address) =>
      b.emit(gather, { dst, src: at, index, rows: q.rows, n: q.columns, bits: q.stored.format.bits });
    if (output.count === 1) emit(indices, rows.at);
    else {
      b.loop(output.count, [INDEX_BITS / 8, strideOf(rows)], (indexed) => {
        emit(indexed(indices, 0), indexed(rows.at, 1));
      });
    }
    const { scale, stored, output: grid } = q;
    if (scale !== undefined) lowerRescale(b, { a: stored, output: grid, scale }, rows, output);
  });
}
