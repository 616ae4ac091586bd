import type { Mapping } from "../kernels/mapping.ts";
import { grouped, layOut } from "./layout.ts";

/**
 * How a job's matrices are mapped, for a person: a line for each that is not resident and taken in the largest tiles
 * that fit, and what streamed ones pass through.
 */
export function mappingText({ by, buffers, matrices }: Mapping, indent: string): string {
  const plain = matrices.filter(isPlain).length;
  const rows = matrices
    .filter((matrix) => !isPlain(matrix))
    .map(({ name, place, kept, rows, vectors, order, steps }) => [
      name,
      kept === undefined ? place : `${place}, ${grouped(kept)} rows kept`,
      most(rows),
      most(vectors),
      order === "vectors-outside" ? "vectors" : "tiles",
      steps === undefined ? "all" : grouped(steps),
    ]);
  const head = ["matrix", "weights", "rows a tile", "vectors a block", "outside", "steps at once"];
  const streams =
    buffers.count === 0
      ? "nothing streams"
      : `${buffers.count} stream buffers of ${grouped(buffers.bytes)} bytes`;
  const source = by === "fixed" ? "by the fixed rule" : "found by a search with the clock as its cost";
  const table = rows.length === 0 ? "" : layOut([head, ...rows], { indent, right: [2, 3, 5] });
  const rest = `${plain} of ${matrices.length} matrices resident, in the largest tiles that fit`;
  return `${table}${indent}${rest}; ${source}; ${streams}\n`;
}

const isPlain = ({ place, rows, vectors, order, steps }: Mapping["matrices"][number]): boolean =>
  place === "resident" &&
  rows === undefined &&
  vectors === undefined &&
  steps === undefined &&
  order !== "vectors-outside";

const most = (count: number | undefined): string => (count === undefined ? "that fit" : grouped(count));
