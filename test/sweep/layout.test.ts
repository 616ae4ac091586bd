import fc from "fast-check";
import { expect, test } from "vitest";
import { makeArch } from "../../src/arch/spec.ts";
import { formatProgram } from "../../src/isa/asm.ts";
import { programsOf } from "../../src/model/job.ts";
import { MODELS } from "../../src/model/table.ts";
import { makeRecipe } from "../../src/quant/recipe.ts";
import { layoutOf } from "../../src/sweep/layout.ts";
import { subjectOf } from "../../src/sweep/subject.ts";
import { experimentOf } from "./lab.ts";

const { g2p } = MODELS;
const subject = subjectOf(experimentOf(["- {}"]).points[0]!.subject);
const params = subject.params as Parameters<typeof g2p.quantize>[0];

/** What only decides the contents of tables. */
const METHODS = ["slope", "gap", "uniform"] as const;
const contents = fc.record({
  gate_method: fc.constantFrom(...METHODS),
  exp_method: fc.constantFrom(...METHODS),
  rsqrt_method: fc.constantFrom(...METHODS),
});
/** What decides more. */
const shapes = fc.record({
  weight_scale: fc.constantFrom("per-channel", "per-tensor"),
  weight_bits: fc.constantFrom(8, 3),
  pwl_pieces: fc.constantFrom(16, 5),
});
/** Machines that cut matrices into tiles, and such as do not. */
const machines = fc.record({
  "acc.entries": fc.constantFrom(400, 4096),
  "weight.bytes": fc.constantFrom(16_384, 1_048_576),
  "pwl.chained": fc.constantFrom("yes", "no"),
  "requant.kind": fc.constantFrom("shift", "multiplier"),
});

test("models of one layout become the same programs, whatever the machine", () => {
  let alike = 0;
  fc.assert(
    fc.property(shapes, contents, contents, machines, (shape, one, other, changes) => {
      const arch = makeArch(changes);
      const [a, b] = [one, other].map((tables) =>
        g2p.quantize(params, subject.ranges, {
          recipe: makeRecipe({ ...shape, ...tables }),
          arch: arch.settings,
        }),
      );
      if (layoutOf(a) !== layoutOf(b)) return;
      alike += Number(JSON.stringify(one) !== JSON.stringify(other));
      const [first, second] = [a!, b!].map((model) => g2p.compile(model, arch, [3, 8]));
      expect(programsOf(second!).map(formatProgram)).toEqual(programsOf(first!).map(formatProgram));
      const places = (job: typeof first) =>
        job!.image.segments.map(({ address, bits, codes }) => [address, bits, codes.length]);
      expect(places(second)).toEqual(places(first));
      expect(second!.residentWeightBytes).toBe(first!.residentWeightBytes);
    }),
    { numRuns: 12, seed: 1 },
  );
  expect(alike).toBeGreaterThan(3);
});

const table = (...bases: readonly number[]) => ({
  knots: new Int32Array([0, 4]),
  bases: new Int32Array(bases),
});
const codes = new Int32Array([1, 2]);

test.each([
  ["another code of a weight", { codes: new Int32Array([1, 2]) }, { codes: new Int32Array([1, 3]) }, true],
  ["other contents of a table", { a: table(1, 2) }, { a: table(1, 3) }, true],
  ["more weights", { codes: new Int32Array(2) }, { codes: new Int32Array(3) }, false],
  [
    "weights that are one array",
    { a: { codes }, b: { codes } },
    { a: { codes }, b: { codes: codes.slice() } },
    false,
  ],
  ["tables that are equal", { a: table(1, 2), b: table(1, 2) }, { a: table(1, 2), b: table(1, 3) }, false],
  ["a bias", { bias: new Float64Array([1, 2]) }, { bias: new Float64Array([1, 3]) }, false],
  ["a zero point", { grid: { zero: 0 } }, { grid: { zero: 1 } }, false],
])("%s: alike, or not", (_, a, b, isAlike) => {
  expect(layoutOf(a) === layoutOf(b)).toBe(isAlike);
});
