import type { ConvParams } from "../../kernels/conv/real.ts";
import { type Link, levelLinks } from "../../onnx/level.ts";
import type { SileroParams } from "./weights.ts";

/** A convolution whose numbers may be changed, channels fastest. */
interface Held {
  readonly conv: ConvParams;
  readonly values: Float64Array;
  readonly bias: Float64Array;
}

/** The same network by weights whose ranges are level from layer to layer: convolutions among themselves, and the last with the cell. */
export function equalizeSilero(p: SileroParams): SileroParams {
  const convs = p.convs.map((conv): Held => {
    return { conv, values: Float64Array.from(conv.weight.data), bias: Float64Array.from(conv.bias!) };
  });
  const { weightX } = p.cell;
  const read = Float64Array.from(weightX.data);
  const links = convs.map((held, i): Link => {
    const next = convs[i + 1];
    const count = held.bias.length;
    return {
      ...{ count, first: givenBy(held.values, held.values.length / count) },
      second: {
        values: next?.values ?? read,
        reads: indices((next?.values ?? read).length, (k) => k % count),
      },
      shifts: [givenBy(held.bias, 1)],
    };
  });
  levelLinks(links);
  return {
    ...p,
    convs: convs.map(({ conv, values, bias }) => ({
      ...conv,
      weight: { ...conv.weight, data: values },
      bias,
    })),
    cell: { ...p.cell, weightX: { ...weightX, data: read } },
  };
}

/** Numbers that lie channel by channel, so many of each. */
const givenBy = (values: Float64Array, each: number) => ({
  values,
  channels: indices(values.length, (k) => (k - (k % each)) / each),
});

const indices = (length: number, of: (k: number) => number): Int32Array =>
  Int32Array.from({ length }, (_, k) => of(k));
