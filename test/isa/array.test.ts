import fc from "fast-check";
import seedrandom from "seedrandom";
import { describe, expect, test } from "vitest";
import { DATAFLOWS, type Dataflow, type Settings } from "../../src/arch/fields.ts";
import { makeArch } from "../../src/arch/spec.ts";
import {
  arrayCost,
  arrayLatency,
  leastCycles,
  multiplierRate,
  type Product,
  passLength,
} from "../../src/isa/array.ts";

import { draw } from "../support/machines.ts";
import { worked } from "./grid.ts";

const archOf = (changes: Readonly<Record<string, unknown>>): Settings => makeArch(changes).settings;
const product = (m: number, k: number, n: number, weightBits = 8, activationBits = 8): Product => ({
  m,
  k,
  n,
  weightBits,
  activationBits,
});

/** A stretch of indices that a fold takes: the array's side, or what is left. */
const pieces = (whole: number, side: number): number => {
  let count = 0;
  for (let left = whole; left > 0; left -= side) count++;
  return count;
};

/** A product on a systolic array by bookkeeping: when each multiplier does each of its products. */
interface Fold {
  /** Elements that stream past, each `t` cycles in the first multiplier. */
  readonly streamed: number;
}

/** The folds of a product, in order, and whether something is loaded before one starts. */
function foldsOf(p: Product, dataflow: Dataflow, rows: number, columns: number): Fold[] {
  const of = (folds: number, streamed: number): Fold[] => Array.from({ length: folds }, () => ({ streamed }));
  switch (dataflow) {
    case "weight-stationary":
      return of(pieces(p.k, rows) * pieces(p.m, columns), p.n);
    case "input-stationary":
      return of(pieces(p.k, rows) * pieces(p.n, columns), p.m);
    case "output-stationary":
      return of(pieces(p.m, rows) * pieces(p.n, columns), p.k);
    case "dot":
      return of(pieces(p.k, rows) * pieces(p.m, columns), p.n);
  }
}

/**
 * Cycles until the last multiplier is done. Multiplier (r, c) takes element e of a fold r + c cycles after (0, 0)
 * does. A stationary fold is loaded a row a cycle beforehand; outputs that stayed are emptied a row a cycle afterwards,
 * which only the next fold has to wait for.
 */
function bruteForce(p: Product, arch: Settings): number {
  const [rows, columns] = [arch["mac.rows"], arch["mac.columns"]];
  const dataflow = arch["mac.dataflow"];
  const overlapped = arch["mac.preload"] === "overlapped";
  let loaded = 0; // when the fold's operands are in the shadow registers
  let free = 0; // when the first multiplier may take the fold's first element
  let end = 0; // when the last multiplier is done with the last fold
  for (const { streamed } of foldsOf(p, dataflow, rows, columns)) {
    if (dataflow === "dot") {
      for (let e = 0; e < streamed; e++) end++;
      continue;
    }
    const isLoaded = dataflow !== "output-stationary";
    if (!overlapped) free = end;
    if (isLoaded) for (let r = 0, from = overlapped ? loaded : free; r < rows; r++) loaded = from + r + 1;
    const start = isLoaded ? Math.max(free, loaded) : free;
    for (let e = 0; e < streamed; e++)
      for (let r = 0; r < rows; r++)
        for (let c = 0; c < columns; c++) end = Math.max(end, start + e + r + c + 1);
    if (isLoaded) loaded = start; // the shadow registers are free again
    free = start + (isLoaded ? streamed : Math.max(streamed, rows));
  }
  return end;
}

const SIDES = [
  [1, 1],
  [1, 4],
  [3, 1],
  [2, 3],
  [4, 4],
  [5, 2],
] as const;
const SHAPES = [1, 2, 3, 5, 8].flatMap((m) =>
  [1, 4, 7].flatMap((k) => [1, 2, 6].map((n) => product(m, k, n))),
);

