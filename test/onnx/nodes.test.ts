import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { execute } from "../../src/onnx/execute.ts";
import { OPS } from "../../src/onnx/ops/table.ts";
import type { Tensor } from "../../src/onnx/tensor.ts";
import { graphOfNode, isTraining, type NodeTest, tensor, nodeTests as tests } from "./node-tests.ts";

/** Float32 results are within 8 units in the last place of the largest number that went in or came out, and so are others' types. */
const STEP: Partial<Record<string, number>> = { float32: 2 ** -23, float16: 2 ** -10, float64: 2 ** -52 };
const STEPS = 8;

const run = (node: NodeTest): Map<string, Tensor> =>
  execute(graphOfNode(node), new Map(node.inputs.map((input) => [input.name, tensor(input)])));

describe.each([...new Set(tests.map(({ op }) => op))].sort())(
  "%s gives what ONNX's node tests say",
  (name) => {
    test.each(tests.filter((one) => one.op === name && !isTraining(one)))("$test", (one) => {
      const results = run(one);
      for (const wanted of one.outputs) {
        const { dtype, shape, data } = results.get(wanted.name)!;
        expect({ dtype, shape }).toEqual({ dtype: wanted.dtype, shape: wanted.shape });
        const numbers = wanted.data.map(Number);
        const largest = [...one.inputs, wanted].flatMap((each) => each.data.map((x) => Math.abs(Number(x))));
        const scale = Math.max(1, ...largest.filter(Number.isFinite));
        const bound = STEPS * (STEP[dtype] ?? 0) * scale;
        const odd = numbers.findIndex((x, i) => !Object.is(x, data[i]) && !(Math.abs(x - data[i]!) <= bound));
        expect(odd < 0 ? "" : `element ${odd} is ${data[odd]}, not ${numbers[odd]}`).toBe("");
      }
    });
  },
);

test("what is in training mode is refused", () => {
  const training = tests.filter(isTraining);
  expect(training.length).toBeGreaterThan(0);
  for (const one of training) expect(() => run(one), one.test).toThrow(/training mode/);
});

test("the folders hold tests of nearly every operator that is read", () => {
  const without = [...OPS.keys()].filter((name) => !tests.some(({ op }) => op === name));
  expect(without).toMatchInlineSnapshot(`
    [
      "Mish",
      "Gelu",
      "If",
    ]
  `);
  expect(tests.length).toMatchInlineSnapshot(`490`);
});

test("the document names every operator, with its target", () => {
  const rows = readFileSync("docs/onnx.md", "utf8").split("\n");
  for (const { name, target } of OPS.values())
    expect(
      rows.find((row) => row.startsWith(`| ${target} |`)),
      name,
    ).toContain(`\`${name}\``);
});
