import seedrandom from "seedrandom";
import { describe, expect, test } from "vitest";
import { type ArchSpec, makeArch } from "../../src/arch/spec.ts";
import { signed } from "../../src/fixed/format.ts";
import { sizeOf } from "../../src/isa/footprint.ts";
import { type Issued, type Program, unroll } from "../../src/isa/program.ts";
import { INDEX_BITS, WIDE_BITS, WORD_BITS } from "../../src/isa/widths.ts";
import { compile } from "../../src/kernels/compile.ts";
import { encodeInputs } from "../../src/kernels/define.ts";
import { Floats, named } from "../../src/kernels/floats.ts";
import { kernels } from "../../src/kernels/table.ts";
import { BASELINES } from "../../src/machine/area.ts";
import { BASELINE_BITS, baselineMachine } from "../../src/machine/baseline.ts";
import { makeRecipe } from "../../src/quant/recipe.ts";
import { computationOf } from "./harness.ts";

const roomy = makeArch({ "activation.bytes": 1_048_576, "table.bytes": 1_048_576 }, "roomy");

describe("floats", () => {
  const table = {
    ...{ in: signed(8), out: { bits: 15, signed: false }, slopeBits: 6, offsetFraction: 3 },
    knots: Int32Array.of(-128, 0),
    bases: Int32Array.of(1, 2),
    slopes: Int32Array.of(3, 4),
    shifts: Int32Array.of(5, 6),
  };

  test("have one width, keep lengths and signs, and leave nothing of what codes meant", () => {
    const floats = new Floats(32);
    const grid = { format: signed(8), scale: 0.25, zero: -3 };
    expect(floats.grid(grid)).toEqual({ format: signed(32), scale: 1, zero: 0 });
    const wide = floats.table({ ...table, mirror: { inSum: 4, outSum: 9 } });
    expect(wide).toMatchObject({ in: signed(32), out: { bits: 32, signed: false }, slopeBits: 32 });
    expect(wide).toMatchObject({
      offsetFraction: 0,
      shifts: Int32Array.of(0),
      mirror: { inSum: 0, outSum: 0 },
    });
    expect([wide.knots, wide.bases, wide.slopes].map(({ length }) => length)).toEqual([2, 2, 2]);
    expect(floats.table(table)).not.toHaveProperty("mirror");
    const weights = { rows: 1, columns: 3, bits: 4, codes: Int32Array.of(7, -7, 7) };
    expect(floats.weights(weights)).toMatchObject({ rows: 1, columns: 3, bits: 32 });
    expect(floats.weights(weights).codes).toHaveLength(3);
    expect(weights.codes).toEqual(Int32Array.of(7, -7, 7));
  });

  test("keep what is one array one, and any two others apart", () => {
    const floats = new Floats(16);
    const codes = Int32Array.of(1, 2);
    expect(floats.codes(codes)).toBe(floats.codes(codes));
    expect(floats.codes(codes)).not.toEqual(floats.codes(Int32Array.of(1, 2)));
    const biases = [new Float64Array(2), new Float64Array(2)].map((one) => floats.biases(one));
    expect(new Set(biases.flatMap((one) => [...one])).size).toBe(4);
  });

  test("of a record with fields that may be absent leave those out", () => {
    expect(named<{ a: number; b?: number }>({ a: 1, b: undefined })).toStrictEqual({ a: 1 });
  });
});

/** Bytes of activations that are read at another width than they were written at, by instruction. */
function misread(issued: readonly Issued[], { settings }: ArchSpec): string[] {
  const held = new Map<number, number>();
  const faults = new Set<string>();
  for (const { op, x } of issued) {
    const own = (spans: ReturnType<typeof op.reads>) => spans.filter(({ space }) => space === "activation");
    for (const span of own(op.reads(x, settings))) {
      for (let at = span.from; at < span.from + sizeOf(span); at++) {
        if (held.get(at) !== span.bits) faults.add(`${op.name} reads ${span.bits} bits of ${held.get(at)}`);
      }
    }
    for (const span of own(op.writes(x, settings)))
      for (let at = span.from; at < span.from + sizeOf(span); at++) held.set(at, span.bits);
  }
  return [...faults];
}

/** Widths of what a program reads and writes in the machine's memories, as `memory bits`. */
function widthsOf(issued: readonly Issued[], { settings }: ArchSpec, space: string): Set<number> {
  const spans = issued.flatMap(({ op, x }) => [...op.reads(x, settings), ...op.writes(x, settings)]);
  return new Set(spans.filter((span) => span.space === space).map(({ bits }) => bits));
}

const namesOf = (program: Program): string[] => unroll(program).map(({ op }) => op.name);

const cases = kernels.flatMap(({ name, samples }) =>
  samples.map((sample) => ({ name: `${name}: ${sample.name}`, kernel: name, sample })),
);

describe.each(BASELINES)("every kernel in %s", (float) => {
  const bits = BASELINE_BITS[float];
  const machine = baselineMachine(roomy, float);

  test.each(cases)(
    "$name: the integer program's instructions, all of whose operands are floats",
    ({ kernel, sample }) => {
      const drawn = sample.draw(seedrandom(sample.name));
      const numerics = { recipe: makeRecipe(sample.recipe), arch: roomy.settings };
      const q = sample.quantize([drawn], numerics);
      const codes = [encodeInputs(drawn, q.inputs)];
      const program = compile(machine, computationOf({ q: q.widen(new Floats(bits)), codes })).run;
      expect(namesOf(program)).toEqual(namesOf(compile(roomy, computationOf({ q, codes })).run));
      const issued = unroll(program);
      // Statistics have the widths of their instructions, indices are none.
      const hasIndices = kernel === "embedding" || kernel === "argmax";
      const fixed = [WORD_BITS, WIDE_BITS, ...(hasIndices ? [INDEX_BITS] : [])];
      const isMirrored = issued.some(({ op }) => op.name === "mirrored");
      const others = [...widthsOf(issued, machine, "activation")].filter(
        (width) => width !== bits && !fixed.includes(width),
      );
      expect([...widthsOf(issued, machine, "weight")].filter((width) => width !== bits)).toEqual([]);
      for (const { x } of issued) if ("gainBits" in x) expect(x["gainBits"]).toBe(bits);
      // A known gap: this instruction gives 16 bits whatever it is asked.
      if (isMirrored && bits !== 16) {
        expect(others).toEqual([16]);
        expect(misread(issued, machine)).not.toEqual([]);
      } else {
        expect(others).toEqual([]);
        expect(misread(issued, machine)).toEqual([]);
      }
    },
  );
});
