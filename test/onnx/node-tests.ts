import { readdirSync, readFileSync } from "node:fs";
import type { Dtype } from "../../src/onnx/dtype.ts";
import type { Graph } from "../../src/onnx/graph.ts";
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

export interface NodeTest {
  readonly test: string;
  readonly op: string;
  readonly opset: number;
  readonly node_inputs: readonly string[];
  readonly node_outputs: readonly string[];
  readonly attributes: Readonly<Record<string, AttributeValue | Written>>;
  readonly inputs: readonly Written[];
  readonly outputs: readonly Written[];
}

export const tensor = ({ dtype, shape, data }: Written): Tensor =>
  tensorOf(dtype as Dtype, shape, data.map(Number));

function testsOf(folder: string, file: string): NodeTest[] {
  const json = JSON.parse(readFileSync(`${folder}/${file}`, "utf8"));
  if (Array.isArray(json)) return json;
  return json.sets.map((set: object) => ({ ...json, ...set, opset: json.opset[""] }));
}

export const nodeTests = FOLDERS.flatMap((folder) =>
  readdirSync(folder)
    .filter((file) => file.endsWith(".json"))
    .flatMap((file) => testsOf(folder, file)),
).filter(({ op }) => OPS.has(op));

/** In training a layer does what it never does when a model is used. */
export const isTraining = ({ test }: NodeTest): boolean => /training_(dropout|mode)|_training_/.test(test);

/** The graph of a test's node. @param constants  names of the inputs that are constants of the model */
export function graphOfNode(
  { op, opset, attributes, ...node }: NodeTest,
  constants: readonly string[] = [],
  outputs?: readonly string[],
): Graph {
  const isTensor = (value: AttributeValue | Written): value is Written =>
    typeof value === "object" && "dtype" in value;
  const isConstant = ({ name }: Written) => constants.includes(name);
  return graphOf({
    opset: Math.max(opset, OPSETS.from),
    inputs: node.inputs
      .filter((input) => !isConstant(input))
      .map(({ name, dtype, shape }) => ({ name, dtype: dtype as Dtype, shape })),
    outputs: outputs ?? node.outputs.map(({ name }) => name),
    constants: Object.fromEntries(node.inputs.filter(isConstant).map((input) => [input.name, tensor(input)])),
    nodes: [
      {
        ...{ op, inputs: node.node_inputs, outputs: node.node_outputs },
        attributes: Object.fromEntries(
          Object.entries(attributes).map(([name, value]) => [name, isTensor(value) ? tensor(value) : value]),
        ),
      },
    ],
  });
}
