import { InputError } from "../base/errors.ts";

/** Bytes of one element: NumPy's int8, int16, int32 and int64. */
export type ElementBytes = 1 | 2 | 4 | 8;

/** An array as read, elements in C order. */
export interface NpyArray {
  readonly bytes: ElementBytes;
  readonly shape: readonly number[];
  readonly codes: readonly number[];
}

const MAGIC = "\x93NUMPY";
/** Magic, version 1.0, and the length of the header in two bytes. */
const PREAMBLE_BYTES = MAGIC.length + 4;
/** Elements begin on a multiple of this. */
const ALIGNMENT = 64;
const WORD = 2 ** 32;

const TYPES: readonly (readonly [bytes: ElementBytes, descr: string])[] = [
  [1, "|i1"],
  [2, "<i2"],
  [4, "<i4"],
  [8, "<i8"],
];

/**
 * A one-dimensional array of integers in NumPy's format, version 1.0, little-endian.
 * @throws RangeError for an element that is not an integer of `bytes` bytes, or beyond 2^53
 */
export function toNpy(codes: ArrayLike<number>, bytes: ElementBytes): Uint8Array {
  const [, descr] = TYPES.find(([size]) => size === bytes)!;
  const fields = `{'descr': '${descr}', 'fortran_order': False, 'shape': (${codes.length},), }`;
  const unpadded = PREAMBLE_BYTES + fields.length + 1;
  const start = unpadded + ((ALIGNMENT - (unpadded % ALIGNMENT)) % ALIGNMENT);
  const header = `${fields.padEnd(start - PREAMBLE_BYTES - 1)}\n`;
  const file = new Uint8Array(start + bytes * codes.length);
  const view = new DataView(file.buffer);
  for (let i = 0; i < MAGIC.length; i++) file[i] = MAGIC.charCodeAt(i);
  view.setUint8(MAGIC.length, 1);
  view.setUint16(MAGIC.length + 2, header.length, true);
  for (let i = 0; i < header.length; i++) file[PREAMBLE_BYTES + i] = header.charCodeAt(i);
  const limit = 2 ** (8 * bytes - 1);
  for (let i = 0; i < codes.length; i++) {
    const code = codes[i]!;
    if (!Number.isSafeInteger(code) || code < -limit || code >= limit)
      throw new RangeError(`element ${i}: ${code} is no integer of ${bytes} bytes`);
    put(view, start + bytes * i, bytes, code);
  }
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
  /^\{'descr': '([|<]i[1248])', 'fortran_order': False, 'shape': \((\d+,|\d+(?:, \d+)+|)\), ?\} *\n$/;

/**
 * Reads what `toNpy` writes, of any number of dimensions.
 * @throws InputError naming `where` for any other file, and for elements beyond 2^53
 */
export function fromNpy(file: Uint8Array, where: string): NpyArray {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const text = (from: number, to: number) => String.fromCharCode(...file.subarray(from, to));
  if (file.length < PREAMBLE_BYTES || text(0, MAGIC.length) !== MAGIC)
    throw new InputError(where, "is no .npy file");
  const version = `${file[MAGIC.length]}.${file[MAGIC.length + 1]}`;
  if (version !== "1.0") throw new InputError(where, `is a .npy file of version ${version}, not 1.0`);
  const start = PREAMBLE_BYTES + view.getUint16(MAGIC.length + 2, true);
  const match = HEADER.exec(text(PREAMBLE_BYTES, start));
  const type = TYPES.find(([, descr]) => descr === match?.[1]);
  if (match === null || type === undefined)
    throw new InputError(where, "its header describes no little-endian integers in C order");
  const [bytes] = type;
  const shape = match[2]!.split(",").filter(Boolean).map(Number);
  const count = shape.reduce((product, extent) => product * extent, 1);
  if (file.length !== start + bytes * count)
    throw new InputError(
      where,
      `${file.length - start} bytes of elements where its shape asks for ${bytes * count}`,
    );
  const codes = Array.from({ length: count }, (_, i) => get(view, start + bytes * i, bytes));
  const odd = codes.findIndex((code) => !Number.isSafeInteger(code));
  if (odd >= 0) throw new InputError(where, `element ${odd} is beyond 2^53`);
  return { bytes, shape, codes };
}

function get(view: DataView, at: number, bytes: ElementBytes): number {
  if (bytes === 1) return view.getInt8(at);
  if (bytes === 2) return view.getInt16(at, true);
  if (bytes === 4) return view.getInt32(at, true);
  return view.getInt32(at + 4, true) * WORD + view.getUint32(at, true);
}
