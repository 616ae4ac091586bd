import { InputError } from "../base/errors.ts";
import { formatOf } from "./dtype.ts";
import { type Block, type Graph, type Input, type Node, pruned } from "./graph.ts";
import { Call, countOf, MOST_RANK, type Operand } from "./ops/define.ts";
import { insteadOf } from "./ops/table.ts";
import { inOrder } from "./order.ts";
import type { ParsedGraph, ParsedModel, ParsedNode } from "./parse.ts";
import {
  type Dim,
  elementsIn,
  isConcrete,
  MOST_ELEMENTS,
  type Shape,
  shown,
  type Tensor,
  tensorOf,
  textOf,
  UNKNOWN,
  type ValueType,
} from "./tensor.ts";

/** What a person says of a model's inputs. */
export interface Given {
  /** Sizes of inputs by name: those that the model leaves open become these everywhere. */
  readonly shapes?: ReadonlyMap<string, readonly number[]>;
  /** Elements of inputs that are constants from now on. */
  readonly fixed?: ReadonlyMap<string, readonly number[]>;
  /** The first size of every other input whose first size the model leaves open. */
  readonly batch?: number;
}

/** Steps that folding constants may take, all in all, and bytes that it may make: what would cost more stays a node. */
const FOLDING_STEPS = 2 ** 25;

/**
 * A parsed model as a graph: types inferred, constants folded, choices on constants made, nodes in order and only those that the
 * outputs need.
 * @throws InputError with the first misfit, or with all nodes whose operators are not read
 */
export function resolve(model: ParsedModel, given: Given = {}): Graph {
  const { file, opset, producer, graph } = model;
  const resolver = new Resolver(file, opset);
  const inputs = boundInputs(graph.inputs, given, file);
  const scope = new Scope();
  for (const input of inputs) {
    const fixed = given.fixed?.get(input.name);
    if (fixed === undefined) resolver.types.set(scope.declare(input.name), input);
    else
      resolver.hold(
        scope.declare(input.name),
        fixedTensor(input, fixed, `${file}: input ${shown(input.name)}`),
      );
  }
  const { nodes, outputs } = resolver.block(graph, scope);
  resolver.refuseUnread();
  const named = graph.outputs.map((name, i) => ({ name, value: outputs[i]! }));
  if (named.length === 0) throw new InputError(file, "has no outputs");
  return pruned(
    {
      ...{ file, opset, producer, outputs: named, nodes, constants: resolver.constants },
      ...{ types: resolver.types, patterns: new Map() },
      inputs: inputs.filter(({ name }) => !given.fixed?.has(name)),
    },
    nodes,
  );
}

/** The inputs with the sizes that a person says; a size of one name is the same in all of them. */
function boundInputs(
  inputs: readonly Input[],
  { shapes, fixed, batch }: Given,
  file: string,
): readonly Input[] {
  const known = inputs.map((input) => input.name);
  for (const name of [...(shapes?.keys() ?? []), ...(fixed?.keys() ?? [])]) {
    if (!known.includes(name))
      throw new InputError(
        file,
        `has no input ${name}; its inputs are ${known.map(shown).join(", ") || "none"}`,
      );
  }
  const sizes = new Map<Dim, number>();
  for (const input of inputs) {
    const wanted = shapes?.get(input.name);
    if (wanted !== undefined) bindSizes(input, wanted, sizes, `${file}: input ${shown(input.name)}`);
  }
  for (const { name, shape } of inputs) {
    const first = shape?.[0];
    const isOpen = typeof first === "string" && first !== UNKNOWN && !sizes.has(first) && !shapes?.has(name);
    if (isOpen && batch !== undefined) sizes.set(first, batch);
  }
  return inputs.map((input) => ({
    ...input,
    shape:
      shapes?.get(input.name) ??
      input.shape?.map((size, i) => sizes.get(size) ?? (size === UNKNOWN && i === 0 && batch ? batch : size)),
  }));
}

