import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { InputError } from "../../src/base/errors.ts";
import { gemmlowp } from "../../src/validate/references/gemmlowp.ts";
import { runSuite, type SuiteReport } from "../../src/validate/run.ts";

const DATA = "test/golden/vectors/gemmlowp";

const home = mkdtempSync(join(tmpdir(), "gemmlowp-"));
afterAll(() => rmSync(home, { recursive: true }));
let folders = 0;

/** What becomes of a folder with this one file, which has one suite. */
function reportOf(file: string, contents: string | Uint8Array): SuiteReport {
  const folder = join(home, String(folders++));
  mkdirSync(folder);
  writeFileSync(join(folder, file), contents);
  const [suite] = gemmlowp.suites(folder);
  return runSuite(suite!);
}

describe("the machine computes gemmlowp's outputs", () => {
  const suites = gemmlowp.suites(DATA);

  test("a suite for each function", () => {
    expect(suites.map(({ name }) => name)).toEqual([
      "gemmlowp/exp_neg_q5_26",
      "gemmlowp/logistic_tanh_q3_28",
      "gemmlowp/one_over_one_plus_x_q0_31",
      "gemmlowp/primitives_i32",
      "gemmlowp/logistic_i16",
      "gemmlowp/tanh_i16",
    ]);
  });

  // Elements are counted, so that rows which are dropped on the way show.
  test.each([
    ["exp_neg_q5_26", ["exp_neg_q5_26"], 12_096],
    ["logistic_tanh_q3_28", ["logistic_tanh_q3_28"], 2 * 8_192],
    ["one_over_one_plus_x_q0_31", ["one_over_one_plus_x_q0_31"], 8_097],
    ["primitives_i32", ["SRDHM", "RDBPOT", "ROUNDHALFSUM"], 11_040],
    ["logistic_i16", [0, 1, 2, 3, 4, 5, 6].map((bits) => `logistic_i16_ib${bits}`), 7 * 65_536],
    ["tanh_i16", [0, 1, 2, 3, 4, 5, 6].map((bits) => `tanh_i16_ib${bits}`), 7 * 65_536],
  ])("%s", (name, cases, elements) => {
    const suite = suites.find((one) => one.name === `gemmlowp/${name}`)!;
    expect(suite.cases().map((one) => one.name)).toEqual(cases);
    const report = runSuite(suite);
    expect(report).toMatchObject({ failures: [], skips: [], passed: cases.length, elements });
  });
});

describe("one wrong element fails its case and is named", () => {
  /** The file with 1 added to the last field of its row `row`, counted from 0 behind the header. */
  function corrupted(file: string, row: number) {
    const lines = readFileSync(join(DATA, file), "utf8").trimEnd().split("\n");
    const fields = lines[row + 1]!.split(",");
    const want = Number(fields.pop());
    lines[row + 1] = [...fields, want + 1].join(",");
    return { text: `${lines.join("\n")}\n`, got: want, want: want + 1 };
  }

  test.each([
    ["exp_neg_q5_26.csv", 777, "exp"],
    ["logistic_tanh_q3_28.csv", 4_000, "tanh"],
    ["one_over_one_plus_x_q0_31.csv", 8_096, "result"],
  ])("%s", (file, row, tensor) => {
    const { text, got, want } = corrupted(file, row);
    const report = reportOf(file, text);
    expect(report).toMatchObject({ passed: 0, failed: 1 });
    expect(report.failures).toEqual([{ case: file.replace(".csv", ""), tensor, index: row, got, want }]);
  });

  test("a primitive's: the index counts its own rows", () => {
    const file = "primitives_i32.csv";
    const ops = readFileSync(join(DATA, file), "utf8")
      .split("\n")
      .slice(1)
      .map((line) => line.split(",")[0]);
    for (const op of ["SRDHM", "RDBPOT", "ROUNDHALFSUM"]) {
      const index = 1_234;
      const { text, got, want } = corrupted(file, ops.indexOf(op) + index);
      const report = reportOf(file, text);
      expect(report).toMatchObject({ passed: 2, failed: 1 });
      expect(report.failures).toEqual([{ case: op, tensor: op, index, got, want }]);
    }
  });

  test("a table's", () => {
    const bytes = readFileSync(join(DATA, "tanh_i16_ib3.bin"));
    const index = 40_000;
    const got = bytes.readInt16LE(2 * index);
    bytes.writeInt16LE(got - 1, 2 * index);
    const { failures } = reportOf("tanh_i16_ib3.bin", bytes);
    expect(failures).toEqual([{ case: "tanh_i16_ib3", tensor: "y", index, got, want: got - 1 }]);
  });
});

describe("other files", () => {
  test.each([
    ["a column that is missing", "exp_neg_q5_26.csv", "x\n0\n", "no key exp"],
    [
      "a cell that is no integer",
      "exp_neg_q5_26.csv",
      "x,exp\n0,1\n-5,1.5\n",
      "exp: element 1 is not a number",
    ],
    [
      "a cell that is empty",
      "primitives_i32.csv",
      "op,a,b,result\nSRDHM,1,,0\n",
      "b: element 0 is not a number",
    ],
    ["a row too short", "exp_neg_q5_26.csv", "x,exp\n0\n", "record 2 has 1 fields, the header 2"],
    ["no rows", "exp_neg_q5_26.csv", "x,exp\n", "a header without rows"],
    [
      "an argument above 0",
      "exp_neg_q5_26.csv",
      "x,exp\n1,0\n",
      "x: element 0 is 1, which is not within -2147483648 … 0",
    ],
    [
      "more than 32 bits",
      "primitives_i32.csv",
      "op,a,b,result\nSRDHM,2147483648,1,1\n",
      "a: element 0 is 2147483648, which is not within -2147483648 … 2147483647",
    ],
    [
      "a shift of more than a word",
      "primitives_i32.csv",
      "op,a,b,result\nRDBPOT,5,32,0\n",
      "RDBPOT: b is 32, which is no shift of a word",
    ],
    ["a table cut short", "tanh_i16_ib3.bin", "ab", "2 bytes, where a table has 131072"],
  ])("%s is refused in one line that names the file", (_, file, contents, problem) => {
    const refused = () => reportOf(file, contents);
    expect(refused).toThrow(InputError);
    expect(refused).toThrow(problem);
    expect(refused).toThrow(/^.*\/\d+\/[a-z0-9_]+\.(csv|bin): .*$/);
  });

  test("fewer elements than the machine has lanes", () => {
    const { passed, elements } = reportOf(
      "primitives_i32.csv",
      "op,a,b,result\nRDBPOT,-3,1,-2\nROUNDHALFSUM,2147483647,2147483647,2147483647\n",
    );
    expect({ passed, elements }).toEqual({ passed: 2, elements: 2 });
  });

  test.each([
    ["primitives_i32.csv", "op,a,b,result\nSQRT,4,0,2\n", "no primitive of this name is known: SQRT"],
    ["sqrt_q0_31.csv", "anything", "no operator of this name is known: sqrt_q0_31"],
    ["sqrt_i16_ib3.bin", "anything", "no operator of this name is known: sqrt_i16"],
    ["tanh_i16_ib7.bin", new Uint8Array(131_072), "tanh takes at most 6 integer bits"],
  ])("what nobody knows is skipped by name: %s", (file, contents, reason) => {
    expect(reportOf(file, contents)).toMatchObject({ failed: 0, skipped: 1, skips: [{ reason }] });
  });
});
