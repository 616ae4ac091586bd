import seedrandom from "seedrandom";
import { describe, expect, test } from "vitest";
import { makeArch } from "../../src/arch/spec.ts";
import type { OpDef, Span } from "../../src/isa/define.ts";
import { MachineState } from "../../src/isa/state.ts";
import { byName, ops } from "../../src/isa/table.ts";
import { pick } from "../isa/random.ts";
import { Bench, bytesOf, countersOf, legalOperands, type Variant, variant } from "./op-bench.ts";
import { definitionOf, expectDefined, inPlaceOf, type Operands, spansOf } from "./op-check.ts";
import { Lane } from "./op-lane.ts";

/**
 * Every operation of the table against its definition: the same bits from both backends, from the operands that it
 * declares, and into the spans that it declares.
 */

const VARIANTS: readonly Variant[] = [
  variant("32-bit accumulators", {}, { wideAccumulators: false }),
  variant("24 bits saturating pass by pass", {
    ...{ "acc.bits": 24, "acc.overflow": "saturate", "requant.multiplierBits": 8 },
    ...{ "requant.rounding": "half-even", "pwl.slopeBits": 12 },
    ...{ "pwl.offsetFraction": 6, "pwl.symmetry": "point" },
  }),
  variant("17 bits wrapping, two shifts", {
    ...{ "acc.bits": 17, "requant.kind": "two-shift", "requant.rounding": "half-up", "mac.dataflow": "dot" },
    ...{ "mac.multiplier": "fused", "pwl.slopeBits": 9, "pwl.shifts": "per-piece" },
  }),
  variant("one shift", { "requant.kind": "shift", "requant.rounding": "floor", "pwl.slopeBits": 7 }),
  variant(
    "TFLite's double rounding",
    { "requant.rounding": "tflite-double", "requant.multiplierBits": 31 },
    { wideAccumulators: false },
  ),
  variant("TFLite's single rounding", { "requant.rounding": "tflite-single", "requant.multiplierBits": 16 }),
  variant("40 bits, outputs stationary", {
    ...{ "acc.bits": 40, "mac.dataflow": "output-stationary", "requant.rounding": "ceiling" },
    ...{ "pwl.offsetFraction": 16, "pwl.shifts": "per-piece", "pwl.symmetry": "point" },
  }),
  variant("16 bits saturating, outputs stationary", {
    ...{ "acc.bits": 16, "acc.overflow": "saturate", "mac.dataflow": "output-stationary" },
    ...{ "requant.rounding": "half-zero", "requant.multiplierBits": 5, "pwl.slopeBits": 4 },
  }),
  variant("a requantization in float32", { "requant.rounding": "float32", "requant.multiplierBits": 24 }),
  variant(
    "units that round each in its own way, unchained",
    {
      ...{ "requant.rounding": "half-even", "requant.multiplierBits": 8, "pwl.rounding": "half-down" },
      ...{ "vector.rounding": "tflite-double", "vector.multiplierBits": 31, "pwl.chained": "no" },
    },
    { lacks: ["requant.pwl"] },
  ),
  variant("32 bits held wide", { "requant.rounding": "truncate", "mac.dataflow": "input-stationary" }),
];

const all: readonly OpDef[] = ops;

/** Instructions of each operation on each variant. */
const SAMPLES = 12;
const LANES_CHECKED = [0, 6, 15];

/** Two machines with the same contents, one for each backend, and a third with other contents. */
interface Benches {
  readonly simd: Bench;
  readonly twin: Bench;
  readonly scrambled: Bench;
}

const benchesOf = (v: Variant): Benches => ({
  simd: new Bench(v, "simd", "contents"),
  twin: new Bench(v, "twin", "contents"),
  scrambled: new Bench(v, "simd", "other contents"),
});

/** Random legal operands; now and then the result takes the place of an operand, where that is legal. */
function operandsOf(op: OpDef, { arch }: Variant, rng: () => number): Operands {
  const x = legalOperands(op, arch, rng, definitionOf(op).given?.(rng, arch) ?? {});
  if (rng() < 0.6) return x;
  const inPlace = inPlaceOf(op, x, arch);
  return pick(rng, [x, ...inPlace, ...inPlace]);
}

function expectSame(a: Bench, b: Bench, spans: readonly Span[], what: string) {
  for (const span of spans) if (!bytesOf(a.state, span).equals(bytesOf(b.state, span))) expect.fail(what);
  expect(countersOf(b.state), what).toEqual(countersOf(a.state));
}

