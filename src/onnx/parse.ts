import { fromBinary } from "@bufbuild/protobuf";
import { InputError } from "../base/errors.ts";
import { dtypeOf } from "./dtype.ts";
import type { Input } from "./graph.ts";
import {
  type Attribute,
  type AttributeKind,
  type AttributeValue,
  MOST_RANK,
  OPSETS,
  type Op,
} from "./ops/define.ts";
import { OPS } from "./ops/table.ts";
import {
  type AttributeProto,
  type GraphProto,
  type ModelProto,
  ModelProtoSchema,
  type NodeProto,
  type TensorShapeProto_Dimension,
  type ValueInfoProto,
} from "./proto/onnx_pb.ts";
import { type Dim, readTensor, shown, type Tensor, UNKNOWN } from "./tensor.ts";

/** A node as the file has it, its attributes read and checked; without a record where its operator is not known. */
export interface ParsedNode {
  readonly name: string;
  readonly where: string;
  readonly domain: string;
  readonly type: string;
  readonly op: Op | undefined;
  readonly attributes: ReadonlyMap<string, AttributeValue>;
  readonly branches: readonly [ParsedGraph, ParsedGraph] | undefined;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
}

/** A graph as the file has it, nodes in its order. */
export interface ParsedGraph {
  /** Without those that have an initializer, as files before version 4 list. */
  readonly inputs: readonly Input[];
  readonly outputs: readonly string[];
  readonly initializers: ReadonlyMap<string, Tensor>;
  readonly nodes: readonly ParsedNode[];
}

export interface ParsedModel {
  readonly file: string;
  readonly opset: number;
  readonly producer: string;
  readonly graph: ParsedGraph;
}

/** Bytes of the largest file: protobuf's own limit. */
const MOST_BYTES = 2 ** 31 - 1;

/**
 * Reads a model's bytes: structure, types, attributes and constants. How nodes fit one another is not looked at yet.
 * @throws InputError with the first thing that is wrong
 */
export function parseModel(bytes: Uint8Array, file: string): ParsedModel {
  if (bytes.length > MOST_BYTES)
    throw new InputError(file, `${bytes.length} bytes are more than ${MOST_BYTES}`);
  const model = decode(bytes, file);
  const opset = opsetOf(model, file);
  if (model.functions.length > 0)
    throw new InputError(
      file,
      `defines functions of its own (${shown(model.functions[0]!.name)}): inline them first`,
    );
  if (model.graph === undefined) throw new InputError(file, "has no graph: it is no ONNX model");
  const producer = [model.producerName, model.producerVersion].filter((part) => part !== "").join(" ");
  return { file, opset, producer: shown(producer), graph: parseGraph(model.graph, { file, opset }) };
}

function decode(bytes: Uint8Array, file: string): ModelProto {
  try {
    return fromBinary(ModelProtoSchema, bytes, { readUnknownFields: false });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new InputError(file, `is truncated or no ONNX model (${reason})`);
  }
}

const isOwn = (domain: string): boolean => domain === "" || domain === "ai.onnx";

function opsetOf(model: ModelProto, file: string): number {
  const own = model.opsetImport.find(({ domain }) => isOwn(domain));
  if (own === undefined)
    throw new InputError(file, "names no version of ONNX's operators: it is no ONNX model");
  const version = Number(own.version);
  if (version < OPSETS.from || version > OPSETS.to)
    throw new InputError(file, `opset ${version} is not in ${OPSETS.from} … ${OPSETS.to}: convert the model`);
  return version;
}

interface Context {
  readonly file: string;
  readonly opset: number;
}

function parseGraph(graph: GraphProto, context: Context): ParsedGraph {
  const { file } = context;
  if (graph.sparseInitializer.length > 0)
    throw new InputError(file, "has sparse initializers, which are not read");
  const initializers = new Map<string, Tensor>();
  for (const proto of graph.initializer) {
    const where = `${file}: initializer ${shown(proto.name)}`;
    if (initializers.has(proto.name)) throw new InputError(where, "its name is taken");
    initializers.set(proto.name, readTensor(proto, where));
  }
  return {
    inputs: graph.input.filter(({ name }) => !initializers.has(name)).map((input) => inputOf(input, file)),
    outputs: graph.output.map(({ name }) => name),
    initializers,
    nodes: graph.node.map((node, i) => parseNode(node, i, context)),
  };
}

function inputOf({ name, type }: ValueInfoProto, file: string): Input {
  const where = `${file}: input ${shown(name)}`;
  const tensor = type?.value.case === "tensorType" ? type.value.value : undefined;
  if (tensor === undefined) throw new InputError(where, "is no tensor");
  const dtype = dtypeOf(tensor.elemType);
  if (dtype === undefined)
    throw new InputError(where, `elements of ONNX's type ${tensor.elemType} are not read`);
  const dims = tensor.shape?.dim;
  if (dims !== undefined && dims.length > MOST_RANK)
    throw new InputError(where, `${dims.length} dimensions are more than ${MOST_RANK}`);
  return { name, dtype, shape: dims?.map((dim) => dimOf(dim, where)) };
}

