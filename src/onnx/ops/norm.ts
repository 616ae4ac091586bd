import type { Data } from "../dtype.ts";
import { broadcastStrides, elementsIn, offsetsOf, type Shape, type Tensor } from "../tensor.ts";
import { type Call, int, like, type Op, real, unified } from "./define.ts";

/** Mean and 1 / sqrt(variance + epsilon) of `count` elements from `at` on. */
function momentsOf(data: Data, at: number, count: number, epsilon: number) {
  let mean = 0;
  for (let i = at; i < at + count; i++) mean += data[i]!;
  mean /= count;
  let variance = 0;
  for (let i = at; i < at + count; i++) variance += (data[i]! - mean) ** 2;
  return { mean, inverse: 1 / Math.sqrt(variance / count + epsilon) };
}

/** All dimensions from the axis on are normalized as one; scale and bias spread over them. */
export const layerNormalization: Op = {
  ...{ name: "LayerNormalization", target: "norm", from: 17, inputs: [2, 3], outputs: [1, 3] },
  attributes: [int("axis", -1), real("epsilon", 1e-5), int("stash_type", 1)],
  infer(call) {
    const dtype = call.sameType(0, 1, 2);
    const shape = call.shape(0);
    if (shape === undefined) return [0, 1, 2].map(() => ({ dtype, shape }));
    const axis = call.axis(call.int("axis"), shape.length);
    for (const i of [1, 2]) checkSpread(call, i, shape, axis);
    const one = shape.map((size, i) => (i < axis ? size : 1));
    return [shape, one, one].map((each) => ({ dtype, shape: each }));
  },
  compute(call, [x, scale, bias], [y, mean, inverse]) {
    const axis = call.axis(call.int("axis"), x!.shape.length);
    const inner = x!.shape.slice(axis);
    const n = elementsIn(inner);
    const at = [scale, bias].map((part) => part && offsetsOf(inner, broadcastStrides(part.shape, inner)));
    for (let row = 0; row * n < x!.data.length; row++) {
      const moments = momentsOf(x!.data, row * n, n, call.real("epsilon"));
      for (let i = 0; i < n; i++) {
        const normal = (x!.data[row * n + i]! - moments.mean) * moments.inverse;
        y!.data[row * n + i] = normal * scale!.data[at[0]![i]!]! + (bias ? bias.data[at[1]![i]!]! : 0);
      }
      if (mean) mean.data[row] = moments.mean;
      if (inverse) inverse.data[row] = moments.inverse;
    }
  },
};

/** Input `i` has to spread over the dimensions of `shape` from `axis` on. */
function checkSpread(call: Call, i: number, shape: Shape, axis: number): void {
  const given = call.has(i) ? call.shape(i) : undefined;
  if (given === undefined) return;
  const inner = shape.slice(axis);
  const aligned = inner.slice(inner.length - given.length);
  const isFit =
    given.length <= inner.length &&
    given.every((size, k) => size === 1 || (aligned[k] !== 1 && unified(size, aligned[k]!) !== undefined));
  if (!isFit) call.refuse(`input ${i} of [${given.join(", ")}] does not spread over [${inner.join(", ")}]`);
}

/** Vectors with an element for each channel, dimension 1. */
function checkChannels(call: Call, inputs: readonly number[]): void {
  const shape = call.shape(0);
  if (shape !== undefined && shape.length < 2)
    call.refuse(`takes [batch, channels, ...], not [${shape.join(", ")}]`);
  for (const i of inputs) {
    const given = call.shape(i);
    if (given === undefined) continue;
    if (given.length !== 1 || (shape !== undefined && unified(given[0]!, shape[1]!) === undefined))
      call.refuse(`input ${i} of [${given.join(", ")}] for an input of [${shape?.join(", ")}]`);
  }
}