/** Notes what sizes of these names are. */
function bindSizes(input: Input, wanted: readonly number[], sizes: Map<Dim, number>, where: string): void {
  if (input.shape === undefined) return;
  if (wanted.length !== input.shape.length)
    throw new InputError(where, `[${wanted.join(", ")}] for ${textOf(input)}`);
  for (const [i, size] of input.shape.entries()) {
    const known = typeof size === "number" ? size : sizes.get(size);
    if (known !== undefined && known !== wanted[i])
      throw new InputError(
        where,
        `[${wanted.join(", ")}] for ${textOf(input)}${typeof size === "string" ? `, where ${size} is ${known}` : ""}`,
      );
    if (typeof size === "string" && size !== UNKNOWN) sizes.set(size, wanted[i]!);
  }
}

/** The constant that an input is fixed to: of its shape, or a vector of as many elements as are given. */
function fixedTensor({ dtype, shape }: Input, values: readonly number[], where: string): Tensor {
  const sizes = shape?.length === 1 && typeof shape[0] === "string" ? [values.length] : shape;
  if (!isConcrete(sizes) || elementsIn(sizes) !== values.length)
    throw new InputError(where, `${values.length} elements for ${textOf({ dtype, shape })}`);
  return tensorOf(dtype, sizes, values);
}

/** Names of one graph of the file, and of those around it, as names of values. */
class Scope {
  readonly #names = new Map<string, string>();
  readonly #taken: Set<string>;
  readonly #parent: Scope | undefined;
  readonly #prefix: string;

  /** @param prefix  what tells its names from those of other graphs */
  constructor(parent?: Scope, prefix = "") {
    this.#taken = parent === undefined ? new Set() : parent.#taken;
    this.#parent = parent;
    this.#prefix = prefix;
  }

  /** A new value of this name: under the name itself, unless another graph has it. */
  declare(name: string): string {
    let own = this.#prefix + name;
    while (this.#taken.has(own)) own += "'";
    this.#taken.add(own);
    this.#names.set(name, own);
    return own;
  }

  /** Lets a name stand for a value that there is already. */
  alias(name: string, value: string): void {
    this.#names.set(name, value);
  }

  find(name: string): string | undefined {
    return this.#names.get(name) ?? this.#parent?.find(name);
  }
}

class Resolver {
  readonly types = new Map<string, ValueType>();
  readonly constants = new Map<string, Tensor>();
  readonly #sizes = new Map<string, Shape>();
  /** Values of nodes that are not read, and of those that need them. */
  readonly #unknown = new Set<string>();
  readonly #unread: ParsedNode[] = [];
  readonly #file: string;
  readonly #opset: number;
  #steps = FOLDING_STEPS;
  #graphs = 0;

  constructor(file: string, opset: number) {
    this.#file = file;
    this.#opset = opset;
  }

  hold(value: string, tensor: Tensor): void {
    this.constants.set(value, tensor);
    this.types.set(value, { dtype: tensor.dtype, shape: tensor.shape });
  }

