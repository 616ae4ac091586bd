import seedrandom from "seedrandom";
import type { Settings } from "../../arch/fields.ts";
import type { Grid } from "../../fixed/real.ts";
import { CURVES } from "../../pwl/curves.ts";
import type { PwlTable } from "../../pwl/table.ts";
import { affineGrid, bipolarGrid, symmetricGrid } from "../../quant/grid.ts";
import { powersOfTwo } from "../../quant/numerics.ts";
import type { Recipe } from "../../quant/recipe.ts";
import { tableFor } from "../../quant/tables.ts";
import { type Codes, defineKernel, type Reals, type SampleOf } from "../define.ts";
import { exactLookup } from "../elementwise.ts";
import { joined, partsOf, uniform, uniformMatrix, uniformVectors } from "../samples.ts";
import type { Tap } from "../tensors.ts";
import { exactLinear } from "./exact.ts";
import { lowerLinear, lowerLinearPwl } from "./lower.ts";
import { type QLinear, quantizeLinear } from "./quantize.ts";
import { type LinearParams, linear as realLinear } from "./real.ts";
import { widenLinear } from "./widen.ts";

/** A layer, and the widths of the inputs that it reads as one. */
interface Params extends LinearParams {
  readonly widths: readonly number[];
}

/** A layer of `rows` outputs on sequences of `count` vectors; the name is its seed. */
function sample(
  name: string,
  shape: { readonly rows: number; readonly widths: readonly number[]; readonly count: number },
  biased: boolean,
  recipe: Partial<Recipe> = {},
): SampleOf<Params> {
  const rng = seedrandom(`linear: ${name}`);
  const { rows, widths, count } = shape;
  const columns = widths.reduce((sum, width) => sum + width);
  return {
    name,
    params: {
      weight: uniformMatrix(rng, rows, columns),
      ...(biased && { bias: uniform(rng, rows) }),
      widths,
    },
    recipe,
    // Inputs of different size, so that concatenated ones come on different grids.
    draw: (random) => widths.map((width, i) => uniformVectors(random, width, count, 1 / (i + 1))),
  };
}

const exactOnEach = (q: QLinear, inputs: readonly Codes[], arch: Settings): Codes =>
  inputs[0]!.map((_, t) =>
    exactLinear(
      q,
      inputs.map((part) => part[t]!),
      arch,
    ),
  );

const realOnEach = ({ widths: _, ...layer }: Params, inputs: readonly Reals[], tap?: Tap): Reals =>
  joined(inputs).map((x) => realLinear(layer, x, tap));

export const linear = defineKernel<Params, QLinear>({
  name: "linear",
  doc: "W x + b, requantized once",
  bound: {
    rms: 0.5,
    most: 1.2,
    reason: "half an LSB of rounding, and every weight is off by up to half a code",
  },
  samples: [
    sample("3 x 5, one vector", { rows: 3, widths: [5], count: 1 }, false),
    sample("7 x 6, bias, 3 vectors", { rows: 7, widths: [6], count: 3 }, true),
    sample("17 x 33, bias, 2 vectors", { rows: 17, widths: [33], count: 2 }, true),
    sample("5 x 4+3, bias, two inputs", { rows: 5, widths: [4, 3], count: 2 }, true),
    sample("1 x 1", { rows: 1, widths: [1], count: 4 }, true),
    sample("per tensor", { rows: 6, widths: [5], count: 2 }, true, { weight_scale: "per-tensor" }),
    {
      ...sample("4-bit weights", { rows: 9, widths: [7], count: 2 }, true, { weight_bits: 4 }),
      bound: {
        ...{ rms: 4, most: 16 },
        reason: "seven weights off by half a code of 15, or of 8 where the scale is the next power of two",
      },
    },
  ],
  real: realOnEach,
  quantize: ({ weight, bias, widths }, inputs, ranges, numerics) => {
    const { activation_bits, weight_bits } = numerics.recipe;
    const output = affineGrid(ranges.of("output"), activation_bits, powersOfTwo(numerics));
    return quantizeLinear(partsOf(weight, widths, inputs), bias, output, weight_bits, numerics);
  },
  widen: widenLinear,
  outputGrid: ({ output }) => output,
  matrices: ({ parts }) => parts.map(({ weights }) => weights),
  exact: exactOnEach,
  lower: (q, b, inputs) => {
    const output = b.map.tensor(q.output, q.rows, inputs[0]!.count);
    lowerLinear(b, q, inputs, output);
    return output;
  },
});

/** A layer whose results go through tanh, as a bridge between encoder and decoder has it. */
interface QBent {
  readonly layer: QLinear;
  readonly table: PwlTable;
  readonly output: Grid;
}

export const linearTanh = defineKernel<Params, QBent>({
  name: "linear-tanh",
  doc: "tanh(W x + b): requantizer and PWL unit chained where the machine has the path",
  bound: {
    ...{ rms: 1.5, most: 5 },
    reason: "the layer's error, which tanh does not enlarge, and that of 16 pieces placed by slope",
  },
  samples: [
    sample("7 x 6, bias, 3 vectors", { rows: 7, widths: [6], count: 3 }, true),
    sample("18 x 3+4, 2 vectors", { rows: 18, widths: [3, 4], count: 2 }, false),
  ],
  real: (params, inputs, tap) =>
    realOnEach(params, inputs, tap).map((y) => {
      tap?.("tanh", y, "lookedUp");
      return y.map(CURVES.tanh.f);
    }),
  quantize: ({ weight, bias, widths }, inputs, ranges, numerics) => {
    const { activation_bits: bits, weight_bits } = numerics.recipe;
    const powers = powersOfTwo(numerics);
    const between = symmetricGrid(ranges.of("output"), bits, powers);
    const output = bipolarGrid(bits, powers);
    return {
      layer: quantizeLinear(partsOf(weight, widths, inputs), bias, between, weight_bits, numerics),
      table: tableFor("activation", CURVES.tanh, between, output, numerics, ranges.lookupsOf("tanh")),
      output,
    };
  },
  widen: ({ layer, table, output }, floats) => ({
    layer: widenLinear(layer, floats),
    table: floats.table(table),
    output: floats.grid(output),
  }),
  outputGrid: ({ output }) => output,
  matrices: ({ layer }) => layer.parts.map(({ weights }) => weights),
  exact: (q, inputs, arch) => exactOnEach(q.layer, inputs, arch).map((y) => exactLookup(q.table, y, arch)),
  lower: (q, b, inputs) => {
    const output = b.map.tensor(q.output, q.layer.rows, inputs[0]!.count);
    lowerLinearPwl(b, q.layer, q.table, inputs, output);
    return output;
  },
});
