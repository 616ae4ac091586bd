import { existsSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { cmsisNn } from "../../src/validate/references/cmsis-nn.ts";
import { runSuite } from "../../src/validate/run.ts";

/** The data is another project's: it is read where somebody has it, and skipped by name elsewhere. */
const HOMES = [process.env["SHIFTLINE_VECTORS"] ?? "", "../shared/vectors"];
const home = HOMES.find((folder) => folder !== "" && existsSync(`${folder}/cmsis-nn`));

const SUITES = [
  ...["batch_matmul_s16", "batch_matmul_s8", "elementwise_add_s16", "elementwise_add_s8"],
  ...["elementwise_mul_s16", "elementwise_mul_s8", "fully_connected_s16", "fully_connected_s4"],
  ...["fully_connected_s8", "lstm_s16", "lstm_s8", "softmax_s16", "softmax_s8", "softmax_s8_s16"],
];

describe("CMSIS-NN's unit tests, from the machine", () => {
  test.skipIf(home === undefined).each(SUITES)("cmsis-nn/%s", (name) => {
    const suite = cmsisNn
      .suites(`${home}/cmsis-nn`)
      .find((candidate) => candidate.name === `cmsis-nn/${name}`)!;
    const report = runSuite(suite);
    expect(report).toMatchObject({ failures: [], skips: [] });
    expect(report.passed).toBe(report.cases);
    expect(report.cases).toBeGreaterThan(0);
  });

  test("every operator of the matrix is one of them", () => {
    const names = cmsisNn.support.map(({ suite }) => suite.replace("cmsis-nn/", ""));
    expect(names.toSorted()).toEqual(SUITES.toSorted());
  });
});
