import { floorDiv } from "../../fixed/round.ts";
import { type Dim, type Shape, UNKNOWN } from "../tensor.ts";
import { type Attribute, type Call, ints, text } from "./define.ts";

/** One spatial axis of a convolution or pooling. */
export interface Axis {
  readonly input: Dim;
  readonly kernel: number;
  readonly stride: number;
  readonly dilation: number;
  readonly before: number;
  readonly after: number;
  readonly output: Dim;
}

export const WINDOW_ATTRIBUTES: readonly Attribute[] = [
  text("auto_pad", "NOTSET", { choices: ["NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER"] }),
  ...[ints("kernel_shape"), ints("pads"), ints("strides"), ints("dilations")],
];

/** Strides, dilations and pads beyond this are nobody's, and their products would leave the integers of a double. */
const MOST = 2 ** 20;

/** The spatial axes of an input [batch, channels, ...]; undefined where its rank is not known. */
export function axesOf(call: Call, kernel: readonly number[], isCeiling = false): Axis[] | undefined {
  const shape = call.shape(0);
  if (shape === undefined) return undefined;
  const spatial = shape.slice(2);
  const rank = spatial.length;
  if (rank < 1 || rank > 2)
    call.refuse(`takes 1 or 2 spatial dimensions, not an input of [${shape.join(", ")}]`);
  if (kernel.length !== rank)
    call.refuse(`a kernel of [${kernel.join(", ")}] for an input of [${shape.join(", ")}]`);
  const list = (name: string, otherwise: number, length = rank, least = 1) => {
    const given = call.list(name, length) ?? new Array<number>(length).fill(otherwise);
    const odd = given.find((value) => !(value >= least && value <= MOST));
    if (odd !== undefined) call.refuse(`${name} of ${odd} is not in ${least} … ${MOST}`);
    return given;
  };
  if (kernel.some((size) => !(size >= 1 && size <= MOST))) call.refuse(`a kernel of [${kernel.join(", ")}]`);
  const [strides, dilations, pads] = [list("strides", 1), list("dilations", 1), list("pads", 0, 2 * rank, 0)];
  const mode = call.text("auto_pad");
  return spatial.map((input, i) => {
    const part = { input, kernel: kernel[i]!, stride: strides[i]!, dilation: dilations[i]! };
    const [before, after] = mode === "NOTSET" ? [pads[i]!, pads[rank + i]!] : sharedPads(part, mode);
    return { ...part, before, after, output: outputOf(call, { ...part, before, after }, mode, isCeiling) };
  });
}

type Unpadded = Pick<Axis, "input" | "kernel" | "stride" | "dilation">;

const reachOf = ({ kernel, dilation }: Unpadded): number => dilation * (kernel - 1) + 1;

/** Padding by which the output has as many elements as the input has strides. */
function sharedPads(axis: Unpadded, mode: string): readonly [number, number] {
  if (mode === "VALID" || typeof axis.input === "string") return [0, 0];
  const outputs = floorDiv(axis.input + axis.stride - 1, axis.stride);
  const all = Math.max(0, (outputs - 1) * axis.stride + reachOf(axis) - axis.input);
  const less = floorDiv(all, 2);
  return mode === "SAME_UPPER" ? [less, all - less] : [all - less, less];
}

function outputOf(call: Call, axis: Omit<Axis, "output">, mode: string, isCeiling: boolean): Dim {
  const { input, stride, before, after } = axis;
  if (typeof input === "string") return stride === 1 && mode.startsWith("SAME") ? input : UNKNOWN;
  const room = input + before + after - reachOf(axis);
  if (room < 0)
    call.refuse(`a kernel that reaches over ${reachOf(axis)} of ${input + before + after} elements`);
  const down = floorDiv(room, stride) + 1;
  // A window that would begin in the padding behind the input is left out.
  return isCeiling && room % stride !== 0 && down * stride < input + before ? down + 1 : down;
}

/** A 1-D window as a 2-D one of height 1. */
export const asPlane = (axes: readonly Axis[]): readonly [Axis, Axis] => {
  const FLAT: Axis = { input: 1, kernel: 1, stride: 1, dilation: 1, before: 0, after: 0, output: 1 };
  return axes.length === 1 ? [FLAT, axes[0]!] : [axes[0]!, axes[1]!];
};

/** Sizes of an axis that is computed. */
export type Known = Axis & { readonly input: number; readonly output: number };

export const shapeOf = (call: Call, channels: Dim, axes: readonly Axis[] | undefined): Shape | undefined =>
  axes && [call.shape(0)![0]!, channels, ...axes.map(({ output }) => output)];
