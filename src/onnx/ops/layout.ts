import { floorDiv } from "../../fixed/round.ts";
import {
  broadcastStrides,
  type Dim,
  elementsIn,
  offsetsOf,
  type Shape,
  stridesOf,
  type Tensor,
  UNKNOWN,
} from "../tensor.ts";
import {
  broadcast,
  type Call,
  int,
  ints,
  like,
  MOST_OPERANDS,
  movedList,
  type Op,
  unified,
} from "./define.ts";

/** y[i] = x[offsets[i]]. */
function pick({ data }: Tensor, { data: y }: Tensor, offsets: Int32Array): void {
  for (let i = 0; i < y.length; i++) y[i] = data[offsets[i]!]!;
}

const concat: Op = {
  ...{
    name: "Concat",
    target: "layout",
    inputs: [1, MOST_OPERANDS],
    attributes: [int("axis", undefined, { isRequired: true })],
  },
  infer(call) {
    const shapes = call.operands.map((_, i) => call.shape(i));
    const dtype = call.sameType(...call.operands.keys());
    if (shapes.some((shape) => shape === undefined)) return [{ dtype, shape: undefined }];
    const [first, ...rest] = shapes as [Shape, ...Shape[]];
    const axis = call.axis(call.int("axis"), first.length);
    const shape = rest.reduce((all, next) => {
      if (next.length !== all.length) call.refuse(`shapes [${all.join(", ")}] and [${next.join(", ")}]`);
      return all.map((size, i) => {
        if (i === axis)
          return typeof size === "number" && typeof next[i] === "number" ? size + next[i] : UNKNOWN;
        return unified(size, next[i]!) ?? call.refuse(`shapes [${all.join(", ")}] and [${next.join(", ")}]`);
      });
    }, first);
    return [{ dtype, shape }];
  },
  sizes(call) {
    const parts = call.operands.map((_, i) => (call.shape(i)?.length === 1 ? call.sizesAt(i) : undefined));
    return parts.some((part) => part === undefined) ? undefined : (parts as Shape[]).flat();
  },
  compute(call, x, [y]) {
    const axis = call.axis(call.int("axis"), y!.shape.length);
    const inner = elementsIn(y!.shape.slice(axis + 1));
    const row = y!.shape[axis]! * inner;
    let at = 0;
    for (const part of x as readonly Tensor[]) {
      const size = part.shape[axis]! * inner;
      for (let block = 0; block * size < part.data.length; block++)
        y!.data.set(part.data.subarray(block * size, (block + 1) * size), block * row + at);
      at += size;
    }
  },
};

/** A range of an axis: from `start` on, `count` elements, `step` apart. */
interface Stretch {
  readonly axis: number;
  readonly start: number;
  readonly step: number;
  readonly count: number;
}

/** Which lists a Slice has, as inputs from opset 10 on. */
const sliceList = (call: Call, name: string, input: number) => movedList(call, { name, input, from: 10 });

/** The ranges of a Slice; undefined where they are not known. */
function stretchesOf(call: Call, shape: Shape): Stretch[] | undefined {
  const [starts, ends] = [sliceList(call, "starts", 1), sliceList(call, "ends", 2)];
  if (starts === undefined || ends === undefined) return undefined;
  if (starts === "absent" || ends === "absent") return call.refuse("needs starts and ends");
  const [axes, steps] = [
    sliceList(call, "axes", 3),
    call.opset < 10 ? "absent" : sliceList(call, "steps", 4),
  ];
  if (axes === undefined || steps === undefined) return undefined;
  const along = call.axes(axes === "absent" ? starts.map((_, i) => i) : axes, shape.length);
  const by = steps === "absent" ? along.map(() => 1) : steps;
  if ([along, by, ends].some(({ length }) => length !== starts.length))
    call.refuse(`${starts.length} starts, ${ends.length} ends, ${along.length} axes and ${by.length} steps`);
  const stretches = along.map((axis, i) => stretchOf(call, shape, axis, [starts[i]!, ends[i]!, by[i]!]));
  return stretches.some((stretch) => stretch === undefined) ? undefined : (stretches as Stretch[]);
}