function dimOf({ value }: TensorShapeProto_Dimension, where: string): Dim {
  if (value.case === "dimParam" && value.value !== "") return value.value;
  if (value.case !== "dimValue") return UNKNOWN;
  const size = Number(value.value);
  if (size < 0) throw new InputError(where, `a dimension of ${size} is below 0`);
  return size;
}

function parseNode(node: NodeProto, place: number, context: Context): ParsedNode {
  const domain = isOwn(node.domain) ? "" : node.domain;
  const type = node.opType;
  const name = node.name === "" ? `#${place}` : node.name;
  const where = `${context.file}: node ${shown(name)} (${shown(domain === "" ? type : `${domain}.${type}`)}, opset ${context.opset})`;
  const found = domain === "" ? OPS.get(type) : undefined;
  const isThere =
    found !== undefined && (found.from ?? 1) <= context.opset && context.opset <= (found.to ?? Infinity);
  const shared = { name, where, domain, type, inputs: node.input, outputs: node.output };
  if (found === undefined) return { ...shared, op: undefined, attributes: new Map(), branches: undefined };
  if (!isThere) throw new InputError(where, `exists from opset ${found.from} on`);
  const [[fewest, most], [least, last]] = [found.inputs, found.outputs ?? [1, 1]];
  const count = (what: string, n: number, from: number, to: number) => {
    if (n < from || n > to) throw new InputError(where, `${n} ${what} where ${from} … ${to} are taken`);
  };
  count("inputs", node.input.length, fewest, most);
  count("outputs", node.output.length, least, last);
  const op = found;
  return {
    ...shared,
    op,
    attributes: attributesOf(node, op, where, context),
    branches: branchesOf(node, op, where, context),
  };
}

function branchesOf(
  node: NodeProto,
  op: Op,
  where: string,
  context: Context,
): readonly [ParsedGraph, ParsedGraph] | undefined {
  if (op.branches === undefined) return undefined;
  const graphs = op.branches.map((name) => {
    const graph = node.attribute.find((attribute) => attribute.name === name)?.g;
    if (graph === undefined) throw new InputError(where, `needs the graph ${name}`);
    if (graph.input.length > 0) throw new InputError(where, `${name} takes inputs`);
    return parseGraph(graph, context);
  });
  return graphs as [ParsedGraph, ParsedGraph];
}

/** How each kind of attribute is stored, and ONNX's number for it (AttributeProto.AttributeType). */
const KINDS: Readonly<
  Record<
    AttributeKind,
    { readonly code: number; read(proto: AttributeProto, where: string): AttributeValue | undefined }
  >
> = {
  real: { code: 1, read: ({ f }) => f },
  int: { code: 2, read: ({ i }) => Number(i) },
  text: { code: 3, read: ({ s }) => new TextDecoder().decode(s) },
  tensor: { code: 4, read: ({ t }, where) => t && readTensor(t, where) },
  reals: { code: 6, read: ({ floats }) => floats },
  ints: { code: 7, read: ({ ints }) => ints.map(Number) },
  texts: { code: 8, read: ({ strings }) => strings.map((s) => new TextDecoder().decode(s)) },
};

function attributesOf(
  node: NodeProto,
  op: Op,
  where: string,
  { opset }: Context,
): Map<string, AttributeValue> {
  const rows = (op.attributes ?? []).filter(({ from, to }) => from <= opset && opset <= to);
  const values = new Map<string, AttributeValue>();
  for (const proto of node.attribute) {
    if (op.branches?.includes(proto.name)) continue;
    const row = rows.find(({ name }) => name === proto.name);
    if (row === undefined) throw new InputError(where, `has no attribute ${shown(proto.name)}`);
    if (values.has(row.name)) throw new InputError(where, `${row.name} is given twice`);
    values.set(row.name, attributeOf(proto, row, where));
  }
  for (const { name, otherwise, isRequired } of rows) {
    if (values.has(name)) continue;
    if (isRequired) throw new InputError(where, `needs the attribute ${name}`);
    if (otherwise !== undefined) values.set(name, otherwise);
  }
  return values;
}

function attributeOf(
  proto: AttributeProto,
  { name, kind, choices }: Attribute,
  where: string,
): AttributeValue {
  if (proto.refAttrName !== "") throw new InputError(where, `${name} refers to a function's attribute`);
  const { code, read } = KINDS[kind];
  // Writers before version 2 of the format left the type out.
  const isKind = proto.type === code || proto.type === 0;
  const value = isKind ? read(proto, `${where}: ${name}`) : undefined;
  if (value === undefined)
    throw new InputError(where, `${name} is of ONNX's type ${proto.type}, not ${code}`);
  if (choices !== undefined && !choices.includes(value as string))
    throw new InputError(where, `${name} "${shown(String(value))}" is none of ${choices.join(", ")}`);
  return value;
}
