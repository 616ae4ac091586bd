import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { onnxruntime } from "../../src/validate/references/onnxruntime.ts";
import { runSuite, type SuiteReport } from "../../src/validate/run.ts";

const DATA = "test/golden/vectors/onnxruntime";

const home = mkdtempSync(join(tmpdir(), "onnxruntime-"));
afterAll(() => rmSync(home, { recursive: true }));
let folders = 0;

/** What becomes of a folder with this one file. */
function reportOf(file: string, contents: string): SuiteReport {
  const folder = join(home, String(folders++));
  mkdirSync(folder);
  writeFileSync(join(folder, file), contents);
  return runSuite(onnxruntime.suites(folder)[0]!);
}

// biome-ignore lint/suspicious/noExplicitAny: files are changed in places of any kind
const read = (operator: string): any => JSON.parse(readFileSync(join(DATA, `${operator}.json`), "utf8"));

/** The file with its first case alone, changed. */
// biome-ignore lint/suspicious/noExplicitAny: as above
function changed(operator: string, change: (first: any) => void): SuiteReport {
  const file = read(operator);
  change(file.cases[0]);
  return reportOf(`${operator}.json`, JSON.stringify({ cases: [file.cases[0]] }));
}

const suites = onnxruntime.suites(DATA);
const OUT = ["dynamicquantizelstm", "qattention_u8"].map((name) => `onnxruntime/${name}`);

describe("the machine computes ONNX Runtime's outputs", () => {
  test.each(suites.filter(({ name }) => !OUT.includes(name)))("$name", (suite) => {
    const report = runSuite(suite);
    expect(report).toMatchObject({ failed: 0, skipped: 0, failures: [] });
    expect(report.passed).toBeGreaterThan(3);
    // No element is left out.
    const { cases } = read(suite.name.split("/")[1]!);
    const outputs = cases.flatMap((one: { out: Record<string, unknown[]> }) => Object.values(one.out).flat());
    expect(report.elements).toBe(outputs.length);
  });

  test.each(OUT)("%s is skipped with a reason", (name) => {
    const report = runSuite(suites.find((suite) => suite.name === name)!);
    expect(report).toMatchObject({ passed: 0, failed: 0 });
    expect(report.skips.length).toBe(report.cases);
    for (const { reason } of report.skips) expect(reason.length).toBeGreaterThan(20);
  });

  test("every suite of the matrix is spelled as a file would be", () => {
    const names = onnxruntime.support.map(({ suite }) => suite);
    expect(names).toEqual(expect.arrayContaining(suites.map((s) => s.name).filter((n) => !OUT.includes(n))));
    expect(new Set(names).size).toBe(names.length);
  });
});

describe("one wrong element fails its case and is named", () => {
  test.each([
    ["matmulinteger_u8_i8", "y", 1],
    ["qlinearmatmul_i8_i8", "y", 1],
    ["qlinearmul_u8", "y", -3],
    ["qlinearsigmoid_i8", "y", 1],
    ["quantizelinear_u16", "y", 1],
    ["dynamicquantizelinear", "y", -1],
    ["qlinearadd_u8", "y", 2],
    ["qlinearsoftmax_i8", "y", 2],
    ["layernorm_f32", "y", 0.01],
    ["lstm_f32", "y", 0.01],
    ["attention_f32", "y", 0.01],
  ])("%s", (operator, tensor, by) => {
    const at = 3;
    let want = 0;
    const report = changed(operator, ({ out }) => {
      out[tensor][at] += by;
      want = out[tensor][at];
    });
    expect(report).toMatchObject({ cases: 1, passed: 0, failed: 1 });
    expect(report.failures[0]).toMatchObject({ case: "0", tensor, index: at, want });
    expect(Math.abs((report.failures[0] as { got: number }).got - (want - by))).toBeLessThan(
      Math.abs(by) / 2 + 1e-9,
    );
  });

  test("an output too short", () => {
    const { failures } = changed("qlinearmul_i8", ({ out }) => out.y.pop());
    expect(failures).toEqual([{ case: "0", tensor: "y.length", index: 0, got: 256, want: 255 }]);
  });

  test("a scale that is off by a float32's last digit", () => {
    const { failures } = changed("dynamicquantizelinear", ({ out }) => {
      out.s[0] = Math.fround(out.s[0] * (1 + 2 ** -23));
    });
    expect(failures).toMatchObject([{ case: "0", tensor: "s", index: 0 }]);
  });
});

describe("what a file says is what is computed", () => {
  // Constants that happen to hold in the data would not notice.
  test.each([
    ["matmulinteger_u8_u8", "az"],
    ["matmulinteger_u8_u8", "bz"],
    ["qlinearadd_u8", "yz"],
    ["qlinearsigmoid_i8", "xz"],
    ["quantizelinear_i16", "z"],
  ])("%s: the zero point %s", (operator, name) => {
    const { failed } = changed(operator, ({ p }) => {
      p[name] += p[name] > 100 ? -7 : 7;
    });
    expect(failed).toBe(1);
  });

  test("signed by unsigned, which the data has no file of", () => {
    const contents = (y: readonly number[]) =>
      JSON.stringify({
        cases: [
          {
            p: { az: -3, bz: 250 },
            in: {
              a: { type: "i8", shape: [2, 2], data: [-128, 127, 0, 5] },
              b: { type: "u8", shape: [2, 1], data: [255, 0] },
            },
            out: { y },
          },
        ],
      });
    const y = [-125 * 5 + 130 * -250, 3 * 5 + 8 * -250];
    expect(reportOf("matmulinteger_i8_u8.json", contents(y))).toMatchObject({ passed: 1, elements: 2 });
  });
});

describe("files that do not keep to the schema", () => {
  test("an operator of another name is skipped by name", () => {
    const { skips } = reportOf("einsum.json", '{ "cases": [{}] }');
    expect(skips).toEqual([{ case: "0", reason: "no operator of this name is known: einsum" }]);
  });

  test("no JSON", () => {
    expect(() => reportOf("lstm_f32.json", "{")).toThrow(/^\S*lstm_f32\.json: is not JSON: /);
  });

  test.each([
    // biome-ignore-start lint/suspicious/noExplicitAny: as above
    ["no zero point", "quantizelinear_u8", (c: any) => delete c.p.z, "cases[0].p: no key z"],
    ["a scale of 0", "quantizelinear_u8", (c: any) => (c.p.s = 0), "cases[0].p.s: 0 is no scale"],
    [
      "a code beyond its type",
      "matmulinteger_u8_u8",
      (c: any) => (c.in.a.data[2] = 256),
      "cases[0].in.a.data: element 2 is 256, which is not within 0 … 255",
    ],
    [
      "too few elements",
      "qlinearmul_i8",
      (c: any) => c.in.b.data.pop(),
      "cases[0].in.b.data: 255 elements where the shapes ask for 256",
    ],
    [
      "a type that the machine has no codes of",
      "qlinearadd_i8",
      (c: any) => (c.in.a.type = "f16"),
      "cases[0].in.a.type: f16 is none of i8, int8, u8, uint8, i16, int16, u16, uint16, i32, int32",
    ],
    [
      "shapes that do not fit",
      "matmulinteger_i8_i8",
      (c: any) => c.in.b.shape.reverse(),
      "cases[0].in: shapes of a and b do not fit each other",
    ],
    // biome-ignore-end lint/suspicious/noExplicitAny: as above
  ])("%s", (_, operator, change, message) => {
    expect(() => changed(operator, change)).toThrow(message);
  });
});
