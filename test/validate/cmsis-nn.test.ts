import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
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

/** A batch matmul of 1 x 1 matrices in the form of the unit tests, its operands by batch and height. */
const product = (
  lhs: readonly [number, number, number[]],
  rhs: readonly [number, number, number[]],
  y: number[],
) => ({
  params: {
    ...{ LHS_BATCH: lhs[0], LHS_HEIGHT: lhs[1], LHS_ROWS: 1, LHS_COLS: 1, LHS_OFFSET: 0 },
    ...{ RHS_BATCH: rhs[0], RHS_HEIGHT: rhs[1], RHS_ROWS: 1, RHS_COLS: 1, RHS_OFFSET: 0 },
    ...{ ADJ_X: 0, ADJ_Y: 0, OUTPUT_OFFSET: 0, OUTPUT_MULTIPLIER: 2 ** 30, OUTPUT_SHIFT: 1 },
    ...{ ACTIVATION_MIN: -128, ACTIVATION_MAX: 127 },
  },
  tensors: {
    lhs_input_tensor: { data: lhs[2] },
    rhs_input_tensor: { data: rhs[2] },
    output: { data: y },
  },
  expected: ["output"],
});

test("batch and height of a batch matmul broadcast each for itself", () => {
  const folder = mkdtempSync(join(tmpdir(), "cmsis-"));
  try {
    mkdirSync(join(folder, "batch_matmul_s8"));
    const cases = [
      product([2, 1, [2, 3]], [1, 2, [5, 7]], [10, 14, 15, 21]),
      product([1, 2, [2, 3]], [2, 1, [5, 7]], [10, 15, 14, 21]),
      product([2, 1, [1, 2]], [2, 2, [3, 4, 5, 6]], [3, 4, 10, 12]),
      product([2, 2, [1, 2, 3, 4]], [2, 1, [5, 6]], [5, 10, 18, 24]),
    ];
    for (const [i, one] of cases.entries())
      writeFileSync(join(folder, "batch_matmul_s8", `${i}.json`), JSON.stringify(one));
    const [suite] = cmsisNn.suites(folder);
    expect(runSuite(suite!)).toMatchObject({ cases: 4, passed: 4, failures: [] });
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("a bias that is null is none", () => {
  const folder = mkdtempSync(join(tmpdir(), "cmsis-"));
  try {
    mkdirSync(join(folder, "fully_connected_s8"));
    const layer = {
      params: {
        ...{
          INPUT_BATCHES: 1,
          ACCUMULATION_DEPTH: 2,
          OUT_CH: 1,
          OUTPUT_MULTIPLIER: 2 ** 30,
          OUTPUT_SHIFT: 1,
        },
        ...{ INPUT_OFFSET: 0, OUTPUT_OFFSET: 0, OUT_ACTIVATION_MIN: -128, OUT_ACTIVATION_MAX: 127 },
      },
      tensors: { biases: null, input: { data: [3, 4] }, weights: { data: [5, 6] }, output: { data: [39] } },
      expected: ["output"],
    };
    writeFileSync(join(folder, "fully_connected_s8", "null.json"), JSON.stringify(layer));
    expect(runSuite(cmsisNn.suites(folder)[0]!)).toMatchObject({ passed: 1, failures: [] });
  } finally {
    rmSync(folder, { recursive: true });
  }
});