/** With the statistics of training: scale, bias, mean and variance are inputs. */
const batchNormalization: Op = {
  ...{ name: "BatchNormalization", target: "norm", inputs: [5, 5], outputs: [1, 5] },
  attributes: [
    ...[real("epsilon", 1e-5), real("momentum", 0.9)],
    ...[int("spatial", 1, { to: 8 }), int("training_mode", 0, { from: 14 })],
  ],
  infer(call) {
    const isTraining = call.opset >= 14 && call.int("training_mode") !== 0;
    if (isTraining || call.outputs > 1) call.refuse("is in training mode: export the model for inference");
    if (call.opset < 9 && call.int("spatial") === 0) call.refuse("spatial of 0 is not read");
    checkChannels(call, [1, 2, 3, 4]);
    return like(call, call.shape(0));
  },
  compute(call, [x, scale, bias, mean, variance], [y]) {
    const channels = x!.shape[1]!;
    const size = elementsIn(x!.shape.slice(2));
    for (let row = 0; row * size < x!.data.length; row++) {
      const c = row % channels;
      const gain = scale!.data[c]! / Math.sqrt(variance!.data[c]! + call.real("epsilon"));
      for (let i = row * size; i < (row + 1) * size; i++)
        y!.data[i] = (x!.data[i]! - mean!.data[c]!) * gain + bias!.data[c]!;
    }
  },
};

/** Each channel of each element of the batch by itself. */
const instanceNormalization: Op = {
  ...{ name: "InstanceNormalization", target: "norm", inputs: [3, 3], attributes: [real("epsilon", 1e-5)] },
  infer(call) {
    call.sameType(0, 1, 2);
    checkChannels(call, [1, 2]);
    return like(call, call.shape(0));
  },
  compute(call, [x, scale, bias], [y]) {
    const channels = x!.shape[1]!;
    const size = elementsIn(x!.shape.slice(2));
    for (let row = 0; row * size < x!.data.length; row++) {
      const { mean, inverse } = momentsOf(x!.data, row * size, size, call.real("epsilon"));
      const c = row % channels;
      for (let i = row * size; i < (row + 1) * size; i++)
        y!.data[i] = (x!.data[i]! - mean) * inverse * scale!.data[c]! + bias!.data[c]!;
    }
  },
};

/** Lines along an axis; before opset 13 all dimensions from the axis on are one line. */
function eachLine(call: Call, x: Tensor, visit: (first: number, step: number, count: number) => void): void {
  const axis = call.axis(call.int("axis"), x.shape.length, call.opset < 13 ? 1 : 0);
  const inner = call.opset < 13 ? 1 : elementsIn(x.shape.slice(axis + 1));
  const n = call.opset < 13 ? elementsIn(x.shape.slice(axis)) : x.shape[axis]!;
  for (let block = 0; block * n * inner < x.data.length; block++)
    for (let i = 0; i < inner; i++) visit(block * n * inner + i, inner, n);
}

/** From the largest element down, so that no exponential overflows. */
const softmax = (name: string, isLog: boolean): Op => ({
  ...{ name, target: "softmax", inputs: [1, 1] },
  attributes: [int("axis", 1, { to: 12 }), int("axis", -1, { from: 13 })],
  infer(call) {
    const shape = call.shape(0);
    if (shape !== undefined) call.axis(call.int("axis"), shape.length, call.opset < 13 ? 1 : 0);
    return like(call, shape);
  },
  compute(call, [x], [y]) {
    eachLine(call, x!, (first, step, count) => {
      const end = first + step * count;
      let most = -Infinity;
      for (let i = first; i < end; i += step) most = Math.max(most, x!.data[i]!);
      let sum = 0;
      for (let i = first; i < end; i += step) sum += Math.exp(x!.data[i]! - most);
      const log = Math.log(sum);
      for (let i = first; i < end; i += step) {
        const below = x!.data[i]! - most;
        y!.data[i] = isLog ? below - log : Math.exp(below) / sum;
      }
    });
  },
});

export const NORMS: readonly Op[] = [
  ...[layerNormalization, batchNormalization, instanceNormalization],
  ...[softmax("Softmax", false), softmax("LogSoftmax", true)],
];
