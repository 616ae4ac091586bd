import type { Data } from "../dtype.ts";
import { elementsIn, type Tensor, UNKNOWN } from "../tensor.ts";
import { type Call, countOf, int, like, type Op, unified } from "./define.ts";
import { type ColumnOf, columnsOf, multiplyColumns, WIDE } from "./matmul.ts";
import { asPlane, axesOf, type Known, shapeOf, WINDOW_ATTRIBUTES } from "./window.ts";

/** The kernel's spatial sizes: those of W [filters, channels / group, ...], which `kernel_shape` repeats. */
function kernelOf(call: Call): readonly number[] | undefined {
  const weights = call.shape(1);
  const given = call.list("kernel_shape");
  if (weights === undefined) return given;
  const kernel = weights.slice(2);
  if (
    given !== undefined &&
    (given.length !== kernel.length || given.some((n, i) => unified(n, kernel[i]!) === undefined))
  )
    call.refuse(`kernel_shape [${given.join(", ")}] for W of [${weights.join(", ")}]`);
  return given ?? (kernel.every((size) => typeof size === "number") ? kernel : undefined);
}

/** Channels that W and the bias ask for, held against the input. */
function checkChannels(call: Call): void {
  const [x, w, b] = [call.shape(0), call.shape(1), call.has(2) ? call.shape(2) : undefined];
  const group = call.int("group");
  if (!(group >= 1)) call.refuse(`group of ${group} is not 1 or more`);
  if (w === undefined) return;
  const [filters, channels] = w;
  if (w.length < 3) call.refuse(`takes W of 3 or 4 dimensions, not [${w.join(", ")}]`);
  if (x !== undefined && typeof channels === "number" && unified(x[1] ?? 1, channels * group) === undefined)
    call.refuse(`W of [${w.join(", ")}] in ${group} groups for an input of [${x.join(", ")}]`);
  if (typeof filters === "number" && filters % group !== 0)
    call.refuse(`${filters} filters in ${group} groups`);
  if (b !== undefined && (b.length !== 1 || unified(b[0]!, filters!) === undefined))
    call.refuse(`a bias of [${b.join(", ")}] for W of [${w.join(", ")}]`);
}

/** A channel of the input, a plane of the kernel, and where their products are added. */
interface Plane {
  readonly x: Float64Array;
  readonly from: number;
  readonly weight: Data;
  readonly at: number;
}

/**
 * Adds one channel's products to the sums [rows][columns] of one filter: weight by weight, each over all places of the output
 * whose input is not padding, so that the innermost loop runs along a row.
 */
function addPlane(
  sums: Float64Array,
  { x, from, weight, at }: Plane,
  [rows, columns]: readonly [Known, Known],
): void {
  const { stride } = columns;
  for (let r = 0; r < rows.kernel; r++) {
    const [top, bottom] = reach(rows, r);
    for (let c = 0; c < columns.kernel; c++) {
      const factor = weight[at + r * columns.kernel + c]!;
      const [left, right] = reach(columns, c);
      for (let i = top; i < bottom; i++) {
        const row = i * rows.stride + r * rows.dilation - rows.before;
        let source = from + row * columns.input + left * stride + c * columns.dilation - columns.before;
        const end = i * columns.output + right;
        for (let to = i * columns.output + left; to < end; to++, source += stride)
          sums[to]! += factor * x[source]!;
      }
    }
  }
}

/** Outputs whose input under weight `k` is inside: from the first to the one behind the last. */
function reach(axis: Known, k: number): readonly [number, number] {
  const shift = k * axis.dilation - axis.before;
  const over = (n: number) =>
    n <= 0 ? 0 : (n + axis.stride - 1 - ((n + axis.stride - 1) % axis.stride)) / axis.stride;
  return [Math.min(axis.output, over(-shift)), Math.min(axis.output, over(axis.input - shift))];
}

type Operands = readonly (Tensor | undefined)[];

