import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { tflite } from "../../src/validate/references/tflite.ts";
import { runSuite } from "../../src/validate/run.ts";

const DATA = "test/golden/vectors/tflite";

describe("TensorFlow Lite's outputs, from the machine", () => {
  test.each(tflite.suites(DATA).map((suite) => [suite.name, suite] as const))("%s", (_, suite) => {
    const report = runSuite(suite);
    expect(report).toMatchObject({ failures: [], skips: [] });
    expect(report.passed).toBe(report.cases);
    expect(report.cases).toBeGreaterThan(0);
  });
});

describe("what is wrong with a file", () => {
  const folder = mkdtempSync(join(tmpdir(), "tflite-"));
  afterAll(() => rmSync(folder, { recursive: true }));

  /** The suite of `mul_s16` with its text changed. */
  function changed(change: (text: string) => string) {
    const file = join(folder, "mul_s16.json");
    cpSync(`${DATA}/mul_s16.json`, file);
    writeFileSync(file, change(readFileSync(file, "utf8")));
    return { file, suite: tflite.suites(folder)[0]! };
  }

  test("an output that the machine does not give fails its case, at its element", () => {
    const { suite } = changed((text) => {
      const data = JSON.parse(text) as { cases: { y: number[] }[] };
      data.cases[3]!.y[7]! += 1;
      return JSON.stringify(data);
    });
    const report = runSuite(suite);
    expect(report).toMatchObject({ cases: 12, passed: 11, failed: 1 });
    const [failure] = report.failures as readonly { got: number; want: number }[];
    expect(failure).toMatchObject({ case: "3", tensor: "y", index: 7 });
    expect(failure!.want - failure!.got).toBe(1);
  });

  test.each([
    ["not JSON", (text: string) => text.slice(0, -5), /mul_s16.json: is not JSON: /],
    [
      "a key missing",
      (text: string) => text.replaceAll('"z1"', '"zz"'),
      /mul_s16.json: cases\[0\].p: no key z1$/,
    ],
    [
      "a list cut",
      (text: string) => text.replace(/"x2":\[[-\d]+,/, '"x2":['),
      /: cases\[0\].x2: 511 elements where the shapes ask for 512$/,
    ],
    [
      "a code that is none",
      (text: string) => text.replace(/"x1":\[[-\d]+,/, '"x1":[0.5,'),
      /: cases\[0\].x1: element 0 is not an integer$/,
    ],
  ])("%s: one line with file, place and rule", (_, change, message) => {
    const { suite } = changed(change);
    expect(() => runSuite(suite)).toThrow(message);
  });
});
