import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { makeArch, overrideArch } from "../../src/arch/spec.ts";
import { InputError } from "../../src/base/errors.ts";
import { hashRecipe, makeRecipe } from "../../src/quant/recipe.ts";
import { loadRecipe } from "../../src/quant/recipe-file.ts";

const folder = mkdtempSync(join(tmpdir(), "shiftline-recipes-"));
afterAll(() => rmSync(folder, { recursive: true }));

function written(text: string, name = "some.yaml"): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

/** What is wrong with such a file, without the folder. */
function faultsOf(text: string): string {
  try {
    loadRecipe(written(text));
  } catch (error) {
    if (error instanceof InputError) return error.message.replaceAll(`${folder}/`, "");
    throw error;
  }
  return "nothing";
}

describe("the recipes that come along", () => {
  const files = readdirSync("recipes");

  test("are the four of the manual", () => {
    expect(files).toEqual(["irnn.yaml", "pulp.yaml", "pure-shift.yaml", "tflite-lstm.yaml"]);
  });

  test.each(files)("%s is legal, and so is the default machine as it asks for it", (file) => {
    const { name, about, values, machine } = loadRecipe(`recipes/${file}`);
    expect(`${name}.yaml`).toBe(file);
    expect(about.length).toBeGreaterThan(20);
    expect(makeRecipe(values)).toMatchObject(values);
    expect(overrideArch(makeArch(), machine, name).settings).toMatchObject(machine);
  });

  test("irnn is the default", () => {
    const { values, machine } = loadRecipe("recipes/irnn.yaml");
    expect(hashRecipe(makeRecipe(values))).toBe(hashRecipe(makeRecipe()));
    expect(machine).toEqual({});
  });
});

describe("a recipe file", () => {
  test("gives what it says and nothing else", () => {
    const path = written("about: few bits\ncell_bits: 12\nmachine: { acc.bits: 24 }\n", "few.yaml");
    expect(loadRecipe(path)).toEqual({
      ...{ name: "few", about: "few bits", values: { cell_bits: 12 }, machine: { "acc.bits": 24 } },
    });
  });

  test("every fault is told with its line, its key and the rule", () => {
    const text = `cel_bits: 12
gain_bits: 99
machine:
  requant.roundin: floor
  acc.bits: many
`;
    expect(faultsOf(text)).toMatchInlineSnapshot(
      `"some.yaml: line 1, column 1: cel_bits: no such parameter; did you mean cell_bits?; line 2, column 1: gain_bits: 99 is not an integer in 3 … 16 bit; about: a recipe says in one line what it is about; line 4, column 3: machine.requant.roundin: no such parameter; did you mean requant.rounding?; line 5, column 3: machine.acc.bits: "many" is not an integer in 8 … 48 bit"`,
    );
  });

  test.each([
    ["[1, 2]", "not a mapping of recipe parameters"],
    ["about: x\nmachine: 3", "machine: not a mapping of architecture parameters"],
    ["about: x\nmachine: { requant: { rounding: floor } }", "machine.requant: no such parameter"],
    ["about: |\n  two\n  lines\n", "about: a recipe says in one line"],
    ["about: ''", "about: a recipe says in one line"],
  ])("%s is refused", (text, wording) => {
    expect(faultsOf(text)).toContain(wording);
  });
});
