import type { Settings } from "../arch/fields.ts";
import { type ScalingUnit, scalingOf } from "../arch/scaling.ts";
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

/** The unit's nearest scale to a real factor. @throws InputError where it has none that large */
export const scaleFor = (factor: number, unit: ScalingUnit, { arch }: Numerics): Scale =>
  choose(nearestScale, factor, unit, arch);

/**
 * A scale of the unit for weights of which `need` is the smallest factor that lets every one fit, and the factor that they are made
 * from. Where the recipe's `fold_scale` says so, the scale is the smallest that is not below the need, and the factor is what it
 * really multiplies by: no error of the scale is left, since the remainder is folded into the weights. Otherwise the factor is the
 * need itself, the scale is the nearest one, and its error stays.
 *
 * @throws InputError where it has none that large
 */
export function scaleForWeights(
  need: number,
  unit: ScalingUnit,
  { recipe, arch }: Numerics,
): { readonly scale: Scale; readonly factor: number } {
  if (recipe.fold_scale === "no") return { scale: choose(nearestScale, need, unit, arch), factor: need };
  const scale = choose(scaleAtLeast, need, unit, arch);
  return { scale, factor: factorOf(scale) };
}

/** The widths of a recipe and the requantizer of a machine are the user's to bring together. */
function choose(from: typeof nearestScale, factor: number, unit: ScalingUnit, arch: Settings): Scale {
  const { kind, multiplierBits: bits } = scalingOf(unit, arch);
  try {
    return from(factor, kind, bits);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    const what = kind === "multiplier" ? `${kind}, ${unit}.multiplierBits: ${bits}` : kind;
    throw new InputError(
      `requant.kind: ${what}`,
      `the recipe's widths ask for a factor of ${factor}, which it cannot reach`,
    );
  }
}
