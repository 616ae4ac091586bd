import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Ajv } from "ajv";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { loadArch } from "../../src/arch/spec.ts";
import { faultOf, type Parameter } from "../../src/base/settings.ts";
import { loadRecipe } from "../../src/quant/recipe-file.ts";
import { loadExperiment } from "../../src/sweep/experiment.ts";
import { SCHEMA_KINDS, type SchemaKind, schemaOf } from "../../src/sweep/schema.ts";
import { SETTINGS } from "../../src/sweep/space.ts";
import { refusalOf, write } from "./lab.ts";

const ajv = new Ajv({ strict: true, strictRequired: false, strictTypes: false, allowUnionTypes: true });
const validators = Object.fromEntries(SCHEMA_KINDS.map((kind) => [kind, ajv.compile(schemaOf(kind))]));
const accepts = (kind: SchemaKind, value: unknown): boolean => validators[kind]!(value) as boolean;

test.each(SCHEMA_KINDS)("%s: the file that editors read is what the tables say", async (kind) => {
  await expect(`${JSON.stringify(schemaOf(kind), null, 2)}\n`).toMatchFileSnapshot(
    join("..", "..", "docs", "schema", `${kind}.schema.json`),
  );
});

const FOLDERS = { experiment: "experiments", recipe: "recipes", machine: "arch" } as const;

describe.each(SCHEMA_KINDS)("%s", (kind) => {
  const files = readdirSync(FOLDERS[kind]).filter((name) => name.endsWith(".yaml"));

  test.each(files)("accepts %s", (name) => {
    accepts(kind, parse(readFileSync(join(FOLDERS[kind], name), "utf8")));
    expect(validators[kind]!.errors).toBeNull();
  });

  test("refuses what loading refuses: a key that there is not", () => {
    const load = { experiment: loadExperiment, recipe: loadRecipe, machine: loadArch }[kind];
    for (const name of files) {
      const text = `${readFileSync(join(FOLDERS[kind], name), "utf8")}\nodd: 1\n`;
      expect(accepts(kind, parse(text))).toBe(false);
      expect(() => load(write(text))).toThrow("odd");
    }
  });
});

const PLAIN = { question: "Why?", words: { count: 3 }, arch: "edge16x16" };
const accepted = (group: unknown): boolean => accepts("experiment", { ...PLAIN, points: [group] });

test("a value is accepted where the parameter takes it", () => {
  const setting = fc.constantFrom(...Object.entries(SETTINGS));
  const near = ([name, parameter]: readonly [string, Parameter]) =>
    fc.tuple(
      fc.constant(name),
      fc.constant(parameter),
      parameter.kind === "choice"
        ? fc.oneof(fc.constantFrom(...parameter.choices), fc.string())
        : fc.oneof(
            fc.integer({ min: parameter.min - 2, max: parameter.max + 2 }),
            fc.double({ noNaN: true, noDefaultInfinity: true }),
            fc.constant("8"),
          ),
    );
  fc.assert(
    fc.property(setting.chain(near), ([name, parameter, value]) => {
      const isFit = faultOf(parameter, value) === undefined;
      expect(accepted({ set: { [name]: value } })).toBe(isFit);
      expect(accepted({ axes: { [name]: [parameter.default, value] } })).toBe(isFit);
    }),
  );
});

test.each([
  ["points: [{ axes: { cell_bits: { from: 8, to: 12, step: 2 } }, where: cell_bits > 8 }]", true],
  ["points: [{ zip: [{ arch: [edge8x8], recipe: [irnn] }] }]\nbaselines: { a: { set: { seed: 3 } } }", true],
  ["points: [{}]\nderive: { twice: 2 * cycles }", true],
  ["points: []", false],
  ["points: [{ axes: { cell_bits: { from: 8 } } }]", false],
  ["points: [{ axes: { cell_bits: { from: 8, to: 12, step: 2, times: 2 } } }]", false],
  ["points: [{ axes: { pwl_method: { from: 1, to: 2 } } }]", false],
  ["points: [{ set: { arch: edge8x8 } }]", false],
  ["points: [{}]\nderive: { Twice: cycles }", false],
  ["points: [{}]\nbaselines: { 8bit: {} }", false],
])("as loading does: %s", (text, isFit) => {
  const whole = `question: Why?\nwords: { count: 3 }\narch: edge16x16\n${text}\n`;
  expect(accepts("experiment", parse(whole))).toBe(isFit);
  expect(refusalOf(whole) === "nothing").toBe(isFit);
});
