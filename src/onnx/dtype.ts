import { decodeHalf, roundHalf } from "../fixed/real.ts";

/** Elements of a tensor. 64-bit integers are kept in doubles: exact to 2^53, and beyond that they only ever stand for "to the end". */
export type Data =
  | Float32Array
  | Float64Array
  | Int8Array
  | Uint8Array
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array;

interface Format {
  /** ONNX's number for it (TensorProto.DataType). */
  readonly code: number;
  /** Bits of an element in a file. */
  readonly bits: number;
  readonly kind: "real" | "integer" | "boolean";
  make(count: number): Data;
  /** An element of a file's raw bytes, little-endian, at element `i`. */
  read(view: DataView, i: number): number;
  /** What a number becomes when it is stored, where the array does not see to it. */
  readonly round?: (x: number) => number;
}

/** Halves of a byte, the low one first. */
const nibble = (view: DataView, i: number): number => {
  const byte = view.getUint8((i - (i % 2)) / 2);
  return i % 2 === 0 ? byte % 16 : (byte - (byte % 16)) / 16;
};

const FORMATS = {
  float32: {
    ...{ code: 1, bits: 32, kind: "real", make: (n) => new Float32Array(n) },
    read: (view, i) => view.getFloat32(4 * i, true),
  },
  uint8: {
    ...{ code: 2, bits: 8, kind: "integer", make: (n) => new Uint8Array(n) },
    read: (view, i) => view.getUint8(i),
  },
  int8: {
    ...{ code: 3, bits: 8, kind: "integer", make: (n) => new Int8Array(n) },
    read: (view, i) => view.getInt8(i),
  },
  uint16: {
    ...{ code: 4, bits: 16, kind: "integer", make: (n) => new Uint16Array(n) },
    read: (view, i) => view.getUint16(2 * i, true),
  },
  int16: {
    ...{ code: 5, bits: 16, kind: "integer", make: (n) => new Int16Array(n) },
    read: (view, i) => view.getInt16(2 * i, true),
  },
  int32: {
    ...{ code: 6, bits: 32, kind: "integer", make: (n) => new Int32Array(n) },
    read: (view, i) => view.getInt32(4 * i, true),
  },
  int64: {
    ...{ code: 7, bits: 64, kind: "integer", make: (n) => new Float64Array(n) },
    read: (view, i) => Number(view.getBigInt64(8 * i, true)),
  },
  bool: {
    ...{ code: 9, bits: 8, kind: "boolean", make: (n) => new Uint8Array(n) },
    read: (view, i) => (view.getUint8(i) === 0 ? 0 : 1),
  },
  float16: {
    ...{ code: 10, bits: 16, kind: "real", make: (n) => new Float32Array(n) },
    read: (view, i) => decodeHalf(view.getUint16(2 * i, true)),
    round: (x) => roundHalf(x),
  },
  float64: {
    ...{ code: 11, bits: 64, kind: "real", make: (n) => new Float64Array(n) },
    read: (view, i) => view.getFloat64(8 * i, true),
  },
  uint32: {
    ...{ code: 12, bits: 32, kind: "integer", make: (n) => new Uint32Array(n) },
    read: (view, i) => view.getUint32(4 * i, true),
  },
  uint64: {
    ...{ code: 13, bits: 64, kind: "integer", make: (n) => new Float64Array(n) },
    read: (view, i) => Number(view.getBigUint64(8 * i, true)),
  },
  bfloat16: {
    ...{ code: 16, bits: 16, kind: "real", make: (n) => new Float32Array(n) },
    read: (view, i) => decodeHalf(view.getUint16(2 * i, true), 8),
    round: (x) => roundHalf(x, 8),
  },
  uint4: {
    ...{ code: 21, bits: 4, kind: "integer", make: (n) => new Uint8Array(n) },
    read: nibble,
  },
  int4: {
    ...{ code: 22, bits: 4, kind: "integer", make: (n) => new Int8Array(n) },
    read: (view, i) => ((nibble(view, i) + 8) % 16) - 8,
  },
} as const satisfies Readonly<Record<string, Format>>;

/** Types of elements that an import holds. Strings, complex numbers and 8-bit floats are none of them. */
export type Dtype = keyof typeof FORMATS;

export const formatOf = (dtype: Dtype): Format => FORMATS[dtype];

/** The type of ONNX's number for it; undefined where there is none here. */
export const dtypeOf = (code: number): Dtype | undefined => BY_CODE.get(code);
const BY_CODE: ReadonlyMap<number, Dtype> = new Map(
  Object.entries(FORMATS).map(([name, { code }]) => [code, name as Dtype]),
);

export const isReal = (dtype: Dtype): boolean => FORMATS[dtype].kind === "real";
