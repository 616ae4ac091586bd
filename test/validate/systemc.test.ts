import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { InputError } from "../../src/base/errors.ts";
import { systemc } from "../../src/validate/references/systemc.ts";
import { runSuite, type SuiteReport } from "../../src/validate/run.ts";

const DATA = "test/golden/vectors/systemc";

const home = mkdtempSync(join(tmpdir(), "systemc-"));
afterAll(() => rmSync(home, { recursive: true }));
let folders = 0;

/** What becomes of a folder with this one file. */
function reportOf(file: string, contents: string): SuiteReport {
  const folder = join(home, String(folders++));
  mkdirSync(folder);
  writeFileSync(join(folder, file), contents);
  const [suite] = systemc.suites(folder);
  return runSuite(suite!);
}

describe("the machine converts as SystemC does", () => {
  const suites = systemc.suites(DATA);

  test("a suite for each pair of formats", () => {
    expect(suites.map(({ name }) => name)).toEqual(["systemc/s12f6_to_s7f3", "systemc/s12f6_to_u7f3"]);
  });

  // Seven quantizations by nine overflows, for every input of 12 bits.
  test("s12f6_to_s7f3", () => {
    const report = runSuite(suites[0]!);
    expect(report).toMatchObject({ failures: [], skips: [], passed: 63, elements: 63 * 4_096 });
  });

  test("s12f6_to_u7f3: sign and magnitude is not defined without a sign", () => {
    const report = runSuite(suites[1]!);
    expect(report).toMatchObject({ failures: [], passed: 42, skipped: 21, elements: 42 * 4_096 });
    for (const skip of report.skips) {
      expect(skip.case).toMatch(/\/WRAP_SM[13]?$/);
      expect(skip.reason).toBe("the library does not define it");
    }
  });
});

test("one wrong element fails its case and is named", () => {
  const file = "s12f6_to_s7f3.csv";
  const lines = readFileSync(join(DATA, file), "utf8").trimEnd().split("\n");
  const [index, column] = [3_000, 42];
  const key = lines[1]!.split(",")[column]!;
  const fields = lines[index + 2]!.split(",");
  const got = Number(fields[column]);
  const want = got - 1;
  lines[index + 2] = fields.with(column, String(want)).join(",");
  const report = reportOf(file, lines.join("\n"));
  expect(report).toMatchObject({ passed: 62, failed: 1 });
  expect(report.failures).toEqual([{ case: key, tensor: key, index, got, want }]);
});

describe("other files", () => {
  // By hand: -2.5 and 2.5 in a format with one fraction bit, and -1.25 where it is to have more of them.
  test.each([
    ["s4f1_to_s4f0.csv", "raw,RND_CONV/SAT,TRN/SAT\n-5,-2,-3\n5,2,2\n"],
    ["s8f2_to_s12f6.csv", "raw,RND/SAT\n-5,-80\n"],
    ["u8f4_to_u3f0.csv", "raw,RND/SAT,RND/WRAP\n255,7,0\n8,1,1\n7,0,0\n"],
    ["s8f0_to_s2f0.csv", "raw,TRN/WRAP3\n100,1\n-100,-2\n1,1\n"],
  ])("of other formats: %s", (file, text) => {
    expect(reportOf(file, text)).toMatchObject({ failures: [], skips: [] });
  });

  test.each([
    ["no codes", "RND/SAT\n1\n", "no key raw"],
    [
      "a code that is none of its format",
      "raw,RND/SAT\n8,1\n",
      "raw: element 0 is 8, which is not within -8 … 7",
    ],
    ["a column with a gap", "raw,RND/SAT\n1,1\n2,\n", "RND/SAT: element 1 is not a number"],
    ["no rows", "raw,RND/SAT\n", "a header without rows"],
    ["a row too short", "# formats\nraw,RND/SAT\n1\n", "record 2 has 1 fields, the header 2"],
  ])("%s is refused in one line that names the file", (_, contents, problem) => {
    const refused = () => reportOf("s4f1_to_s4f0.csv", contents);
    expect(refused).toThrow(InputError);
    expect(refused).toThrow(problem);
    expect(refused).toThrow(/^.*\/\d+\/s4f1_to_s4f0\.csv: .*$/);
  });

  test.each([
    [
      "s4f1_to_s4f0.csv",
      "raw,ODD/SAT\n1,1\n",
      "no quantization and overflow of this name are known: ODD/SAT",
    ],
    ["s64f1_to_s4f0.csv", "raw,RND/SAT\n1,1\n", "aBits is 64, and convert has 2 … 48"],
    ["s40f0_to_s48f20.csv", "raw,RND/SAT\n1,1\n", "40 bits shifted left by 20 exceed 53 bits"],
    ["notes.csv", "anything", "its name is not that of a conversion, such as s12f6_to_u7f3"],
  ])("what cannot be told to the machine is skipped: %s", (file, contents, reason) => {
    expect(reportOf(file, contents)).toMatchObject({ failed: 0, skipped: 1, skips: [{ reason }] });
  });
});
