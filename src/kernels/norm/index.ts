import seedrandom from "seedrandom";
import { ceilLog2, floorLog2 } from "../../fixed/real.ts";
import { affineGrid } from "../../quant/grid.ts";
import { powersOfTwo } from "../../quant/numerics.ts";
import type { Recipe } from "../../quant/recipe.ts";
import { activationGrid, type Bound, defineKernel, type Kernel, type SampleOf } from "../define.ts";
import { uniformNorm, uniformVectors } from "../samples.ts";
import { exactNorm } from "./exact.ts";
import { lowerNorm } from "./lower.ts";
import { type QNorm, quantizeNorm } from "./quantize.ts";
import { type NormParams, normBlocks } from "./real.ts";
import { widenNorm } from "./widen.ts";

/** A norm, and the equal parts of the vector that it takes each by itself. */
interface Params {
  readonly norm: NormParams;
  readonly groups: number;
}

interface Shape {
  readonly n: number;
  readonly groups: number;
  readonly count: number;
}

const SHAPES: readonly Shape[] = [
  { n: 5, groups: 1, count: 1 },
  { n: 7, groups: 1, count: 3 },
  { n: 8, groups: 1, count: 2 },
  { n: 33, groups: 1, count: 2 },
];
/** Groups so small that some row is almost constant, and its deviation a few codes. */
const SMALL: Shape = { n: 12, groups: 4, count: 2 };

/** Whether the normalized row is a tensor whose width the recipe says. */
const hasRowsBetween = ({ norm_inverse }: Partial<Recipe>): boolean =>
  norm_inverse !== "newton" && norm_inverse !== "root";

/** @param small  the bound where a deviation is a few codes */
function normKernel(
  about: { readonly name: string; readonly doc: string; readonly bound: Bound },
  small: Bound,
  kind: NormParams["kind"],
  recipe: Partial<Recipe>,
): Kernel {
  const sample = (shape: Shape, name: string, more: Partial<Recipe> = {}): SampleOf<Params> => {
    const { n, groups, count } = shape;
    const params = { norm: uniformNorm(seedrandom(`${about.name}: ${name}`), kind, n), groups };
    // A mean divides by the number of elements, which a shift does only where that is a power of two.
    const needsMultiplier = kind === "mad" && ceilLog2(n / groups) !== floorLog2(n / groups);
    return {
      ...{ name, params, needsMultiplier },
      recipe: { ...recipe, ...more },
      draw: (rng) => [uniformVectors(rng, n, count, 2)],
    };
  };
  const wide = SHAPES[1]!;
  return defineKernel<Params, QNorm>({
    ...about,
    samples: [
      ...SHAPES.map((shape) => sample(shape, `${shape.n} elements, ${shape.count} vectors`)),
      { ...sample(SMALL, "4 groups of 3, 2 vectors"), bound: small },
      sample(wide, "16-bit input", { product_bits: 16 }),
      ...(hasRowsBetween(recipe) ? [sample(wide, "8 bits between", { normalized_bits: 8 })] : []),
    ],
    real: ({ norm, groups }, [xs], tap) => xs!.map((x) => normBlocks(norm, x, groups, tap)),
    inputGrid: (_, range, numerics) => activationGrid(range, numerics, numerics.recipe.product_bits),
    quantize: ({ norm, groups }, [input], ranges, numerics) => {
      const output = affineGrid(ranges.of("output"), numerics.recipe.norm_bits, powersOfTwo(numerics));
      return quantizeNorm(norm, input!, ranges, groups, output, numerics);
    },
    widen: widenNorm,
    outputGrid: ({ output }) => output,
    exact: (q, [xs], arch) => xs!.map((x) => exactNorm(q, x, arch)),
    lower: (q, b, [input]) => {
      const output = b.map.tensor(q.output, input!.length, input!.count);
      lowerNorm(b, q, input!, output);
      return output;
    },
  });
}

const ROUNDED: Bound = { rms: 0.7, most: 2, reason: "8-bit gains and two roundings" };

export const layerNormByRoot = normKernel(
  {
    name: "layer-norm",
    doc: "layer norm; 1/sqrt of the variance from the PWL unit",
    bound: ROUNDED,
  },
  { rms: 0.7, most: 8, reason: "the input's rounding is part of the deviation" },
  "layer",
  {},
);

export const layerNormByDivision = normKernel(
  {
    name: "layer-norm-division",
    doc: "layer norm by an integer square root and a division",
    bound: ROUNDED,
  },
  { rms: 1, most: 9, reason: "a root of a few units is cut off to an integer" },
  "layer",
  { norm_inverse: "division" },
);

export const layerNormByNewton = normKernel(
  {
    name: "layer-norm-newton",
    doc: "layer norm as in TensorFlow Lite's LSTM: 1/sqrt of the variance by Newton's steps",
    bound: { rms: 0.4, most: 0.8, reason: "one rounding: gains of 16 bits and everything between are finer" },
  },
  { rms: 0.5, most: 4, reason: "a variance of a few units is cut off to an integer" },
  "layer",
  { norm_inverse: "newton", gain_bits: 16 },
);

export const layerNormInSteps = normKernel(
  {
    name: "layer-norm-root",
    doc: "layer norm as I-BERT's and PULP's kernels have it: gains in output steps, an integer root, a division, a shift",
    bound: { rms: 1.2, most: 5, reason: "the mean is cut off to a code, the root to an integer" },
  },
  { rms: 4, most: 60, reason: "mean and root are off by a large part of a deviation of a few codes" },
  "layer",
  { norm_inverse: "root", gain_bits: 12 },
);

export const madNorm = normKernel(
  {
    name: "mad-norm",
    doc: "MadNorm: centred, divided by the mean absolute deviation",
    bound: { rms: 0.8, most: 3, reason: "mean and centred values are rounded to codes of their own" },
  },
  { rms: 2, most: 25, reason: "mean and centred values are off by part of the deviation" },
  "mad",
  {},
);
