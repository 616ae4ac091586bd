import seedrandom from "seedrandom";
import { describe, expect, test } from "vitest";
import { makeArch } from "../../src/arch/spec.ts";
import type { Field, OpDef, Span } from "../../src/isa/define.ts";
import { MachineState } from "../../src/isa/state.ts";
import { byName, ops } from "../../src/isa/table.ts";
import { validate } from "../../src/isa/validate.ts";
import { pick } from "../isa/random.ts";
import { Bench, EXTENTS, legalOperands, type Variant, variant } from "./op-bench.ts";
import { DEFINITIONS, type Definition } from "./op-definitions.ts";
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
  }),
  variant("17 bits wrapping, two shifts", {
    ...{ "acc.bits": 17, "requant.kind": "two-shift", "requant.rounding": "half-up", "mac.dataflow": "dot" },
    ...{ "mac.multiplier": "fused", "pwl.slopeBits": 9 },
  }),
  variant("one shift", { "requant.kind": "shift", "requant.rounding": "floor", "pwl.slopeBits": 7 }),
  variant(
    "TFLite's double rounding",
    { "requant.rounding": "tflite-double", "requant.multiplierBits": 31 },
    { wideAccumulators: false, lacks: ["affine"] }, // whose multiplier has 16 bits
  ),
  variant("TFLite's single rounding", { "requant.rounding": "tflite-single", "requant.multiplierBits": 16 }),
  variant("40 bits, outputs stationary", {
    ...{ "acc.bits": 40, "mac.dataflow": "output-stationary", "requant.rounding": "ceiling" },
  }),
  variant("16 bits saturating, outputs stationary", {
    ...{ "acc.bits": 16, "acc.overflow": "saturate", "mac.dataflow": "output-stationary" },
    ...{ "requant.rounding": "half-zero", "requant.multiplierBits": 5, "pwl.slopeBits": 4 },
  }),
  variant("32 bits held wide", { "requant.rounding": "truncate", "mac.dataflow": "input-stationary" }),
];

const all: readonly OpDef[] = ops;

/** Instructions of each operation on each variant. */
const SAMPLES = 12;
const LANES_CHECKED = [0, 6, 15];

const operand = (x: Readonly<Record<string, number>>, field: string): number => x[field]!;

const definitionOf = (op: OpDef): Definition<Readonly<Record<string, number>>> =>
  DEFINITIONS[op.name as keyof typeof DEFINITIONS] as unknown as Definition<Readonly<Record<string, number>>>;

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

interface Spans {
  readonly reads: readonly Span[];
  readonly writes: readonly Span[];
}

function spansOf(op: OpDef, x: Readonly<Record<string, number>>, { arch }: Variant): Spans {
  const { codes } = definitionOf(op);
  const moved = (span: Span) => (codes === undefined ? span : codes(span, x));
  return { reads: op.reads(x, arch).map(moved), writes: op.writes(x, arch).map(moved) };
}

/** Random legal operands; now and then the result takes the place of an operand, where that is legal. */
function operandsOf(op: OpDef, { arch }: Variant, rng: () => number): Readonly<Record<string, number>> {
  const x = legalOperands(op, arch, rng, definitionOf(op).given?.(rng) ?? {});
  const { dst } = op.fields as { readonly dst?: Field };
  if (dst === undefined || rng() < 0.6) return x;
  const inPlace = Object.entries(op.fields)
    .filter(([name, { space }]) => name !== "dst" && space === dst.space)
    .map(([name]) => ({ ...x, [name]: operand(x, "dst") }))
    .filter(
      (moved) => validate({ name: "p", items: [{ op, x: moved, by: {} }] }, arch, EXTENTS).length === 0,
    );
  return pick(rng, [x, ...inPlace, ...inPlace]);
}

function expectDefined(
  bench: Bench,
  spans: Spans,
  lane: number,
  wanted: readonly (readonly bigint[])[],
  what: string,
) {
  if (wanted.length !== spans.writes.length) expect.fail(`${what}: ${wanted.length} results for its spans`);
  for (const [i, { space, bits, from, count }] of spans.writes.entries()) {
    const got = bench.state.read(space, bits, from, count, lane);
    const want = wanted[i]!.map(Number);
    if (want.length !== count) expect.fail(`${what}: ${want.length} codes for a span of ${count}`);
    for (let c = 0; c < count; c++)
      if (!Object.is(got[c], want[c]))
        expect.fail(`${what}: lane ${lane}: ${space} code ${c} is ${got[c]}, defined as ${want[c]}`);
  }
}

function expectSame(a: Bench, b: Bench, spans: readonly Span[], what: string) {
  for (const span of spans) if (!a.bytesOf(span).equals(b.bytesOf(span))) expect.fail(what);
  expect(b.counters(), what).toEqual(a.counters());
}

function expectConformance(op: OpDef, v: Variant, { simd, twin, scrambled }: Benches, rng: () => number) {
  const x = operandsOf(op, v, rng);
  const what = `${op.name} ${JSON.stringify(x)}`;
  const { prepare, results } = definitionOf(op);
  prepare?.(x, simd.state, rng);
  const spans = spansOf(op, x, v);
  simd.adopt(spans.reads);
  for (const bench of [twin, scrambled]) bench.copyFrom(simd, spans.reads);

  const lanes = LANES_CHECKED.map((lane) => ({ lane, definition: new Lane(simd.state, lane) }));
  const wanted = lanes.map(({ definition }) => results(x, definition));
  for (const bench of [simd, twin, scrambled]) op.run(x, bench.state);

  for (const [i, { lane }] of lanes.entries()) expectDefined(simd, spans, lane, wanted[i]!, what);
  const counted = simd.counters();
  for (const { lane, definition } of lanes) {
    const got = [counted.saturations[lane], counted.overflows[lane]];
    expect(got, `${what}: counted in lane ${lane}`).toEqual([definition.saturations, definition.overflows]);
  }
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
    const spans = spansOf(op, x, v);
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
      run: (x, s) => fill.run({ ...x, value: operand(x, "value") === 0 ? 1 : 0 }, s),
    };
    expect(attempt(wrong)).toThrow(/defined as/);
  });
});
