/** Bytes from `from` to before `to`, and as many `count - 1` times more, each time `stride` further on. */
export interface Comb {
  readonly from: number;
  readonly to: number;
  readonly stride: number;
  readonly count: number;
}

interface Piece {
  readonly from: number;
  readonly to: number;
}

/** Combs of one stride and count, whose first teeth lie within one stride: what repeats without meeting itself. */
interface Group extends Piece {
  readonly teeth: readonly Piece[];
  readonly stride: number;
  readonly count: number;
}

/**
 * Bytes in at least one of the combs. Takes time for every tooth only where combs of different strides meet, or
 * where a comb meets itself.
 */
export function unionOf(combs: readonly Comb[]): number {
  const pieces: Piece[] = [];
  const alike = new Map<string, { stride: number; count: number; first: Piece[] }>();
  for (const comb of combs.map(ascending)) {
    const { from, to, stride, count } = comb;
    if (stride <= to - from) pieces.push({ from, to: to + stride * (count - 1) });
    else {
      const key = `${stride} ${count}`;
      const known = alike.get(key) ?? { stride, count, first: [] };
      known.first.push({ from, to });
      alike.set(key, known);
    }
  }
  const groups = [...alike.values()].map(groupOf);
  let bytes = 0;
  for (const group of groups) {
    const { teeth, stride, count, from, to } = group;
    const others = [...pieces, ...groups.filter((other) => other !== group)];
    const isAlone = others.every((other) => other.to <= from || other.from >= to);
    if (isAlone && teeth.at(-1)!.to - teeth[0]!.from <= stride) bytes += count * sizeOf(teeth);
    else for (const tooth of teeth) for (let i = 0; i < count; i++) pieces.push(shifted(tooth, i * stride));
  }
  return bytes + sizeOf(merged(pieces));
}

function ascending({ from, to, stride, count }: Comb): Comb {
  if (stride >= 0) return { from, to, stride, count };
  const back = stride * (count - 1);
  return { from: from + back, to: to + back, stride: -stride, count };
}

function groupOf({
  stride,
  count,
  first,
}: {
  stride: number;
  count: number;
  first: readonly Piece[];
}): Group {
  const teeth = merged(first);
  return { teeth, stride, count, from: teeth[0]!.from, to: teeth.at(-1)!.to + stride * (count - 1) };
}

const shifted = ({ from, to }: Piece, by: number): Piece => ({ from: from + by, to: to + by });

/** The same bytes in pieces that ascend and do not touch. */
function merged(pieces: readonly Piece[]): readonly Piece[] {
  const result: { from: number; to: number }[] = [];
  for (const { from, to } of [...pieces].sort((a, b) => a.from - b.from)) {
    const last = result.at(-1);
    if (last === undefined || from > last.to) result.push({ from, to });
    else last.to = Math.max(last.to, to);
  }
  return result;
}

function sizeOf(pieces: readonly Piece[]): number {
  let bytes = 0;
  for (const { from, to } of pieces) bytes += to - from;
  return bytes;
}
