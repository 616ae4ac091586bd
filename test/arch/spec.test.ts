import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { FIELDS, type Field, type FieldName } from "../../src/arch/fields.ts";
import { hashArch, loadArch, makeArch, overrideArch, partOf } from "../../src/arch/spec.ts";
import { InputError } from "../../src/base/errors.ts";
import { faultOf } from "../../src/base/settings.ts";

const room = mkdtempSync(join(tmpdir(), "arch-"));
afterAll(() => rmSync(room, { recursive: true }));

/** The machine that a file with this text describes. */
function load(text: string, name = "m.yaml") {
  const path = join(room, name);
  writeFileSync(path, text);
  return loadArch(path);
}

/** What a person reads when this fails. */
function refusal(attempt: () => unknown): string {
  try {
    attempt();
  } catch (error) {
    if (error instanceof InputError) return error.message.replace(`${room}/`, "");
    throw error;
  }
  return "nothing is wrong";
}

const faults = (text: string): string => refusal(() => load(text));

const fields = Object.entries(FIELDS) as [FieldName, Field][];

describe("the parameter table", () => {
  test.each(fields)("%s: its default, and both ends of its range, are legal", (_, field) => {
    expect(faultOf(field, field.default)).toBeUndefined();
    if (field.kind === "choice") {
      expect(new Set(field.choices).size).toBe(field.choices.length);
      for (const word of field.choices) expect(faultOf(field, word)).toBeUndefined();
      expect(faultOf(field, "no such word")).toBeDefined();
    } else {
      for (const end of [field.min, field.max]) expect(faultOf(field, end)).toBeUndefined();
      for (const beyond of [field.min - 1, field.max + 1]) expect(faultOf(field, beyond)).toBeDefined();
    }
  });

  test("every parameter has a sentence and a section", () => {
    for (const [name, field] of fields) {
      expect(name).toMatch(/^[a-z]+\.[a-zA-Z0-9]+$/);
      expect(field.doc).toMatch(/\w/);
    }
  });
});

describe("a file", () => {
  test("has its name without the ending", () => {
    expect(load("", "tiny.yaml").name).toBe("tiny");
    expect(load("", "tiny-2.yml").name).toBe("tiny-2");
  });

  test("nests its sections or dots them", () => {
    const nested = load("mac:\n  rows: 4\n  columns: 8\nacc: { bits: 24 }\n");
    const dotted = load("mac.rows: 4\nmac.columns: 8\nacc.bits: 24\n");
    expect(nested.settings).toEqual(dotted.settings);
    expect(nested.settings).toEqual(makeArch({ "mac.rows": 4, "mac.columns": 8, "acc.bits": 24 }).settings);
  });

  test("may be empty: every parameter has a default", () => {
    expect(load("# nothing\n").settings).toEqual(makeArch().settings);
  });

  test("gives frozen plain data", () => {
    const arch = load("");
    expect([Object.isFrozen(arch), Object.isFrozen(arch.settings)]).toEqual([true, true]);
    expect(structuredClone(arch)).toEqual(arch);
  });
});

