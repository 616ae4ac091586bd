import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import type { Dtype } from "../../src/onnx/dtype.ts";
import { execute } from "../../src/onnx/execute.ts";
import { type AttributeValue, OPSETS } from "../../src/onnx/ops/define.ts";
import { OPS } from "../../src/onnx/ops/table.ts";
import { type Tensor, tensorOf } from "../../src/onnx/tensor.ts";
import { graphOf } from "./models.ts";

/** Node tests of the ONNX project: `scripts/onnx-vectors.mjs` wrote those of one folder, `shiftline validate` reads the other. */
const FOLDERS = ["test/golden/onnx", "test/golden/vectors/onnx-node"] as const;

interface Written {
  readonly name: string;
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data: readonly (number | string)[];
}

interface NodeTest {
  readonly test: string;
  readonly op: string;
  readonly opset: number;
  readonly node_inputs: readonly string[];
  readonly node_outputs: readonly string[];
  readonly attributes: Readonly<Record<string, AttributeValue | Written>>;
  readonly inputs: readonly Written[];
  readonly outputs: readonly Written[];
}

const tensor = ({ dtype, shape, data }: Written): Tensor => tensorOf(dtype as Dtype, shape, data.map(Number));

function testsOf(folder: string, file: string): NodeTest[] {
  const json = JSON.parse(readFileSync(`${folder}/${file}`, "utf8"));
  if (Array.isArray(json)) return json;
  return json.sets.map((set: object) => ({ ...json, ...set, opset: json.opset[""] }));
}

const tests = FOLDERS.flatMap((folder) =>
  readdirSync(folder)
    .filter((file) => file.endsWith(".json"))
    .flatMap((file) => testsOf(folder, file)),
).filter(({ op }) => OPS.has(op));

/** Float32 results are within 8 units in the last place of the largest number that went in or came out, and so are others' types. */
const STEP: Partial<Record<string, number>> = { float32: 2 ** -23, float16: 2 ** -10, float64: 2 ** -52 };
const STEPS = 8;

/** In training a layer does what it never does when a model is used. */
const isTraining = ({ test }: NodeTest): boolean => /training_(dropout|mode)|_training_/.test(test);

function run({ op, opset, attributes, ...node }: NodeTest): Map<string, Tensor> {
  const isTensor = (value: AttributeValue | Written): value is Written =>
    typeof value === "object" && "dtype" in value;
  const graph = graphOf({
    opset: Math.max(opset, OPSETS.from),
    inputs: node.inputs.map(({ name, dtype, shape }) => ({ name, dtype: dtype as Dtype, shape })),
    outputs: node.outputs.map(({ name }) => name),
    nodes: [
      {
        ...{ op, inputs: node.node_inputs, outputs: node.node_outputs },
        attributes: Object.fromEntries(
          Object.entries(attributes).map(([name, value]) => [name, isTensor(value) ? tensor(value) : value]),
        ),
      },
    ],
  });
  return execute(graph, new Map(node.inputs.map((input) => [input.name, tensor(input)])));
}

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
