import { readdirSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { FIELDS } from "../../src/arch/fields.ts";
import { type ArchSpec, loadArch, makeArch, overrideArch } from "../../src/arch/spec.ts";
import { InputError } from "../../src/base/errors.ts";
import { maxOf, minOf, storageBytes } from "../../src/fixed/format.ts";
import { REQUANT_KINDS } from "../../src/fixed/requant.ts";
import { ROUNDINGS } from "../../src/fixed/round.ts";
import { loadWeight } from "../../src/isa/ops/dma.ts";
import { unroll } from "../../src/isa/program.ts";
import type { Kernel, Sample } from "../../src/kernels/define.ts";
import { kernels } from "../../src/kernels/table.ts";
import { time } from "../../src/machine/timing.ts";
import type { Recipe } from "../../src/quant/recipe.ts";
import { Bench, caseOf, compile, distanceOf, expectExact, type Result } from "../kernels/harness.ts";

/** No kernel is named here: whatever is in the table is held to the same. */

const machines = readdirSync("arch").map((file) => loadArch(`arch/${file}`));
const FEW = 3;
/** Lanes that a distance is taken over. */
const MANY = 16;

interface Entry {
  readonly kernel: string;
  readonly sample: Sample;
}
/** Every sample of every kernel. */
const samples: readonly Entry[] = kernels.flatMap(({ name, samples }) =>
  samples.map((sample) => ({ kernel: name, sample })),
);

/** Memories just large enough for samples: they take time to make, and their sizes change no bit. */
const SMALL = { "activation.bytes": 8192, "acc.entries": 512, "weight.bytes": 8192, "table.bytes": 8192 };

const isRefused = ({ needsMultiplier }: Sample, { settings }: ArchSpec): boolean =>
  needsMultiplier && settings["requant.kind"] !== "multiplier";

describe.each(kernels)("$name", (kernel: Kernel) => {
  describe.each(machines)("on $name", (arch) => {
    const fitting = kernel.samples.filter((sample) => !isRefused(sample, arch));

    test.each(fitting)("$name: the machine gives what the integer kernel gives, twice", (sample) => {
      const made = caseOf(kernel.name, sample, arch);
      const bench = new Bench(compile(made), arch, FEW);
      const first = bench.run(made.codes);
      expectExact(first, made);
      expect(bench.run(made.codes)).toEqual(first);
    });

    test.each(fitting)("$name: is as near to real arithmetic as is stated", (sample) => {
      const { most, rms } = sample.bound;
      const distance = distanceOf(caseOf(kernel.name, sample, arch), MANY);
      expect(distance.rms).toBeLessThanOrEqual(rms);
      expect(distance.most).toBeLessThanOrEqual(most ?? Number.POSITIVE_INFINITY);
    });

    test.each(fitting)("$name: takes no less time than its MACs alone", (sample) => {
      const { cycles, leastMacCycles, serialCycles } = time(
        compile(caseOf(kernel.name, sample, arch)).run,
        arch,
      );
      expect(cycles).toBeGreaterThan(0);
      expect(cycles).toBeGreaterThanOrEqual(leastMacCycles);
      expect(cycles).toBeLessThanOrEqual(serialCycles);
    });
  });
});

test("what needs a multiplier is refused, in a sentence, by a machine that has none", () => {
  const refused = machines.flatMap((arch) =>
    samples.filter(({ sample }) => isRefused(sample, arch)).map((entry) => ({ ...entry, arch })),
  );
  expect(refused.length).toBeGreaterThan(0);
  for (const { kernel, sample, arch } of refused)
    expect(() => caseOf(kernel, sample, arch), sample.name).toThrow(InputError);
});

/** A sample on a machine that may change with the sample: each of them gets its share. */
const rotated = samples.map(({ kernel, sample }, i) => {
  const able = machines.filter((arch) => !isRefused(sample, arch));
  const arch = overrideArch(able[i % able.length]!, SMALL, "test");
  return { kernel, sample, name: `${kernel}: ${sample.name}`, arch };
});

describe("how many inferences run at once, and on which kernels, changes no bit", () => {
  /** The first lanes of a result. */
  const head = ({ codes, saturations, overflows }: Result, lanes: number): Result => ({
    codes: codes.slice(0, lanes),
    saturations: saturations.slice(0, lanes),
    overflows: overflows.slice(0, lanes),
  });

  test.each(rotated)("$name on $arch.name", ({ kernel, sample, arch }) => {
    const made = caseOf(kernel, sample, arch);
    const compiled = compile(made);
    const all = new Bench(compiled, arch, made.codes.length).run(made.codes);
    expectExact(all, made);
    for (const lanes of [1, 17]) {
      expect(new Bench(compiled, arch, lanes).run(made.codes)).toEqual(head(all, lanes));
    }
    expect(new Bench(compiled, arch, FEW, "twin").run(made.codes)).toEqual(head(all, FEW));
  });
});

describe("codes that no calibration saw", () => {
  /** The lowest everywhere, the highest everywhere, and both by turns. */
  const PATTERNS = [() => minOf, () => maxOf, (i: number) => (i % 2 === 0 ? minOf : maxOf)];

  test.each(rotated)("$name on $arch.name: both ends of every format", ({ kernel, sample, arch }) => {
    const made = caseOf(kernel, sample, arch);
    const { q } = made;
    const codes = PATTERNS.map((pattern, lane) =>
      made.codes[lane]!.map((vectors, k) =>
        vectors.map((x) => x.map((_, i) => pattern(i)(q.inputs[k]!.format))),
      ),
    );
    const result = new Bench(compile(made), arch, PATTERNS.length).run(codes);
    expectExact(result, { exact: (lane) => q.exact(codes[lane]!, arch.settings) });
  });
});

interface Variant {
  readonly changes?: Readonly<Record<string, unknown>>;
  readonly recipe?: Partial<Recipe>;
}

/**
 * One sample on the default machine with changes, which must be exact.
 * @returns undefined where the sample does not fit the machine or the recipe
 */
function attempt({ kernel, sample }: Entry, { changes = {}, recipe = {} }: Variant): Result | undefined {
  try {
    const arch = makeArch({ ...SMALL, ...changes });
    const made = caseOf(kernel, sample, arch, recipe);
    const result = new Bench(compile(made), arch, FEW).run(made.codes);
    expectExact(result, made);
    return result;
  } catch (error) {
    if (error instanceof InputError) return undefined;
    throw error;
  }
}

/** How many samples ran, and the overflows of all of them. */
function attemptAll(variant: Variant) {
  const results = samples.map((entry) => attempt(entry, variant)).filter((result) => result !== undefined);
  const overflows = results.flatMap((result) => result.overflows).reduce((sum, n) => sum + n, 0);
  return { ran: results.length, overflows };
}

describe("weights that do not stay", () => {
  /** A byte less than the weights take, so that one matrix at least is streamed. */
  const cramped = ({ kernel, sample }: Entry) => {
    const { q } = caseOf(kernel, sample, makeArch());
    const bytes = q.matrices.reduce((sum, m) => sum + storageBytes(m.rows * m.columns, m.bits), 0);
    return { "weight.bytes": bytes - 1 };
  };
  const { min } = FIELDS["weight.bytes"];
  const heavy = samples.filter((entry) => cramped(entry)["weight.bytes"] >= min);

  test("streaming them changes no bit", () => {
    const ran = heavy.filter((entry) => attempt(entry, { changes: cramped(entry) }) !== undefined);
    expect(ran.length).toBeGreaterThanOrEqual(3);
  });

  test("they are loaded at every use, and otherwise before", () => {
    const { kernel, sample } = heavy[0]!;
    const loads = (arch: ArchSpec) =>
      unroll(compile(caseOf(kernel, sample, arch)).run).filter(({ op }) => op.name === loadWeight.name);
    expect(loads(makeArch())).toEqual([]);
    expect(loads(makeArch(cramped(heavy[0]!))).length).toBeGreaterThan(0);
  });
});

describe("machines that no file describes", () => {
  const PASSES = { "acc.bits": 13, "mac.rows": 4 };

  test.each([
    { what: "few accumulators, so that products come in ragged blocks", changes: { "acc.entries": 16 } },
    { what: "accumulators of 40 bits, and biases of 48", changes: { "acc.bits": 40 } },
    {
      what: "no path from the requantizer to the PWL unit",
      changes: { "pwl.chained": "no", "acc.entries": 32 },
    },
  ])("$what", ({ changes }) => {
    expect(attemptAll({ changes })).toEqual({ ran: samples.length, overflows: 0 });
  });

  test.each([
    { what: "16 bits, saturating", changes: { "acc.bits": 16, "acc.overflow": "saturate" } },
    { what: "13 bits, saturating, short passes", changes: { ...PASSES, "acc.overflow": "saturate" } },
    { what: "13 bits, wrapping, short passes", changes: PASSES },
    { what: "13 bits, whole sums", changes: { ...PASSES, "mac.dataflow": "output-stationary" } },
    {
      what: "13 bits, two products in a multiplier",
      changes: { ...PASSES, "mac.multiplier": "fused", "mac.weightBits": 16 },
    },
  ])("accumulators that overflow: $what", ({ changes }) => {
    const { ran, overflows } = attemptAll({ changes });
    expect(ran).toBe(samples.length);
    expect(overflows).toBeGreaterThan(0);
  });
});

describe("requantizers of every kind and rounding", () => {
  const operationsOf = ({ kernel, sample }: Entry): string[] =>
    unroll(compile(caseOf(kernel, sample, makeArch())).run).map(({ op }) => op.name);
  /** The sample with most kinds of operations, and of several the one with most of them. */
  const { entry: richest } = samples
    .filter(({ sample }) => !sample.needsMultiplier)
    .map((entry) => ({ entry, names: operationsOf(entry) }))
    .sort((a, b) => new Set(b.names).size - new Set(a.names).size || b.names.length - a.names.length)[0]!;

  const settings = REQUANT_KINDS.flatMap((kind) => ROUNDINGS.map((rounding) => ({ kind, rounding })));

  test.each(settings)("$kind, $rounding", ({ kind, rounding }) => {
    const changes = { "requant.kind": kind, "requant.rounding": rounding };
    expect(attempt(richest, { changes })).toBeDefined();
  });

  test.each(["tflite-double", "tflite-single"])(
    "multipliers of 31 bits, %s: whatever has no norm",
    (rounding) => {
      const { ran } = attemptAll({ changes: { "requant.rounding": rounding, "requant.multiplierBits": 31 } });
      expect(ran).toBeGreaterThanOrEqual(25);
    },
  );
});

describe("requantizers whose remainder is not folded into weights", () => {
  test.each(REQUANT_KINDS)("%s: every sample is exact", (kind) => {
    const changes = { "requant.kind": kind };
    const folded = attemptAll({ changes });
    expect(attemptAll({ changes, recipe: { fold_scale: "no" } }).ran).toBe(folded.ran);
    expect(folded.ran).toBeGreaterThanOrEqual(35);
  });

  test("where a requantizer only shifts, some weights of every kernel that has any become other codes", () => {
    const shifting = makeArch({ ...SMALL, "requant.kind": "shift" });
    const weighing = samples.filter(
      ({ kernel, sample }) =>
        !sample.needsMultiplier && caseOf(kernel, sample, makeArch(SMALL)).q.matrices.length > 0,
    );
    const codesOf = ({ kernel, sample }: Entry, recipe: Partial<Recipe>) =>
      caseOf(kernel, sample, shifting, recipe).q.matrices.flatMap(({ codes }) => [...codes]);
    const differing = weighing.filter(
      (entry) => codesOf(entry, {}).join() !== codesOf(entry, { fold_scale: "no" }).join(),
    );
    const kernels = (entries: readonly Entry[]) => [...new Set(entries.map(({ kernel }) => kernel))];
    const embedding = "embedding"; // is stored, and read as it is: no requantizer comes after it
    expect(kernels(differing)).toEqual(kernels(weighing).filter((name) => name !== embedding));
  });
});

describe("widths that are not whole bytes", () => {
  const all = (bits: number): Partial<Recipe> => ({
    ...{ activation_bits: bits, product_bits: bits, norm_bits: bits, context_bits: bits, weight_bits: bits },
    ...{
      score_bits: bits,
      alpha_bits: bits,
      exp_bits: Math.min(16, 3 * bits),
      cell_bits: Math.min(12, 2 * bits),
    },
  });

  test.each([2, 4, 6, 12])("%i bits: whatever need not be cut inside a byte is exact", (bits) => {
    const { ran } = attemptAll({ recipe: all(bits) });
    expect(ran).toBeGreaterThanOrEqual(35);
  });
});
