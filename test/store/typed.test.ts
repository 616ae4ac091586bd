import fc from "fast-check";
import { expect, test } from "vitest";
import { type Kind, kindOf, valuesOf } from "../../src/store/typed.ts";
import { FACTS } from "./batches.ts";

test.each<readonly [string, readonly string[], Kind]>([
  ["cycles", ["1", "-20"], "INT64"],
  ["cycles", ["1", ""], "INT64"],
  ["cycles", ["9223372036854775807", "-9223372036854775808"], "INT64"],
  ["cycles", ["9223372036854775808"], "DOUBLE"],
  ["cycles", ["", ""], "DOUBLE"],
  ["per_pct", ["1.0", "2"], "DOUBLE"],
  ["per_pct", ["Infinity", "-Infinity", "NaN"], "DOUBLE"],
  ["per_pct", ["1e+21", "-2.5e-7"], "DOUBLE"],
  ["per_pct", ["1.0", "none"], "STRING"],
  ["point", ["1", "2"], "INT64"],
  ["arch_hash", ["123456789012"], "STRING"],
  ["changes", [""], "STRING"],
  ["nobody knows", ["1"], "INT64"],
  ["nobody knows", ["0.5"], "DOUBLE"],
  ["nobody knows", ["007"], "STRING"],
  ["nobody knows", ["-"], "STRING"],
  ["nobody knows", ["", ""], "STRING"],
])("%s with %j is kept as %s", (name, texts, kind) => {
  expect(kindOf(texts, FACTS.get(name))).toBe(kind);
});

test("values are those that the texts spell, to the last digit", () => {
  const whole = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
  fc.assert(
    fc.property(fc.array(whole), fc.array(fc.double()), (integers, reals) => {
      expect(valuesOf(integers.map(String), "INT64")).toEqual(integers);
      expect(valuesOf(reals.map(String), "DOUBLE")).toEqual(reals.map((real) => (real === 0 ? 0 : real)));
    }),
  );
  expect(valuesOf(["", "1"], "INT64")).toEqual([null, 1n]);
  expect(valuesOf(["", "1"], "DOUBLE")).toEqual([null, 1]);
  expect(valuesOf(["-0.0000"], "DOUBLE")).toEqual([0]);
  expect(valuesOf(["", "1"], "STRING")).toEqual(["", "1"]);
});
