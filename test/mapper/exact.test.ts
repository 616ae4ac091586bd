import seedrandom from "seedrandom";
import { describe, expect, test } from "vitest";
import { type ArchSpec, makeArch } from "../../src/arch/spec.ts";
import { InputError } from "../../src/base/errors.ts";
import { validate } from "../../src/isa/validate.ts";
import { type Compiled, compile } from "../../src/kernels/compile.ts";
import type { Weights } from "../../src/kernels/image.ts";
import { endOf, fixedMapping, type Mapping, type MatrixMapping } from "../../src/kernels/mapping.ts";
import { kernels } from "../../src/kernels/table.ts";
import { Bench, type Case, caseOf, computationOf, expectExact } from "../kernels/harness.ts";
import { draw, pick, type Rng, randomArch } from "../support/machines.ts";

/** Mappings that are tried for each sample. */
const TRIES = 3;
const LANES = 3;

/** Any mapping of these matrices whose buffers and resident matrices fit the machine: the rest is streamed. */
function randomMapping(rng: Rng, matrices: readonly Weights[], arch: ArchSpec): Mapping {
  const room = arch.settings["weight.bytes"];
  const step = matrices.reduce((product, { bits }) => product * bits, 2);
  const least = Math.max(...matrices.map(({ columns, bits }) => Math.ceil((8 * columns * bits) / 8)));
  const bytes = step * (Math.ceil(least / step) + draw(rng, 0, 2));
  const count = draw(rng, 2, 4);
  let next = count * bytes;
  const mapped = matrices.map((matrix, i): MatrixMapping => {
    const end = endOf([matrix], next);
    const stays = end <= room && rng() < 0.5;
    const some = 8 * draw(rng, 1, 3);
    const partEnd = endOf([{ ...matrix, rows: some }], next);
    const keeps = !stays && some < matrix.rows && partEnd <= room && rng() < 0.5;
    if (stays) next = end;
    if (keeps) next = partEnd;
    return {
      name: `m${i}`,
      place: stays ? "resident" : "streamed",
      ...(keeps && { kept: some }),
      ...(rng() < 0.7 && { rows: 8 * draw(rng, 1, 4) }),
      ...(rng() < 0.7 && { vectors: draw(rng, 1, 5) }),
      ...(rng() < 0.7 && { order: pick(rng, ["tiles-outside", "vectors-outside"] as const) }),
      ...(rng() < 0.7 && { steps: draw(rng, 1, 4) }),
    };
  });
  return { by: "search", buffers: { count, bytes }, matrices: mapped };
}

/** A machine on which the kernels' samples fit, with little or much weight SRAM. */
const machineOf = (rng: Rng): ArchSpec =>
  makeArch({
    ...randomArch(rng).settings,
    ...{ "activation.bytes": 16_384, "table.bytes": 65_536, "pwl.maxPieces": 32 },
    ...{ "acc.bits": pick(rng, [32, 40]), "requant.kind": "multiplier", "requant.multiplierBits": 16 },
    ...{ "weight.bytes": pick(rng, [1024, 4096, 65_536]) },
  });

/** The sample by itself. */
/** Runs the sample under a mapping; says nothing of one that does not fit. */
function ran(one: Case, mapping: Mapping, where: string): boolean {
  const { arch } = one;
  let compiled: Compiled;
  try {
    compiled = compile(arch, computationOf(one), mapping);
  } catch (error) {
    if (error instanceof InputError) return false;
    throw error;
  }
  const extents = { image: compiled.image.bytes, data: compiled.dataBytes };
  const faults = validate(compiled.run, arch.settings, extents);
  if (faults.length > 0) expect.fail(`${where}: ${faults[0]}`);
  const bench = new Bench(compiled, arch, LANES);
  try {
    expectExact(bench.run(one.codes), one);
  } catch (error) {
    expect.fail(`${where}: ${(error as Error).message}`);
  }
  return true;
}

