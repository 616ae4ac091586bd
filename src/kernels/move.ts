import { move } from "../isa/ops/move.ts";
import type { Builder, Tensor } from "./builder.ts";

/** Codes brought to other places as they are: transposed, sliced, joined, repeated. */

/** Which codes are moved, row by row; distances in codes. */
interface Moved {
  readonly rows: number;
  /** Codes of a row. */
  readonly columns: number;
  /** From a row to the next: the tensor's vectors where not given. 0 repeats what is read. */
  readonly fromRow?: number;
  readonly toRow?: number;
  /** From a code of a row to the next: 1 where not given. 0 repeats what is read. */
  readonly fromColumn?: number;
  readonly toColumn?: number;
}

/** Copies codes from where `from` begins to where `to` begins, apart from each other and on one grid. */
export function lowerMove(b: Builder, from: Tensor, to: Tensor, moved: Moved): void {
  const { rows, columns, fromRow = from.length, toRow = to.length, fromColumn = 1, toColumn = 1 } = moved;
  // What steps are never taken may as well be those of codes that follow one another.
  const step = (column: number) => (columns === 1 ? 1 : column);
  const pitch = (row: number, column: number) => (rows === 1 && column === 1 ? columns : row);
  b.emit(move, {
    ...{ dst: to.at, src: from.at, rows, columns, bits: from.grid.format.bits },
    ...{ dstRow: pitch(toRow, step(toColumn)), dstColumn: step(toColumn) },
    ...{ srcRow: pitch(fromRow, step(fromColumn)), srcColumn: step(fromColumn) },
  });
}

/** Vectors [count][length] as [length][count]. */
export const lowerTranspose = (b: Builder, input: Tensor, output: Tensor): void =>
  lowerMove(b, input, output, {
    ...{ rows: input.count, columns: input.length },
    ...{ toRow: 1, toColumn: input.count },
  });
