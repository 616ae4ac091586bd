import { roundReal } from "../../fixed/real.ts";
import { isReal } from "../dtype.ts";
import { type Dim, elementsIn, isConcrete, type Shape, tensorOf, UNKNOWN } from "../tensor.ts";
import {
  type Attribute,
  type Call,
  int,
  ints,
  like,
  movedList,
  type Op,
  real,
  reals,
  tensor,
} from "./define.ts";

/** An operator that keeps all elements in their order. */
const reshaping = (record: Omit<Op, "target" | "compute">): Op => ({
  ...{ ...record, target: "layout" },
  compute: (_call, [x], [y]) => y!.data.set(x!.data),
});

/** The product of the sizes that are numbers, and the names of the others. */
function factorsOf(shape: Shape): readonly [number, readonly string[]] {
  const numbers = shape.filter((size) => typeof size === "number");
  return [elementsIn(numbers), shape.filter((size) => typeof size === "string").toSorted()];
}

/** What -1 stands for: what the other sizes leave of all elements, where that is a number or one open size. */
function remainder(call: Call, from: Shape, to: Shape): Dim {
  const [all, open] = factorsOf(from);
  const [some, named] = factorsOf(to);
  const left = [...open];
  for (const name of named) {
    const at = name === UNKNOWN ? -1 : left.indexOf(name);
    if (at < 0) return UNKNOWN;
    left.splice(at, 1);
  }
  if (left.length > 0) return left.length === 1 && all === some ? left[0]! : UNKNOWN;
  if (some === 0 || all % some !== 0)
    call.refuse(`[${from.join(", ")}] does not become [${to.join(", ")}, -1]`);
  return all / some;
}

const reshape = reshaping({
  ...{ name: "Reshape", inputs: [2, 2], attributes: [int("allowzero", 0, { from: 14 })] },
  infer(call) {
    const [shape, wanted] = [call.shape(0), call.sizesAt(1)];
    const rank = call.shape(1)?.[0];
    if (wanted === undefined)
      return like(
        call,
        typeof rank === "number" && rank <= 8 ? new Array<Dim>(rank).fill(UNKNOWN) : undefined,
      );
    const isZeroKept = call.opset >= 14 && call.int("allowzero") !== 0;
    const odd = wanted.find((size) => typeof size === "number" && !(size >= -1));
    if (odd !== undefined || wanted.filter((size) => size === -1).length > 1)
      call.refuse(`to [${wanted.join(", ")}]`);
    const filled = wanted.map((size, i) => {
      if (size !== 0 || isZeroKept) return size;
      return shape === undefined ? UNKNOWN : (shape[i] ?? call.refuse(`to [${wanted.join(", ")}]`));
    });
    const others = filled.filter((size) => size !== -1);
    const known = filled.map((size) =>
      size === -1 ? (shape ? remainder(call, shape, others) : UNKNOWN) : size,
    );
    if (isConcrete(shape) && isConcrete(known) && elementsIn(shape) !== elementsIn(known))
      call.refuse(`[${shape.join(", ")}] does not become [${wanted.join(", ")}]`);
    return like(call, known);
  },
});

const flatten = reshaping({
  ...{ name: "Flatten", inputs: [1, 1], attributes: [int("axis", 1)] },
  infer(call) {
    const shape = call.shape(0);
    if (shape === undefined) return like(call, [UNKNOWN, UNKNOWN]);
    const axis = call.axis(call.int("axis"), shape.length, 1);
    const part = (sizes: Shape): Dim => {
      const open = sizes.filter((size) => size !== 1);
      if (open.length === 1) return open[0]!;
      return isConcrete(sizes) ? elementsIn(sizes) : UNKNOWN;
    };
    return like(call, [part(shape.slice(0, axis)), part(shape.slice(axis))]);
  },
});

const AXES = { name: "axes", input: 1, from: 13 } as const;
const OLD_AXES = ints("axes", undefined, { to: 12 });

const squeeze = reshaping({
  ...{ name: "Squeeze", inputs: [1, 2], attributes: [OLD_AXES] },
  infer(call) {
    const [shape, given] = [call.shape(0), movedList(call, AXES)];
    if (shape === undefined || given === undefined) return like(call, undefined);
    if (given === "absent" && !isConcrete(shape)) return like(call, undefined);
    const axes =
      given === "absent" ? [...shape.keys()].filter((i) => shape[i] === 1) : call.axes(given, shape.length);
    const odd = axes.find((axis) => typeof shape[axis] === "number" && shape[axis] !== 1);
    if (odd !== undefined) call.refuse(`dimension ${odd} of [${shape.join(", ")}] is not 1`);
    return like(
      call,
      shape.filter((_, i) => !axes.includes(i)),
    );
  },
  sizes: (call) => call.sizesAt(0),
});

const unsqueeze = reshaping({
  ...{ name: "Unsqueeze", inputs: [1, 2], attributes: [OLD_AXES] },
  infer(call) {
    const [shape, given] = [call.shape(0), movedList(call, AXES)];
    if (given === "absent") return call.refuse("needs axes");
    if (shape === undefined || given === undefined) return like(call, undefined);
    const axes = call.axes(given, shape.length + given.length);
    const rest = [...shape];
    return like(
      call,
      Array.from({ length: shape.length + axes.length }, (_, i) => (axes.includes(i) ? 1 : rest.shift()!)),
    );
  },
  sizes: (call) => call.sizesAt(0),
});