describe("a faulty file is refused with line and column:", () => {
  test("an unknown parameter, with the one that was meant", () => {
    expect(faults("mac:\n  rows: 8\n  colums: 8\n")).toMatchInlineSnapshot(
      `"m.yaml: line 3, column 3: mac.colums: no such parameter; did you mean mac.columns?"`,
    );
    expect(faults("cache.bytes: 8\n")).toMatchInlineSnapshot(
      `"m.yaml: line 1, column 1: cache.bytes: no such parameter; did you mean table.bytes?"`,
    );
    expect(faults("mac: 8\n")).toMatchInlineSnapshot(`"m.yaml: line 1, column 1: mac: no such parameter"`);
  });

  test("a parameter that only every object has", () => {
    expect(faults("constructor: 3\n")).toMatchInlineSnapshot(
      `"m.yaml: line 1, column 1: constructor: no such parameter"`,
    );
    expect(faults("__proto__: 3\n")).toMatchInlineSnapshot(
      `"m.yaml: line 1, column 1: __proto__: no such parameter"`,
    );
  });

  test("a value out of range", () => {
    expect(faults("mac:\n  rows: 0\n")).toMatchInlineSnapshot(
      `"m.yaml: line 2, column 3: mac.rows: 0 is not an integer in 1 … 256 row"`,
    );
    expect(faults("acc: { bits: 49 }\n")).toMatchInlineSnapshot(
      `"m.yaml: line 1, column 8: acc.bits: 49 is not an integer in 8 … 48 bit"`,
    );
    expect(faults("energy:\n  dramByte: -1\n")).toMatchInlineSnapshot(
      `"m.yaml: line 2, column 3: energy.dramByte: -1 is not a number in 0 … 1000000 pJ"`,
    );
  });

  test("a value that is no number, or no integer", () => {
    expect(faults("mac:\n  rows: many\n")).toMatchInlineSnapshot(
      `"m.yaml: line 2, column 3: mac.rows: "many" is not an integer in 1 … 256 row"`,
    );
    expect(faults("mac:\n  rows: 7.5\n")).toMatchInlineSnapshot(
      `"m.yaml: line 2, column 3: mac.rows: 7.5 is not an integer in 1 … 256 row"`,
    );
    expect(faults("mac:\n  rows: [8, 16]\n")).toMatchInlineSnapshot(
      `"m.yaml: line 2, column 3: mac.rows: [8,16] is not an integer in 1 … 256 row"`,
    );
    expect(faults("energy:\n  dramByte: .nan\n")).toMatchInlineSnapshot(
      `"m.yaml: line 2, column 3: energy.dramByte: NaN is not a number in 0 … 1000000 pJ"`,
    );
  });

  test("a word that is not among the choices", () => {
    expect(faults("mac: { dataflow: row-stationary }\n")).toMatchInlineSnapshot(
      `"m.yaml: line 1, column 8: mac.dataflow: "row-stationary" is not one of weight-stationary, output-stationary, input-stationary, dot"`,
    );
    expect(faults("requant:\n  rounding: nearest\n")).toMatchInlineSnapshot(
      `"m.yaml: line 2, column 3: requant.rounding: "nearest" is not one of half-away, half-up, half-even, half-zero, half-down, floor, ceiling, truncate, tflite-double, tflite-single, float32"`,
    );
  });

  test("parameters that contradict each other", () => {
    expect(faults("acc: { bits: 48 }\nrequant: { multiplierBits: 16 }\n")).toMatchInlineSnapshot(
      `"m.yaml: line 2, column 12: requant.multiplierBits: 16 bits times an accumulator of 48 and a bias exceed the 64-bit product"`,
    );
    expect(faults("requant:\n  kind: shift\n  rounding: tflite-single\n")).toMatchInlineSnapshot(
      `"m.yaml: line 3, column 3: requant.rounding: tflite-single needs requant.kind multiplier, not shift; vector.rounding: tflite-single needs requant.kind multiplier, not shift"`,
    );
    expect(faults("requant: { rounding: tflite-double, multiplierBits: 30 }\n")).toMatchInlineSnapshot(
      `"m.yaml: line 1, column 12: requant.rounding: tflite-double is defined for multipliers of 31 bits, requant.multiplierBits is 30; vector.rounding: tflite-double is defined for multipliers of 31 bits, vector.multiplierBits is 30"`,
    );
    expect(
      faults("requant: { rounding: tflite-double, multiplierBits: 31 }\nacc: { bits: 33 }\n"),
    ).toMatchInlineSnapshot(
      `"m.yaml: line 1, column 37: requant.multiplierBits: 31 bits times an accumulator of 33 and a bias exceed the 64-bit product; line 1, column 12: requant.rounding: tflite-double takes accumulators of at most 32 bits, not 33"`,
    );
    expect(faults("requant: { rounding: float32, multiplierBits: 16 }\n")).toMatchInlineSnapshot(
      `"m.yaml: line 1, column 12: requant.rounding: float32 is defined for multipliers of 24 bits, requant.multiplierBits is 16; vector.rounding: float32 is defined for multipliers of 24 bits, vector.multiplierBits is 16"`,
    );
    expect(faults("vector: { rounding: tflite-double, multiplierBits: 16 }\n")).toMatchInlineSnapshot(
      `"m.yaml: line 1, column 11: vector.rounding: tflite-double is defined for multipliers of 31 bits, vector.multiplierBits is 16"`,
    );
    expect(faults("requant.kind: shift\nvector.rounding: float32\n")).toMatchInlineSnapshot(
      `"m.yaml: line 2, column 1: vector.rounding: float32 needs requant.kind multiplier, not shift"`,
    );
    expect(faults("activation: { bytes: 1000, banks: 16 }\n")).toMatchInlineSnapshot(
      `"m.yaml: line 1, column 28: activation.banks: 1000 bytes do not divide into 16 equal banks"`,
    );
  });

  test("a contradiction with a default, which has no place in the file", () => {
    expect(faults("activation.banks: 48\n")).toMatchInlineSnapshot(
      `"m.yaml: line 1, column 1: activation.banks: 65536 bytes do not divide into 48 equal banks"`,
    );
    expect(
      faults("acc.bits: 48\nrequant.rounding: half-up\nrequant.multiplierBits: 20\n"),
    ).toMatchInlineSnapshot(
      `"m.yaml: line 3, column 1: requant.multiplierBits: 20 bits times an accumulator of 48 and a bias exceed the 64-bit product"`,
    );
    expect(faults("activation.bytes: 1001\n")).toMatchInlineSnapshot(
      `"m.yaml: activation.banks: 1001 bytes do not divide into 8 equal banks"`,
    );
  });

  test("a parameter given twice, once in each spelling", () => {
    expect(faults("mac.rows: 8\nmac:\n  rows: 16\n")).toMatchInlineSnapshot(
      `"m.yaml: line 3, column 3: mac.rows: given twice"`,
    );
  });

  test("several at once", () => {
    expect(
      faults(
        "mac:\n  rows: 0\n  dataflow: none\nrequant.kind: shift\nrequant.rounding: tflite-double\nx: 1\n",
      ),
    ).toMatchInlineSnapshot(
      `"m.yaml: line 2, column 3: mac.rows: 0 is not an integer in 1 … 256 row; line 3, column 3: mac.dataflow: "none" is not one of weight-stationary, output-stationary, input-stationary, dot; line 6, column 1: x: no such parameter; line 5, column 1: requant.rounding: tflite-double needs requant.kind multiplier, not shift; vector.rounding: tflite-double needs requant.kind multiplier, not shift"`,
    );
  });

  test("no mapping at all", () => {
    expect(faults("- mac.rows: 8\n")).toMatchInlineSnapshot(`"m.yaml: not a mapping of parameters"`);
    expect(faults("sixteen rows\n")).toMatchInlineSnapshot(`"m.yaml: not a mapping of parameters"`);
  });

  test("no YAML", () => {
    expect(faults("mac: { rows: 8\n")).toMatchInlineSnapshot(
      `"m.yaml:2:1: Flow map in block collection must be sufficiently indented and end with a }"`,
    );
    expect(faults("mac: { rows: 8, rows: 9 }\n")).toMatchInlineSnapshot(
      `"m.yaml:1:17: Map keys must be unique"`,
    );
    expect(faults("mac: *other\n")).toMatchInlineSnapshot(
      `"m.yaml: Unresolved alias (the anchor must be set before the alias): other"`,
    );
  });

  test("a multiplier of one bit", () => {
    expect(faults("vector: { multiplierBits: 1 }\n")).toMatchInlineSnapshot(
      `"m.yaml: line 1, column 11: vector.multiplierBits: a multiplier has 2 … 31 bits, or 0 for as many as the requantizer's"`,
    );
  });

  test("no file", () => {
    expect(refusal(() => loadArch(join(room, "absent.yaml")))).toMatchInlineSnapshot(
      `"absent.yaml: no such file"`,
    );
  });
});

