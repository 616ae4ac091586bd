import { plainRounding, type RequantKind, type RequantRounding } from "../fixed/requant.ts";
import type { Rounding } from "../fixed/round.ts";
import type { Settings } from "./fields.ts";

/** Units that multiply by scales of a table: the requantizer behind the accumulators, and the vector unit. */
export const SCALING_UNITS = ["requant", "vector"] as const;
export type ScalingUnit = (typeof SCALING_UNITS)[number];

/** What such a unit is built of. */
export interface Scaling {
  readonly kind: RequantKind;
  /** Width of a stored multiplier; 0 for a unit that only shifts. */
  readonly multiplierBits: number;
  readonly rounding: RequantRounding;
}

/** Width in which a two-shift unit stores the two digits of its multiplier. */
const TWO_SHIFT_BITS = 16;

/** The scaling of a unit: the vector unit has the requantizer's, but for what the machine says of it. */
export function scalingOf(unit: ScalingUnit, arch: Settings): Scaling {
  const kind = arch["requant.kind"];
  const own = unit === "vector" ? arch["vector.multiplierBits"] : 0;
  const multiplier = own > 0 ? own : arch["requant.multiplierBits"];
  return {
    kind,
    multiplierBits: kind === "multiplier" ? multiplier : kind === "two-shift" ? TWO_SHIFT_BITS : 0,
    rounding:
      unit === "requant" || arch["vector.rounding"] === "as-requant"
        ? arch["requant.rounding"]
        : arch["vector.rounding"],
  };
}

/** How the vector unit rounds what it does not scale: quotients, means. */
export const vectorRounding = (arch: Settings): Rounding => plainRounding(scalingOf("vector", arch).rounding);

/** How the PWL unit rounds the product of slope and distance. */
export const pwlRounding = (arch: Settings): Rounding =>
  arch["pwl.rounding"] === "as-requant" ? plainRounding(arch["requant.rounding"]) : arch["pwl.rounding"];
