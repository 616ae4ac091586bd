import type { ArchSpec } from "../../arch/spec.ts";
import type { Scale } from "../../fixed/requant.ts";
import { lowerConv } from "../../kernels/conv/lower.ts";
import { matricesOf } from "../../kernels/conv/quantize.ts";
import { type ConvShape, outputSize } from "../../kernels/conv/shape.ts";
import { codesOf, execute } from "../bench.ts";
import { type Codes, clamped, lessZero, type Result } from "./product.ts";

/** A convolution of images with constant kernels, zero points taken off, requantized. */
export interface Convolution {
  readonly shape: ConvShape;
  /** Each `[height * width][channels]`: an image is a lane of the machine. */
  readonly images: readonly ArrayLike<number>[];
  readonly x: Omit<Codes, "codes">;
  /** `[outputs][kernel rows][kernel columns][channels]`. */
  readonly w: Codes;
  readonly outputs: number;
  readonly bias?: ArrayLike<number> | undefined;
  /** One for all outputs, or one for each. */
  readonly scales: readonly Scale[];
  readonly result: Result;
}

/** Of each image `[rows * columns][outputs]`, as the kernel `conv` lowers it. */
export function convolution(arch: ArchSpec, op: Convolution): readonly (readonly number[])[] {
  const { shape, x, outputs, result } = op;
  const weights = lessZero(op.w);
  const columns = weights.codes.length / outputs;
  const parts = matricesOf(shape, { rows: outputs, columns, data: Float64Array.from(weights.codes) });
  const input = codesOf(x.bits, x.zero);
  // The array multiplies raw activation codes, those of the padding too: what their zero point adds is in the bias.
  const bias = Float64Array.from({ length: outputs }, (_, row) => {
    let sum = 0;
    for (let i = 0; i < columns; i++) sum += weights.codes[row * columns + i]!;
    return (op.bias?.[row] ?? 0) - x.zero * sum;
  });
  const layer = {
    ...{ rows: outputs, bias, scales: op.scales, output: codesOf(result.bits, result.zero) },
    parts: parts.map(({ data, ...size }) => ({
      weights: { ...size, bits: weights.bits, codes: Int32Array.from(data) },
      input,
    })),
  };
  const [height, width] = outputSize(shape);
  const lanes = execute(
    arch,
    {
      inputs: [{ grid: input, length: shape.channels, count: shape.height * shape.width }],
      matrices: layer.parts.map((part) => part.weights),
      lower(b, [image]) {
        const output = b.map.tensor(layer.output, outputs, height * width);
        lowerConv(b, { shape, layer }, image!, output);
        return [clamped(b, output, result)];
      },
    },
    op.images.map((image) => [image]),
  );
  return lanes.map(([y]) => y!);
}
