import { allNodes, freshName, type Node, readsOf } from "../graph.ts";
import { type AttributeValue, Call, OPSETS, type Op } from "../ops/define.ts";
import type { Shape, Tensor, ValueType } from "../tensor.ts";

/** Constants that mean the same number differ by no more than this of it: they are float32 in files. */
const SAME = 1e-6;

/** Products of products, and sums of sums, are not followed any further: files may be made to hurt. */
export const DEEPEST = 8;

export const isNear = (x: number | undefined, wanted: number): boolean =>
  x !== undefined && Math.abs(x - wanted) <= SAME * Math.abs(wanted);

/** A product of values and a number, whatever the order in which it is multiplied and divided. */
export interface Factors {
  readonly scale: number;
  readonly values: readonly string[];
  /** Nodes that multiply, the last one first. */
  readonly nodes: readonly Node[];
}

/** A graph as patterns look at it: from a value back to what gives it. */
export class View {
  readonly #makers = new Map<string, Node>();
  readonly #readers = new Map<string, Node[]>();
  readonly #outputs: ReadonlySet<string>;
  readonly #constants: ReadonlyMap<string, Tensor>;
  readonly #types: ReadonlyMap<string, ValueType>;

  /** @param outputs  values that are read from outside: those of the graph, and of its branches */
  constructor(
    nodes: readonly Node[],
    outputs: ReadonlySet<string>,
    constants: ReadonlyMap<string, Tensor>,
    types: ReadonlyMap<string, ValueType>,
  ) {
    this.#outputs = outputs;
    this.#constants = constants;
    this.#types = types;
    for (const node of allNodes(nodes)) {
      for (const name of node.outputs) this.#makers.set(name, node);
      for (const name of new Set(node.inputs)) {
        const known = this.#readers.get(name);
        if (known === undefined) this.#readers.set(name, [node]);
        else known.push(node);
      }
    }
  }

  /** The node that gives a value, if it is of one of these operators. */
  made(value: string | undefined, ...names: readonly string[]): Node | undefined {
    const node = this.#makers.get(value ?? "");
    return node !== undefined && names.includes(node.op.name) ? node : undefined;
  }

  constant(value: string | undefined): Tensor | undefined {
    return this.#constants.get(value ?? "");
  }

  /** The number that a constant of one element is. */
  number(value: string | undefined): number | undefined {
    const tensor = this.constant(value);
    return tensor?.data.length === 1 ? tensor.data[0] : undefined;
  }

  shape(value: string): Shape | undefined {
    return this.#types.get(value)?.shape;
  }

  type(value: string): ValueType {
    return this.#types.get(value)!;
  }

  /** A node as its record sees it. @param added  constants beside those of the graph */
  call({ where, opset, inputs, outputs, attributes }: Node, added?: ReadonlyMap<string, Tensor>): Call {
    const operands = inputs.map((name) => {
      const tensor = added?.get(name) ?? this.constant(name);
      return name === "" ? undefined : { ...(tensor ?? this.type(name)), tensor };
    });
    return new Call(where, opset, operands, outputs.length, attributes);
  }

  /** A name for a constant that a match brings along, which no value has. */
  fresh({ outputs }: Node, part: string): string {
    return freshName(`${outputs[0]}/${part}`, this.#types);
  }

  /** Whether nothing but these nodes reads a value. */
  isWithin(value: string, nodes: ReadonlySet<Node>): boolean {
    return !this.#outputs.has(value) && (this.#readers.get(value) ?? []).every((node) => nodes.has(node));
  }

  #isReadOnce(value: string): boolean {
    return !this.#outputs.has(value) && this.#readers.get(value)?.length === 1;
  }

  /** The two operands of a node, the one that is wanted first; undefined where neither is. */
  pair<T>(
    node: Pick<Node, "inputs"> | undefined,
    wanted: (value: string) => T | undefined,
  ): readonly [T, string] | undefined {
    const [a, b] = node?.inputs ?? [];
    if (a === undefined || b === undefined) return undefined;
    const [first, second] = [wanted(a), wanted(b)];
    if (first !== undefined) return [first, b];
    return second === undefined ? undefined : [second, a];
  }

  /** What a value is the product of, through products that nothing else reads, of which it is at the given depth. */
  factors(value: string, depth = 0): Factors {
    const node = this.#opened(value, depth, "Mul", "Div");
    const own = this.number(value);
    if (own !== undefined) return { scale: own, values: [], nodes: [] };
    if (node === undefined) return { scale: 1, values: [value], nodes: [] };
    const [left, right] = node.inputs as [string, string];
    const divisor = this.number(right);
    if (node.op.name === "Div") {
      if (divisor === undefined) return { scale: 1, values: [value], nodes: [] };
      const { scale, values, nodes } = this.factors(left, depth + 1);
      return { scale: scale / divisor, values, nodes: [node, ...nodes] };
    }
    const [a, b] = [this.factors(left, depth + 1), this.factors(right, depth + 1)];
    return {
      scale: a.scale * b.scale,
      values: [...a.values, ...b.values],
      nodes: [node, ...a.nodes, ...b.nodes],
    };
  }

  #opened(value: string, depth: number, ...names: readonly string[]): Node | undefined {
    return depth === 0 || (depth < DEEPEST && this.#isReadOnce(value))
      ? this.made(value, ...names)
      : undefined;
  }

  /** What a value is the sum of, likewise. */
  terms(value: string, depth = 0): { readonly values: readonly string[]; readonly nodes: readonly Node[] } {
    const node = this.#opened(value, depth, "Add");
    if (node === undefined) return { values: [value], nodes: [] };
    const parts = node.inputs.map((name) => this.terms(name, depth + 1));
    return {
      values: parts.flatMap(({ values }) => values),
      nodes: [node, ...parts.flatMap(({ nodes }) => nodes)],
    };
  }

  /** Whether a value has the type and, as far as is known, the shape of another: neither is repeated over the other. */
  isSameShape(a: string, b: string): boolean {
    const [left, right] = [this.shape(a), this.shape(b)];
    return left !== undefined && right !== undefined && left.join() === right.join();
  }
}

/** What takes the place of some nodes. */
export interface Match {
  readonly node: Node;
  /** The nodes that it stands for, all of which go. */
  readonly covers: readonly Node[];
  /** Constants that it brings along. */
  readonly constants?: ReadonlyMap<string, Tensor>;
}

/** A group of nodes that is one operation. */
export interface Pattern {
  /** In reports. */
  readonly name: string;
  /** The match that ends in a node. */
  find(root: Node, view: View): Match | undefined;
}

/** A node that gives what `root` gives, or the outputs that are named. */
export function fused(
  root: Node,
  op: Op,
  inputs: readonly string[],
  attributes: Readonly<Record<string, AttributeValue>> = {},
  outputs: readonly string[] = root.outputs,
): Node {
  const defaults = (op.attributes ?? []).flatMap(({ name, otherwise, to }) =>
    otherwise === undefined || to < OPSETS.to ? [] : [[name, otherwise] as const],
  );
  return {
    ...{ name: root.name, where: root.where, op, opset: OPSETS.to, inputs, outputs },
    attributes: new Map([...defaults, ...Object.entries(attributes)]),
  };
}

/** All values that a block's nodes give to the outside of it, its branches' among them. */
export const givenOut = (nodes: readonly Node[]): string[] =>
  allNodes(nodes).flatMap((node) => (node.branches ?? []).flatMap(({ outputs }) => outputs));

/** Names that nodes in branches read. */
export const readInside = (nodes: readonly Node[]): string[] =>
  nodes.flatMap((node) => (node.branches === undefined ? [] : readsOf(node)));
