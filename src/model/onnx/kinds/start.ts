import type { Settings } from "../../../arch/fields.ts";
import type { Grid } from "../../../fixed/real.ts";
import type { Builder, Tensor } from "../../../kernels/builder.ts";
import {
  exactGain,
  exactRescale,
  lowerGain,
  lowerRescale,
  lowerZero,
  type QGain,
  type QRescale,
  quantizeRescale,
  widenGain,
  widenRescale,
  zeros,
} from "../../../kernels/elementwise.ts";
import type { Floats } from "../../../kernels/floats.ts";
import { quantizeGain } from "../../../kernels/gain.ts";
import type { Numerics } from "../../../quant/numerics.ts";

/** A state before the first step in integers; zeros where it is neither a value nor a constant. */
export type QStart =
  /** From the grid of the value to that of a step. */
  | { readonly kind: "value"; readonly rescale: QRescale }
  /** What is added to zeros, for each sequence. */
  | { readonly kind: "constant"; readonly sequences: readonly QGain[] };

/**
 * @param given  the grid of the value, or the constant of each sequence
 * @param state  the grid of a step
 */
export function quantizeStart(
  given: Grid | readonly Float64Array[] | undefined,
  state: Grid,
  numerics: Numerics,
): QStart | undefined {
  if (given === undefined) return undefined;
  if ("scale" in given) return { kind: "value", rescale: quantizeRescale(given, state, numerics) };
  const sequences = given.map((shift) =>
    quantizeGain({ gain: new Float64Array(shift.length).fill(1), shift }, state, state, numerics),
  );
  return { kind: "constant", sequences };
}

export const widenStart = (start: QStart, floats: Floats): QStart =>
  start.kind === "value"
    ? { ...start, rescale: widenRescale(start.rescale, floats) }
    : { ...start, sequences: start.sequences.map((one) => widenGain(one, floats)) };

/**
 * The codes that sequence `k` starts from.
 *
 * @param value  the codes that are given, where a value is
 */
export function exactStart(
  start: QStart | undefined,
  k: number,
  value: Int32Array | undefined,
  { length, grid }: { readonly length: number; readonly grid: Grid },
  arch: Settings,
): Int32Array {
  switch (start?.kind) {
    case undefined:
      return zeros(length, grid);
    case "value":
      return exactRescale(start.rescale, value!, arch);
    case "constant":
      return exactGain(start.sequences[k]!, zeros(length, grid), arch);
  }
}

/** Instructions that write `exactStart` to a tensor. */
export function lowerStart(
  b: Builder,
  start: QStart | undefined,
  k: number,
  value: Tensor | undefined,
  to: Tensor,
): void {
  if (start?.kind === "value") {
    lowerRescale(b, start.rescale, value!, to);
    return;
  }
  lowerZero(b, to);
  if (start?.kind === "constant") lowerGain(b, start.sequences[k]!, to, to);
}
