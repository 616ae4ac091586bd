import { floorDiv } from "../fixed/round.ts";
import { type Instruction, type Issued, type Item, isLoop, REGISTERS_PER_LOOP } from "./program.ts";

/** An address field that a loop moves, and how far each turn of it does. */
interface Move {
  readonly field: string;
  readonly level: number;
  readonly stride: number;
}

/** An instruction where it stands: in which loops, and when it is issued. */
export interface Site {
  readonly instruction: Instruction;
  readonly moves: readonly Move[];
  /** Of the loops around it, the outer one's first: their turns, and the instructions that a turn issues. */
  readonly counts: readonly number[];
  readonly sizes: readonly number[];
  /** Its number as issued, in the first turns. */
  readonly first: number;
}

/** A loop of sites, each of which is issued at least once. */
export interface SiteLoop {
  readonly count: number;
  readonly level: number;
  readonly body: readonly Placement[];
}
export type Placement = Site | SiteLoop;

export const isSiteLoop = (placement: Placement): placement is SiteLoop => "body" in placement;

/** The instructions of a program that are issued at all, where they stand. Its loops are ones that the sequencer can hold. */
export function sitesOf(items: readonly Item[]): readonly Placement[] {
  const strides: number[] = [];
  const place = (
    some: readonly Item[],
    counts: readonly number[],
    sizes: readonly number[],
    start: number,
  ): Placement[] => {
    const placed: Placement[] = [];
    let first = start;
    for (const item of some) {
      if (!isLoop(item)) {
        placed.push({ instruction: item, moves: movesOf(item, strides, counts), counts, sizes, first });
        first++;
        continue;
      }
      const level = counts.length;
      for (let r = 0; r < REGISTERS_PER_LOOP; r++)
        strides[level * REGISTERS_PER_LOOP + r] = item.strides[r] ?? 0;
      const size = issuedBy(item.body);
      if (item.count === 0 || size === 0) continue;
      const body = place(item.body, [...counts, item.count], [...sizes, size], first);
      placed.push({ count: item.count, level, body });
      first += item.count * size;
    }
    return placed;
  };
  return place(items, [], [], 0);
}

/** How many instructions are issued. */
export function issuedBy(items: readonly Item[]): number {
  let issued = 0;
  for (const item of items) issued += isLoop(item) ? item.count * issuedBy(item.body) : 1;
  return issued;
}

/** How many instructions are written. */
function writtenIn(items: readonly Item[]): number {
  let written = 0;
  for (const item of items) written += isLoop(item) ? writtenIn(item.body) : 1;
  return written;
}

/** The number among the instructions as written of the one that is issued as this number, if any is. */
export function writtenAs(items: readonly Item[], number: number): number | undefined {
  let first = 0;
  let written = 0;
  for (const item of items) {
    const size = isLoop(item) ? issuedBy(item.body) : 1;
    const issued = isLoop(item) ? item.count * size : 1;
    if (number < first + issued)
      return written + (isLoop(item) ? writtenAs(item.body, (number - first) % size)! : 0);
    first += issued;
    written += isLoop(item) ? writtenIn(item.body) : 1;
  }
  return undefined;
}

function movesOf({ by }: Instruction, strides: readonly number[], counts: readonly number[]): Move[] {
  const moves: Move[] = [];
  for (const field in by) {
    const level = floorDiv(by[field]!, REGISTERS_PER_LOOP);
    const stride = strides[by[field]!]!;
    if (stride !== 0 && counts[level]! > 1) moves.push({ field, level, stride });
  }
  return moves;
}

/** The site's number as issued in these turns of its loops. */
export function numberOf({ first, sizes }: Site, turns: readonly number[]): number {
  let number = first;
  for (let level = 0; level < sizes.length; level++) number += turns[level]! * sizes[level]!;
  return number;
}

/** The site's operands in these turns. */
export function operandsAt({ instruction: { x }, moves }: Site, turns: readonly number[]): Issued["x"] {
  if (moves.length === 0) return x;
  const moved: Record<string, number> = { ...x };
  for (const { field, level, stride } of moves) moved[field]! += stride * turns[level]!;
  return moved;
}

/** One of the site's addresses in these turns. */
export function addressAt(
  { instruction: { x }, moves }: Site,
  field: string,
  turns: readonly number[],
): number {
  for (const move of moves) if (move.field === field) return x[field]! + move.stride * turns[move.level]!;
  return x[field]!;
}

/** Every site, in the order in which they stand. */
export function eachSite(placements: readonly Placement[], visit: (site: Site) => void): void {
  for (const placement of placements) {
    if (isSiteLoop(placement)) eachSite(placement.body, visit);
    else visit(placement);
  }
}