describe.each(DATAFLOWS.flatMap((d) => (["serial", "overlapped"] as const).map((p) => [d, p] as const)))(
  "%s, preload %s",
  (dataflow, preload) => {
    const archs = SIDES.map(([rows, columns]) =>
      archOf({ "mac.rows": rows, "mac.columns": columns, "mac.dataflow": dataflow, "mac.preload": preload }),
    );

    test("the closed formula is the count of every multiplier's every product", () => {
      for (const arch of archs) {
        for (const p of SHAPES) {
          const [got, want] = [arrayCost(p, arch).cycles, bruteForce(p, arch)];
          if (got !== want) {
            const side = `${arch["mac.rows"]} x ${arch["mac.columns"]}`;
            expect.fail(`${p.m} x ${p.k} x ${p.n} on ${side}: ${got} cycles, counted ${want}`);
          }
        }
      }
    });

    test("no fewer cycles than all multipliers busy would take", () => {
      for (const arch of archs)
        for (const p of SHAPES)
          expect(arrayCost(p, arch).cycles).toBeGreaterThanOrEqual(leastCycles(p, arch));
    });

    test("every operand is read at least once, and as often as there are folds that need it", () => {
      for (const arch of archs) {
        for (const p of SHAPES) {
          const { weightPasses, vectorPasses, sumPasses } = arrayCost(p, arch);
          const wide = pieces(p.m, arch["mac.columns"]);
          const want = {
            "weight-stationary": [1, wide],
            "input-stationary": [pieces(p.n, arch["mac.columns"]), 1],
            "output-stationary": [pieces(p.n, arch["mac.columns"]), pieces(p.m, arch["mac.rows"])],
            dot: [p.n, wide],
          }[dataflow];
          expect([weightPasses, vectorPasses]).toEqual(want);
          const deep = dataflow === "output-stationary" ? 1 : pieces(p.k, arch["mac.rows"]);
          expect(sumPasses).toBe(deep);
        }
      }
    });
  },
);

test("an array of multipliers, stepped cycle by cycle with registers between them, takes as long and gives the product", () => {
  const side = fc.integer({ min: 1, max: 5 });
  const changes = fc.record({
    "mac.rows": side,
    "mac.columns": side,
    "mac.dataflow": fc.constantFrom(...DATAFLOWS),
    "mac.preload": fc.constantFrom("serial", "overlapped"),
    "mac.multiplier": fc.constantFrom("fixed", "fused", "serial"),
    "mac.outputs": fc.constantFrom("rows", "columns"),
  });
  const size = (max: number) => fc.integer({ min: 1, max });
  const width = fc.constantFrom(2, 3, 4, 8, 12);
  const products = fc.record({
    ...{ m: size(12), k: size(20), n: size(9) },
    ...{ weightBits: width, activationBits: width },
  });
  const seen = new Set<string>();
  fc.assert(
    fc.property(changes, products, fc.string(), (some, p, seed) => {
      const arch = archOf(some);
      const rng = seedrandom(seed);
      const codes = (rows: number) =>
        Array.from({ length: rows }, () => Array.from({ length: p.k }, () => draw(rng, -128, 127)));
      const [weights, vectors] = [codes(p.m), codes(p.n)];
      const { cycles, sums } = worked(p, weights, vectors, arch);
      const want = vectors.map((x) => weights.map((w) => w.reduce((sum, code, i) => sum + code * x[i]!, 0)));
      expect(sums).toEqual(want);
      expect(arrayCost(p, arch).cycles).toBe(cycles);
      seen.add([some["mac.dataflow"], some["mac.preload"], some["mac.multiplier"]].join(" "));
    }),
    { seed: 11, numRuns: 600 },
  );
  expect(seen.size).toBe(4 * 2 * 3);
});

// A. Samajdar et al., SCALE-Sim, arXiv:1811.02883: cycles of a fold, everything one after the other.
test("with serial preload the formulas are SCALE-Sim's", () => {
  const [R, C] = [16, 8];
  const serial = (dataflow: Dataflow) =>
    archOf({ "mac.rows": R, "mac.columns": C, "mac.dataflow": dataflow, "mac.preload": "serial" });
  const [m, k, n] = [40, 100, 33];
  const cycles = (dataflow: Dataflow) => arrayCost(product(m, k, n), serial(dataflow)).cycles;
  expect(cycles("output-stationary")).toBe(3 * 5 * (k + R + C - 2));
  expect(cycles("weight-stationary")).toBe(7 * 5 * (2 * R + C + n - 2));
  expect(cycles("input-stationary")).toBe(7 * 5 * (2 * R + C + m - 2));
});

// The same product with weights and vectors, and thus outputs and vectors, exchanged.
test("outputs along the columns are the transposed product's along the rows", () => {
  for (const [rows, columns] of SIDES) {
    const sides = { "mac.rows": rows, "mac.columns": columns, "mac.dataflow": "output-stationary" };
    for (const preload of ["serial", "overlapped"]) {
      const arch = (outputs: string) => archOf({ ...sides, "mac.preload": preload, "mac.outputs": outputs });
      for (const p of SHAPES) {
        const { cycles, weightPasses, vectorPasses } = arrayCost(p, arch("columns"));
        const turned = arrayCost({ ...p, m: p.n, n: p.m }, arch("rows"));
        expect([cycles, weightPasses, vectorPasses]).toEqual([
          turned.cycles,
          turned.vectorPasses,
          turned.weightPasses,
        ]);
      }
    }
  }
});

