import fc from "fast-check";
import seedrandom from "seedrandom";
import { describe, expect, test } from "vitest";
import { DATAFLOWS, type Settings } from "../../src/arch/fields.ts";
import { makeArch } from "../../src/arch/spec.ts";
import { arrayCost, multiplierRate, type Product, streamedCycles } from "../../src/isa/array.ts";
import { parseProgram } from "../../src/isa/asm.ts";
import { zeroSkippedCycles } from "../../src/isa/zero-skip.ts";
import { Machine } from "../../src/machine/machine.ts";
import { time } from "../../src/machine/timing.ts";
import { draw, type Rng } from "../support/machines.ts";

const archOf = (changes: Readonly<Record<string, unknown>>): Settings => makeArch(changes).settings;

/** Machines and products small enough to be looked at slot by slot. */
const RANDOM = fc.record({
  arch: fc.record({
    "mac.rows": fc.integer({ min: 1, max: 4 }),
    "mac.columns": fc.integer({ min: 1, max: 4 }),
    "mac.dataflow": fc.constantFrom(...DATAFLOWS),
    "mac.preload": fc.constantFrom("serial", "overlapped"),
    "mac.multiplier": fc.constantFrom("fixed", "fused", "serial"),
    "mac.outputs": fc.constantFrom("rows", "columns"),
  }),
  kind: fc.constantFrom("weights", "activations", "both"),
  product: fc.record({
    m: fc.integer({ min: 1, max: 9 }),
    k: fc.integer({ min: 1, max: 12 }),
    n: fc.integer({ min: 1, max: 5 }),
    weightBits: fc.constantFrom(2, 4, 8, 12),
    activationBits: fc.constantFrom(4, 8, 16),
  }),
  seed: fc.string(),
});
const RUNS = { seed: 7, numRuns: 600 };

const sparse = (rng: Rng, count: number) =>
  Array.from({ length: count }, () => (rng() < 0.8 ? 0 : draw(rng, -2, 1)));

type Range = readonly [from: number, to: number];
const ranges = (whole: number, side: number): Range[] => {
  const found: Range[] = [];
  for (let from = 0; from < whole; from += side) found.push([from, Math.min(whole, from + side)]);
  return found;
};

/** The folds of a product as the slots in them, each the ranges of m, k and n that the array takes at once. */
function foldsOf(p: Product, arch: Settings): (readonly [m: Range, k: Range, n: Range])[][] {
  const [rows, columns] = [arch["mac.rows"], arch["mac.columns"]];
  const s = multiplierRate(p.weightBits, p.activationBits, arch).products;
  const one = (whole: number) => ranges(whole, 1);
  switch (arch["mac.dataflow"]) {
    case "weight-stationary":
    case "dot":
      return ranges(p.m, columns).flatMap((m) =>
        ranges(p.k, rows * s).map((k) => one(p.n).map((n) => [m, k, n] as const)),
      );
    case "input-stationary":
      return ranges(p.n, columns).flatMap((n) =>
        ranges(p.k, rows * s).map((k) => one(p.m).map((m) => [m, k, n] as const)),
      );
    case "output-stationary": {
      const [high, wide] = arch["mac.outputs"] === "rows" ? [rows, columns] : [columns, rows];
      return ranges(p.m, high).flatMap((m) =>
        ranges(p.n, wide).map((n) => ranges(p.k, s).map((k) => [m, k, n] as const)),
      );
    }
  }
}

test("a slot is passed over if all its weights or all its activations are zero: every slot looked at", () => {
  fc.assert(
    fc.property(RANDOM, ({ arch: changes, kind, product: p, seed }) => {
      const arch = archOf({ ...changes, "mac.zeroSkip": kind });
      const rng = seedrandom(seed);
      const lanes = 2;
      const weights = sparse(rng, p.m * p.k);
      const vectors = sparse(rng, p.n * p.k * lanes);
      const { cycles: t } = multiplierRate(p.weightBits, p.activationBits, arch);
      const all = ([a, b]: Range, [c, d]: Range, isZero: (i: number, j: number) => boolean) => {
        for (let i = a; i < b; i++) for (let j = c; j < d; j++) if (!isZero(i, j)) return false;
        return true;
      };
      const want = Array.from({ length: lanes }, (_, lane) => {
        const folds = foldsOf(p, arch).map((slots) => {
          const kept = slots.filter(([m, k, n]) => {
            const noWeights = all(m, k, (i, j) => weights[i * p.k + j] === 0);
            const noVectors = all(n, k, (i, j) => vectors[(i * p.k + j) * lanes + lane] === 0);
            return !((kind !== "activations" && noWeights) || (kind !== "weights" && noVectors));
          });
          return kept.length * t;
        });
        return streamedCycles(folds, arch);
      });
      expect(zeroSkippedCycles(p, weights, vectors, lanes, arch)).toEqual(want);
    }),
    RUNS,
  );
});

