import fc from "fast-check";
import type { ColumnFacts } from "../../src/report/column.ts";
import type { Batch } from "../../src/store/store.ts";

const facts = (name: string, unit: ColumnFacts["unit"], more: Partial<ColumnFacts> = {}): ColumnFacts => ({
  ...{ name, unit, doc: `what ${name} is`, show: "csv" },
  ...more,
});

/** Columns of each kind. */
export const FACTS: ReadonlyMap<string, ColumnFacts> = new Map(
  [
    facts("point", "", { mayBeNumber: true }),
    facts("changes", ""),
    facts("arch_hash", ""),
    facts("cycles", "cycle"),
    facts("per_pct", "%"),
  ].map((one) => [one.name, one]),
);

/** A batch of the columns above and `note`, of which nothing is known. */
export const batchOf = (rows: readonly (readonly string[])[], code = "c0de", epochMs = 0): Batch => ({
  table: { header: [...FACTS.keys(), "note"], rows },
  facts: FACTS,
  codes: rows.map(() => code),
  at: { epochMs, utc: new Date(epochMs).toISOString() },
});

/** Hashes that a reader might take for a number. */
export const ROWS = [
  ["1", "", "000123456789", "9007199254740993", "9.2500", "1"],
  ["2", "weight_bits=4", "12345e678901", "12", "Infinity", "1.5"],
];

const texts = {
  point: fc.integer({ min: 1 }).map(String),
  words: fc.string({ unit: "grapheme" }),
  hash: fc.string({ unit: fc.constantFrom(..."0123456789e"), minLength: 12, maxLength: 12 }),
  whole: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String),
  real: fc.oneof(
    fc.double().map(String),
    fc.double({ min: -1e9, max: 1e9, noNaN: true }).map((value) => value.toFixed(4)),
  ),
  missing: fc.constant(""),
};

/** Rows of any values that such columns may have. */
export const anyRows = fc.array(
  fc.tuple(
    texts.point,
    texts.words,
    texts.hash,
    fc.oneof(texts.whole, texts.missing),
    fc.oneof(texts.real, texts.missing),
    fc.oneof(...Object.values(texts)),
  ),
  { minLength: 1, maxLength: 20 },
);
