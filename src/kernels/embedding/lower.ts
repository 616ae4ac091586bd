import { gather } from "../../isa/ops/dma.ts";
import { rescale } from "../../isa/ops/vector.ts";
import { INDEX_BITS } from "../../isa/widths.ts";
import { type Address, type Builder, strideOf, type Tensor } from "../builder.ts";
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
    if (q.scale === undefined) return;
    b.emit(rescale, {
      ...{ dst: output.at, a: rows.at, n: q.columns * output.count, scale: b.image.scale(q.scale) },
      ...{
        aBits: q.stored.format.bits,
        bits: q.output.format.bits,
        aZero: q.stored.zero,
        zero: q.output.zero,
      },
    });
  });
}