function expectConformance(op: OpDef, v: Variant, { simd, twin, scrambled }: Benches, rng: () => number) {
  const x = operandsOf(op, v, rng);
  const what = `${op.name} ${JSON.stringify(x)}`;
  const { prepare, results } = definitionOf(op);
  prepare?.(x, simd.state, rng);
  const spans = spansOf(op, x, v.arch);
  simd.adopt(spans.reads);
  for (const bench of [twin, scrambled]) bench.copyFrom(simd, spans.reads);

  const lanes = LANES_CHECKED.map((lane) => new Lane(simd.state, lane));
  const wanted = lanes.map((lane) => results(x, lane));
  for (const bench of [simd, twin, scrambled]) op.run(x, bench.state);

  for (const [i, lane] of lanes.entries()) expectDefined(simd.state, spans.writes, lane, wanted[i]!, what);
  expectSame(simd, twin, spans.writes, `${what}: the backends differ`);
  expectSame(simd, scrambled, spans.writes, `${what}: the result depends on what is not declared as read`);
  for (const bench of [simd, twin, scrambled]) {
    bench.expectUntouched(spans.writes, what);
    bench.restore(spans.writes);
  }
}

describe.each(VARIANTS.map((v) => [v.name, v] as const))("%s", (name, v) => {
  let made: Benches | undefined;

  test.each(all.filter((op) => !v.lacks.includes(op.name)).map((op) => [op.name, op] as const))(
    "%s",
    (_, op) => {
      const benches = made ?? benchesOf(v);
      made = undefined; // a failure leaves them as they are, and the next operation shall not suffer for it
      const rng = seedrandom(`conformance/${name}/${op.name}`);
      for (let i = 0; i < SAMPLES; i++) expectConformance(op, v, benches, rng);
      made = benches;
    },
  );

  test("what this machine lacks is refused whatever its operands", () => {
    for (const lacking of v.lacks) {
      const op = all.find((known) => known.name === lacking)!;
      const rng = seedrandom(`conformance/${name}/${lacking}`);
      expect(() => operandsOf(op, v, rng), lacking).toThrow("no legal operands");
    }
  });
});

// Each width of each memory is larger than a page here, so that taking it into use grows the simulator's memory.
test.each(all.map((op) => [op.name, op] as const))(
  "%s works on memories that nothing ever touched",
  (_, op) => {
    const v = VARIANTS[0]!;
    const large = makeArch({
      ...{ "activation.bytes": 65_536, "weight.bytes": 262_144, "table.bytes": 262_144, "acc.entries": 4096 },
    }).settings;
    const x = operandsOf(op, v, seedrandom(`conformance/fresh/${op.name}`));
    const spans = spansOf(op, x, v.arch);
    const fresh = () =>
      new MachineState(large, {
        lanes: 16,
        image: { segments: [], bytes: 262_144 },
        dataBytes: 65_536,
        wideAccumulators: false,
      });
    const [untouched, touched] = [fresh(), fresh()];
    for (const { space, bits, from } of [...spans.reads, ...spans.writes]) touched.pointer(space, bits, from);
    for (const s of [untouched, touched]) op.run(x, s);
    for (const { space, bits, from, count } of spans.writes) {
      const got = untouched.read(space, bits, from, count, 3);
      expect(got).toEqual(touched.read(space, bits, from, count, 3));
      expect(got.every(Number.isInteger)).toBe(true);
    }
  },
);

describe("the bench itself notices", () => {
  const v = VARIANTS[0]!;
  const [fill, fetch] = ["fill", "fetch"].map((name) => byName.get(name)!) as [OpDef, OpDef];
  const attempt = (op: OpDef) => () => {
    const rng = seedrandom("conformance/self");
    const made = benchesOf(v);
    for (let i = 0; i < 5; i++) expectConformance(op, v, made, rng);
  };

  test("nothing where nothing is wrong", () => {
    expect(attempt(fill)).not.toThrow();
    expect(attempt(fetch)).not.toThrow();
  });

  test("a write beyond what is declared", () => {
    const sloppy: OpDef = {
      ...fill,
      run(x, s) {
        fill.run(x, s);
        s.write("table", 8, 1000, [s.read("table", 8, 1000, 1)[0]! + 1]);
      },
    };
    expect(attempt(sloppy)).toThrow(/changed table of 8 bits, byte 1000/);
  });

  test("a read beyond what is declared", () => {
    const curious: OpDef = {
      ...fetch,
      reads: (x, arch) => fetch.reads(x, arch).map((span) => ({ ...span, count: 1 })),
    };
    expect(attempt(curious)).toThrow(/not declared as read/);
  });

  test("a declared write that is left out", () => {
    const lazy: OpDef = { ...fill, run: () => {} };
    expect(attempt(lazy)).toThrow(/defined as/);
  });

  test("another result", () => {
    const wrong: OpDef = {
      ...fill,
      run: ({ value, ...x }, s) => fill.run({ ...x, value: value === 0 ? 1 : 0 }, s),
    };
    expect(attempt(wrong)).toThrow(/defined as/);
  });
});
