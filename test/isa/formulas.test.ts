import fc from "fast-check";
import seedrandom from "seedrandom";
import { describe, expect, test } from "vitest";
import { FIELDS, type Field, type FieldName, type Settings } from "../../src/arch/fields.ts";
import { arrayCost, arrayLatency, type Product } from "../../src/isa/array.ts";
import { trafficOf } from "../../src/isa/cost.ts";
import type { OpDef, Span } from "../../src/isa/define.ts";
import { footprintOf } from "../../src/isa/footprint.ts";
import { TERMS, termsOf } from "../../src/isa/formulas.ts";
import { ops } from "../../src/isa/table.ts";
import { legalOperands, variant } from "../conformance/op-bench.ts";
import { evaluate } from "../support/formula.ts";

/**
 * Sizes of memories bound what is legal and cost nothing; without the path of a chain, a chain is illegal; the rows of
 * the DRAM are no operation's cost.
 */
const FIXED = /\.(bytes|entries|banks|chained|maxPieces)$|^dram\.(?!bytesPerCycle|latency|burst)/;
const TIMED = (Object.keys(FIELDS) as FieldName[]).filter(
  (name) =>
    FIELDS[name].affects.includes("cost") && !FIELDS[name].affects.includes("bits") && !FIXED.test(name),
);

const anySettings: fc.Arbitrary<Settings> = fc
  .record(
    Object.fromEntries(
      TIMED.map((name): [string, fc.Arbitrary<number | string>] => {
        const f: Field = FIELDS[name];
        if (f.kind === "choice") return [name, fc.constantFrom(...f.choices)];
        return [name, fc.integer({ min: f.min, max: Math.min(f.max, f.min + 16) })];
      }),
    ),
  )
  .map((changes) => variant("timed", changes).arch);

const activationBytes = (spans: readonly Span[], arch: Settings): number =>
  spans.filter(({ space }) => space === "activation").reduce((sum, span) => sum + trafficOf(span, arch), 0);

describe.each(ops.map((op) => [op.name, op as OpDef] as const))("%s", (name, op) => {
  const addresses = Object.keys(op.fields).filter((field) => op.fields[field]!.kind === "address");

  test("costs what its formulas say, on every machine", () => {
    fc.assert(
      fc.property(anySettings, fc.nat(), (arch, seed) => {
        const x = legalOperands(op, arch, seedrandom(`${name}/${seed}`), {});
        const io = { reads: op.reads(x, arch), writes: op.writes(x, arch) };
        const names = { ...x, in: activationBytes(io.reads, arch), out: activationBytes(io.writes, arch) };
        const worth = op.cost.map(({ unit, lead, beats, latency }) => ({
          unit,
          ...(lead === undefined ? {} : { lead: evaluate(lead, names, arch) }),
          beats: evaluate(beats, names, arch),
          latency: evaluate(latency, names, arch),
        }));
        expect(worth).toEqual(op.stages(x, arch, io));
      }),
      { numRuns: 30, seed: 1 },
    );
  });

  test("passes over its operands as often as its formulas say", () => {
    fc.assert(
      fc.property(anySettings, fc.nat(), (arch, seed) => {
        const x = legalOperands(op, arch, seedrandom(`${name}/${seed}`), {});
        const { reads, writes } = footprintOf(op, x, addresses, arch);
        for (const { field, span } of [...reads, ...writes])
          expect(span.passes ?? 1).toBe(evaluate(op.passes?.[field] ?? "1", x, arch));
      }),
      { numRuns: 15, seed: 2 },
    );
  });

  test("moves the bytes of its operands that its formulas say", () => {
    fc.assert(
      fc.property(anySettings, fc.nat(), (arch, seed) => {
        const x = legalOperands(op, arch, seedrandom(`${name}/${seed}`), {});
        const { reads, writes } = footprintOf(op, x, addresses, arch);
        for (const { field, span } of [...reads, ...writes]) {
          if (span.space !== "activation") continue;
          const packed = `packed(${span.count}, ${span.bits}) * ${span.passes ?? 1}`;
          expect(trafficOf(span, arch)).toBe(evaluate(op.bytes?.[field] ?? packed, x, arch));
        }
      }),
      { numRuns: 30, seed: 5 },
    );
  });
});

const anyProduct: fc.Arbitrary<Product> = fc.record({
  m: fc.integer({ min: 1, max: 300 }),
  k: fc.integer({ min: 1, max: 300 }),
  n: fc.integer({ min: 1, max: 40 }),
  weightBits: fc.integer({ min: 2, max: 16 }),
  activationBits: fc.integer({ min: 2, max: 16 }),
});

test("the array's formulas are its closed ones, for products of any size", () => {
  fc.assert(
    fc.property(anySettings, anyProduct, (arch, p) => {
      const { m, k, n, weightBits, activationBits } = p;
      const worth = (term: string) =>
        evaluate(`${term}(${[m, k, n, weightBits, activationBits].join(", ")})`, {}, arch);
      const { cycles, weightPasses, vectorPasses } = arrayCost(p, arch);
      expect({
        cycles: worth("array"),
        weightPasses: worth("weightPasses"),
        vectorPasses: worth("vectorPasses"),
        latency: evaluate("arrayLatency", {}, arch),
      }).toEqual({ cycles, weightPasses, vectorPasses, latency: arrayLatency(arch) });
    }),
    { numRuns: 2000, seed: 3 },
  );
});

test("a formula rests on the terms that it names, and on theirs; every term is some operation's", () => {
  const names = (formulas: readonly string[]) => termsOf(formulas).map(({ name }) => name);
  expect(names(["max(ceil(n / vector.lanes), stream)"])).toEqual(["in", "out", "stream"]);
  expect(names(["in.latency + inBits + dram.burst"])).toEqual([]);
  expect(names(["arrayLatency"])).toEqual(["arrayLatency"]);
  const all = (ops as readonly OpDef[]).flatMap(({ cost }) =>
    cost.flatMap(({ lead = "0", beats, latency }) => [lead, beats, latency]),
  );
  const passes = (ops as readonly OpDef[]).flatMap((op) => Object.values(op.passes ?? {}));
  const bytes = (ops as readonly OpDef[]).flatMap((op) => Object.values(op.bytes ?? {}));
  expect(termsOf([...all, ...passes, ...bytes])).toEqual(TERMS);
});
