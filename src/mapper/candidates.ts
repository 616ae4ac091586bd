import type { ArchSpec } from "../arch/spec.ts";
import { ceilDiv, floorDiv } from "../fixed/round.ts";
import { alignUp } from "../isa/tables.ts";
import type { Weights } from "../kernels/image.ts";
import {
  bufferStep,
  endOf,
  type LoopOrder,
  leastBuffer,
  type Mapping,
  type MatrixMapping,
  ROW_STEP,
  type Site,
} from "../kernels/mapping.ts";

/** How the matrices of one site are cut: what is not given is as large as it can be. */
export type Cut = Pick<MatrixMapping, "rows" | "vectors" | "order" | "steps">;

/** Parts that a side is tried in: powers of two, and three times those. */
const PARTS = [1, 2, 3, 4, 6, 8, 12, 16];
/** Steps of a recurrence whose input products are tried at once: powers of two, as they are written out. */
const STEPS = [1, 2, 4, 8, 16, 32];
/** Stream buffers that take turns, and the parts of weight SRAM that all of them together may take. */
const BUFFER_COUNTS = [2, 3, 4];
const BUFFER_SHARES = [2, 4, 8, 16];

/**
 * Cuts of a site's tiles and blocks, the largest first, all with the same number of steps at once.
 *
 * @param fitting  rows that a stream buffer takes, where the site's matrices are streamed
 */
export function cutsOf(site: Site, steps: number | undefined, fitting: number, arch: ArchSpec): Cut[] {
  const { "mac.rows": rows, "mac.columns": columns, "acc.entries": entries } = arch.settings;
  const most = Math.min(site.vectors, steps ?? site.vectors);
  const half = floorDiv(entries, 2);
  const sides = new Set(PARTS.map((parts) => Math.min(fitting, tileOf(site, parts, columns))));
  const blocks = new Set([most, ...[1, 2, 4].map((parts) => ceilDiv(most, parts)), rows, 2 * rows, columns]);
  const cuts: Cut[] = [{}];
  for (const side of sides) {
    for (const vectors of [...blocks].filter((block) => block <= most && block * side <= half)) {
      cuts.push({ rows: side, vectors });
      const isOneLoop = vectors === most || side >= site.matrices[0]!.rows;
      if (!isOneLoop) cuts.push({ rows: side, vectors, order: "vectors-outside" as LoopOrder });
    }
  }
  return cuts.map((cut) => (steps === undefined ? cut : { ...cut, steps }));
}

/** A part of the rows, in whole sides of the array where that is not all of them. */
function tileOf({ matrices }: Site, parts: number, side: number): number {
  const { rows } = matrices[0]!;
  const step = side % ROW_STEP === 0 ? side : ROW_STEP;
  return Math.min(alignUp(rows, ROW_STEP), alignUp(ceilDiv(rows, parts), step));
}

/** Numbers of steps to try at a recurrence's input, beside all of them. */
export const stepsOf = ({ isRecurrent = false, vectors }: Site): number[] =>
  isRecurrent ? STEPS.filter((steps) => steps < vectors) : [];

/** Sizes and counts of stream buffers that fit this weight SRAM. */
export function buffersOf(matrices: readonly Weights[], arch: ArchSpec): Mapping["buffers"][] {
  const room = arch.settings["weight.bytes"];
  const step = bufferStep(matrices);
  const least = leastBuffer(matrices, step);
  const found = BUFFER_COUNTS.flatMap((count) => {
    const sizes = BUFFER_SHARES.map((share) => floorDiv(floorDiv(room, count * share), step) * step);
    return [...new Set([...sizes, least])]
      .filter((bytes) => bytes >= least && count * bytes <= room)
      .map((bytes) => ({ count, bytes }));
  });
  return found;
}

/**
 * Rows of matrices that stay, where they are asked in this order, as long as they fit beside the buffers: whole matrices; then, where
 * `parts` are asked for, as many rows of the others as there is room for.
 */
export function staying(
  order: readonly number[],
  matrices: readonly Weights[],
  buffers: Mapping["buffers"],
  arch: ArchSpec,
  parts: boolean,
): ReadonlyMap<number, number> {
  const room = arch.settings["weight.bytes"];
  const chosen = new Map<number, number>();
  const fits = (i: number, rows: number): boolean => {
    const kept = matrices.flatMap((matrix, k) => {
      const own = k === i ? rows : (chosen.get(k) ?? 0);
      return own === 0 ? [] : [{ ...matrix, rows: own }];
    });
    return endOf(kept, buffers.count * buffers.bytes) <= room;
  };
  for (const i of order) if (fits(i, matrices[i]!.rows)) chosen.set(i, matrices[i]!.rows);
  for (const i of parts ? order.filter((one) => !chosen.has(one)) : []) {
    const steps = ceilDiv(matrices[i]!.rows, ROW_STEP) - 1;
    const most = Array.from({ length: steps }, (_, k) => ROW_STEP * (steps - k)).find((rows) =>
      fits(i, rows),
    );
    if (most !== undefined) chosen.set(i, most);
  }
  return chosen;
}