  block(graph: ParsedGraph, scope: Scope): Block {
    for (const [name, tensor] of graph.initializers) this.hold(scope.declare(name), tensor);
    const ordered = inOrder(graph, this.#file, (name) => scope.find(name) !== undefined);
    const nodes = ordered.flatMap((node) => this.#node(node, scope));
    const outputs = graph.outputs.map(
      (name) => scope.find(name) ?? this.#refuse(`${this.#file}: output ${shown(name)}`, "nothing gives it"),
    );
    return { nodes, outputs };
  }

  #refuse(where: string, rule: string): never {
    throw new InputError(where, rule);
  }

  /** One node: nothing where its results are known, several where it chooses a graph that takes its place. */
  #node(node: ParsedNode, scope: Scope): Node[] {
    const inputs = node.inputs.map((name) => (name === "" ? "" : scope.find(name)!));
    if (node.op === undefined) this.#unread.push(node);
    if (node.op === undefined || inputs.some((name) => this.#unknown.has(name))) {
      for (const name of node.outputs) this.#unknown.add(scope.declare(name));
      return [];
    }
    const last = inputs.findLastIndex((name) => name !== "") + 1;
    const operands = inputs.slice(0, last).map((name) => (name === "" ? undefined : this.#operand(name)));
    const wanted = node.outputs.findLastIndex((name) => name !== "") + 1;
    const call = new Call(node.where, this.#opset, operands, wanted, node.attributes);
    for (let i = 0; i < node.op.inputs[0]; i++) call.input(i);
    if (node.branches !== undefined) return this.#choose(node, node.branches, call, inputs, scope);
    const { name, where, op, attributes } = node;
    const read = inputs.slice(0, last);
    return this.#step(
      { name, where, op, attributes, opset: this.#opset, inputs: read },
      node.outputs,
      call,
      scope,
    );
  }

  #operand(name: string): Operand {
    return { ...this.types.get(name)!, tensor: this.constants.get(name), sizes: this.#sizes.get(name) };
  }

  /** @param named  the outputs as the file names them */
  #step(node: Omit<Node, "outputs">, named: readonly string[], call: Call, scope: Scope): Node[] {
    const { op } = node;
    if (op.passes?.(call)) {
      scope.alias(named[0]!, node.inputs[0]!);
      return [];
    }
    const types = op.infer(call).slice(0, named.length);
    for (const { shape } of types)
      if (shape !== undefined && shape.length > MOST_RANK)
        call.refuse(`an output of ${shape.length} dimensions`);
    const known = this.#folded(node, call, types);
    const outputs = named.map((name, i) => {
      if (name === "") return "";
      const value = scope.declare(name);
      if (known?.[i]) this.hold(value, known[i]);
      else this.types.set(value, types[i] ?? call.refuse(`has no output ${i}`));
      return value;
    });
    if (known !== undefined) return [];
    const sizes = op.sizes?.(call);
    if (sizes !== undefined && sizes.length <= MOST_RANK) {
      if (isConcrete(sizes))
        this.hold(outputs[0]!, tensorOf(types[0]!.dtype, rankOf(types[0]!, sizes), sizes));
      else this.#sizes.set(outputs[0]!, sizes);
      if (isConcrete(sizes)) return [];
    }
    return [{ ...node, outputs }];
  }

  /** The outputs of a node whose inputs are all constants, where they are not too dear. */
  #folded({ op }: Pick<Node, "op">, call: Call, types: readonly ValueType[]): readonly Tensor[] | undefined {
    if (op.constant !== undefined) return [op.constant(call)];
    if (!call.operands.every((operand) => operand === undefined || operand.tensor !== undefined))
      return undefined;
    if (!types.every(({ shape }) => isConcrete(shape))) return undefined;
    const inputs = call.operands.map((operand) => operand?.tensor);
    const elements = [...types.map(countOf), ...inputs.map((tensor) => tensor?.data.length ?? 0)];
    const steps =
      elements.reduce((sum, n) => sum + n, op.macs?.(call, types) ?? 0) + (op.work?.(call, types) ?? 0);
    // Written so that a count beyond all numbers is too dear as well.
    if (!(steps <= this.#steps)) return undefined;
    this.#steps -= steps;
    return computed(op, call, inputs, types);
  }

  /** A node that chooses between two graphs. Where its input is known, the chosen one takes its place. */
  #choose(
    node: ParsedNode,
    branches: readonly [ParsedGraph, ParsedGraph],
    call: Call,
    inputs: readonly string[],
    scope: Scope,
  ): Node[] {
    if (call.dtype(0) !== "bool") call.refuse(`takes a condition of bool, not ${call.dtype(0)}`);
    for (const graph of branches) {
      if (graph.outputs.length !== node.outputs.length)
        call.refuse(`a branch of ${graph.outputs.length} outputs where it has ${node.outputs.length}`);
    }
    const [known] = call.numbers(0, 1) ?? [];
    const inner = () => new Scope(scope, `${shown(node.name)}/${this.#graphs++}/`);
    if (known !== undefined) {
      const { nodes, outputs } = this.block(branches[known !== 0 ? 0 : 1], inner());
      for (const [i, name] of node.outputs.entries()) scope.alias(name, outputs[i]!);
      return [...nodes];
    }
    const [then, otherwise] = branches.map((graph) => this.block(graph, inner())) as [Block, Block];
    const outputs = node.outputs.map((name, i) => {
      if (name === "") return "";
      const value = scope.declare(name);
      const pair = [then.outputs[i]!, otherwise.outputs[i]!];
      if (pair.some((one) => this.#unknown.has(one))) this.#unknown.add(value);
      else this.types.set(value, joined(call, this.types.get(pair[0]!)!, this.types.get(pair[1]!)!));
      return value;
    });
    const { name, where, attributes } = node;
    const op = node.op!;
    return [
      { name, where, op, opset: this.#opset, attributes, inputs, outputs, branches: [then, otherwise] },
    ];
  }

  /** @throws InputError naming every node whose operator is not read */
  refuseUnread(): void {
    if (this.#unread.length === 0) return;
    const kinds = new Map<string, ParsedNode[]>();
    for (const node of this.#unread) {
      const kind = shown(node.domain === "" ? node.type : `${node.domain}.${node.type}`);
      const known = kinds.get(kind);
      if (known === undefined) kinds.set(kind, [node]);
      else known.push(node);
    }
    const list = [...kinds].map(([kind, nodes]) => {
      const names = nodes.slice(0, NAMES).map(({ name }) => shown(name));
      const more = nodes.length > NAMES ? ` and ${nodes.length - NAMES} more` : "";
      const advice = insteadOf(nodes[0]!.domain, nodes[0]!.type);
      return `${kind} of opset ${this.#opset} (${names.join(", ")}${more}): ${advice}`;
    });
    throw new InputError(this.#file, `${this.#unread.length} nodes are not supported: ${list.join("; ")}`);
  }
}

/** Nodes of one operator that an error names. */
const NAMES = 3;

const rankOf = ({ shape }: ValueType, sizes: Shape): number[] => (shape?.length === 0 ? [] : [sizes.length]);

/** What two branches' outputs have in common. */
function joined(call: Call, a: ValueType, b: ValueType): ValueType {
  if (a.dtype !== b.dtype) call.refuse(`its branches give ${a.dtype} and ${b.dtype}`);
  if (a.shape === undefined || b.shape === undefined || a.shape.length !== b.shape.length)
    return { dtype: a.dtype, shape: undefined };
  const other = b.shape;
  return { dtype: a.dtype, shape: a.shape.map((size, i) => (size === other[i] ? size : UNKNOWN)) };
}

/** The outputs of an operator, allocated and filled. @throws InputError for one too large */
export function computed(
  op: Node["op"],
  call: Call,
  inputs: readonly (Tensor | undefined)[],
  types: readonly ValueType[],
): readonly Tensor[] {
  const outputs = types.map(({ dtype, shape }): Tensor => {
    if (!isConcrete(shape))
      return call.refuse(`an output of [${shape ?? "unknown rank"}] cannot be computed`);
    const count = countOf({ dtype, shape });
    if (!(count <= MOST_ELEMENTS))
      call.refuse(`an output of [${shape.join(", ")}] has more than ${MOST_ELEMENTS} elements`);
    return { dtype, shape, data: formatOf(dtype).make(count) };
  });
  // Nothing to fill may still be much to walk over.
  if (outputs.every(({ data }) => data.length === 0)) return outputs;
  op.compute(call, inputs, outputs);
  for (const { dtype, data } of outputs) {
    const { round } = formatOf(dtype);
    if (round) for (let i = 0; i < data.length; i++) data[i] = round(data[i]!);
  }
  return outputs;
}
