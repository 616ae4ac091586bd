import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { InputError } from "../../src/base/errors.ts";
import { toHex } from "../../src/report/hex.ts";
import {
  type ElementBytes,
  fromNpy,
  fromNpyTensor,
  npyTypeOf,
  toNpy,
  toNpyTensor,
} from "../../src/report/npy.ts";

const text = (bytes: Uint8Array): string => String.fromCharCode(...bytes);
const SIZES: readonly ElementBytes[] = [1, 2, 4, 8];

/** What `numpy.save` writes: magic, version 1.0, a header that ends in a line feed on a multiple of 64, elements. */
function saved(descr: string, shape: string, elements: readonly number[], version = [1, 0]): Uint8Array {
  const header = `{'descr': '${descr}', 'fortran_order': False, 'shape': ${shape}, }`.padEnd(117);
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

  test("of real numbers is what NumPy writes, and is read as it was written", () => {
    const single = { dtype: "float32", shape: [2, 1], data: [1.5, -2] } as const;
    expect(toNpyTensor(single)).toEqual(saved("<f4", "(2, 1)", [0, 0, 0xc0, 0x3f, 0, 0, 0, 0xc0]));
    const others = [
      { dtype: "float64", shape: [1, 2, 1], data: [0.1, -Infinity] },
      { dtype: "float32", shape: [], data: [Math.fround(0.1)] },
      { dtype: "uint8", shape: [2], data: [0, 255] },
      { dtype: "bool", shape: [2], data: [0, 1] },
      { dtype: "int64", shape: [2], data: [-1, 2 ** 40] },
    ] as const;
    for (const tensor of [single, ...others])
      expect(fromNpyTensor(toNpyTensor(tensor), "a.npy")).toEqual(tensor);
    expect(npyTypeOf("float16")).toBeUndefined();
    expect(() => fromNpy(toNpyTensor(single), "a.npy")).toThrow(
      "a.npy: its header describes no little-endian integers in C order",
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
      saved("|i1", "(1,)", [0], [2, 0]),
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
      "a.npy: its header describes no little-endian integers in C order",
      "a.npy: its header describes no little-endian integers in C order",
      "a.npy: 4 bytes of elements where its shape asks for 8",
      "a.npy: its header describes no little-endian integers in C order",
      "a.npy: element 0 is beyond 2^53",
    ]);
  });
});

describe(".hex", () => {
  const lines = (codes: readonly number[], bits: number) => toHex(codes, bits).split("\n");

  test("is two's complement, sign-extended to whole digits, a code a line", () => {
    expect(toHex([0, 1, -1, 127, -128], 8)).toBe(
      "// 5 codes of 8 bits, two's complement\n00\n01\nff\n7f\n80\n",
    );
    expect(lines([-1, 7, -8], 4).slice(1)).toEqual(["f", "7", "8", ""]);
    expect(lines([-1, 15, -16], 5).slice(1)).toEqual(["ff", "0f", "f0", ""]);
    expect(lines([-1, -(2 ** 47)], 48).slice(1)).toEqual(["ffffffffffff", "800000000000", ""]);
  });

  test("says every code of every width", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 2, max: 48 }),
        fc.bigInt({ min: -(2n ** 47n), max: 2n ** 47n - 1n }),
        (bits, wide) => {
          const code = Number(BigInt.asIntN(bits, wide));
          const line = lines([code], bits)[1]!;
          expect(BigInt.asIntN(4 * line.length, BigInt(`0x${line}`))).toBe(BigInt(code));
        },
      ),
    );
  });

  test("takes no code that does not fit", () => {
    for (const code of [8, -9, 0.5]) expect(() => toHex([code], 4)).toThrow("is no code of 4 bits");
  });
});
