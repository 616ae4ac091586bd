import { signed } from "../../fixed/format.ts";
import { floorLog2, roundReal, toFloat32 } from "../../fixed/real.ts";
import { floorDiv } from "../../fixed/round.ts";
import { float32Scale } from "../../fixed/scale.ts";
import { unitScale } from "../../kernels/convert.ts";
import { lowerLookup } from "../../kernels/elementwise.ts";
import type { PwlTable } from "../../pwl/table.ts";
import { codesOf, execute } from "../bench.ts";
import { FLOAT32, PLAIN } from "../machines.ts";
import type { Source } from "../source.ts";
import { addJoint, multiply } from "./elementwise.ts";
import { batchMatmul, type Codes } from "./product.ts";

/** An integer type of ONNX on a machine of signed codes: an unsigned one comes in less half its range. */
export interface IntegerType {
  readonly bits: number;
  /** What is taken off a code, and off its zero point. */
  readonly offset: number;
}

export const UINT8: IntegerType = { bits: 8, offset: 128 };
const INT32: IntegerType = { bits: 32, offset: 0 };

export const TYPES: Readonly<Record<string, IntegerType>> = Object.fromEntries(
  [8, 16, 32].flatMap((bits) => [
    ...[`i${bits}`, `int${bits}`].map((name) => [name, { bits, offset: 0 }] as const),
    ...(bits < 32 ? [`u${bits}`, `uint${bits}`] : []).map(
      (name) => [name, { bits, offset: 2 ** (bits - 1) }] as const,
    ),
  ]),
);

/** The type named at a key. @throws InputError for one that the machine has no codes for */
export function typeAt(source: Source, key: string): IntegerType {
  const name = source.text(key);
  return TYPES[name] ?? source.at(key).refuse(`${name} is none of ${Object.keys(TYPES).join(", ")}`);
}

/** Codes on the machine and back. */
export const onMachine = (codes: ArrayLike<number>, { offset }: IntegerType): number[] =>
  Array.from(codes, (code) => code - offset);
export const offMachine = (codes: ArrayLike<number>, { offset }: IntegerType): number[] =>
  Array.from(codes, (code) => code + offset);

/** Lowest and highest code of a type, as ONNX counts. */
export const limitsOf = ({ bits, offset }: IntegerType): readonly [number, number] => [
  offset - 2 ** (bits - 1),
  offset + 2 ** (bits - 1) - 1,
];

/** Codes at a key, all of them within their type. */
export function codesAt(source: Source, key: string, type: IntegerType, length?: number): readonly number[] {
  const codes = source.codes(key, length);
  const [lo, hi] = limitsOf(type);
  const odd = codes.findIndex((code) => code < lo || code > hi);
  if (odd >= 0) source.at(key).refuse(`element ${odd} is ${codes[odd]}, which is not within ${lo} … ${hi}`);
  return codes;
}

/** Zero points at a key, which have the type of the codes. */
export function zeroAt(source: Source, key: string, type: IntegerType): number {
  const zero = source.integer(key);
  const [lo, hi] = limitsOf(type);
  if (zero < lo || zero > hi) source.at(key).refuse(`${zero} is not within ${lo} … ${hi}`);
  return zero;
}

/** Positive numbers at a key, in float32. */
export function scalesAt(source: Source, key: string, length?: number): readonly number[] {
  const scales = source.reals(key, length).map((scale) => toFloat32(scale));
  const odd = scales.findIndex((scale) => !(scale > 0 && scale < Number.POSITIVE_INFINITY));
  if (odd >= 0) source.at(key).refuse(`element ${odd} is ${scales[odd]}, which is no scale`);
  return scales;
}

/** A tensor's sizes. */
export function shapeAt(source: Source, key: string): readonly number[] {
  const shape = source.codes(key);
  if (shape.some((size) => size < 1)) source.at(key).refuse("has a dimension of no elements");
  return shape;
}

/** A tensor of codes: as ONNX counts them, all of them within their type. */
export interface Quantized {
  readonly type: IntegerType;
  readonly shape: readonly number[];
  readonly codes: readonly number[];
  readonly zero: number;
}

const operand = ({ type, codes, zero }: Quantized): Codes => ({
  codes: onMachine(codes, type),
  bits: type.bits,
  zero: zero - type.offset,
});

/** Where a result goes. */
interface Target {
  readonly type: IntegerType;
  readonly zero: number;
}

const resultOf = ({ type, zero }: Target) => ({ bits: type.bits, zero: zero - type.offset });

export const elementsIn = (shape: readonly number[]): number =>
  shape.reduce((product, size) => product * size, 1);

/** The indices of a tensor's elements in lines along an axis. */
export function linesAlong(shape: readonly number[], axis: number): readonly (readonly number[])[] {
  const n = shape[axis]!;
  const inner = elementsIn(shape.slice(axis + 1));
  return Array.from({ length: elementsIn(shape) / n }, (_, line) => {
    const within = line % inner;
    const first = (line - within) * n + within;
    return Array.from({ length: n }, (_, j) => first + j * inner);
  });
}

/** The matrices that a product of these shapes multiplies, by their numbers; outer dimensions broadcast. */
interface Batches {
  readonly m: number;
  readonly k: number;
  readonly n: number;
  readonly pairs: readonly (readonly [a: number, b: number])[];
}

