import type { Data } from "../dtype.ts";
import { elementsIn, type Shape, type Tensor, UNKNOWN } from "../tensor.ts";
import { type Call, countOf, int, like, type Op } from "./define.ts";
import { asPlane, axesOf, type Known, shapeOf, WINDOW_ATTRIBUTES } from "./window.ts";

const kernelOf = (call: Call): readonly number[] =>
  call.list("kernel_shape") ?? call.refuse("needs the attribute kernel_shape");

/** Visits the elements of the input under each output: `padded` counts those that are padding too. */
function eachWindow(
  [rows, columns]: readonly [Known, Known],
  visit: (to: number, inside: readonly number[], padded: number) => void,
): void {
  // Of a window that ceil_mode lets reach beyond the padding, what is beyond is not counted.
  const padded = ({ stride, dilation, kernel, input, before, after }: Known, i: number): number => {
    let count = 0;
    for (let k = 0; k < kernel; k++) count += Number(i * stride + k * dilation < input + before + after);
    return count;
  };
  const inside = ({ stride, dilation, kernel, input, before }: Known, i: number): number[] => {
    const places: number[] = [];
    for (let k = 0; k < kernel; k++) {
      const at = i * stride + k * dilation - before;
      if (at >= 0 && at < input) places.push(at);
    }
    return places;
  };
  const across = Array.from({ length: columns.output }, (_, j) => inside(columns, j));
  for (let i = 0; i < rows.output; i++) {
    const down = inside(rows, i);
    for (let j = 0; j < columns.output; j++) {
      const places = down.flatMap((row) => across[j]!.map((column) => row * columns.input + column));
      visit(i * columns.output + j, places, padded(rows, i) * padded(columns, j));
    }
  }
}

/** The spatial axes of an input whose sizes are known. */
const planeOf = (call: Call) =>
  asPlane(axesOf(call, kernelOf(call), call.int("ceil_mode") !== 0)!) as readonly [Known, Known];

/** Windows over each channel by itself. */
function pool(
  call: Call,
  [x]: readonly (Tensor | undefined)[],
  y: Tensor,
  f: (data: Data, from: number, inside: readonly number[], padded: number, to: number) => number,
): void {
  const plane = planeOf(call);
  const size = plane[0].input * plane[1].input;
  const outputs = plane[0].output * plane[1].output;
  const channels = x!.shape[0]! * x!.shape[1]!;
  eachWindow(plane, (to, inside, padded) => {
    for (let c = 0; c < channels; c++) {
      const at = c * outputs + to;
      y.data[at] = f(x!.data, c * size, inside, padded, at);
    }
  });
}

/** What a window has, as many elements for each; undefined where windows that reach into the padding are smaller. */
function gathered(call: Call, fill: (inside: readonly number[], padded: number) => number | undefined) {
  const plane = planeOf(call);
  const size = plane[0].input * plane[1].input;
  const outputs = plane[0].output * plane[1].output;
  const [batch, channels] = call.concrete(0) as [number, number];
  const each = elementsIn(kernelOf(call));
  const sources = new Int32Array(batch * channels * outputs * each);
  let isWhole = true;
  eachWindow(plane, (to, inside, padded) => {
    const more = inside.length < each ? fill(inside, padded) : 0;
    if (more === undefined) isWhole = false;
    for (let c = 0; c < batch * channels; c++)
      for (let k = 0; k < each; k++) {
        const place = inside[k] ?? more ?? 0;
        sources[(c * outputs + to) * each + k] = place < 0 ? place : c * size + place;
      }
  });
  return isWhole ? { each, sources } : undefined;
}

const inferPool = (call: Call): Shape | undefined =>
  shapeOf(call, call.shape(0)?.[1] ?? UNKNOWN, axesOf(call, kernelOf(call), call.int("ceil_mode") !== 0));

const workOf: Op["work"] = (call, [y]) => countOf(y!) * elementsIn(kernelOf(call));

/** The second output says where the largest element is: its place in the whole input, row by row or column by column. */
const maxPool: Op = {
  ...{ name: "MaxPool", target: "element-wise", inputs: [1, 1], outputs: [1, 2] },
  attributes: [...WINDOW_ATTRIBUTES, int("ceil_mode", 0), int("storage_order", 0)],
  infer(call) {
    const shape = inferPool(call);
    return [
      { dtype: call.dtype(0), shape },
      { dtype: "int64", shape },
    ];
  },
  work: workOf,
  // The largest of a window is the same where one of it is there twice.
  gathers: (call) => gathered(call, ([first]) => first),
  compute(call, x, [y, places]) {
    const [height, width] = [1, ...x[0]!.shape.slice(2)].slice(-2) as [number, number];
    const isByColumn = call.int("storage_order") !== 0;
    pool(call, x, y!, (data, from, inside, _padded, to) => {
      const [first = 0] = inside;
      const best = inside.reduce(
        (top, place) => (data[from + place]! > data[from + top]! ? place : top),
        first,
      );
      const column = best % width;
      const place = isByColumn ? column * height + (best - column) / width : best;
      if (places) places.data[to] = from + place;
      return inside.length === 0 ? -Infinity : data[from + best]!;
    });
  },
};

const averagePool: Op = {
  ...{ name: "AveragePool", target: "element-wise", inputs: [1, 1], work: workOf },
  attributes: [...WINDOW_ATTRIBUTES, int("ceil_mode", 0), int("count_include_pad", 0)],
  infer: (call) => like(call, inferPool(call)),
  gathers(call) {
    const each = elementsIn(kernelOf(call));
    const isCounted = (padded: number) => call.int("count_include_pad") !== 0 && padded === each;
    return gathered(call, (_, padded) => (isCounted(padded) ? -1 : undefined));
  },
  compute(call, x, [y]) {
    const isPadCounted = call.int("count_include_pad") !== 0;
    pool(call, x, y!, (data, from, inside, padded) => {
      let sum = 0;
      for (const place of inside) sum += data[from + place]!;
      return sum / (isPadCounted ? padded : inside.length);
    });
  },
};

/** All spatial dimensions become one element. */
const global = (name: string, f: (line: Data) => number): Op => ({
  ...{ name, target: "element-wise", inputs: [1, 1] },
  gathers(call) {
    const shape = call.concrete(0);
    return {
      each: elementsIn(shape.slice(2)),
      sources: Int32Array.from({ length: elementsIn(shape) }, (_, i) => i),
    };
  },
  infer(call) {
    const shape = call.shape(0);
    if (shape !== undefined && shape.length < 2) call.refuse(`takes [batch, channels, ...], not [${shape}]`);
    return like(
      call,
      shape?.map((size, axis) => (axis < 2 ? size : 1)),
    );
  },
  compute(_call, [x], [y]) {
    const size = elementsIn(x!.shape.slice(2));
    for (let i = 0; i < y!.data.length; i++) y!.data[i] = f(x!.data.subarray(i * size, (i + 1) * size));
  },
});

const sumOf = (line: Data): number => {
  let sum = 0;
  for (const value of line) sum += value;
  return sum;
};

const maxOf = (line: Data): number => {
  let most = -Infinity;
  for (const value of line) most = Math.max(most, value);
  return most;
};

export const POOLS: readonly Op[] = [
  ...[maxPool, averagePool],
  global("GlobalAveragePool", (line) => sumOf(line) / line.length),
  global("GlobalMaxPool", maxOf),
];
