import { InputError } from "./errors.ts";

/** Bytes of one element: NumPy's int8, int16, int32 and int64. */
export type ElementBytes = 1 | 2 | 4 | 8;

/** An array of integers as read, elements in C order. */
export interface NpyArray {
  readonly bytes: ElementBytes;
  readonly shape: readonly number[];
  readonly codes: readonly number[];
}

/** An array of any type that is read and written here, elements in C order. */
export interface NpyTensor {
  readonly dtype: NpyType;
  readonly shape: readonly number[];
  readonly data: ArrayLike<number>;
}

const MAGIC = "\x93NUMPY";
/** Magic, version 1.0, and the length of the header in two bytes. */
const PREAMBLE_BYTES = MAGIC.length + 4;
/** Elements begin on a multiple of this. */
const ALIGNMENT = 64;
const WORD = 2 ** 32;

/** NumPy's name of a type, how it is described in a file, and how an element is stored: little-endian. */
interface Type {
  readonly dtype: string;
  readonly descr: string;
  readonly bytes: ElementBytes;
  read(view: DataView, at: number): number;
  write(view: DataView, at: number, x: number): void;
}

const signed = (bytes: ElementBytes): Omit<Type, "dtype" | "descr"> => ({
  bytes,
  read: (view, at) => get(view, at, bytes),
  write: (view, at, x) => put(view, at, bytes, x),
});
const byte: Omit<Type, "dtype" | "descr"> = {
  bytes: 1,
  read: (view, at) => view.getUint8(at),
  write: (view, at, x) => view.setUint8(at, x),
};
/** Written as the signed number of the same bits, modulo 2^(8 bytes). */
const unsigned = (bytes: 2 | 4 | 8): Omit<Type, "dtype" | "descr"> => ({
  bytes,
  read: (view, at) => getUnsigned(view, at, bytes),
  write: (view, at, x) => put(view, at, bytes, x),
});

const TYPES = [
  { dtype: "int8", descr: "|i1", ...signed(1) },
  { dtype: "int16", descr: "<i2", ...signed(2) },
  { dtype: "int32", descr: "<i4", ...signed(4) },
  { dtype: "int64", descr: "<i8", ...signed(8) },
  { dtype: "uint8", descr: "|u1", ...byte },
  { dtype: "uint16", descr: "<u2", ...unsigned(2) },
  { dtype: "uint32", descr: "<u4", ...unsigned(4) },
  { dtype: "uint64", descr: "<u8", ...unsigned(8) },
  { dtype: "bool", descr: "|b1", ...byte },
  {
    dtype: "float32",
    descr: "<f4",
    bytes: 4,
    read: (view: DataView, at: number) => view.getFloat32(at, true),
    write: (view: DataView, at: number, x: number) => view.setFloat32(at, x, true),
  },
  {
    dtype: "float64",
    descr: "<f8",
    bytes: 8,
    read: (view: DataView, at: number) => view.getFloat64(at, true),
    write: (view: DataView, at: number, x: number) => view.setFloat64(at, x, true),
  },
] as const satisfies readonly Type[];

type NpyType = (typeof TYPES)[number]["dtype"];

/** The type of NumPy's name for it; undefined where it is not written here. */
export const npyTypeOf = (name: string): NpyType | undefined =>
  TYPES.find(({ dtype }) => dtype === name)?.dtype;

/**
 * A one-dimensional array of integers in NumPy's format, version 1.0, little-endian.
 * @throws RangeError for an element that is not an integer of `bytes` bytes, or beyond 2^53
 */
export function toNpy(codes: ArrayLike<number>, bytes: ElementBytes): Uint8Array {
  const limit = 2 ** (8 * bytes - 1);
  for (let i = 0; i < codes.length; i++) {
    const code = codes[i]!;
    if (!Number.isSafeInteger(code) || code < -limit || code >= limit)
      throw new RangeError(`element ${i}: ${code} is no integer of ${bytes} bytes`);
  }
  const { dtype } = TYPES.find((type) => type.bytes === bytes && type.dtype.startsWith("int"))!;
  return toNpyTensor({ dtype, shape: [codes.length], data: codes });
}

/** An array in NumPy's format, version 1.0, each element stored as its type stores it: whole numbers are not checked. */
export function toNpyTensor({ dtype, shape, data }: NpyTensor): Uint8Array {
  const { descr, bytes, write }: Type = TYPES.find((type) => type.dtype === dtype)!;
  const sizes = shape.length === 1 ? `${shape[0]},` : shape.join(", ");
  const fields = `{'descr': '${descr}', 'fortran_order': False, 'shape': (${sizes}), }`;
  const unpadded = PREAMBLE_BYTES + fields.length + 1;
  const start = unpadded + ((ALIGNMENT - (unpadded % ALIGNMENT)) % ALIGNMENT);
  const header = `${fields.padEnd(start - PREAMBLE_BYTES - 1)}\n`;
  const file = new Uint8Array(start + bytes * data.length);
  const view = new DataView(file.buffer);
  for (let i = 0; i < MAGIC.length; i++) file[i] = MAGIC.charCodeAt(i);
  view.setUint8(MAGIC.length, 1);
  view.setUint16(MAGIC.length + 2, header.length, true);
  for (let i = 0; i < header.length; i++) file[PREAMBLE_BYTES + i] = header.charCodeAt(i);
  for (let i = 0; i < data.length; i++) write(view, start + bytes * i, data[i]!);
  return file;
}

