import seedrandom from "seedrandom";
import { affineGrid } from "../../quant/grid.ts";
import { powersOfTwo } from "../../quant/numerics.ts";
import type { Recipe } from "../../quant/recipe.ts";
import { defineKernel, type SampleOf } from "../define.ts";
import { uniform, uniformMatrix, uniformVectors } from "../samples.ts";
import { exactConv } from "./exact.ts";
import { lowerConv } from "./lower.ts";
import { type QConv, quantizeConv } from "./quantize.ts";
import { type ConvParams, convolve } from "./real.ts";
import { type ConvShape, outputSize, sequenceShape } from "./shape.ts";
import { widenConv } from "./widen.ts";

/** A convolution to `outputs` channels; the name is its seed. */
function sample(
  name: string,
  shape: ConvShape,
  outputs: number,
  recipe: Partial<Recipe> = {},
): SampleOf<ConvParams> {
  const rng = seedrandom(`conv: ${name}`);
  const { height, width, channels, kernel } = shape;
  return {
    name,
    params: {
      shape,
      weight: uniformMatrix(rng, outputs, kernel[0] * kernel[1] * channels),
      bias: uniform(rng, outputs),
    },
    recipe,
    draw: (random) => [uniformVectors(random, channels, height * width)],
  };
}

const image = (height: number, width: number, channels: number, given: Partial<ConvShape>): ConvShape => ({
  ...{ height, width, channels, kernel: [3, 3], stride: [1, 1], dilation: [1, 1] },
  padding: { top: 0, left: 0, bottom: 0, right: 0 },
  ...given,
});

export const conv = defineKernel<ConvParams, QConv>({
  name: "conv",
  doc: "a convolution of one dimension or two, requantized once",
  bound: {
    ...{ rms: 0.5, most: 1.5 },
    reason: "half an LSB of rounding, and every weight is off by up to half a code",
  },
  samples: [
    sample("sequence of 7, 3 taps, same size", sequenceShape(7, 4, 3, { left: 1 }), 5),
    sample("sequence of 9, 3 taps, stride 2", sequenceShape(9, 4, 3, { stride: 2, left: 1 }), 6),
    sample(
      "sequence of 8, 2 taps, stride 3, padding at one end",
      sequenceShape(8, 2, 2, { stride: 3, left: 0, right: 2 }),
      3,
    ),
    sample("sequence of 9, 3 taps, dilation 2", sequenceShape(9, 4, 3, { dilation: 2, left: 2 }), 4),
    sample(
      "sequence of 11, 3 taps, stride 2, dilation 3",
      sequenceShape(11, 2, 3, { stride: 2, dilation: 3, left: 3 }),
      3,
    ),
    sample("sequence of 5, 1 tap", sequenceShape(5, 6, 1), 7),
    sample(
      "image of 4 x 5, padding all around",
      image(4, 5, 2, { padding: { top: 1, left: 1, bottom: 1, right: 1 } }),
      3,
    ),
    sample(
      "image of 6 x 5, strides 2 and 1, uneven padding",
      image(6, 5, 2, { stride: [2, 1], padding: { top: 0, left: 2, bottom: 1, right: 0 } }),
      2,
    ),
    sample(
      "image of 5 x 7, kernel 2 x 3, dilations 2 and 1",
      image(5, 7, 2, { kernel: [2, 3], dilation: [2, 1] }),
      3,
    ),
    {
      ...sample("4-bit weights", sequenceShape(6, 4, 3, { left: 1 }), 4, { weight_bits: 4 }),
      bound: {
        ...{ rms: 4, most: 16 },
        reason: "twelve weights off by half a code of 15, or of 8 where the scale is the next power of two",
      },
    },
  ],
  real: (params, [pixels], tap) => convolve(params, pixels!, tap),
  quantize: (params, [input], ranges, numerics) => {
    const { activation_bits, weight_bits } = numerics.recipe;
    const output = affineGrid(ranges.of("output"), activation_bits, powersOfTwo(numerics));
    return quantizeConv(params, input!, output, weight_bits, numerics);
  },
  widen: widenConv,
  outputGrid: ({ layer }) => layer.output,
  matrices: ({ layer }) => layer.parts.map(({ weights }) => weights),
  exact: (q, [pixels], arch) => exactConv(q, pixels!, arch),
  lower: (q, b, [input]) => {
    const [rows, columns] = outputSize(q.shape);
    const output = b.map.tensor(q.layer.output, q.layer.rows, rows * columns);
    lowerConv(b, q, input!, output);
    return output;
  },
});
