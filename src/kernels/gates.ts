import { signed } from "../fixed/format.ts";
import type { Grid } from "../fixed/real.ts";
import { mapRange, type Range, symmetricGrid, unitGrid } from "../quant/grid.ts";
import { type Numerics, powersOfTwo } from "../quant/numerics.ts";
import { FIXED_POINT } from "./curve.ts";

/** Grids of gates, before and behind their sigmoid. */

/** Pre-activations beyond this are at the ends of both curves to within an 8-bit code; wider ranges only cost resolution. */
const GATE_LIMIT = 8;

/** 16 bits, 3 of them before the point. */
export const Q3_12: Grid = { format: signed(16), scale: 2 ** -12, zero: 0 };

/** What of a range a gate's curve bends. */
export const withinGateLimit = (range: Range): Range =>
  mapRange(range, ({ lo, hi }) => ({ lo: Math.max(lo, -GATE_LIMIT), hi: Math.min(hi, GATE_LIMIT) }));

/** Of pre-activations in this range. */
export function gateGrid(range: Range, numerics: Numerics): Grid {
  const { gate_format: format, activation_bits: bits } = numerics.recipe;
  return format === "q3.12" ? Q3_12 : symmetricGrid(withinGateLimit(range), bits, powersOfTwo(numerics));
}

/** Of what a sigmoid opens, 0 ... 1: where the recipe's curve leaves its results. */
export const openGrid = (numerics: Numerics): Grid =>
  numerics.recipe.gate_curve === "pwl"
    ? unitGrid(numerics.recipe.activation_bits, powersOfTwo(numerics))
    : FIXED_POINT;