const identity = reshaping({
  ...{ name: "Identity", inputs: [1, 1] },
  infer: (call) => like(call, call.shape(0)),
  passes: () => true,
});

/** Drops nothing when a model is used; its mask is all true. */
const dropout: Op = {
  ...{ name: "Dropout", target: "layout", inputs: [1, 3], outputs: [1, 2] },
  attributes: [real("ratio", 0.5, { to: 11 }), int("seed", 0)],
  infer(call) {
    checkInference(call);
    return [
      { dtype: call.dtype(0), shape: call.shape(0) },
      { dtype: call.opset < 10 ? call.dtype(0) : "bool", shape: call.shape(0) },
    ];
  },
  passes(call) {
    checkInference(call);
    return call.outputs === 1;
  },
  compute(_call, [x], [y, mask]) {
    y!.data.set(x!.data);
    mask?.data.fill(1);
  },
};

function checkInference(call: Call): void {
  if (call.opset >= 12 && call.has(2) && call.numbers(2)?.[0] !== 0)
    call.refuse("is in training mode, or may be: export the model for inference");
}

/** Sizes from `start` to before `end`, as numbers. */
const shapeOp: Op = {
  ...{ name: "Shape", target: "layout", inputs: [1, 1] },
  attributes: [int("start", 0, { from: 15 }), int("end", undefined, { from: 15 })],
  infer: (call) => [{ dtype: "int64", shape: [shownSizes(call)?.length ?? UNKNOWN] }],
  sizes: (call) => shownSizes(call),
  compute: (call, _x, [y]) => y!.data.set(shownSizes(call) as readonly number[]),
};

function shownSizes(call: Call): Shape | undefined {
  const shape = call.shape(0);
  if (call.opset < 15) return shape;
  return shape?.slice(call.int("start"), call.given("end") ? call.int("end") : undefined);
}

const sizeOp: Op = {
  ...{ name: "Size", target: "layout", inputs: [1, 1] },
  infer: () => [{ dtype: "int64", shape: [] }],
  sizes: (call) => (isConcrete(call.shape(0)) ? [elementsIn(call.concrete(0))] : undefined),
  compute: (_call, [x], [y]) => y!.data.fill(x!.data.length),
};

const VALUES: readonly Attribute[] = [
  ...[
    tensor("value"),
    real("value_float", undefined, { from: 12 }),
    int("value_int", undefined, { from: 12 }),
  ],
  ...[reals("value_floats", undefined, { from: 12 }), ints("value_ints", undefined, { from: 12 })],
];

const constant: Op = {
  ...{ name: "Constant", target: "layout", inputs: [0, 0], attributes: VALUES },
  infer: (call) => [held(call)],
  constant: (call) => held(call),
  compute: (call, _x, [y]) => y!.data.set(held(call).data),
};

function held(call: Call) {
  const [one, ...more] = VALUES.filter(({ name }) => call.given(name));
  if (one === undefined || more.length > 0)
    return call.refuse("needs one value, which may be a tensor or numbers");
  if (one.kind === "tensor") return call.tensor(one.name)!;
  const dtype = one.kind.startsWith("int") ? "int64" : "float32";
  if (one.kind === "int" || one.kind === "real") return tensorOf(dtype, [], [call.int(one.name)]);
  const list = call.list(one.name)!;
  return tensorOf(dtype, [list.length], list);
}

const constantOfShape: Op = {
  ...{ name: "ConstantOfShape", target: "layout", from: 9, inputs: [1, 1], attributes: [tensor("value")] },
  infer(call) {
    const shape = call.sizesAt(0);
    if (shape?.some((size) => typeof size === "number" && !(size >= 0)))
      call.refuse(`of [${shape.join(", ")}]`);
    const value = call.tensor("value");
    if (value !== undefined && value.data.length !== 1) call.refuse(`value of ${value.data.length} elements`);
    return [{ dtype: value?.dtype ?? "float32", shape }];
  },
  compute: (call, _x, [y]) => y!.data.fill(call.tensor("value")?.data[0] ?? 0),
};

const range: Op = {
  ...{ name: "Range", target: "layout", from: 11, inputs: [3, 3] },
  infer(call) {
    const dtype = call.sameType(0, 1, 2);
    const [start, limit, delta] = [0, 1, 2].map((i) => call.numbers(i, 1)?.[0]);
    if (start === undefined || limit === undefined || delta === undefined)
      return [{ dtype, shape: [UNKNOWN] }];
    const count = (limit - start) / delta;
    if (!Number.isFinite(count)) call.refuse(`from ${start} to ${limit} by ${delta}`);
    return [{ dtype, shape: [Math.max(0, roundReal(count, "ceiling"))] }];
  },
  compute(_call, [start, , delta], [y]) {
    const isWhole = !isReal(y!.dtype);
    for (let i = 0; i < y!.data.length; i++) {
      const value = start!.data[0]! + i * delta!.data[0]!;
      y!.data[i] = isWhole ? roundReal(value, "truncate") : value;
    }
  },
};

export const SHAPES: readonly Op[] = [
  ...[reshape, flatten, squeeze, unsqueeze, identity, dropout],
  ...[shapeOp, sizeOp, constant, constantOfShape, range],
];
