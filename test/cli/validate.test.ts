import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, expect, test, vi } from "vitest";
import { support } from "../../src/validate/references.ts";
import { shiftline } from "./shiftline.ts";

const VECTORS = "test/golden/vectors";
const here = mkdtempSync(join(tmpdir(), "validate-"));
afterAll(() => rmSync(here, { recursive: true }));
afterEach(() => vi.unstubAllEnvs());

/** A folder of vectors with one operator of TensorFlow Lite's in it, its text changed. */
function folderOf(name: string, change: (text: string) => string = (text) => text): string {
  const folder = join(here, name);
  mkdirSync(join(folder, "tflite"), { recursive: true });
  const file = join(folder, "tflite", "mul_s16.json");
  writeFileSync(file, change(readFileSync(join(VECTORS, "tflite", "mul_s16.json"), "utf8")));
  return folder;
}

test("suites are chosen by reference or by operator, and reported in the documented form", async () => {
  const { status, out } = await shiftline("validate", "tflite/mul_s16", "tflite/add_s16", "--json");
  expect(status).toBe(0);
  const one = { cases: 12, passed: 12, failed: 0, skipped: 0, failures: [], elements: 6144 };
  expect(JSON.parse(out)).toEqual({
    suites: [
      { name: "tflite/add_s16", ...one, skips: [] },
      { name: "tflite/mul_s16", ...one, skips: [] },
    ],
  });
});

test("a folder of one's own, or one reference's folder by itself", async () => {
  const folder = folderOf("own");
  for (const given of [folder, join(folder, "tflite")]) {
    const { status, out } = await shiftline("validate", "--vectors", given);
    expect({ status, out }).toEqual({
      status: 0,
      out: [
        "suite           cases  passed  failed  skipped  elements",
        "tflite/mul_s16     12      12       0        0     6,144",
        "all                12      12       0        0     6,144",
        "",
      ].join("\n"),
    });
  }
});

test("a wrong element: exit status 1, and where it is", async () => {
  const folder = folderOf("wrong", (text) => text.replace(/("y":\[)(-?\d+)/, "$199999"));
  const { status, out } = await shiftline("validate", "--vectors", folder);
  expect(status).toBe(1);
  expect(out).toMatch(/^tflite\/mul_s16 +12 +11 +1 +0 /m);
  expect(out).toMatch(/^ {2}tflite\/mul_s16, case 0: y\[0\]: got -?\d+, want 99999$/m);
});

test("an operator that nobody knows is skipped by its name, and said to be", async () => {
  const folder = folderOf("unknown");
  cpSync(join(folder, "tflite", "mul_s16.json"), join(folder, "tflite", "cumsum.json"));
  const { status, out } = await shiftline("validate", "tflite/cumsum", "--vectors", folder);
  expect(status).toBe(0);
  expect(out).toMatch(/^tflite\/cumsum +12 +0 +0 +12 +0$/m);
  expect(out).toMatch(/tflite\/cumsum +no operator of this name is known: cumsum/);
});

test("a reference whose data is not here is skipped with the way to it; the variable names a folder that has it", async () => {
  const without = await shiftline("validate", "cmsis-nn", "--json");
  expect(without.status).toBe(0);
  const [suite] = JSON.parse(without.out).suites;
  expect(suite).toMatchObject({ name: "cmsis-nn", cases: 1, skipped: 1 });
  expect(suite.skips[0].reason).toBe(
    "its data is not in this package: name a folder that holds cmsis-nn by --vectors or $SHIFTLINE_VECTORS",
  );
  vi.stubEnv(
    "SHIFTLINE_VECTORS",
    folderOf("variable", (text) => text.replace(/("y":\[)(-?\d+)/, "$199999")),
  );
  const { status } = await shiftline("validate", "tflite/mul_s16");
  expect(status, "the variable's folder goes before the package's").toBe(1);
});

test("names and folders that are none: one line", async () => {
  const answers = await Promise.all([
    shiftline("validate", "tflite/mul_s61"),
    shiftline("validate", "--vectors", join(here, "nowhere")),
  ]);
  expect(answers.map(({ status, out }) => ({ status, out }))).toEqual(
    answers.map(() => ({ status: 1, out: "" })),
  );
  const [name, folder] = answers.map(({ err }) => err.split("\n").filter((line) => !/^\d+\/\d+ /.test(line)));
  expect(name![0]).toBe("shiftline: tflite/mul_s61: no suite of this name; did you mean tflite/mul_s16?");
  expect(folder![0]).toMatch(/nowhere: holds none of the folders gemmlowp, systemc, cmsis-nn, tflite, /);
});

test("a file or a case that is refused fails by its name, and stops no other", async () => {
  const folder = folderOf("cut", (text) => text.slice(0, 100));
  writeFileSync(
    join(folder, "tflite", "add_s16.json"),
    readFileSync(join(VECTORS, "tflite", "add_s16.json"), "utf8").replace(/"shift":-?\d+/, '"shift":-99'),
  );
  writeFileSync(join(folder, "tflite", "mul_s8_xnnpack.json"), '{"cases":[]}');
  mkdirSync(join(folder, "onnx-node"), { recursive: true });
  writeFileSync(join(folder, "onnx-node", "test_none.json"), "{}");
  const { status, out } = await shiftline("validate", "--vectors", folder);
  expect(status).toBe(1);
  expect(out).toMatch(/^all +15 +11 +4 +0 /m);
  expect(out).toMatch(/tflite\/mul_s16, case all: .*mul_s16\.json: is not JSON: /);
  expect(out).toMatch(/tflite\/mul_s8_xnnpack, case all: .*: cases: an empty list has no cases$/m);
  expect(out).toMatch(/tflite\/add_s16, case 0: .*130/);
  expect(out).toMatch(/onnx-node\/test_none, case all: .*test_none\.json: no key op$/m);
});

test("the matrix has every operator that any suite can hold, once", async () => {
  const { out } = await shiftline("validate", "--matrix", "--json");
  const rows = JSON.parse(out) as { operation: string; format: string; suite: string; agreement: string }[];
  expect(rows).toEqual(support());
  expect(new Set(rows.map((row) => JSON.stringify(row))).size).toBe(rows.length);
  expect(rows.every(({ agreement }) => /^(bit-exact|within )/.test(agreement))).toBe(true);
});
