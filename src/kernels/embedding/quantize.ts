import { encodeAll, type Grid } from "../../fixed/real.ts";
import type { Scale } from "../../fixed/requant.ts";
import { type Numerics, scaleFor } from "../../quant/numerics.ts";
import type { Matrix } from "../tensors.ts";

/**
 * An embedding table in codes. Rows are stored on one grid and used on another, so that a narrow table does not
 * force its coarse scale on whatever it is concatenated with; where the two are one grid, a row is only copied.
 */
export interface QEmbedding {
  readonly rows: number;
  readonly columns: number;
  readonly codes: Int32Array;
  readonly stored: Grid;
  readonly output: Grid;
  /** From the stored grid to the output's; absent where they are the same. */
  readonly scale?: Scale;
}

export function quantizeEmbedding(
  { rows, columns, data }: Matrix,
  stored: Grid,
  output: Grid,
  numerics: Numerics,
): QEmbedding {
  const table = { rows, columns, codes: encodeAll(data, stored), stored, output };
  const same =
    stored.scale === output.scale && stored.zero === output.zero && stored.format.bits === output.format.bits;
  return same ? table : { ...table, scale: scaleFor(stored.scale / output.scale, "vector", numerics) };
}