test("the side of the outputs is an output-stationary array's business alone", () => {
  for (const dataflow of DATAFLOWS) {
    if (dataflow === "output-stationary") continue;
    const arch = (outputs: string) =>
      archOf({ "mac.rows": 3, "mac.columns": 5, "mac.dataflow": dataflow, "mac.outputs": outputs });
    for (const p of SHAPES) expect(arrayCost(p, arch("columns"))).toEqual(arrayCost(p, arch("rows")));
  }
});

/** Machines and products at random, of every dataflow, multiplier and width. */
const RANDOM = fc.record({
  arch: fc.record({
    "mac.rows": fc.integer({ min: 1, max: 40 }),
    "mac.columns": fc.integer({ min: 1, max: 40 }),
    "mac.dataflow": fc.constantFrom(...DATAFLOWS),
    "mac.multiplier": fc.constantFrom("fixed", "fused", "serial"),
    "mac.outputs": fc.constantFrom("rows", "columns"),
    "mac.weightBits": fc.integer({ min: 1, max: 16 }),
    "mac.activationBits": fc.integer({ min: 1, max: 16 }),
  }),
  product: fc.record({
    m: fc.integer({ min: 1, max: 5000 }),
    k: fc.integer({ min: 1, max: 5000 }),
    n: fc.integer({ min: 1, max: 5000 }),
    weightBits: fc.integer({ min: 2, max: 16 }),
    activationBits: fc.integer({ min: 2, max: 16 }),
  }),
});
const SEED = { seed: 4, numRuns: 3000 };

test("whatever the widths and the multiplier: overlap never costs cycles, nothing beats all multipliers at work", () => {
  fc.assert(
    fc.property(RANDOM, ({ arch, product }) => {
      const [serial, overlapped] = ["serial", "overlapped"].map((preload) =>
        archOf({ ...arch, "mac.preload": preload }),
      );
      const cycles = arrayCost(product, overlapped!).cycles;
      return cycles <= arrayCost(product, serial!).cycles && cycles >= leastCycles(product, overlapped!);
    }),
    SEED,
  );
});

test("a fused or a serial multiplier is never the slower for a bit less of a weight", () => {
  fc.assert(
    fc.property(RANDOM, ({ arch, product }) => {
      if (product.weightBits === 2) return true;
      const settings = archOf(arch);
      const narrower = arrayCost({ ...product, weightBits: product.weightBits - 1 }, settings).cycles;
      return narrower <= arrayCost(product, settings).cycles;
    }),
    SEED,
  );
});

test("a product cut at whole folds costs a serial array what it costs in one", () => {
  fc.assert(
    fc.property(RANDOM, fc.integer({ min: 1, max: 4 }), ({ arch, product }, folds) => {
      const settings = archOf({ ...arch, "mac.preload": "serial" });
      if (arch["mac.dataflow"] === "input-stationary") return true;
      const side = arch["mac.dataflow"] === "output-stationary" && arch["mac.outputs"] === "rows";
      const m = folds * (side ? arch["mac.rows"] : arch["mac.columns"]);
      if (m >= product.m) return true;
      const [a, b] = [m, product.m - m].map((part) => arrayCost({ ...product, m: part }, settings).cycles);
      return a! + b! === arrayCost(product, settings).cycles;
    }),
    SEED,
  );
});

test("overlapped preload never costs cycles", () => {
  for (const dataflow of DATAFLOWS) {
    const sides = { "mac.rows": 4, "mac.columns": 3, "mac.dataflow": dataflow };
    const [serial, overlapped] = ["serial", "overlapped"].map((preload) =>
      archOf({ ...sides, "mac.preload": preload }),
    );
    for (const p of SHAPES)
      expect(arrayCost(p, overlapped!).cycles).toBeLessThanOrEqual(arrayCost(p, serial!).cycles);
  }
});

