import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { OpDef } from "../../src/isa/define.ts";
import { byName, ops } from "../../src/isa/table.ts";
import { families } from "./fuzz-families.ts";
import { anyKernelCase, checkKernel, type Family } from "./fuzz-kernels.ts";
import type { Compared } from "./fuzz-machines.ts";
import { anyCase, checkCase } from "./fuzz-ops.ts";
import { definitionOf, type Operands } from "./op-check.ts";
import type { Definition } from "./op-definitions.ts";

/**
 * Random shapes, widths, scales, machines and codes: definition in unbounded integers = plain loops = SIMD = machine.
 * SHIFTLINE_FUZZ_SEED draws other cases, SHIFTLINE_FUZZ_RUNS more of them for each operation and each kernel.
 */

const { SHIFTLINE_FUZZ_SEED, SHIFTLINE_FUZZ_RUNS } = process.env;
const DEFAULTS = { seed: 20_260, numRuns: 20, maxSkipsPerRun: 500 };
const SEED = Number(SHIFTLINE_FUZZ_SEED ?? DEFAULTS.seed);
const RUNS = Number(SHIFTLINE_FUZZ_RUNS ?? DEFAULTS.numRuns);
const LEAST_COMPARED = 1_000_000;

const parameters = { ...DEFAULTS, seed: SEED, numRuns: RUNS };
const SOAK_MS = 3_600_000;

const nothing = (): Compared => ({ definitions: 0, loops: 0, backends: 0 });
const compared = nothing();

const all: readonly OpDef[] = ops;

describe("every operation: its definition, and both backends", () => {
  test.each(all.map((op) => [op.name, op] as const))(
    "%s",
    (_, op) => {
      fc.assert(
        fc.property(anyCase(op), (drawn) => checkCase(op, drawn, compared)),
        parameters,
      );
    },
    SOAK_MS,
  );
});

describe("kernels of any shape: the plain loops, and the machine on both backends", () => {
  test.each(families.map((of) => [of.name, of] as const))(
    "%s",
    (_, of) => {
      fc.assert(
        fc.property(anyKernelCase(of), (drawn) => checkKernel(of, drawn, compared)),
        parameters,
      );
    },
    SOAK_MS,
  );
});

test("a million elements at the least were compared", () => {
  const { definitions, loops, backends } = compared;
  console.log(
    `fuzz: ${definitions + loops} elements compared (${definitions} with definitions, ${loops} with plain loops), ` +
      `${backends} between backends, seed ${SEED}, ${RUNS} runs`,
  );
  expect(definitions + loops).toBeGreaterThanOrEqual(LEAST_COMPARED);
});

describe("the fuzzer finds what is wrong, and shrinks it", () => {
  const [sum, add] = ["sum", "add"].map((name) => byName.get(name)!) as [OpDef, OpDef];
  const sums: Family = families.find(({ name }) => name === "sum")!;

  test("a definition that is off by one for rows of four and more", () => {
    const { results } = definitionOf(sum);
    const wrong: Definition<Operands> = {
      results: (x, lane) => {
        const { n } = x;
        return results(x, lane).map((codes) => codes.map((code) => (n! < 4 ? code : code + 1n)));
      },
    };
    const report = fc.check(
      fc.property(anyCase(sum), (drawn) => checkCase(sum, drawn, nothing(), wrong)),
      DEFAULTS,
    );
    expect(report.failed).toBe(true);
    expect(String(report.errorInstance)).toMatch(/sum .*defined as/);
    const [{ machine, blocks, drafts }] = report.counterexample!;
    expect({ machine, blocks }).toEqual({ machine: {}, blocks: 1 });
    expect(drafts).toMatchObject([{ fields: { n: 4, groups: 1, aBits: 2, aZero: 0 }, inPlace: 0 }]);
  });

  test("backends that differ", () => {
    let runs = 0;
    const unequal: OpDef = {
      ...add,
      run(x, s) {
        const { bits, dst, n } = x;
        add.run(x, s);
        const [code] = s.read("activation", bits!, dst!, 1, 15);
        if (++runs % 2 === 0 && n! > 2) s.write("activation", bits!, dst!, [-1 - code!], 15);
      },
    };
    const report = fc.check(
      fc.property(anyCase(unequal), (drawn) => checkCase(unequal, drawn, nothing())),
      DEFAULTS,
    );
    expect(String(report.errorInstance)).toMatch("the backends differ");
    expect(report.counterexample![0].drafts).toMatchObject([{ fields: { n: 3, period: 1 } }]);
  });

  test("plain loops that have another third element", () => {
    const report = fc.check(
      fc.property(anyKernelCase(sums), (drawn) =>
        checkKernel(sums, drawn, nothing(), (q) => ({
          ...q,
          exact: (inputs, arch) =>
            q.exact(inputs, arch).map((y) => y.map((code, i) => (i === 2 ? ~code : code))),
        })),
      ),
      DEFAULTS,
    );
    expect(report.failed).toBe(true);
    expect(String(report.errorInstance)).toMatch(/lane 0\[2\] is/);
    const [{ shape, machine, recipe, lanes }] = report.counterexample!;
    expect({ machine, recipe, lanes }).toEqual({ machine: {}, recipe: {}, lanes: 1 });
    expect(shape).toMatchObject({ length: 3, count: 1 });
  });
});
