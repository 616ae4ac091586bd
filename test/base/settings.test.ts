import { expect, test } from "vitest";
import { faultOf, type ParameterTable, settle, suggestion } from "../../src/base/settings.ts";

const TABLE = {
  "mac.rows": { kind: "int", doc: "rows", unit: "row", min: 1, max: 256, default: 16 },
  "energy.add": { kind: "real", doc: "an addition", unit: "pJ", min: 0, max: 10, default: 1 },
  "acc.overflow": { kind: "choice", doc: "at the end", choices: ["wrap", "saturate"], default: "wrap" },
} as const satisfies ParameterTable;

/** Every complaint about these values, and what they settle to. */
function settled(given: Readonly<Record<string, unknown>>) {
  const complaints: string[] = [];
  const entries = new Map(Object.entries(given));
  const values = settle(TABLE, entries, (key, problem) => complaints.push(`${key}: ${problem}`));
  return { values, complaints };
}

test("what is not given has its default", () => {
  expect(settled({ "mac.rows": 8 })).toEqual({
    values: { "mac.rows": 8, "energy.add": 1, "acc.overflow": "wrap" },
    complaints: [],
  });
});

test("both ends of a range are inside it", () => {
  for (const rows of [1, 256]) expect(settled({ "mac.rows": rows }).complaints).toEqual([]);
  expect(settled({ "energy.add": 0.25, "acc.overflow": "saturate" }).complaints).toEqual([]);
});

test.each([
  ["mac.rows", 0, "0 is not an integer in 1 … 256 row"],
  ["mac.rows", 257, "257 is not an integer in 1 … 256 row"],
  ["mac.rows", 1.5, "1.5 is not an integer in 1 … 256 row"],
  ["mac.rows", "16", '"16" is not an integer in 1 … 256 row'],
  ["mac.rows", null, "null is not an integer in 1 … 256 row"],
  ["mac.rows", [16], "[16] is not an integer in 1 … 256 row"],
  ["mac.rows", Number.NaN, "NaN is not an integer in 1 … 256 row"],
  ["energy.add", Number.POSITIVE_INFINITY, "Infinity is not a number in 0 … 10 pJ"],
  ["energy.add", -0.5, "-0.5 is not a number in 0 … 10 pJ"],
  ["acc.overflow", "clamp", '"clamp" is not one of wrap, saturate'],
  ["acc.overflow", true, "true is not one of wrap, saturate"],
] as const)("%s refuses %s", (key, value, problem) => {
  expect(faultOf(TABLE[key], value)).toBe(problem);
});

test("one mistake hides no other, and every faulty value falls back to its default", () => {
  expect(settled({ "mac.rows": 0, "mac.row": 3, "acc.overflow": "clamp", "energy.add": 2 })).toEqual({
    values: { "mac.rows": 16, "energy.add": 2, "acc.overflow": "wrap" },
    complaints: [
      "mac.rows: 0 is not an integer in 1 … 256 row",
      "mac.row: no such parameter; did you mean mac.rows?",
      'acc.overflow: "clamp" is not one of wrap, saturate',
    ],
  });
});

test("what every object inherits is no parameter", () => {
  for (const key of ["constructor", "toString", "__proto__"]) {
    const complaints: string[] = [];
    const values = settle(TABLE, new Map([[key, 3]]), (k, problem) => complaints.push(`${k}: ${problem}`));
    expect(complaints).toEqual([`${key}: no such parameter`]);
    expect(Object.keys(values)).toEqual(Object.keys(TABLE));
  }
});

test("settled values cannot be changed", () => {
  expect(Object.isFrozen(settled({}).values)).toBe(true);
});

test.each([
  ["mac.row", "; did you mean mac.rows?"],
  ["mca.rows", "; did you mean mac.rows?"],
  ["mac.r", "; did you mean mac.rows?"],
  ["mac.", ""],
  ["enormous", ""],
])("a name is suggested up to three slips away: %s", (word, sentence) => {
  expect(suggestion(word, Object.keys(TABLE))).toBe(sentence);
});

test("nothing is suggested where nothing is known", () => {
  expect(suggestion("a", [])).toBe("");
});
