import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { toHex } from "../../src/report/hex.ts";

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
