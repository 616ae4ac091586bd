import { roundReal } from "../../fixed/real.ts";
import { floorDiv } from "../../fixed/round.ts";
import { type Dtype, dtypeOf, isReal } from "../dtype.ts";
import { broadcastStrides, offsetsOf, type Tensor, type ValueType } from "../tensor.ts";
import { broadcast, type Call, int, MOST_OPERANDS, type Op, type Target } from "./define.ts";

/** f over the elements of two operands that broadcast. */
function spread(
  [a, b]: readonly (Tensor | undefined)[],
  y: Tensor,
  f: (a: number, b: number) => number,
): void {
  const [at, bt] = [a!, b!].map(({ shape, data }) =>
    data.length === y.data.length ? undefined : offsetsOf(y.shape, broadcastStrides(shape, y.shape)),
  );
  for (let i = 0; i < y.data.length; i++) y.data[i] = f(a!.data[at ? at[i]! : i]!, b!.data[bt ? bt[i]! : i]!);
}

interface Binary {
  readonly name: string;
  readonly target?: Target;
  readonly f: (a: number, b: number, dtype: Dtype) => number;
  /** Type of the result where it is not the operands'. */
  readonly to?: Dtype;
  /** The second operand that changes nothing. */
  readonly neutral?: number;
  /** Whether the operands may be of two types; the result is of the first's. */
  readonly isMixed?: true;
}

const binary = ({ name, target = "element-wise", f, to, isMixed, neutral }: Binary): Op => ({
  ...{ name, target, inputs: [2, 2] },
  infer(call) {
    const dtype = isMixed ? call.dtype(0) : call.sameType(0, 1);
    return [{ dtype: to ?? dtype, shape: broadcast(call, call.shape(0), call.shape(1)) }];
  },
  passes(call) {
    const { tensor, shape } = call.input(1);
    const isOne = neutral !== undefined && tensor?.data.length === 1 && tensor.data[0] === neutral;
    return isOne && shape!.length <= (call.shape(0)?.length ?? 0) && call.dtype(0) === call.dtype(1);
  },
  compute(call, x, y) {
    const dtype = call.dtype(0);
    spread(x, y[0]!, (a, b) => f(a, b, dtype));
  },
});

/** Whole quotients as C has them, toward 0. */
const quotient = (a: number, b: number, dtype: Dtype): number => {
  if (isReal(dtype)) return a / b;
  return b === 0 ? 0 : Math.sign(a) * Math.sign(b) * floorDiv(Math.abs(a), Math.abs(b));
};

/** The remainder with the divisor's sign, or with the dividend's where `fmod` is set. */
const mod: Op = {
  ...{ name: "Mod", target: "host", from: 10, inputs: [2, 2], attributes: [int("fmod", 0)] },
  infer: (call) => [{ dtype: call.sameType(0, 1), shape: broadcast(call, call.shape(0), call.shape(1)) }],
  compute(call, x, y) {
    const isC = call.int("fmod") !== 0;
    spread(x, y[0]!, (a, b) => {
      const rest = a % b;
      return isC || rest === 0 || rest < 0 === b < 0 ? rest : rest + b;
    });
  },
};

const truth = (x: boolean): number => (x ? 1 : 0);

const BINARY: readonly Binary[] = [
  { name: "Add", f: (a, b) => a + b },
  { name: "Sub", f: (a, b) => a - b },
  { name: "Mul", f: (a, b) => a * b, neutral: 1 },
  { name: "Div", f: quotient, neutral: 1 },
  { name: "Pow", f: (a, b) => a ** b, isMixed: true, target: "curve" },
  { name: "PRelu", f: (a, slope) => (a < 0 ? slope * a : a) },
  { name: "Equal", f: (a, b) => truth(a === b), to: "bool", target: "host" },
  { name: "Less", f: (a, b) => truth(a < b), to: "bool", target: "host" },
  { name: "LessOrEqual", f: (a, b) => truth(a <= b), to: "bool", target: "host" },
  { name: "Greater", f: (a, b) => truth(a > b), to: "bool", target: "host" },
  { name: "GreaterOrEqual", f: (a, b) => truth(a >= b), to: "bool", target: "host" },
  { name: "And", f: (a, b) => truth(a !== 0 && b !== 0), to: "bool", target: "host" },
  { name: "Or", f: (a, b) => truth(a !== 0 || b !== 0), to: "bool", target: "host" },
  { name: "Xor", f: (a, b) => truth((a !== 0) !== (b !== 0)), to: "bool", target: "host" },
];

/** Operators of any number of operands, which are taken two by two from the left. */
const variadic = (name: string, f: (a: number, b: number) => number, isMean = false): Op => ({
  ...{ name, target: "element-wise", inputs: [1, MOST_OPERANDS] },
  infer: (call) => [
    {
      dtype: call.sameType(...call.operands.keys()),
      shape: broadcast(call, ...call.operands.map((_, i) => call.shape(i))),
    },
  ],
  compute(_call, x, y) {
    const parts = x as readonly Tensor[];
    const sum = new Float64Array(y[0]!.data.length);
    for (const [k, part] of parts.entries()) {
      const at = offsetsOf(y[0]!.shape, broadcastStrides(part.shape, y[0]!.shape));
      for (let i = 0; i < sum.length; i++)
        sum[i] = k === 0 ? part.data[at[i]!]! : f(sum[i]!, part.data[at[i]!]!);
    }
    for (let i = 0; i < sum.length; i++) y[0]!.data[i] = isMean ? sum[i]! / parts.length : sum[i]!;
  },
});

