import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { InputError } from "../../src/base/errors.ts";
import {
  type ElementBytes,
  fromNpy,
  fromNpyTensor,
  npyTypeOf,
  toNpy,
  toNpyTensor,
} from "../../src/base/npy.ts";

const text = (bytes: Uint8Array): string => String.fromCharCode(...bytes);
const SIZES: readonly ElementBytes[] = [1, 2, 4, 8];

/** What `numpy.save` writes: magic, version 1.0, a header that ends in a line feed on a multiple of 64, elements. */
function saved(
  descr: string,
  shape: string,
  elements: readonly number[],
  { version = [1, 0], isFortran = false } = {},
): Uint8Array {
  const order = isFortran ? "True" : "False";
  const header = `{'descr': '${descr}', 'fortran_order': ${order}, 'shape': ${shape}, }`.padEnd(117);
  return Uint8Array.from([
    ...[0x93, ...Array.from("NUMPY", (c) => c.charCodeAt(0)), ...version, 118, 0],
    ...Array.from(`${header}\n`, (c) => c.charCodeAt(0)),
    ...elements,
  ]);
}

describe(".npy", () => {
  test("is what NumPy writes, byte for byte", () => {
    expect(toNpy([1, -2, 127], 1)).toEqual(saved("|i1", "(3,)", [1, 0xfe, 0x7f]));
    expect(toNpy([1, -2], 2)).toEqual(saved("<i2", "(2,)", [1, 0, 0xfe, 0xff]));
    expect(toNpy([-2], 4)).toEqual(saved("<i4", "(1,)", [0xfe, 0xff, 0xff, 0xff]));
    const wide = [0x01, 0, 0, 0, 0xff, 0xff, 0xff, 0xff];
    expect(toNpy([1 - 2 ** 32], 8)).toEqual(saved("<i8", "(1,)", wide));
    expect(toNpy([], 1)).toEqual(saved("|i1", "(0,)", []));
  });

  test.each(SIZES)("of %i bytes is read as it was written", (bytes) => {
    const limit = bytes === 8 ? Number.MAX_SAFE_INTEGER : 2 ** (8 * bytes - 1) - 1;
    const code = fc.integer({ min: -limit, max: limit });
    fc.assert(
      fc.property(fc.array(code), (codes) => {
        expect(fromNpy(toNpy(codes, bytes), "a.npy")).toEqual({ bytes, shape: [codes.length], codes });
      }),
    );
  });

  test("of more dimensions is read in C order", () => {
    const file = saved("|i1", "(2, 3)", [1, 2, 3, 4, 5, 6]);
    expect(fromNpy(file, "a.npy")).toEqual({ bytes: 1, shape: [2, 3], codes: [1, 2, 3, 4, 5, 6] });
  });

  test("in Fortran order is read in C order", () => {
    const file = saved("|i1", "(2, 3, 2)", [1, 7, 3, 9, 5, 11, 2, 8, 4, 10, 6, 12], { isFortran: true });
    expect(fromNpy(file, "a.npy").codes).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
    expect(fromNpy(saved("|i1", "(99999999999999, 0)", [], { isFortran: true }), "a.npy").codes).toEqual([]);
  });

  test("of real numbers is what NumPy writes, and is read as it was written", () => {
    const single = { dtype: "float32", shape: [2, 1], data: [1.5, -2] } as const;
    expect(toNpyTensor(single)).toEqual(saved("<f4", "(2, 1)", [0, 0, 0xc0, 0x3f, 0, 0, 0, 0xc0]));
    const others = [
      { dtype: "float64", shape: [1, 2, 1], data: [0.1, -Infinity] },
      { dtype: "float32", shape: [], data: [Math.fround(0.1)] },
      { dtype: "uint8", shape: [2], data: [0, 255] },
      { dtype: "bool", shape: [2], data: [0, 1] },
      { dtype: "int64", shape: [2], data: [-1, 2 ** 40] },
      { dtype: "uint16", shape: [2], data: [1, 2 ** 16 - 1] },
      { dtype: "uint32", shape: [2], data: [1, 2 ** 32 - 1] },
      { dtype: "uint64", shape: [3], data: [1, 2 ** 53, 2 ** 63] },
    ] as const;
    for (const tensor of [single, ...others])
      expect(fromNpyTensor(toNpyTensor(tensor), "a.npy")).toEqual({
        ...tensor,
        data: Float64Array.from(tensor.data),
      });
    expect(npyTypeOf("float16")).toBeUndefined();
    expect(() => fromNpy(toNpyTensor(single), "a.npy")).toThrow(
      "a.npy: its header describes no little-endian array of integers",
    );
  });

  test("takes no element that does not fit", () => {
    for (const [code, bytes] of [
      [128, 1],
      [-129, 1],
      [2 ** 15, 2],
      [-(2 ** 31) - 1, 4],
      [2 ** 53, 8],
      [1.5, 4],
    ] as const)
      expect(() => toNpy([0, code], bytes)).toThrow(`element 1: ${code} is no integer of ${bytes} bytes`);
  });

  test("that is another file is refused in one line", () => {
    const refusals = [
      Uint8Array.of(),
      saved("|i1", "(1,)", [0]).fill(0, 0, 1),
      saved("|i1", "(1,)", [0], { version: [2, 0] }),
      saved("<f4", "(1,)", [0, 0, 0, 0]),
      saved(">i4", "(1,)", [0, 0, 0, 0]),
      saved("<i4", "(2,)", [0, 0, 0, 0]),
      saved("|i1", "(1,)", [0]).subarray(0, 60),
      saved("<i8", "(1,)", [0, 0, 0, 0, 0, 0, 0, 0x40]),
    ].map((file) => {
      try {
        return text(Uint8Array.from(fromNpy(file, "a.npy").codes));
      } catch (error) {
        expect(error).toBeInstanceOf(InputError);
        return (error as Error).message;
      }
    });
    expect(refusals).toEqual([
      "a.npy: is no .npy file",
      "a.npy: is no .npy file",
      "a.npy: is a .npy file of version 2.0, not 1.0",
      "a.npy: its header describes no little-endian array of integers",
      "a.npy: its header describes no little-endian array of integers",
      "a.npy: 4 bytes of elements where its shape asks for 8",
      "a.npy: its header describes no little-endian array of integers",
      "a.npy: element 0 is beyond 2^53",
    ]);
  });
});