test.each([
  [{ "acc.bits": 48, "requant.multiplierBits": 15 }],
  [{ "acc.bits": 32, "requant.multiplierBits": 31 }],
  [{ "acc.bits": 48, "requant.multiplierBits": 31, "requant.kind": "shift" }],
  [{ "acc.bits": 32, "requant.rounding": "tflite-double", "requant.multiplierBits": 31 }],
  [{ "requant.rounding": "tflite-single", "requant.multiplierBits": 30 }],
  [{ "requant.rounding": "float32", "requant.multiplierBits": 24 }],
  [{ "vector.rounding": "tflite-double", "vector.multiplierBits": 31 }],
  [{ "requant.rounding": "tflite-double", "requant.multiplierBits": 31, "vector.rounding": "floor" }],
  [{ "activation.bytes": 1024, "activation.banks": 16 }],
])("on the near side of a contradiction nothing is wrong: %o", (changes) => {
  expect(makeArch(changes).settings).toMatchObject(changes);
});

describe("an override", () => {
  const arch = makeArch({ "mac.rows": 8 }, "base");

  test("changes what it names and keeps the rest, the name too", () => {
    const wider = overrideArch(arch, { "mac.columns": 4 }, "--set");
    expect(wider.name).toBe("base");
    expect(wider.settings).toEqual({ ...arch.settings, "mac.columns": 4 });
    expect(arch.settings["mac.columns"]).toBe(16);
    expect(Object.isFrozen(wider) && Object.isFrozen(wider.settings)).toBe(true);
  });

  test("is refused with all its problems and its origin", () => {
    expect(
      refusal(() =>
        overrideArch(arch, { "mac.row": 1, "mac.columns": 0, "requant.rounding": "tflite-single" }, "--set"),
      ),
    ).toMatchInlineSnapshot(
      `"--set: mac.columns: 0 is not an integer in 1 … 256 column; mac.row: no such parameter; did you mean mac.rows?"`,
    );
    expect(
      refusal(() =>
        overrideArch(arch, { "requant.kind": "two-shift", "requant.rounding": "tflite-single" }, "--set"),
      ),
    ).toMatchInlineSnapshot(
      `"--set: requant.rounding: tflite-single needs requant.kind multiplier, not two-shift; vector.rounding: tflite-single needs requant.kind multiplier, not two-shift"`,
    );
  });

  test("a machine made from faulty values names itself", () => {
    expect(refusal(() => makeArch({ "mac.rows": 999 }, "wide"))).toMatchInlineSnapshot(
      `"wide: mac.rows: 999 is not an integer in 1 … 256 row"`,
    );
  });
});

