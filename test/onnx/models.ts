import { create, toBinary } from "@bufbuild/protobuf";
import { type Dtype, formatOf } from "../../src/onnx/dtype.ts";
import type { Graph } from "../../src/onnx/graph.ts";
import { type AttributeValue, OPSETS } from "../../src/onnx/ops/define.ts";
import { OPS } from "../../src/onnx/ops/table.ts";
import { parseModel } from "../../src/onnx/parse.ts";
import {
  AttributeProtoSchema,
  type GraphProto,
  GraphProtoSchema,
  ModelProtoSchema,
  NodeProtoSchema,
  TensorProtoSchema,
  TypeProtoSchema,
  ValueInfoProtoSchema,
} from "../../src/onnx/proto/onnx_pb.ts";
import { type Given, resolve } from "../../src/onnx/resolve.ts";
import { type Dim, type Tensor, tensorOf } from "../../src/onnx/tensor.ts";

/** A node of a model that a test writes; attributes are written as what the operator's record says they are. */
export interface NodeSpec {
  readonly op: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes?: Readonly<Record<string, AttributeValue>>;
  readonly branches?: Readonly<Record<string, GraphSpec>>;
  readonly name?: string;
  readonly domain?: string;
}

export interface GraphSpec {
  readonly inputs?: readonly {
    readonly name: string;
    readonly dtype?: Dtype;
    readonly shape?: readonly Dim[];
  }[];
  readonly outputs: readonly string[];
  readonly constants?: Readonly<Record<string, Tensor>>;
  readonly nodes: readonly NodeSpec[];
}

export interface ModelSpec extends GraphSpec {
  readonly opset?: number;
}

export const f32 = (shape: readonly number[], values: ArrayLike<number>): Tensor =>
  tensorOf("float32", shape, values);
export const i64 = (...values: readonly number[]): Tensor => tensorOf("int64", [values.length], values);

/** Elements as numbers in the field that ONNX has for their type. */
export function tensorProto(name: string, { dtype, shape, data }: Tensor) {
  const values = Array.from(data);
  const whole = values.map((value) => BigInt(Math.trunc(value)));
  const fields: Partial<Record<Dtype, object>> = {
    float32: { floatData: values },
    float64: { doubleData: values },
    int64: { int64Data: whole },
    uint64: { uint64Data: whole },
    uint32: { uint64Data: whole },
  };
  return create(TensorProtoSchema, {
    ...{ name, dims: shape.map(BigInt), dataType: formatOf(dtype).code },
    ...(fields[dtype] ?? { int32Data: values }),
  });
}

const CODES = { real: 1, int: 2, text: 3, tensor: 4, reals: 6, ints: 7, texts: 8 } as const;
const bytes = (text: string) => new TextEncoder().encode(text);

function attributeProto(op: string, name: string, value: AttributeValue, opset: number) {
  const rows = OPS.get(op)?.attributes ?? [];
  const row = rows.find((one) => one.name === name && one.from <= opset && opset <= one.to);
  const kind = row?.kind ?? (typeof value === "string" ? "text" : typeof value === "number" ? "int" : "ints");
  const fields = {
    real: () => ({ f: value as number }),
    int: () => ({ i: BigInt(value as number) }),
    text: () => ({ s: bytes(value as string) }),
    tensor: () => ({ t: tensorProto("", value as Tensor) }),
    reals: () => ({ floats: [...(value as readonly number[])] }),
    ints: () => ({ ints: (value as readonly number[]).map(BigInt) }),
    texts: () => ({ strings: (value as readonly string[]).map(bytes) }),
  };
  return create(AttributeProtoSchema, { name, type: CODES[kind], ...fields[kind]() });
}

function graphProto({ inputs = [], outputs, constants = {}, nodes }: GraphSpec, opset: number): GraphProto {
  return create(GraphProtoSchema, {
    input: inputs.map(({ name, dtype = "float32", shape }) =>
      create(ValueInfoProtoSchema, {
        name,
        type: create(TypeProtoSchema, {
          value: {
            case: "tensorType",
            value: {
              elemType: formatOf(dtype).code,
              ...(shape && {
                shape: {
                  dim: shape.map((size) => ({
                    value:
                      typeof size === "number"
                        ? { case: "dimValue" as const, value: BigInt(size) }
                        : { case: "dimParam" as const, value: size },
                  })),
                },
              }),
            },
          },
        }),
      }),
    ),
    output: outputs.map((name) => create(ValueInfoProtoSchema, { name })),
    initializer: Object.entries(constants).map(([name, tensor]) => tensorProto(name, tensor)),
    node: nodes.map(({ op, attributes = {}, branches = {}, ...node }) =>
      create(NodeProtoSchema, {
        ...{ opType: op, name: node.name ?? "", domain: node.domain ?? "" },
        ...{ input: [...node.inputs], output: [...node.outputs] },
        attribute: [
          ...Object.entries(attributes).map(([name, value]) => attributeProto(op, name, value, opset)),
          ...Object.entries(branches).map(([name, graph]) =>
            create(AttributeProtoSchema, { name, type: 5, g: graphProto(graph, opset) }),
          ),
        ],
      }),
    ),
  });
}

/** A model as the message that a file holds. */
export const modelProto = (spec: ModelSpec) =>
  create(ModelProtoSchema, {
    ...{ irVersion: 8n, producerName: "test", graph: graphProto(spec, spec.opset ?? OPSETS.to) },
    opsetImport: [{ domain: "", version: BigInt(spec.opset ?? OPSETS.to) }],
  });

/** The bytes of a file. */
export const modelBytes = (spec: ModelSpec): Uint8Array => toBinary(ModelProtoSchema, modelProto(spec));

/** A model read back from its bytes, patterns left as they are. */
export const graphOf = (spec: ModelSpec, given: Given = {}): Graph =>
  resolve(parseModel(modelBytes(spec), "test.onnx"), given);
