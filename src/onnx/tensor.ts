import { InputError } from "../base/errors.ts";
import { type Data, type Dtype, dtypeOf, formatOf } from "./dtype.ts";
import type { TensorProto } from "./proto/onnx_pb.ts";

/** A dimension: its size, the name of a size that the model leaves open, or `UNKNOWN`. */
export type Dim = number | string;
export type Shape = readonly Dim[];

/** A dimension of which nothing is known, not even that it is the same as another. */
export const UNKNOWN = "?";

/** What is known of a value before it is computed; a shape of undefined has not even a rank. */
export interface ValueType {
  readonly dtype: Dtype;
  readonly shape: Shape | undefined;
}

/** A value: elements in row-major order, as many as the shape says. */
export interface Tensor {
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  readonly data: Data;
}

/** More elements than this no value has: they would not fit memory. */
export const MOST_ELEMENTS = 2 ** 28;

export const isConcrete = (shape: Shape | undefined): shape is readonly number[] =>
  shape?.every((size) => typeof size === "number") ?? false;

export const elementsIn = (shape: readonly number[]): number => shape.reduce((all, size) => all * size, 1);

/** Elements from one index of each axis to the next, row-major. */
export function stridesOf(shape: readonly number[]): number[] {
  const strides = new Array<number>(shape.length).fill(1);
  for (let axis = shape.length - 2; axis >= 0; axis--) strides[axis] = strides[axis + 1]! * shape[axis + 1]!;
  return strides;
}

/** Where each element of `shape`, in row-major order, lies in an array with these strides. */
export function offsetsOf(shape: readonly number[], strides: readonly number[], base = 0): Int32Array {
  let offsets = Int32Array.of(base);
  for (const [axis, size] of shape.entries()) {
    if (size === 1) continue;
    const stride = strides[axis]!;
    const next = new Int32Array(offsets.length * size);
    let at = 0;
    for (const offset of offsets) for (let i = 0; i < size; i++) next[at++] = offset + i * stride;
    offsets = next;
  }
  return offsets;
}

/** Strides that repeat a tensor of `shape` over `target`, which it broadcasts to: 0 along repeated axes. */
export function broadcastStrides(shape: readonly number[], target: readonly number[]): number[] {
  const own = stridesOf(shape);
  const lead = target.length - shape.length;
  return target.map((_, axis) => (axis < lead || shape[axis - lead] === 1 ? 0 : own[axis - lead]!));
}

/** A tensor of numbers, each stored as its type stores it. */
export function tensorOf(dtype: Dtype, shape: readonly number[], values: ArrayLike<number>): Tensor {
  const { make, round } = formatOf(dtype);
  const data = make(values.length);
  for (let i = 0; i < values.length; i++) data[i] = round ? round(values[i]!) : values[i]!;
  return { dtype, shape, data };
}

/** A name of the file's on one line of an error, however long and of whatever characters it is. */
export const shown = (name: string): string =>
  (name.length > 60 ? `${name.slice(0, 60)}…` : name).replaceAll(/\p{C}/gu, "?");

/** `float32 [2, batch, 128]`. */
export const textOf = ({ dtype, shape }: ValueType): string =>
  `${dtype} [${shape === undefined ? "of unknown rank" : shape.join(", ")}]`;

/** Fields of a TensorProto that hold elements instead of its raw bytes, and which types each is for. */
const LISTS: readonly { readonly of: keyof TensorProto; readonly dtypes: readonly Dtype[] }[] = [
  { of: "floatData", dtypes: ["float32"] },
  {
    of: "int32Data",
    dtypes: ["int32", "int16", "int8", "uint16", "uint8", "bool", "float16", "bfloat16", "int4", "uint4"],
  },
  { of: "int64Data", dtypes: ["int64"] },
  { of: "doubleData", dtypes: ["float64"] },
  { of: "uint64Data", dtypes: ["uint32", "uint64"] },
];

/** A file's sizes, which must be whole numbers from 0 on whose product is at most `MOST_ELEMENTS`. */
function sizesAt(where: string, dims: readonly bigint[]): readonly number[] {
  const shape = dims.map(Number);
  const odd = shape.find((size) => !(size >= 0));
  if (odd !== undefined) throw new InputError(where, `a dimension of ${odd} is below 0`);
  // Sizes of 0 hide no others: the product of the rest is kept in bounds too.
  const count = elementsIn(shape.map((size) => Math.max(size, 1)));
  if (count > MOST_ELEMENTS)
    throw new InputError(where, `[${shape.join(", ")}] has more than ${MOST_ELEMENTS} elements`);
  return shape;
}

/**
 * The tensor that a file holds. Nothing is allocated before its bytes have been seen to be there.
 * @throws InputError for types that are not read here, for elements kept in other files, and for more or fewer than its shape asks for
 */
export function readTensor(proto: TensorProto, where: string): Tensor {
  const refuse = (problem: string): never => {
    throw new InputError(where, problem);
  };
  if (proto.dataLocation === 1)
    refuse("its elements are in another file (external data): save the model with all weights inside");
  const dtype = dtypeOf(proto.dataType) ?? refuse(`elements of ONNX's type ${proto.dataType} are not read`);
  const shape = sizesAt(where, proto.dims);
  const count = elementsIn(shape);
  const asked = `where ${dtype} [${shape.join(", ")}] takes`;
  const { bits, make, read } = formatOf(dtype);
  if (proto.rawData.length > 0) {
    const bytes = (count * bits + ((8 - ((count * bits) % 8)) % 8)) / 8;
    const raw = proto.rawData;
    if (raw.length !== bytes) refuse(`raw_data of ${raw.length} bytes ${asked} ${bytes}`);
    const view = new DataView(raw.buffer, raw.byteOffset, raw.byteLength);
    const data = make(count);
    for (let i = 0; i < count; i++) data[i] = read(view, i);
    return { dtype, shape, data };
  }
  const field = LISTS.find(({ dtypes }) => dtypes.includes(dtype))!.of;
  const list = proto[field] as readonly (number | bigint)[];
  // Types of fewer than 16 bits beside bytes are packed as they are in raw_data, and 16-bit floats are their bits.
  const isPacked = bits === 4;
  const stored = isPacked ? (count + (count % 2)) / 2 : count;
  if (list.length !== stored) refuse(`${list.length} elements ${asked} ${stored}`);
  return { dtype, shape, data: unlisted(list, dtype, count) };
}

function unlisted(list: readonly (number | bigint)[], dtype: Dtype, count: number): Data {
  const { bits, kind, make, read } = formatOf(dtype);
  const data = make(count);
  if (bits === 4 || (bits === 16 && kind === "real")) {
    const view = new DataView(new ArrayBuffer((bits === 4 ? 1 : 2) * list.length));
    for (const [i, word] of list.entries()) {
      if (bits === 4) view.setUint8(i, Number(word));
      else view.setUint16(2 * i, Number(word), true);
    }
    for (let i = 0; i < count; i++) data[i] = read(view, i);
  } else {
    for (let i = 0; i < count; i++)
      data[i] = kind === "boolean" ? Number(Number(list[i]!) !== 0) : Number(list[i]!);
  }
  return data;
}