/** NumPy's rule: a vector on the left is a row, on the right a column; undefined where the shapes do not fit. */
export function batchesOf(a: readonly number[], b: readonly number[]): Batches | undefined {
  if (a.length === 0 || b.length === 0) return undefined;
  const left = a.length === 1 ? [1, ...a] : a;
  const right = b.length === 1 ? [...b, 1] : b;
  const [m, k] = left.slice(-2) as [number, number];
  const [rows, n] = right.slice(-2) as [number, number];
  const rank = Math.max(left.length, right.length) - 2;
  const outer = [left, right].map((shape) => [
    ...new Array<number>(rank + 2 - shape.length).fill(1),
    ...shape.slice(0, -2),
  ]) as [number[], number[]];
  const sizes = outer[0].map((size, i) => (size === 1 ? outer[1][i]! : size));
  if (k !== rows || outer.some((shape) => shape.some((size, i) => size !== 1 && size !== sizes[i])))
    return undefined;
  const pairs = Array.from({ length: elementsIn(sizes) }, (_, batch) => {
    const index = (shape: readonly number[]) => {
      let [rest, position, stride] = [batch, 0, 1];
      for (let axis = rank - 1; axis >= 0; axis--) {
        const at = rest % sizes[axis]!;
        rest = floorDiv(rest, sizes[axis]!);
        if (shape[axis] !== 1) position += at * stride;
        stride *= shape[axis]!;
      }
      return position;
    };
    return [index(outer[0]), index(outer[1])] as const;
  });
  return { m, k, n, pairs };
}

/** Operands of a product: a matrix of each for every batch. */
function productOf(a: Quantized, b: Quantized, { m, k, n, pairs }: Batches) {
  const [x, w] = [operand(a), operand(b)];
  const part = ({ codes }: Codes, i: number, size: number) =>
    Array.from({ length: size }, (_, j) => codes[i * size + j]!);
  return {
    ...{ m, k, n, x, w },
    batches: pairs.map(([i, j]) => ({ x: part(x, i, m * k), w: part(w, j, k * n) })),
  };
}

const WORD: Target = { type: INT32, zero: 0 };

/** MatMulInteger: y = sum of (a - za)(b - zb), 32 bits. */
export const matmulInteger = (a: Quantized, b: Quantized, batches: Batches): number[] =>
  batchMatmul(PLAIN, {
    ...productOf(a, b, batches),
    scale: unitScale(PLAIN.settings),
    result: resultOf(WORD),
  });

/** QLinearMatMul: the same sum, brought to y's type by one float32 multiplication. */
export const qlinearMatmul = (
  a: Quantized,
  b: Quantized,
  batches: Batches,
  factor: number,
  y: Target,
): number[] => {
  const scale = float32Scale(factor);
  return offMachine(
    batchMatmul(FLOAT32, { ...productOf(a, b, batches), scale, result: resultOf(y) }),
    y.type,
  );
};

/** QLinearMul: y = clamp(rne(fl32((a - za)(b - zb)) factor) + zy). */
export const qlinearMul = (a: Quantized, b: Quantized, factor: number, y: Target): number[] =>
  offMachine(
    multiply(FLOAT32, { a: operand(a), b: operand(b), result: resultOf(y), scale: float32Scale(factor) }),
    y.type,
  );

/** Bits of the larger of a sum's multipliers, its leading one not counted: the sum of two products keeps to 32 bits. */
const SUM_BITS = 20;

/** QLinearAdd in integers: both factors over one power of two, one rounding. */
export function qlinearAdd(
  a: Quantized,
  b: Quantized,
  factors: { readonly a: number; readonly b: number },
  y: Target,
): number[] {
  const shift = SUM_BITS - floorLog2(Math.max(factors.a, factors.b));
  const whole = (x: number) => roundReal(x * 2 ** shift, "half-even");
  const multipliers = { a: whole(factors.a), b: whole(factors.b) };
  return offMachine(
    addJoint(PLAIN, { a: operand(a), b: operand(b), result: resultOf(y), multipliers, shift }),
    y.type,
  );
}

/** Any function of codes of 8 bits: a table with a piece for each of them, looked up by the PWL unit. */
export function tabulated(x: Quantized, y: Target, f: (code: number) => number): number[] {
  const [lo, hi] = limitsOf(x.type);
  const inputs = Array.from({ length: hi - lo + 1 }, (_, i) => lo + i);
  const table: PwlTable = {
    in: signed(x.type.bits),
    out: signed(y.type.bits),
    knots: Int32Array.from(onMachine(inputs, x.type)),
    bases: Int32Array.from(onMachine(inputs.map(f), y.type)),
    slopes: new Int32Array(inputs.length),
    offsetFraction: 0,
    shifts: Int32Array.of(0),
    slopeBits: PLAIN.settings["pwl.slopeBits"],
  };
  const [lane] = execute(
    PLAIN,
    {
      inputs: [{ grid: codesOf(x.type.bits), length: x.codes.length, count: 1 }],
      lower(b, [codes]) {
        const output = b.map.tensor(codesOf(y.type.bits), codes!.length);
        lowerLookup(b, table, codes!, output);
        return [output];
      },
    },
    [[onMachine(x.codes, x.type)]],
  );
  return offMachine(lane![0]!, y.type);
}
