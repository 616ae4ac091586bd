import { readFileSync } from "node:fs";
import fc from "fast-check";
import seedrandom from "seedrandom";
import { describe, expect, test } from "vitest";
import { FIELDS } from "../../src/arch/fields.ts";
import { loadArch } from "../../src/arch/spec.ts";
import { parseProgram } from "../../src/isa/asm.ts";
import type { OpDef } from "../../src/isa/define.ts";
import { footprintOf } from "../../src/isa/footprint.ts";
import { ops } from "../../src/isa/table.ts";
import { validate, Written } from "../../src/isa/validate.ts";
import { STALL_CAUSES } from "../../src/machine/clock.ts";
import { legalOperands, variant } from "../conformance/op-bench.ts";
import { evaluate } from "../support/formula.ts";
import { blocksOf, EXAMPLE, operandsOf } from "./document.ts";

const DOCUMENT = readFileSync("docs/machine.md", "utf8");
const BLOCK = /(<!-- generated: (.*?) -->\n)([\s\S]*?)(<!-- end -->)/g;

const blocks = blocksOf(loadArch("arch/edge16x16.yaml"));
/** The document with every block as it should be. */
const actual = DOCUMENT.replaceAll(
  BLOCK,
  (_, begin: string, name: string, __, end: string) => `${begin}\n${blocks[name]}\n${end}`,
);

test("every generated part of docs/machine.md is what the tables say", async () => {
  const names = [...DOCUMENT.matchAll(BLOCK)].map(([, , name]) => name!);
  expect(names.toSorted()).toEqual(Object.keys(blocks).toSorted());
  await expect(actual).toMatchFileSnapshot("../../docs/machine.md");
});

test("it names every parameter that changes a bit or a cycle, every stall cause in its order, every operation", () => {
  const missing = (names: readonly string[]) => names.filter((name) => !actual.includes(`\n| \`${name}\` |`));
  const timed = Object.entries(FIELDS).filter(([, { affects }]) => !affects.includes("energy"));
  expect(missing(timed.map(([name]) => name))).toEqual([]);
  const causes = [...actual.matchAll(/^\| `(\w+)` \| stall \|/gm)].map(([, cause]) => cause);
  expect(causes).toEqual(STALL_CAUSES);
  expect(missing(ops.map(({ name }) => name))).toEqual([]);
});

test("its example is legal", () => {
  const { settings } = loadArch("arch/edge16x16.yaml");
  const extents = { image: 1280, data: 32 };
  const found = validate(
    parseProgram(EXAMPLE.join("\n"), "example"),
    settings,
    extents,
    new Written([], settings),
  );
  expect(found).toEqual([]);
});

describe.each(ops.map((op) => [op.name, op as OpDef] as const))("%s", (name, op) => {
  const { arch } = variant("described", {});
  const addresses = Object.keys(op.fields).filter((field) => op.fields[field]!.kind === "address");

  test.each(["reads", "writes"] as const)("%s what the document says, whatever the operands", (side) => {
    const texts = operandsOf(op, side, arch).filter(({ space }) => space !== "table");
    fc.assert(
      fc.property(fc.nat(), (seed) => {
        const x = legalOperands(op, arch, seedrandom(`${name}/${seed}`), {});
        const worth = (formula: string) => evaluate(formula, x, arch);
        const told = texts
          .filter(({ where }) => where === undefined || x[where] === 1)
          .map(({ field, space, count, bits }) => ({ field, space, count: worth(count), bits: worth(bits) }));
        const found = footprintOf(op, x, addresses, arch)[side].filter(({ span }) => span.space !== "table");
        expect(told).toEqual(
          found.map(({ field, span: { space, count, bits } }) => ({ field, space, count, bits })),
        );
      }),
      { numRuns: 15, seed: 4 },
    );
  });
});