function put(view: DataView, at: number, bytes: ElementBytes, code: number): void {
  if (bytes === 1) view.setInt8(at, code);
  else if (bytes === 2) view.setInt16(at, code, true);
  else if (bytes === 4) view.setInt32(at, code, true);
  else {
    const low = ((code % WORD) + WORD) % WORD;
    view.setUint32(at, low, true);
    view.setInt32(at + 4, (code - low) / WORD, true);
  }
}

const HEADER =
  /^\{'descr': '([|<][iufb][1248])', 'fortran_order': (False|True), 'shape': \((\d+,|\d+(?:, \d+)+|)\), ?\} *\n$/;

/**
 * Reads what `toNpy` writes, of any number of dimensions.
 * @throws InputError naming `where` for any other file, and for elements beyond 2^53
 */
export function fromNpy(file: Uint8Array, where: string): NpyArray {
  const { type, shape, values } = parse(file, where, (dtype) => dtype.startsWith("int"), "array of integers");
  const odd = values.findIndex((code) => !Number.isSafeInteger(code));
  if (odd >= 0) throw new InputError(where, `element ${odd} is beyond 2^53`);
  return { bytes: type.bytes, shape, codes: Array.from(values) };
}

/**
 * Reads what `toNpyTensor` writes, and arrays that NumPy keeps in Fortran order; 64-bit integers beyond 2^53 come as the nearest double.
 * @throws InputError naming `where` for any other file
 */
export function fromNpyTensor(file: Uint8Array, where: string): NpyTensor {
  const { type, shape, values } = parse(file, where, () => true, "array of a type that is read");
  return { dtype: type.dtype, shape, data: values };
}

function parse(file: Uint8Array, where: string, isTaken: (dtype: string) => boolean, what: string) {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const text = (from: number, to: number) => String.fromCharCode(...file.subarray(from, to));
  if (file.length < PREAMBLE_BYTES || text(0, MAGIC.length) !== MAGIC)
    throw new InputError(where, "is no .npy file");
  const version = `${file[MAGIC.length]}.${file[MAGIC.length + 1]}`;
  if (version !== "1.0") throw new InputError(where, `is a .npy file of version ${version}, not 1.0`);
  const start = PREAMBLE_BYTES + view.getUint16(MAGIC.length + 2, true);
  const match = HEADER.exec(text(PREAMBLE_BYTES, start));
  const type = TYPES.find(({ dtype, descr }) => descr === match?.[1] && isTaken(dtype));
  if (match === null || type === undefined)
    throw new InputError(where, `its header describes no little-endian ${what}`);
  const { bytes, read } = type;
  const shape = match[3]!.split(",").filter(Boolean).map(Number);
  const count = shape.reduce((product, extent) => product * extent, 1);
  if (file.length !== start + bytes * count)
    throw new InputError(
      where,
      `${file.length - start} bytes of elements where its shape asks for ${bytes * count}`,
    );
  const values = new Float64Array(count);
  if (match[2] === "False" || count === 0) {
    for (let i = 0; i < count; i++) values[i] = read(view, start + bytes * i);
  } else {
    const places = fortranPlaces(shape);
    for (let i = 0; i < count; i++) values[i] = read(view, start + bytes * places[i]!);
  }
  return { type, shape, values };
}

/** Where each element, in C order, lies in an array whose first axis runs fastest. */
function fortranPlaces(shape: readonly number[]): ArrayLike<number> {
  let places = Float64Array.of(0);
  let stride = 1;
  for (const extent of shape) {
    const next = new Float64Array(places.length * extent);
    let at = 0;
    for (const place of places) for (let i = 0; i < extent; i++) next[at++] = place + i * stride;
    places = next;
    stride *= extent;
  }
  return places;
}

function get(view: DataView, at: number, bytes: ElementBytes): number {
  if (bytes === 1) return view.getInt8(at);
  if (bytes === 2) return view.getInt16(at, true);
  if (bytes === 4) return view.getInt32(at, true);
  return view.getInt32(at + 4, true) * WORD + view.getUint32(at, true);
}

function getUnsigned(view: DataView, at: number, bytes: 2 | 4 | 8): number {
  if (bytes === 2) return view.getUint16(at, true);
  if (bytes === 4) return view.getUint32(at, true);
  return view.getUint32(at + 4, true) * WORD + view.getUint32(at, true);
}
