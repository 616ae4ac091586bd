import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readSafetensors, type Tensor } from "../../src/model/safetensors.ts";
import { safetensorsOf } from "../../src/model/safetensors-writer.ts";

const path = join(mkdtempSync(join(tmpdir(), "shiftline-safetensors-")), "x.safetensors");

function roundTrip(tensors: ReadonlyMap<string, Tensor>): Map<string, Tensor> {
  writeFileSync(path, safetensorsOf(tensors, { by: "a test" }));
  return readSafetensors(path);
}

const half = (values: readonly number[]): readonly number[] => {
  const data = Float32Array.from(values);
  return [...roundTrip(new Map([["x", { dtype: "F16", shape: [data.length], data }]])).get("x")!.data];
};

const tensor = fc
  .tuple(fc.integer({ min: 0, max: 5 }), fc.integer({ min: 0, max: 5 }))
  .chain(([rows, columns]) =>
    fc
      .array(fc.float({ noNaN: true, noDefaultInfinity: true }), {
        minLength: rows * columns,
        maxLength: rows * columns,
      })
      .map((values): Tensor => ({ dtype: "F32", shape: [rows, columns], data: Float32Array.from(values) })),
  );

test("single precision comes back as it was, name, shape and bits", () => {
  fc.assert(
    fc.property(
      fc.dictionary(
        fc.string({ minLength: 1 }).filter((s) => s !== "__metadata__" && s !== "__proto__"),
        tensor,
      ),
      (given) => {
        const tensors = new Map(Object.entries(given));
        expect(roundTrip(tensors)).toEqual(tensors);
      },
    ),
    { numRuns: 50 },
  );
});

describe("half precision", () => {
  test("every finite number of it comes back", () => {
    const numbers = Array.from({ length: 31 * 1024 }, (_, bits) => {
      const [exponent, fraction] = [Math.floor(bits / 1024), bits % 1024];
      return exponent === 0 ? fraction * 2 ** -24 : (1024 + fraction) * 2 ** (exponent - 25);
    });
    const all = [...numbers, ...numbers.map((x) => -x)];
    expect(half(all)).toEqual(all);
  });

  test.each([
    ["a tie below an odd fraction", 1 + 2 ** -11, 1],
    ["a tie above an odd fraction", 1 + 3 * 2 ** -11, 1 + 2 ** -9],
    ["just above a tie", 1 + 2 ** -11 + 2 ** -20, 1 + 2 ** -10],
    ["up into the next power of two", 2 - 2 ** -12, 2],
    ["half of the smallest", 2 ** -25, 0],
    ["above half of the smallest", 2 ** -25 + 2 ** -40, 2 ** -24],
    ["the greatest subnormal, rounded up", 2 ** -14 - 2 ** -26, 2 ** -14],
  ])("rounds to nearest, ties to even: %s", (_, given, wanted) => {
    expect(half([given, -given])).toEqual([wanted, -wanted]);
  });

  test.each([65505, -70000])("%d is beyond it", (x) => {
    expect(() => half([x])).toThrow(RangeError);
  });
});