describe("identity", () => {
  test("the name takes no part", () => {
    expect(hashArch(makeArch({ "mac.rows": 8 }, "a"))).toBe(hashArch(makeArch({ "mac.rows": 8 }, "b")));
  });

  test("the order in which parameters were given takes none", () => {
    expect(hashArch(load("mac.rows: 8\nacc.bits: 24\n"))).toBe(hashArch(load("acc.bits: 24\nmac.rows: 8\n")));
  });

  test.each(fields)("%s does", (name, field) => {
    const other =
      field.kind === "choice"
        ? field.choices.find((c) => c !== field.default)
        : field.default + (field.default < field.max ? 1 : -1);
    const settings = { ...makeArch().settings, [name]: other };
    expect(hashArch({ name: "default", settings })).not.toBe(hashArch(makeArch()));
  });
});

describe("the parts of a machine", () => {
  const arch = makeArch();

  test("only energies change a price alone", () => {
    const energies = Object.keys(FIELDS).filter((name) => name.startsWith("energy."));
    expect(Object.keys(partOf(arch, "energy"))).toEqual(energies);
    const others = partOf(arch, "bits", "passes", "legality", "cost", "skips");
    expect(energies.filter((name) => name in others)).toEqual([]);
  });

  test("what can change a result", () => {
    expect(partOf(arch, "bits")).toEqual({
      "acc.bits": 32,
      "acc.overflow": "wrap",
      "pwl.offsetFraction": 0,
      "pwl.rounding": "as-requant",
      "pwl.shifts": "shared",
      "vector.multiplierBits": 0,
      "vector.rounding": "as-requant",
      "requant.kind": "multiplier",
      "requant.multiplierBits": 16,
      "requant.rounding": "half-away",
      "pwl.slopeBits": 16,
      "pwl.symmetry": "none",
    });
  });

  test("carries this machine's values", () => {
    expect(partOf(makeArch({ "mac.rows": 4 }), "passes")).toMatchObject({ "mac.rows": 4 });
  });
});
