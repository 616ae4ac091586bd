import { expect, test } from "vitest";
import { hashOf } from "../../src/base/hash.ts";

test("twelve hexadecimal digits", () => {
  for (const value of [null, 0, "", [], {}, { a: [1, { b: "c" }] }]) {
    expect(hashOf(value)).toMatch(/^[0-9a-f]{12}$/);
  }
});

test("the order of keys plays no part, at any depth", () => {
  expect(hashOf({ a: 1, b: { c: 2, d: [{ e: 3, f: 4 }] } })).toBe(
    hashOf({ b: { d: [{ f: 4, e: 3 }], c: 2 }, a: 1 }),
  );
});

test("contents do: values, types, order of elements, names and nesting", () => {
  const values = [
    { a: 1 },
    { a: 2 },
    { a: "1" },
    { b: 1 },
    { a: [1] },
    [1, 2],
    [2, 1],
    [[1], 2],
    {},
    [],
    null,
  ];
  expect(new Set(values.map(hashOf)).size).toBe(values.length);
});

test("of a typed array its type and what it sees of its memory", () => {
  const whole = Float32Array.of(1, 2, 3, 4);
  expect(hashOf({ a: whole.subarray(1, 3) })).toBe(hashOf({ a: Float32Array.of(2, 3) }));
  const others = [whole, Float64Array.of(2, 3), Int8Array.of(2, 3), Float32Array.of(3, 2), [2, 3]];
  for (const other of others) expect(hashOf(other)).not.toBe(hashOf(whole.subarray(1, 3)));
});

// Results are filed under these digits: a change of the function is a change of every name.
test("pinned, from sha256 of the canonical text", () => {
  expect(hashOf({})).toBe("44136fa355b3");
  expect(hashOf({ b: [1, null], a: 2 })).toBe("e7ba6536eb54");
});
