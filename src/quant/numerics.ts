import type { Settings } from "../arch/fields.ts";
import { InputError } from "../base/errors.ts";
import type { Scale } from "../fixed/requant.ts";
import { factorOf, nearestScale, scaleAtLeast } from "../fixed/scale.ts";
import type { Recipe } from "./recipe.ts";

/** What quantization depends on: the recipe, and the machine's requantizer, PWL unit and accumulators. */
export interface Numerics {
  readonly recipe: Recipe;
  readonly arch: Settings;
}

/**
 * Whether activations keep to power-of-two scales, which a requantizer without a multiplier asks for.
 * @throws InputError where the recipe asks for any scales and the requantizer can only shift
 */
export function powersOfTwo({ recipe, arch }: Numerics): boolean {
  if (recipe.scales === "free" && arch["requant.kind"] === "shift") {
    throw new InputError(
      "recipe: scales",
      "free needs a requantizer that can multiply; requant.kind is shift",
    );
  }
  return recipe.scales === "auto" ? arch["requant.kind"] !== "multiplier" : recipe.scales === "power-of-two";
}

/** The requantizer's nearest scale to a real factor. */
export const scaleFor = (factor: number, { arch }: Numerics): Scale =>
  nearestScale(factor, arch["requant.kind"], arch["requant.multiplierBits"]);

/**
 * The requantizer's smallest scale that is not below the factor, and what it really multiplies by. A weight's
 * scale is then made from that, so that no error of the scale is left: the remainder is folded into the weights.
 */
export function scaleAbove(
  factor: number,
  { arch }: Numerics,
): { readonly scale: Scale; readonly factor: number } {
  const scale = scaleAtLeast(factor, arch["requant.kind"], arch["requant.multiplierBits"]);
  return { scale, factor: factorOf(scale) };
}