/** A convolution filter by filter: where each has channels of its own. */
function addPlanes([x, w, b]: Operands, y: Tensor, plane: readonly [Known, Known]): void {
  const [batch, channels] = x!.shape as [number, number];
  const depth = w!.shape[1]!;
  const filters = w!.shape[0]!;
  const [size, area] = [plane[0].input * plane[1].input, plane[0].kernel * plane[1].kernel];
  const outputs = plane[0].output * plane[1].output;
  const data = Float64Array.from(x!.data);
  const sums = new Float64Array(outputs);
  for (let n = 0; n < batch; n++) {
    for (let f = 0; f < filters; f++) {
      sums.fill(b === undefined ? 0 : b.data[f]!);
      for (let c = 0; c < depth; c++) {
        const from = (n * channels + f * depth + c) * size;
        addPlane(sums, { x: data, from, weight: w!.data, at: (f * depth + c) * area }, plane);
      }
      y.data.set(sums, (n * filters + f) * outputs);
    }
  }
}

/** A convolution as products of its filters with what they see at each place, group by group. */
function addProducts([x, w, b]: Operands, y: Tensor, plane: readonly [Known, Known], group: number): void {
  const [batch, channels] = x!.shape as [number, number];
  const [filters, depth] = w!.shape as [number, number];
  const [size, area] = [plane[0].input * plane[1].input, plane[0].kernel * plane[1].kernel];
  const places = plane[0].output * plane[1].output;
  const perGroup = filters / group;
  // Every output is of the one place of the input that it stands at.
  const isPointwise = plane.every(
    ({ kernel, stride, before, after }) => kernel * stride === 1 && before + after === 0,
  );
  for (let n = 0; n < batch; n++) {
    for (let g = 0; g < group; g++) {
      const first = g * perGroup;
      const from = (n * channels + g * depth) * size;
      const seen = isPointwise
        ? columnsOf({ data: x!.data, at: from, row: size, column: 1 }, depth)
        : patchesOf(x!.data, from, depth, plane);
      multiplyColumns(
        { data: w!.data, at: first * depth * area, row: depth * area, column: 1 },
        seen,
        { m: perGroup, k: depth * area, n: places },
        y.data,
        (n * filters + first) * places,
        b?.data.subarray(first),
      );
    }
  }
}

/** What a filter sees at each place: `depth` channels of its kernel's size, 0 in the padding. */
function patchesOf(x: Data, from: number, depth: number, [rows, columns]: readonly [Known, Known]): ColumnOf {
  const size = rows.input * columns.input;
  return (place, to, first) => {
    const j = place % columns.output;
    const top = ((place - j) / columns.output) * rows.stride - rows.before;
    const left = j * columns.stride - columns.before;
    let at = first;
    for (let c = 0; c < depth; c++) {
      for (let r = 0; r < rows.kernel; r++) {
        const row = top + r * rows.dilation;
        for (let k = 0; k < columns.kernel; k++, at += WIDE) {
          const column = left + k * columns.dilation;
          const isInside = row >= 0 && row < rows.input && column >= 0 && column < columns.input;
          to[at] = isInside ? x[from + c * size + row * columns.input + column]! : 0;
        }
      }
    }
  };
}

const conv: Op = {
  ...{ name: "Conv", target: "convolution", inputs: [2, 3] },
  attributes: [...WINDOW_ATTRIBUTES, int("group", 1)],
  infer(call) {
    call.sameType(0, 1, 2);
    const kernel = kernelOf(call);
    checkChannels(call);
    return like(call, kernel && shapeOf(call, call.shape(1)?.[0] ?? UNKNOWN, axesOf(call, kernel)));
  },
  compute(call, operands, [y]) {
    const plane = asPlane(axesOf(call, kernelOf(call)!)!) as readonly [Known, Known];
    const group = call.int("group");
    if (operands[1]!.shape[0] === group) addPlanes(operands, y!, plane);
    else addProducts(operands, y!, plane, group);
  },
  macs: (call, [y]) => countOf(y!) * elementsIn(call.concrete(1).slice(1)),
};

export const CONVOLUTIONS: readonly Op[] = [conv];