function stretchOf(
  call: Call,
  shape: Shape,
  axis: number,
  [start, end, step]: readonly [number, number, number],
): Stretch | undefined {
  if (step === 0) call.refuse("a step of 0");
  const size = shape[axis]!;
  if (typeof size === "string") return undefined;
  const clamp = (at: number, least: number, most: number) =>
    Math.min(most, Math.max(least, at < 0 ? at + size : at));
  const [from, to] =
    step > 0
      ? [clamp(start, 0, size), clamp(end, 0, size)]
      : [clamp(start, 0, size - 1), clamp(end, -1, size - 1)];
  const room = step > 0 ? to - from : from - to;
  const by = Math.abs(step);
  return {
    axis,
    start: from,
    step,
    count: room > 0 ? floorDiv(room + Math.min(by, room) - 1, Math.min(by, room)) : 0,
  };
}

const slice: Op = {
  ...{ name: "Slice", target: "layout", inputs: [1, 5] },
  attributes: ["axes", "starts", "ends"].map((name) => ints(name, undefined, { to: 9 })),
  infer(call) {
    const shape = call.shape(0);
    const stretches = shape && stretchesOf(call, shape);
    if (shape === undefined) return like(call, undefined);
    if (stretches === undefined) {
      // Which axes are cut is often known where their sizes are not.
      const axes = sliceList(call, "axes", 3);
      const cut = axes === "absent" || axes === undefined ? [...shape.keys()] : call.axes(axes, shape.length);
      return like(
        call,
        shape.map((size, i) => (cut.includes(i) ? UNKNOWN : size)),
      );
    }
    return like(
      call,
      shape.map((size, i) => stretches.find(({ axis }) => axis === i)?.count ?? size),
    );
  },
  sizes(call) {
    const sizes = call.shape(0)?.length === 1 ? call.sizesAt(0) : undefined;
    const stretch = sizes && stretchesOf(call, [sizes.length])?.[0];
    return (
      stretch && Array.from({ length: stretch.count }, (_, i) => sizes[stretch.start + i * stretch.step]!)
    );
  },
  compute(call, [x], [y]) {
    const strides = stridesOf(x!.shape);
    let base = 0;
    for (const { axis, start, step, count } of stretchesOf(call, x!.shape)!) {
      if (count === 0) return;
      base += start * strides[axis]!;
      strides[axis]! *= step;
    }
    pick(x!, y!, offsetsOf(y!.shape, strides, base));
  },
};

/** Parts of an axis: sizes that are given, or equal ones of which the last may be smaller. */
function partsOf(call: Call): Shape | undefined {
  const given = movedList(call, { name: "split", input: 1, from: 13 });
  const shape = call.shape(0);
  if (shape === undefined || given === undefined) return undefined;
  const size = shape[call.axis(call.int("axis"), shape.length)]!;
  const n = call.outputs;
  if (given !== "absent") {
    const sum = given.reduce((all, part) => all + part, 0);
    const isFit = given.length === n && given.every((part) => part >= 0) && unified(size, sum) !== undefined;
    if (!isFit) call.refuse(`parts of [${given.join(", ")}] for ${n} outputs of ${size} elements`);
    return given;
  }
  if (call.given("num_outputs") && call.int("num_outputs") !== n)
    call.refuse(`num_outputs of ${call.int("num_outputs")} for ${n} outputs`);
  if (typeof size === "string") return new Array<Dim>(n).fill(UNKNOWN);
  const part = floorDiv(size + n - 1, n);
  if (part * (n - 1) > size || (size % n !== 0 && call.opset < 18))
    call.refuse(`${size} elements in ${n} parts`);
  return Array.from({ length: n }, (_, i) => (i < n - 1 ? part : size - part * (n - 1)));
}

const split: Op = {
  ...{ name: "Split", target: "layout", inputs: [1, 2], outputs: [1, MOST_OPERANDS] },
  attributes: [
    int("axis", 0),
    ints("split", undefined, { to: 12 }),
    int("num_outputs", undefined, { from: 18 }),
  ],
  infer(call) {
    const [shape, parts] = [call.shape(0), partsOf(call)];
    const axis = shape && call.axis(call.int("axis"), shape.length);
    return Array.from({ length: call.outputs }, (_, k) => ({
      dtype: call.dtype(0),
      shape: parts && shape?.map((size, i) => (i === axis ? parts[k]! : size)),
    }));
  },
  compute(call, [x], y) {
    const axis = call.axis(call.int("axis"), x!.shape.length);
    const strides = stridesOf(x!.shape);
    let at = 0;
    for (const part of y) {
      pick(x!, part, offsetsOf(part.shape, strides, at * strides[axis]!));
      at += part.shape[axis]!;
    }
  },
};

