import type { AttributeValue, Op } from "./ops/define.ts";
import type { Tensor, ValueType } from "./tensor.ts";

/** A step of a graph. Values go by their names, which are unique in a graph and all its branches. */
export interface Node {
  /** Name in the file, or its place there. */
  readonly name: string;
  /** File, node, operator and opset, for errors. */
  readonly where: string;
  readonly op: Op;
  readonly opset: number;
  /** Of those that the operator has in this opset; defaults are filled in. */
  readonly attributes: ReadonlyMap<string, AttributeValue>;
  /** Names of values, "" where an input is left out. */
  readonly inputs: readonly string[];
  /** Names of values, "" where an output is not asked for. */
  readonly outputs: readonly string[];
  /** What is computed where the input is true, and where it is false; of operators that choose. */
  readonly branches?: readonly [Block, Block];
}

/** Nodes in an order in which each comes after those that it needs, and the values that come out. */
export interface Block {
  readonly nodes: readonly Node[];
  readonly outputs: readonly string[];
}

/** A value that a graph takes. */
export interface Input extends ValueType {
  readonly name: string;
}

/** A value that a graph gives: its public name, and the value's own. */
interface Output {
  readonly name: string;
  readonly value: string;
}

/**
 * A model as it is computed: constants are folded, choices that hang on constants are made, and what nothing needs is gone. Every
 * value that a node reads is an input, a constant, or what an earlier node gives; all have a type, whose shape is as exact as the
 * sizes of the inputs are.
 */
export interface Graph {
  readonly file: string;
  readonly opset: number;
  readonly producer: string;
  readonly inputs: readonly Input[];
  readonly outputs: readonly Output[];
  readonly nodes: readonly Node[];
  readonly constants: ReadonlyMap<string, Tensor>;
  readonly types: ReadonlyMap<string, ValueType>;
  /** Patterns found and replaced, and how often. */
  readonly patterns: ReadonlyMap<string, number>;
}

/** Names of the values that a node reads, also within its branches. */
export function readsOf({ inputs, branches }: Node): string[] {
  const inner = branches?.flatMap(({ nodes, outputs }) => [...nodes.flatMap(readsOf), ...outputs]) ?? [];
  return [...inputs.filter((name) => name !== ""), ...inner];
}

/** A name that no value has: this one, or one like it. */
export function freshName(like: string, taken: ReadonlyMap<string, unknown>): string {
  let name = like;
  while (taken.has(name)) name += "'";
  return name;
}

/** All nodes, those of branches too. */
export const allNodes = (nodes: readonly Node[]): Node[] =>
  nodes.flatMap((node) => [node, ...(node.branches?.flatMap((branch) => allNodes(branch.nodes)) ?? [])]);

/** The nodes that the named values need, in their order. */
export function needed(nodes: readonly Node[], outputs: Iterable<string>): Node[] {
  const wanted = new Set(outputs);
  const kept: Node[] = [];
  for (const node of nodes.toReversed()) {
    if (!node.outputs.some((name) => wanted.has(name))) continue;
    kept.push(node);
    for (const name of readsOf(node)) wanted.add(name);
  }
  return kept.toReversed();
}

/** A graph's nodes and constants less those that no output needs. */
export function pruned(graph: Graph, nodes: readonly Node[], constants = graph.constants): Graph {
  const outputs = graph.outputs.map(({ value }) => value);
  const kept = needed(nodes, outputs);
  const read = new Set([...outputs, ...kept.flatMap(readsOf)]);
  return { ...graph, nodes: kept, constants: new Map([...constants].filter(([name]) => read.has(name))) };
}

/** A graph whose nodes give no results that nothing reads. */
export function trimmed(graph: Graph): Graph {
  const read = new Set([...graph.outputs.map(({ value }) => value), ...graph.nodes.flatMap(readsOf)]);
  return {
    ...graph,
    nodes: graph.nodes.map((node) => ({
      ...node,
      outputs: node.outputs.map((name) => (read.has(name) ? name : "")),
    })),
  };
}
