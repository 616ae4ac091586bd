import { toFloat32 } from "../../fixed/real.ts";
import { floorDiv } from "../../fixed/round.ts";
import { float32Scale } from "../../fixed/scale.ts";
import { type ConvShape, outputSize } from "../../kernels/conv/shape.ts";
import { unitScale } from "../../kernels/convert.ts";
import { FLOAT32, PLAIN } from "../machines.ts";
import { skipped, type Verdict } from "../verdict.ts";
import { convolution } from "./convolution.ts";
import { elementsIn, type IntegerType, offMachine, onMachine } from "./onnx.ts";
import type { NodeTest, Tensor } from "./onnx-test.ts";

const MANY = skipped(
  "zero points of outputs, or several of the input's scales: the machine takes one of an operand",
);

/** A convolution's operands, channels last, as the kernel has them. */
interface Operands {
  readonly shape: ConvShape;
  readonly images: readonly (readonly number[])[];
  readonly kernels: readonly number[];
  readonly outputs: number;
}

/** ConvInteger: y = sum of (x - zx)(w - zw), 32 bits. */
export function convInteger(test: NodeTest): Verdict {
  const given = test.inputs("x", "w", "x_zero_point", "w_zero_point");
  const [x, w] = [test.need(given.x, "x"), test.need(given.w, "w")];
  const [xz, wz] = [given.x_zero_point?.codes() ?? [0], given.w_zero_point?.codes() ?? [0]];
  if (xz.length !== 1 || wz.length !== 1) return MANY;
  const operands = operandsOf(test, x, w, wz[0]!);
  const y = convolution(PLAIN, {
    ...machineOperands(operands, x.type, xz[0]!, w.type, wz[0]!),
    scales: [unitScale(PLAIN.settings)],
    result: { bits: 32, zero: 0 },
  });
  return test.expect({ y: { got: channelsFirst(y, operands) } });
}

const QLINEAR = [
  "x",
  "x_scale",
  "x_zero_point",
  "w",
  "w_scale",
  "w_zero_point",
  "y_scale",
  "y_zero_point",
  "B",
] as const;

/** QLinearConv: the same sum and a bias, brought to y's type by float32 multiplications, one for each output. */
export function qlinearConv(test: NodeTest): Verdict {
  const given = test.inputs<string>(...QLINEAR);
  const need = (name: string) => test.need(given[name], name);
  const [x, w] = [need("x"), need("w")];
  const [xs, ws, ys] = ["x_scale", "w_scale", "y_scale"].map((name) => need(name).scales()) as [
    readonly number[],
    readonly number[],
    readonly number[],
  ];
  const [xz, wz, yz] = ["x_zero_point", "w_zero_point", "y_zero_point"].map((name) => need(name).codes()) as [
    readonly number[],
    readonly number[],
    readonly number[],
  ];
  const isOne = [xs, ys, xz, yz].every(({ length }) => length === 1) && wz.every((zero) => zero === wz[0]);
  if (!isOne) return MANY;
  const operands = operandsOf(test, x, w, wz[0]!);
  const { type } = need("y_zero_point");
  const y = convolution(FLOAT32, {
    ...machineOperands(operands, x.type, xz[0]!, w.type, wz[0]!),
    bias: given["B"]?.codes(),
    scales: ws.map((scale) => float32Scale(toFloat32(toFloat32(xs[0]! * scale) / ys[0]!))),
    result: { bits: type.bits, zero: yz[0]! - type.offset },
  });
  return test.expect({ y: { got: offMachine(channelsFirst(y, operands), type) } });
}

const machineOperands = (
  { shape, images, kernels, outputs }: Operands,
  x: IntegerType,
  xZero: number,
  w: IntegerType,
  wZero: number,
) => ({
  ...{ shape, outputs },
  images: images.map((image) => onMachine(image, x)),
  x: { bits: x.bits, zero: xZero - x.offset },
  w: { codes: onMachine(kernels, w), bits: w.bits, zero: wZero - w.offset },
});

/** @param absent  the code of a kernel where an output does not see a channel of another group */
function operandsOf(test: NodeTest, x: Tensor, w: Tensor, absent: number): Operands {
  if (x.shape.length !== 4 || w.shape.length !== 4)
    x.source.refuse(`a shape of ${x.shape} where a convolution here takes batch, channels, height, width`);
  const [batch, channels, height, width] = x.shape as [number, number, number, number];
  const [outputs, seen, ...size] = w.shape as [number, number, number, number];
  const groups = test.number("group", 1);
  if (seen * groups !== channels || outputs % groups !== 0)
    w.source.refuse(`a shape of ${w.shape} does not fit ${channels} channels in ${groups} groups`);
  const pair = (name: string, otherwise: number) => pairAt(test, name, otherwise);
  const [top, left, bottom, right] = padsOf(test);
  const shape: ConvShape = {
    ...{ height, width, channels, kernel: size, stride: pair("strides", 1), dilation: pair("dilations", 1) },
    padding: { top, left, bottom, right },
  };
  const pixels = height * width;
  const [codes, weights] = [x.codes(), w.codes()];
  const images = Array.from({ length: batch }, (_, n) =>
    Array.from({ length: pixels * channels }, (_, i) => {
      const channel = i % channels;
      return codes[(n * channels + channel) * pixels + (i - channel) / channels]!;
    }),
  );
  const area = elementsIn(size);
  const kernels = Array.from({ length: outputs * area * channels }, (_, i) => {
    const channel = i % channels;
    const place = ((i - channel) / channels) % area;
    const output = floorDiv(i, area * channels);
    const within = channel - floorDiv(output * groups, outputs) * seen;
    return within < 0 || within >= seen ? absent : weights[(output * seen + within) * area + place]!;
  });
  return { shape, images, kernels, outputs };
}

function pairAt({ attributes }: NodeTest, name: string, otherwise: number): readonly [number, number] {
  if (!attributes.has(name)) return [otherwise, otherwise];
  const [down, across] = attributes.codes(name, 2);
  return [down!, across!];
}

function padsOf({ attributes }: NodeTest): readonly [number, number, number, number] {
  if (attributes.has("auto_pad") && attributes.text("auto_pad") !== "NOTSET")
    attributes.at("auto_pad").refuse("only pads that are said in numbers are read");
  if (!attributes.has("pads")) return [0, 0, 0, 0];
  return attributes.codes("pads", 4) as readonly number[] as readonly [number, number, number, number];
}

/** `[batch][outputs][rows][columns]`, as ONNX has results. */
function channelsFirst(images: readonly (readonly number[])[], { shape, outputs }: Operands): number[] {
  const pixels = elementsIn(outputSize(shape));
  return images.flatMap((image) =>
    Array.from({ length: outputs * pixels }, (_, i) => {
      const pixel = i % pixels;
      return image[pixel * outputs + (i - pixel) / pixels]!;
    }),
  );
}