const transpose: Op = {
  ...{ name: "Transpose", target: "layout", inputs: [1, 1], attributes: [ints("perm")] },
  infer(call) {
    const shape = call.shape(0);
    return like(call, shape && permOf(call, shape.length).map((axis) => shape[axis]!));
  },
  compute(call, [x], [y]) {
    const strides = stridesOf(x!.shape);
    const turned = permOf(call, strides.length).map((axis) => strides[axis]!);
    pick(x!, y!, offsetsOf(y!.shape, turned));
  },
};

function permOf(call: Call, rank: number): readonly number[] {
  const perm = call.list("perm", rank) ?? Array.from({ length: rank }, (_, i) => rank - 1 - i);
  if (perm.some((axis) => axis < 0)) call.refuse(`perm [${perm.join(", ")}] has an axis below 0`);
  return call.axes(perm, rank);
}

const gather: Op = {
  ...{ name: "Gather", target: "layout", inputs: [2, 2], attributes: [int("axis", 0)] },
  infer(call) {
    const [shape, places] = [call.shape(0), call.shape(1)];
    if (shape === undefined || places === undefined) return like(call, undefined);
    const axis = call.axis(call.int("axis"), shape.length);
    return like(call, [...shape.slice(0, axis), ...places, ...shape.slice(axis + 1)]);
  },
  sizes(call) {
    const [sizes, places] = [call.shape(0)?.length === 1 ? call.sizesAt(0) : undefined, call.numbers(1)];
    return sizes && places?.map((i) => sizes[i < 0 ? i + sizes.length : i] ?? call.refuse(`no element ${i}`));
  },
  compute(call, [x, places], [y]) {
    const axis = call.axis(call.int("axis"), x!.shape.length);
    const size = x!.shape[axis]!;
    const inner = elementsIn(x!.shape.slice(axis + 1));
    let to = 0;
    for (let block = 0; block < elementsIn(x!.shape.slice(0, axis)); block++) {
      for (const place of places!.data) {
        const at = place < 0 ? place + size : place;
        if (!(at >= 0 && at < size)) call.refuse(`index ${place} is none of ${size}`);
        const from = (block * size + at) * inner;
        y!.data.set(x!.data.subarray(from, from + inner), to);
        to += inner;
      }
    }
  },
};

const expand: Op = {
  ...{ name: "Expand", target: "layout", from: 8, inputs: [2, 2] },
  infer(call) {
    const target = call.sizesAt(1);
    if (target?.some((size) => typeof size === "number" && size < 0))
      call.refuse(`to [${target.join(", ")}]`);
    return like(call, broadcast(call, call.shape(0), target));
  },
  compute: (_call, [x], [y]) => pick(x!, y!, offsetsOf(y!.shape, broadcastStrides(x!.shape, y!.shape))),
};

const tile: Op = {
  ...{ name: "Tile", target: "layout", inputs: [2, 2] },
  infer(call) {
    const [shape, repeats] = [call.shape(0), call.numbers(1)];
    if (repeats?.some((times) => times < 0)) call.refuse(`repeats of [${repeats.join(", ")}]`);
    if (shape === undefined || repeats === undefined)
      return like(
        call,
        shape?.map(() => UNKNOWN),
      );
    if (repeats.length !== shape.length) call.refuse(`${repeats.length} repeats of [${shape.join(", ")}]`);
    return like(
      call,
      shape.map((size, i) => (typeof size === "number" ? size * repeats[i]! : UNKNOWN)),
    );
  },
  compute(_call, [x], [y]) {
    // Each axis as two: how often, and what.
    const strides = stridesOf(x!.shape).flatMap((stride) => [0, stride]);
    const sizes = x!.shape.flatMap((size, i) => [size === 0 ? 0 : y!.shape[i]! / size, size]);
    pick(x!, y!, offsetsOf(sizes, strides));
  },
};

export const LAYOUT: readonly Op[] = [concat, slice, split, transpose, gather, expand, tile];
