import { mulShift, type Rounding } from "../../fixed/round.ts";
import { type Ints, ints, Output, type Twin } from "./access.ts";
import { plainModeOf } from "./scaling.ts";

interface Pieces {
  readonly knots: Ints;
  readonly base: Ints;
  readonly slope: Ints;
  readonly shift: Ints;
}

export const pwl: Twin<"pwl"> = (
  memory,
  a,
  aBytes,
  out,
  outBytes,
  n,
  lanes,
  pieces,
  knots,
  base,
  slope,
  shift,
  lo,
  hi,
  rounding,
  sat,
) => {
  const codes = ints(memory, a, aBytes, n * lanes);
  const to = new Output(ints(memory, out, outBytes, n * lanes), ints(memory, sat, 4, lanes), 0, lo, hi);
  const table: Pieces = {
    knots: ints(memory, knots, 4, pieces),
    base: ints(memory, base, 4, pieces),
    slope: ints(memory, slope, 4, pieces),
    shift: ints(memory, shift, 4, pieces),
  };
  const mode = plainModeOf(rounding);
  for (let i = 0; i < n * lanes; i++) to.put(i, i % lanes, evaluate(table, codes[i]!, mode));
};

function evaluate(table: Pieces, x: number, mode: Rounding): number {
  const { knots, base, slope, shift } = table;
  let p = 0;
  while (p + 1 < knots.length && knots[p + 1]! <= x) p++;
  return base[p]! + mulShift(x - knots[p]!, slope[p]!, shift[p]!, mode);
}

export const gather: Twin<"gather"> = (memory, table, tableBytes, index, rows, out, n, lanes) => {
  const entries = ints(memory, table, tableBytes, rows * n);
  const wanted = ints(memory, index, 2, lanes);
  const to = ints(memory, out, tableBytes, n * lanes);
  for (let l = 0; l < lanes; l++) {
    const row = Math.min(Math.max(wanted[l]!, 0), rows - 1);
    for (let j = 0; j < n; j++) to[j * lanes + l] = entries[row * n + j]!;
  }
};
