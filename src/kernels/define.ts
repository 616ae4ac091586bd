import type { Settings } from "../arch/fields.ts";
import { signed } from "../fixed/format.ts";
import { decodeAll, encodeAll, type Grid } from "../fixed/real.ts";
import { INDEX_BITS } from "../isa/widths.ts";
import { affineGrid, type Range, Ranges } from "../quant/grid.ts";
import { type Numerics, powersOfTwo } from "../quant/numerics.ts";
import type { Recipe } from "../quant/recipe.ts";
import type { Builder, Tensor } from "./builder.ts";
import type { Floats } from "./floats.ts";
import type { Weights } from "./image.ts";
import type { Rng } from "./samples.ts";
import type { Tap } from "./tensors.ts";

/** Vectors of equal length one behind the other: what a kernel takes and gives, over the reals and in codes. */
export type Reals = readonly Float64Array[];
export type Codes = readonly Int32Array[];

/** How far, in output LSBs, the integer kernel may be from real arithmetic on the values that its input codes stand for. */
export interface Bound {
  /** The root mean square over all elements. */
  readonly rms: number;
  /** Any element by itself; nothing is claimed where it is left out. */
  readonly most?: number;
  /** Where the distance comes from. */
  readonly reason: string;
}

/** A small and awkward instance of a kernel. */
export interface SampleOf<P> {
  readonly name: string;
  readonly params: P;
  /** What departs from the default recipe. */
  readonly recipe?: Partial<Recipe>;
  /** A bound of its own, where the recipe is coarser or the sample worse conditioned than the kernel's supposes. */
  readonly bound?: Bound;
  /** Whether a machine whose requantizer has no multiplier must refuse it. */
  readonly needsMultiplier?: boolean;
  /** Inputs of one inference: a sequence for each argument, of the same shape at every draw. */
  draw(rng: Rng): readonly Reals[];
}

/** A building block three times: what it means, what it must give, how it is run. */
export interface Definition<P, Q> {
  readonly name: string;
  readonly doc: string;
  readonly bound: Bound;
  readonly samples: readonly SampleOf<P>[];
  /** Float64, textbook form; knows no grid. */
  real(params: P, inputs: readonly Reals[], tap?: Tap): Reals;
  /** The grid that an input of this range comes on: `activationGrid` where nothing else is said. */
  inputGrid?(params: P, range: Range, numerics: Numerics): Grid;
  /** @param ranges  of the sites that `real` shows its tap */
  quantize(params: P, inputs: readonly Grid[], ranges: Ranges, numerics: Numerics): Q;
  /** The float model of the same shape, for compiling and timing only. */
  widen(q: Q, floats: Floats): Q;
  outputGrid(q: Q): Grid;
  /** What the array reads from weight SRAM; nothing where nothing is said. */
  matrices?(q: Q): readonly Weights[];
  /** Plain loops over src/fixed; knows no instruction. */
  exact(q: Q, inputs: readonly Codes[], arch: Settings): Codes;
  /** Writes instructions that compute `exact`, and says where their result is. */
  lower(q: Q, b: Builder, inputs: readonly Tensor[]): Tensor;
}

/** A sample in integers, whatever the kernel's own types are. */
export interface Quantized {
  readonly inputs: readonly Grid[];
  readonly output: Grid;
  readonly matrices: readonly Weights[];
  exact(inputs: readonly Codes[], arch: Settings): Codes;
  lower(b: Builder, inputs: readonly Tensor[]): Tensor;
}

interface QuantizedSample extends Quantized {
  /** The same in floats, as `Definition.widen` has it. */
  widen(floats: Floats): QuantizedSample;
}

export interface Sample {
  readonly name: string;
  readonly recipe: Partial<Recipe>;
  readonly bound: Bound;
  readonly needsMultiplier: boolean;
  draw(rng: Rng): readonly Reals[];
  real(inputs: readonly Reals[]): Reals;
  /** @param batch  the inputs that ranges are observed on */
  quantize(batch: readonly (readonly Reals[])[], numerics: Numerics): QuantizedSample;
}

/** A definition with its types closed over, so that one table holds them all. */
export interface Kernel {
  readonly name: string;
  readonly doc: string;
  readonly samples: readonly Sample[];
}

export function defineKernel<P, Q>(definition: Definition<P, Q>): Kernel {
  const { name, doc, bound } = definition;
  const samples = definition.samples.map(
    (sample): Sample => ({
      name: sample.name,
      recipe: sample.recipe ?? {},
      bound: sample.bound ?? bound,
      needsMultiplier: sample.needsMultiplier ?? false,
      draw: (rng) => sample.draw(rng),
      real: (inputs) => definition.real(sample.params, inputs),
      quantize: (batch, numerics) => quantizeSample(definition, sample.params, batch, numerics),
    }),
  );
  return { name, doc, samples };
}

function quantizeSample<P, Q>(
  definition: Definition<P, Q>,
  params: P,
  batch: readonly (readonly Reals[])[],
  numerics: Numerics,
): QuantizedSample {
  const inputs = batch[0]!.map((_, i) => {
    const range = rangeOf(batch.flatMap((one) => one[i]!));
    return definition.inputGrid?.(params, range, numerics) ?? activationGrid(range, numerics);
  });
  const ranges = new Ranges();
  for (const one of batch)
    definition.real(params, onGrids(one, inputs), (...shown) => ranges.observe(...shown));
  return quantizedOf(definition, inputs, definition.quantize(params, inputs, ranges, numerics));
}

const quantizedOf = <P, Q>(definition: Definition<P, Q>, inputs: readonly Grid[], q: Q): QuantizedSample => ({
  inputs,
  output: definition.outputGrid(q),
  matrices: definition.matrices?.(q) ?? [],
  widen: (floats) =>
    quantizedOf(
      definition,
      inputs.map((grid) => (grid === INDEX_GRID ? grid : floats.grid(grid))),
      definition.widen(q, floats),
    ),
  exact: (codes, arch) => definition.exact(q, codes, arch),
  lower: (b, tensors) => definition.lower(q, b, tensors),
});

/** The codes of real inputs. */
export const encodeInputs = (inputs: readonly Reals[], grids: readonly Grid[]): readonly Codes[] =>
  inputs.map((vectors, i) => vectors.map((vector) => encodeAll(vector, grids[i]!)));

/** The real inputs nearest to these that have codes. */
const onGrids = (inputs: readonly Reals[], grids: readonly Grid[]): readonly Reals[] =>
  encodeInputs(inputs, grids).map((vectors, i) => vectors.map((codes) => decodeAll(codes, grids[i]!)));

/** What flows between layers: the affine grid of the range, `activation_bits` wide or as wide as is said. */
export const activationGrid = (
  range: Range,
  numerics: Numerics,
  bits: number = numerics.recipe.activation_bits,
): Grid => affineGrid(range, bits, powersOfTwo(numerics));

/** The grid of token numbers: a number is its own code. */
export const INDEX_GRID: Grid = { format: signed(INDEX_BITS), scale: 1, zero: 0 };

function rangeOf(vectors: Reals): Range {
  const site = "input";
  const seen = new Ranges();
  for (const vector of vectors) seen.observe(site, vector);
  return seen.of(site);
}