test("folds that all stream alike take the closed formula's cycles, and so does a product without a zero", () => {
  fc.assert(
    fc.property(RANDOM, ({ arch: changes, kind, product: p }) => {
      const arch = archOf({ ...changes, "mac.zeroSkip": kind });
      const { cycles } = arrayCost(p, arch);
      const { cycles: t } = multiplierRate(p.weightBits, p.activationBits, arch);
      const folds = foldsOf(p, arch).map((slots) => slots.length * t);
      expect(streamedCycles(folds, arch)).toBe(cycles);
      const ones = (count: number) => new Array<number>(count).fill(1);
      expect(zeroSkippedCycles(p, ones(p.m * p.k), ones(p.n * p.k), 1, arch)).toEqual([cycles]);
    }),
    RUNS,
  );
});

test("what both kinds of zeros save is at least what each of them saves, and never more than there is", () => {
  fc.assert(
    fc.property(RANDOM, ({ arch, product: p, seed }) => {
      const rng = seedrandom(seed);
      const [weights, vectors] = [sparse(rng, p.m * p.k), sparse(rng, p.n * p.k)];
      const left = (kind: string) =>
        zeroSkippedCycles(p, weights, vectors, 1, archOf({ ...arch, "mac.zeroSkip": kind }))[0]!;
      const least = Math.min(left("weights"), left("activations"));
      return left("both") <= least && left("both") >= 0 && least <= arrayCost(p, archOf(arch)).cycles;
    }),
    RUNS,
  );
});

describe("on the machine", () => {
  // A tree over four terms for two outputs: 8 terms and 4 outputs of 2 vectors are 2 * 2 * 2 slots of a cycle.
  const DOT = { "mac.rows": 4, "mac.columns": 2, "mac.dataflow": "dot", "mac.zeroSkip": "both" };
  const program = parseProgram("matmul w=0 x=0 acc=0 m=4 k=8 n=2 wBits=8 xBits=8 keep=0", "product");
  /** Weights are zero in the last four terms of the last two outputs. */
  const weights = Array.from({ length: 32 }, (_, i) => (i >= 16 && i % 8 >= 4 ? 0 : 1));
  /** In lane 0 the first vector is zero in its first four terms, in lane 1 both are. */
  const vectors = (lane: number) =>
    Array.from({ length: 16 }, (_, i) => (i % 8 < 4 && (lane === 1 || i < 8) ? 0 : 1));

  function countsOn(changes: Readonly<Record<string, unknown>>) {
    const arch = makeArch({ ...DOT, ...changes });
    const image = { bytes: 0, segments: [] };
    const machine = Machine.of(arch, { image, programs: [program], lanes: 2, dataBytes: 0, filled: true });
    machine.state.write("weight", 8, 0, weights);
    for (const lane of [0, 1]) machine.state.write("activation", 8, 0, vectors(lane), lane);
    machine.run(program);
    const { skippedCycles } = machine.takeCounts();
    expect(machine.takeCounts().skippedCycles).toEqual([0, 0]);
    return skippedCycles;
  }

  test.each([
    ["none", [0, 0]],
    ["weights", [2, 2]], // one of four folds, for both vectors
    ["activations", [2, 4]], // the slots of a vector, in both halves of the outputs
    ["both", [4, 6]],
  ])("zeros of %s save slots, in each lane its own: %j", (kind, saved) => {
    expect(countsOn({ "mac.zeroSkip": kind })).toEqual(saved);
  });

  test("no more than what the memories leave: the weights need eight cycles to pass", () => {
    expect(countsOn({ "weight.bytesPerCycle": 8 })).toEqual([0, 0]);
    expect(countsOn({ "weight.bytesPerCycle": 16 })).toEqual([4, 4]);
  });

  test("and no cycle of the clock", () => {
    const cycles = (kind: string) => time(program, makeArch({ ...DOT, "mac.zeroSkip": kind })).cycles;
    expect(cycles("both")).toBe(cycles("none"));
  });
});
