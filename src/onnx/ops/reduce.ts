import { offsetsOf, type Shape, stridesOf } from "../tensor.ts";
import { type Call, int, ints, like, movedList, type Op, type Target } from "./define.ts";

/** A reduction: what is added up, and what becomes of the sum. */
interface Reduction {
  readonly name: string;
  readonly target?: Target;
  /** From which opset on axes are an input. */
  readonly axesFrom: number;
  readonly start: number;
  readonly step: (sum: number, x: number) => number;
  readonly end?: (sum: number, count: number) => number;
}

const add = (sum: number, x: number): number => sum + x;

const REDUCTIONS: readonly Reduction[] = [
  { name: "ReduceSum", target: "element-wise", axesFrom: 13, start: 0, step: add },
  { name: "ReduceMean", target: "element-wise", axesFrom: 18, start: 0, step: add, end: (sum, n) => sum / n },
  {
    name: "ReduceMax",
    target: "element-wise",
    axesFrom: 18,
    start: -Infinity,
    step: (most, x) => Math.max(most, x),
  },
  { name: "ReduceMin", axesFrom: 18, start: Infinity, step: (least, x) => Math.min(least, x) },
  { name: "ReduceProd", axesFrom: 18, start: 1, step: (product, x) => product * x },
  { name: "ReduceL1", axesFrom: 18, start: 0, step: (sum, x) => sum + Math.abs(x) },
  { name: "ReduceL2", axesFrom: 18, start: 0, step: (sum, x) => sum + x * x, end: Math.sqrt },
  { name: "ReduceSumSquare", axesFrom: 18, start: 0, step: (sum, x) => sum + x * x },
  { name: "ReduceLogSum", axesFrom: 18, start: 0, step: add, end: Math.log },
];

/** The axes that go; undefined where they are not known yet, or not the input's rank. */
function axesOf(call: Call, from: number): readonly number[] | undefined {
  const shape = call.shape(0);
  const given = movedList(call, { name: "axes", input: 1, from });
  if (shape === undefined || given === undefined) return undefined;
  const isNone = given === "absent" || given.length === 0;
  if (!isNone) return call.axes(given, shape.length);
  return call.opset >= from && call.int("noop_with_empty_axes") !== 0 ? [] : [...shape.keys()];
}

const shapeWithout = (call: Call, axes: readonly number[] | undefined): Shape | undefined => {
  const isKept = call.int("keepdims") !== 0;
  return axes && call.shape(0)!.flatMap((size, i) => (axes.includes(i) ? (isKept ? [1] : []) : [size]));
};

/** For each output the offset of its first input, and the offsets of all its inputs from there. */
function partsOf(shape: readonly number[], axes: readonly number[]): readonly [Int32Array, Int32Array] {
  const strides = stridesOf(shape);
  const offsets = (isGone: boolean) => {
    const kept = [...shape.keys()].filter((axis) => axes.includes(axis) === isGone);
    return offsetsOf(
      kept.map((axis) => shape[axis]!),
      kept.map((axis) => strides[axis]!),
    );
  };
  return [offsets(false), offsets(true)];
}

const reduction = ({ name, target = "host", axesFrom, start, step, end }: Reduction): Op => ({
  ...{ name, target, inputs: [1, 2] },
  attributes: [
    ...[ints("axes", undefined, { to: axesFrom - 1 }), int("keepdims", 1)],
    int("noop_with_empty_axes", 0, { from: axesFrom }),
  ],
  infer: (call) => like(call, shapeWithout(call, axesOf(call, axesFrom))),
  gathers(call) {
    const [firsts, rest] = partsOf(call.concrete(0), axesOf(call, axesFrom)!);
    const sources = new Int32Array(firsts.length * rest.length);
    for (const [i, first] of firsts.entries())
      for (const [k, offset] of rest.entries()) sources[i * rest.length + k] = first + offset;
    return { each: rest.length, sources };
  },
  compute(call, [x], [y]) {
    const [firsts, rest] = partsOf(x!.shape, axesOf(call, axesFrom)!);
    for (let i = 0; i < y!.data.length; i++) {
      let sum = start;
      for (const offset of rest) sum = step(sum, x!.data[firsts[i]! + offset]!);
      y!.data[i] = end ? end(sum, rest.length) : sum;
    }
  },
});

/** From the largest element down, as softmax. */
const reduceLogSumExp: Op = {
  ...reduction({ name: "ReduceLogSumExp", axesFrom: 18, start: 0, step: add }),
  compute(call, [x], [y]) {
    const [firsts, rest] = partsOf(x!.shape, axesOf(call, 18)!);
    for (let i = 0; i < y!.data.length; i++) {
      let most = -Infinity;
      for (const offset of rest) most = Math.max(most, x!.data[firsts[i]! + offset]!);
      const top = Number.isFinite(most) ? most : 0;
      let sum = 0;
      for (const offset of rest) sum += Math.exp(x!.data[firsts[i]! + offset]! - top);
      y!.data[i] = top + Math.log(sum);
    }
  },
};

/** Where the largest or smallest element of a line is: the first of them, or the last where that is asked for. */
const argument = (name: string, isBetter: (x: number, best: number) => boolean): Op => ({
  ...{ name, target: "host", inputs: [1, 1] },
  attributes: [int("axis", 0), int("keepdims", 1), int("select_last_index", 0, { from: 12 })],
  infer(call) {
    const rank = call.shape(0)?.length;
    const axes = rank === undefined ? undefined : [call.axis(call.int("axis"), rank)];
    return [{ dtype: "int64", shape: shapeWithout(call, axes) }];
  },
  compute(call, [x], [y]) {
    const axis = call.axis(call.int("axis"), x!.shape.length);
    const isLast = call.opset >= 12 && call.int("select_last_index") !== 0;
    const [firsts, rest] = partsOf(x!.shape, [axis]);
    for (let i = 0; i < y!.data.length; i++) {
      let best = 0;
      for (const [k, offset] of rest.entries()) {
        const [value, top] = [x!.data[firsts[i]! + offset]!, x!.data[firsts[i]! + rest[best]!]!];
        if (isBetter(value, top) || (isLast && value === top)) best = k;
      }
      y!.data[i] = best;
    }
  },
});

export const REDUCTION_OPS: readonly Op[] = [
  ...[...REDUCTIONS.map(reduction), reduceLogSumExp],
  argument("ArgMax", (x, best) => x > best),
  argument("ArgMin", (x, best) => x < best),
];