test("random mappings on random machines give, bit for bit, what the plain loops give, from legal programs", () => {
  const runs = new Map<string, number>();
  for (const { name, samples } of kernels) {
    for (const sample of samples) {
      const rng = seedrandom(`mapping of ${name}: ${sample.name}`);
      for (let i = 0; i < TRIES; i++) {
        const one = caseOf(name, sample, machineOf(rng));
        if (one.q.matrices.length === 0) break;
        const mapping = randomMapping(rng, one.q.matrices, one.arch);
        const isRun = ran(one, mapping, `${name}, ${sample.name}, ${JSON.stringify(mapping)}`);
        runs.set(name, (runs.get(name) ?? 0) + (isRun ? 1 : 0));
      }
    }
  }
  for (const name of ["linear", "linear-tanh", "lstm", "attention"])
    expect(runs.get(name), name).toBeGreaterThan(4);
  expect(runs.get("lstm")).toBeGreaterThan(60);
});

describe("a mapping that does not fit", () => {
  const matrix = (rows: number, columns: number, bits = 8): Weights => ({
    ...{ rows, columns, bits, codes: new Int32Array(rows * columns) },
  });
  const matrices = [matrix(16, 100), matrix(64, 40)];
  const arch = makeArch({ "weight.bytes": 3000 });
  const refusal = (change: (fixed: Mapping) => Mapping): string => {
    const computation = { inputs: [], matrices, lower: () => [] };
    try {
      compile(arch, computation, change(fixedMapping(arch, matrices, ["query", "key"])));
    } catch (error) {
      return error instanceof InputError ? error.message : String(error);
    }
    return "nothing";
  };
  const at =
    (i: number, change: Partial<MatrixMapping>) =>
    (fixed: Mapping): Mapping => ({
      ...fixed,
      matrices: fixed.matrices.map((one, k) => (k === i ? { ...one, ...change } : one)),
    });

  test.each<[string, (fixed: Mapping) => Mapping, RegExp]>([
    ["the fixed rule's", (fixed) => fixed, /^nothing$/],
    [
      "names the tensor, its bytes and the memory",
      at(1, { place: "resident" }),
      /weight\.bytes: 3000 bytes, \d+ of them taken, cannot hold key, 2560 bytes$/,
    ],
    [
      "buffers beyond the memory",
      (fixed) => ({ ...fixed, buffers: { count: 2, bytes: 1504 } }),
      /weight\.bytes: 3000 bytes cannot hold 2 stream buffers of 1504$/,
    ],
    [
      "buffers too small for a tile",
      (fixed) => ({ ...fixed, buffers: { count: 4, bytes: 160 } }),
      /weight\.bytes: 4 stream buffers of 160 bytes cannot stream query, 800 bytes a tile of 8 rows$/,
    ],
    [
      "one buffer",
      (fixed) => ({ ...fixed, buffers: { ...fixed.buffers, count: 1 } }),
      /1 stream buffers of \d+ bytes cannot stream query/,
    ],
    ["rows off their step", at(0, { rows: 12 }), /query: a tile of 12 rows is no multiple of 8$/],
    ["rows kept off their step", at(0, { kept: 12 }), /query: 12 rows kept are no multiple of 8 below 16$/],
    ["all rows kept", at(0, { kept: 16 }), /query: 16 rows kept are no multiple of 8 below 16$/],
    ["no rows kept", at(0, { kept: 0 }), /query: 0 rows kept are no multiple of 8 below 16$/],
    [
      "rows kept of what stays",
      at(0, { place: "resident", kept: 8 }),
      /query: 8 rows kept of a matrix that stays whole$/,
    ],
    [
      "more rows kept than there is room for",
      at(1, { kept: 40 }),
      /weight\.bytes: 3000 bytes, \d+ of them taken, cannot hold 40 rows of key, 1600 bytes$/,
    ],
    ["no vectors", at(0, { vectors: 0 }), /query: a block of 0 vectors is no count$/],
    ["half a step", at(1, { steps: 0.5 }), /key: input products of 0\.5 steps at once are no count$/],
    [
      "a matrix too few",
      (fixed) => ({ ...fixed, matrices: fixed.matrices.slice(1) }),
      /a mapping of 1 matrices for 2$/,
    ],
  ])("%s", (_, change, message) => {
    expect(refusal(change)).toMatch(message);
  });
});