/** NaN wins, as in onnxruntime: Math.min and Math.max see to that. */
const VARIADIC: readonly Op[] = [
  variadic("Min", (a, b) => Math.min(a, b)),
  variadic("Max", (a, b) => Math.max(a, b)),
  variadic("Sum", (a, b) => a + b),
  variadic("Mean", (a, b) => a + b, true),
];

const where: Op = {
  ...{ name: "Where", target: "host", from: 9, inputs: [3, 3] },
  infer(call) {
    if (call.dtype(0) !== "bool") call.refuse(`takes a condition of bool, not ${call.dtype(0)}`);
    return [
      { dtype: call.sameType(1, 2), shape: broadcast(call, call.shape(0), call.shape(1), call.shape(2)) },
    ];
  },
  compute(_call, x, y) {
    const [chosen, ...parts] = (x as readonly Tensor[]).map(({ shape, data }) => {
      const at = offsetsOf(y[0]!.shape, broadcastStrides(shape, y[0]!.shape));
      return { data, at };
    });
    for (let i = 0; i < y[0]!.data.length; i++) {
      const { data, at } = parts[chosen!.data[chosen!.at[i]!] !== 0 ? 0 : 1]!;
      y[0]!.data[i] = data[at[i]!]!;
    }
  },
};

const unary = (name: string, target: Target, f: (x: number) => number, to?: Dtype): Op => ({
  ...{ name, target, inputs: [1, 1] },
  infer: (call) => [{ dtype: to ?? call.dtype(0), shape: call.shape(0) }],
  compute(_call, [x], [y]) {
    for (let i = 0; i < y!.data.length; i++) y!.data[i] = f(x!.data[i]!);
  },
});

const UNARY: readonly Op[] = [
  unary("Abs", "element-wise", Math.abs),
  unary("Neg", "element-wise", (x) => -x),
  unary("Sign", "host", Math.sign),
  unary("Floor", "host", (x) => (Number.isFinite(x) ? roundReal(x, "floor") : x)),
  unary("Ceil", "host", (x) => (Number.isFinite(x) ? roundReal(x, "ceiling") : x)),
  unary("Round", "host", (x) => (Number.isFinite(x) ? roundReal(x, "half-even") : x)),
  unary("Not", "host", (x) => truth(x === 0), "bool"),
];

/** Bounds are attributes to opset 10, and then inputs. */
const clip: Op = {
  ...{ name: "Clip", target: "element-wise", inputs: [1, 3] },
  attributes: [
    { name: "min", kind: "real", otherwise: -Infinity, from: 1, to: 10 },
    { name: "max", kind: "real", otherwise: Infinity, from: 1, to: 10 },
  ],
  infer: (call) => [{ dtype: call.dtype(0), shape: call.shape(0) }],
  compute(call, [x, least, most], [y]) {
    const bound = (given: Tensor | undefined, name: string, otherwise: number) =>
      call.opset < 11 ? call.real(name) : (given?.data[0] ?? otherwise);
    const [lo, hi] = [bound(least, "min", -Infinity), bound(most, "max", Infinity)];
    for (let i = 0; i < y!.data.length; i++) y!.data[i] = Math.min(hi, Math.max(lo, x!.data[i]!));
  },
};

/** Real numbers are cut toward 0 on their way to integers. */
const cast: Op = {
  ...{ name: "Cast", target: "layout", inputs: [1, 1] },
  attributes: [int("to", undefined, { isRequired: true }), int("saturate", 1, { from: 19 })],
  infer: (call) => [castTo(call)],
  passes: (call) => castTo(call).dtype === call.dtype(0),
  sizes: (call) => (isReal(castTo(call).dtype) ? undefined : call.sizesAt(0)),
  compute(call, [x], [y]) {
    const to = castTo(call).dtype;
    const isCut = !isReal(to) && isReal(call.dtype(0));
    for (let i = 0; i < y!.data.length; i++) {
      const value = x!.data[i]!;
      if (to === "bool") y!.data[i] = truth(value !== 0);
      else y!.data[i] = isCut && Number.isFinite(value) ? roundReal(value, "truncate") : value;
    }
  },
};

function castTo(call: Call): ValueType {
  const dtype = dtypeOf(call.int("to")) ?? call.refuse(`to ${call.int("to")} is no type that is held here`);
  return { dtype, shape: call.shape(0) };
}

export const ELEMENTWISE: readonly Op[] = [
  ...[...BINARY.map(binary), mod, ...VARIADIC],
  ...[where, ...UNARY, clip, cast],
];
