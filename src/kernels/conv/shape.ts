import { ceilDiv, floorDiv } from "../../fixed/round.ts";

/** A convolution's geometry. A sequence is an image of height 1: its one dimension is the width. */
export interface ConvShape {
  /** Of the input: `height` rows of `width` pixels of `channels` values, channels fastest. */
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  /** Down and across, each of them. */
  readonly kernel: readonly [number, number];
  readonly stride: readonly [number, number];
  readonly dilation: readonly [number, number];
  /** Zeros around the input. */
  readonly padding: {
    readonly top: number;
    readonly left: number;
    readonly bottom: number;
    readonly right: number;
  };
}

/** A sequence of `width` vectors under a kernel of `taps` of them. */
export const sequenceShape = (
  width: number,
  channels: number,
  taps: number,
  {
    stride = 1,
    dilation = 1,
    left = 0,
    right = left,
  }: Partial<Record<"stride" | "dilation" | "left" | "right", number>> = {},
): ConvShape => ({
  ...{ height: 1, width, channels, kernel: [1, taps], stride: [1, stride], dilation: [1, dilation] },
  padding: { top: 0, left, bottom: 0, right },
});

/** Rows and columns of the result: those places of the kernel at which it lies within the padded input. */
export function outputSize({
  height,
  width,
  kernel,
  stride,
  dilation,
  padding,
}: ConvShape): readonly [number, number] {
  const { top, left, bottom, right } = padding;
  const places = (size: number, axis: 0 | 1) =>
    floorDiv(size - (dilation[axis] * (kernel[axis] - 1) + 1), stride[axis]) + 1;
  return [places(height + top + bottom, 0), places(width + left + right, 1)];
}

/**
 * What the array sums at a time: the pixels of one kernel row that lie within one stride across. Vectors of so many pixels
 * follow each other without a gap, and so do the windows of neighbouring results: nothing is gathered for them.
 */
export interface Tap {
  readonly kernelRow: number;
  /** Input rows below the first one of the window. */
  readonly row: number;
  /** Strides right of the window's first pixel. */
  readonly block: number;
  /** Kernel columns in it, and where each lies in the block. */
  readonly columns: readonly { readonly kernel: number; readonly at: number }[];
}

/** All taps of a kernel, kernel row by kernel row. */
export function tapsOf({
  kernel: [rows, columns],
  stride: [, stride],
  dilation: [down, across],
}: ConvShape): Tap[] {
  const all = Array.from({ length: columns }, (_, j) => ({ kernel: j, at: j * across }));
  const blocks = [...new Set(all.map(({ at }) => floorDiv(at, stride)))];
  return Array.from({ length: rows }, (_, i) =>
    blocks.map((block) => ({
      ...{ kernelRow: i, row: i * down },
      block,
      columns: all
        .filter(({ at }) => floorDiv(at, stride) === block)
        .map(({ kernel, at }) => ({ kernel, at: at - block * stride })),
    })),
  ).flat();
}

/** Pixels of a padded row: whole strides, and as many as the last window's blocks reach. */
export function paddedWidth(shape: ConvShape): number {
  const { width, stride, padding } = shape;
  const blocks = Math.max(...tapsOf(shape).map(({ block }) => block)) + 1;
  const [, results] = outputSize(shape);
  const reached = results - 1 + blocks;
  return stride[1] * Math.max(reached, ceilDiv(padding.left + width + padding.right, stride[1]));
}
