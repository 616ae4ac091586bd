import { bench, describe } from "vitest";
import { CURVES } from "../src/pwl/curves.ts";
import { PLACEMENTS, type PwlMethod, place } from "../src/pwl/placement.ts";

const INPUTS = 65_536;
const PIECES = 16;
const [LO, HI] = CURVES.sigmoid.domain;
const VALUES = Float64Array.from({ length: INPUTS }, (_, i) =>
  CURVES.sigmoid.f(LO + ((HI - LO) * i) / (INPUTS - 1)),
);

describe(`sigmoid, 16-bit inputs, ${PIECES} pieces`, () => {
  for (const method of Object.keys(PLACEMENTS) as PwlMethod[]) {
    // One run each: the searches take seconds.
    bench(method, () => void place(VALUES, PIECES, method), { iterations: 1, warmupIterations: 0, time: 0 });
  }
});
