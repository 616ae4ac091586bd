import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ExpressionError, readExpression, type Value } from "../../src/base/expression.ts";

const VALUES: Readonly<Record<string, Value>> = {
  ...{ a: 3, b: 4, word: "slope", yes: true, "mac.rows": 16, "mac.columns": 8 },
};
const KNOWN = Object.keys(VALUES);
const resultOf = (text: string): Value => readExpression(text, KNOWN).valueWith((name) => VALUES[name]!);

test.each<[string, Value]>([
  ["a + b * 2", 11],
  ["(a + b) * 2", 14],
  ["2 ** 3 ** 2", 512],
  ["-a ** 2", 9],
  ["7 % b", 3],
  ["1 / 0", Number.POSITIVE_INFINITY],
  ["mac.rows * mac.columns <= 128", true],
  ["mac.rows * mac.columns < 128", false],
  ["a in [1, 2, 3]", true],
  ["word in ['uniform', \"gap\"]", false],
  ["word != 'gap' and a >= 3", true],
  ["word == 'gap' or !yes", false],
  ["yes && a < b || false", true],
  ["not yes or not(a > b)", true],
  ["a < b ? word : b", "slope"],
  ["min(a, b, 2) + max(a, b) + abs(a - b)", 7],
])("%s is %j", (text, value) => {
  expect(resultOf(text)).toBe(value);
});

test("names are told once each, with their dots", () => {
  expect(readExpression("mac.rows + a + mac.rows", KNOWN).names).toEqual(["mac.rows", "a"]);
});

test("a comparison tells what it compares, other expressions nothing", () => {
  const sidesOf = (text: string) =>
    readExpression(text, KNOWN).sides?.map((side) => side((name) => VALUES[name]!));
  expect(sidesOf("mac.rows * mac.columns <= a + 1")).toEqual([128, 4]);
  for (const operator of ["<", ">", ">="]) expect(sidesOf(`a ${operator} 7`)).toEqual([3, 7]);
  for (const text of ["a == b", "a < b and b < a", "a + b", "yes", "!(a < b)"])
    expect(sidesOf(text)).toBeUndefined();
});

test("what decides alone keeps the other side from being asked", () => {
  const never = (): Value => {
    throw new Error("asked");
  };
  expect(readExpression("false and a", KNOWN).valueWith(never)).toBe(false);
  expect(readExpression("true or a", KNOWN).valueWith(never)).toBe(true);
});

test("arithmetic is that of doubles, in the order of the signs", () => {
  const number = fc.double({ noNaN: true, noDefaultInfinity: true });
  fc.assert(
    fc.property(number, number, number, (x, y, z) => {
      const given: Readonly<Record<string, number>> = { x, y, z };
      const resultOf = (text: string) =>
        readExpression(text, ["x", "y", "z"]).valueWith((name) => given[name]!);
      expect(resultOf("x - y * z - x / y")).toBe(x - y * z - x / y);
      expect(resultOf("x < y and y < z")).toBe(x < y && y < z);
    }),
  );
});

describe("refused", () => {
  test.each([
    ["a +", '"a +" is no expression: Expected expression after + at character 3'],
    ["a = 3", '"a = 3" is no expression: Unexpected "=" at character 2'],
    ["a; b", "several expressions where one is wanted"],
    ["a b", "several expressions where one is wanted"],
    ["mac.row > 3", "no such name as mac.row; did you mean mac.rows?"],
    ["constructor", "no such name as constructor; words stand in quotes"],
    ["word == slope", "no such name as slope; words stand in quotes"],
    ["toString()", "no such function as toString, only min, max, abs"],
    ["abs(a, b)", "abs takes one number, not 2"],
    ["min()", "min takes numbers, not 0"],
    ["a[0]", "names are words with dots, as in mac.rows"],
    ["a in 3", "in takes a list, as in [4, 8]"],
    ["[a]", "only numbers, words, names and what joins them have a meaning here"],
    ["[a,,b]", "only numbers, words, names and what joins them have a meaning here"],
    ["a in [1,,2]", "a gap in a list"],
    ["null", "null is no value"],
    ["this", "only numbers, words, names and what joins them have a meaning here"],
    ["word + 1", '+ takes numbers, not "slope"'],
    ["word == 3", '== compares "slope" with 3'],
    ["a and yes", "and takes true or false, not 3"],
    ["!a", "! takes true or false, not 3"],
    ["a ? 1 : 2", "? takes true or false, not 3"],
  ])("%s", (text, message) => {
    expect(() => resultOf(text)).toThrow(new ExpressionError(message));
  });
});
