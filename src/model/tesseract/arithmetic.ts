import { roundReal } from "../../fixed/real.ts";

/** The curves of Tesseract's arithmetic: tables over [0, 16) in steps of 1/256, straight lines between their entries. */

const ENTRIES = 4096;
const STEPS_OF_ONE = 256;

const tableOf = (f: (x: number) => number): Float64Array =>
  Float64Array.from({ length: ENTRIES }, (_, i) => f(i / STEPS_OF_ONE));

const SIGMOIDS = tableOf((x) => 1 / (1 + Math.exp(-x)));
const TANHS = tableOf(Math.tanh);

/** Of x >= 0; 1 from the last entry on. */
function lookUp(table: Float64Array, x: number): number {
  const at = x * STEPS_OF_ONE;
  if (at >= ENTRIES - 1) return 1;
  const below = roundReal(at, "floor");
  return table[below]! + (table[below + 1]! - table[below]!) * (at - below);
}

export const sigmoid = (x: number): number => (x < 0 ? 1 - lookUp(SIGMOIDS, -x) : lookUp(SIGMOIDS, x));
export const tanh = (x: number): number => (x < 0 ? -lookUp(TANHS, -x) : lookUp(TANHS, x));