// products every cycles, for 8 x 8 bit multipliers
test.each([
  ["fixed", 8, 8, 1, 1],
  ["fixed", 4, 4, 1, 1],
  ["fixed", 9, 8, 1, 2],
  ["fixed", 16, 16, 1, 4],
  ["fused", 8, 8, 1, 1],
  ["fused", 4, 8, 2, 1],
  ["fused", 4, 4, 4, 1],
  ["fused", 5, 4, 2, 1],
  ["fused", 3, 2, 8, 1],
  ["fused", 2, 2, 16, 1],
  ["fused", 16, 4, 2, 2],
  ["fused", 16, 16, 1, 4],
  ["serial", 8, 8, 1, 8],
  ["serial", 3, 8, 1, 3],
  ["serial", 2, 4, 1, 2],
  ["serial", 4, 16, 1, 8],
  ["serial", 16, 9, 1, 32],
] as const)(
  "a %s multiplier of 8 x 8 bits takes weights of %i and activations of %i bits: %i every %i",
  (kind, weightBits, activationBits, products, cycles) => {
    expect(multiplierRate(weightBits, activationBits, archOf({ "mac.multiplier": kind }))).toEqual({
      products,
      cycles,
    });
  },
);

test("a multiplier that is not square, and one that does not halve", () => {
  const fused = { "mac.multiplier": "fused", "mac.weightBits": 4, "mac.activationBits": 16 };
  expect(multiplierRate(4, 4, archOf(fused))).toEqual({ products: 4, cycles: 1 });
  expect(multiplierRate(8, 8, archOf(fused))).toEqual({ products: 2, cycles: 2 });
  const odd = { "mac.multiplier": "fused", "mac.weightBits": 6, "mac.activationBits": 5 };
  expect(multiplierRate(3, 2, archOf(odd))).toEqual({ products: 2, cycles: 1 });
  expect(multiplierRate(2, 2, archOf(odd))).toEqual({ products: 2, cycles: 1 });
});

test("products that share a multiplier deepen the array, slow ones stretch the stream", () => {
  const arch = (multiplier: string, dataflow: Dataflow) =>
    archOf({
      "mac.rows": 4,
      "mac.columns": 4,
      "mac.multiplier": multiplier,
      "mac.dataflow": dataflow,
      "mac.preload": "serial",
    });
  // 4-bit operands, four to a multiplier: 16 terms deep, so 20 terms are 2 folds of 4 + 3 + 6 cycles.
  expect(arrayCost(product(4, 20, 3, 4, 4), arch("fused", "weight-stationary")).cycles).toBe(2 * (4 + 3 + 6));
  expect(arrayCost(product(4, 20, 3, 4, 4), arch("fused", "output-stationary")).cycles).toBe(5 + 6);
  // 8-bit weights a bit at a time: each of 3 vectors takes 8 cycles, 20 terms are 5 folds.
  expect(arrayCost(product(4, 20, 3), arch("serial", "weight-stationary")).cycles).toBe(5 * (4 + 3 * 8 + 6));
  expect(arrayCost(product(4, 20, 3), arch("serial", "dot")).cycles).toBe(5 * 3 * 8);
});

test("a pass adds up the array's depth, or the whole sum where outputs stay", () => {
  const of = (dataflow: Dataflow, p: Product, multiplier = "fixed") =>
    passLength(p, archOf({ "mac.rows": 4, "mac.dataflow": dataflow, "mac.multiplier": multiplier }));
  expect(of("weight-stationary", product(1, 10, 1))).toBe(4);
  expect(of("input-stationary", product(1, 3, 1))).toBe(3);
  expect(of("dot", product(1, 10, 1))).toBe(4);
  expect(of("output-stationary", product(1, 10, 1))).toBe(10);
  expect(of("dot", product(1, 100, 1, 4, 4), "fused")).toBe(16);
});

test.each([
  [1, 1],
  [2, 2],
  [3, 3],
  [4, 3],
  [5, 4],
  [16, 5],
  [17, 6],
  [256, 9],
])("an adder tree over %i products is %i registers deep", (rows, depth) => {
  expect(arrayLatency(archOf({ "mac.rows": rows, "mac.dataflow": "dot" }))).toBe(depth);
});

test("a systolic array's outputs leave through one register", () => {
  for (const dataflow of ["weight-stationary", "output-stationary", "input-stationary"])
    expect(arrayLatency(archOf({ "mac.dataflow": dataflow }))).toBe(1);
});

test("the fewest cycles: products over multipliers, rounded down", () => {
  const arch = archOf({ "mac.rows": 4, "mac.columns": 4, "mac.multiplier": "serial" });
  expect(leastCycles(product(8, 8, 2), arch)).toBe((8 * 8 * 2 * 8) / 16);
  expect(leastCycles(product(1, 1, 1, 2, 8), arch)).toBe(0);
});
