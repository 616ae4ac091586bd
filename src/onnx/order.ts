import { InputError } from "../base/errors.ts";
import type { ParsedGraph, ParsedNode } from "./parse.ts";
import { shown } from "./tensor.ts";

/** Names that a node reads, also from within its branches, of those that the branches do not make themselves. */
function outerReads({ inputs, branches }: ParsedNode): string[] {
  const inner = (branches ?? []).flatMap((graph) => {
    const own = new Set([...graph.initializers.keys(), ...graph.nodes.flatMap((node) => node.outputs)]);
    return [...graph.nodes.flatMap(outerReads), ...graph.outputs].filter((name) => !own.has(name));
  });
  return [...inputs, ...inner].filter((name) => name !== "");
}

/**
 * A graph's nodes so that each comes after those whose outputs it reads, whatever order the file has them in.
 * @throws InputError for a name that is given twice or comes from nowhere, and for nodes that wait for one another
 * @param outer  whether a name belongs to a graph around this one
 */
export function inOrder(graph: ParsedGraph, file: string, outer: (name: string) => boolean): ParsedNode[] {
  const makers = makersOf(graph, file);
  const given = new Set([...graph.initializers.keys(), ...graph.inputs.map(({ name }) => name)]);
  const waiting = new Map<ParsedNode, number>();
  const readers = new Map<ParsedNode, ParsedNode[]>();
  for (const node of graph.nodes) {
    const before = new Set<ParsedNode>();
    for (const name of outerReads(node)) {
      const maker = makers.get(name);
      if (maker !== undefined) before.add(maker);
      else if (!given.has(name) && !outer(name))
        throw new InputError(node.where, `reads ${shown(name)}, which nothing gives`);
    }
    waiting.set(node, before.size);
    for (const maker of before) {
      const known = readers.get(maker);
      if (known === undefined) readers.set(maker, [node]);
      else known.push(node);
    }
  }
  const sorted = graph.nodes.filter((node) => waiting.get(node) === 0);
  for (const node of sorted) {
    for (const reader of readers.get(node) ?? []) {
      const left = waiting.get(reader)! - 1;
      waiting.set(reader, left);
      if (left === 0) sorted.push(reader);
    }
  }
  const stuck = graph.nodes.find((node) => waiting.get(node)! > 0);
  if (stuck !== undefined) throw new InputError(stuck.where, "waits for itself: the graph has a cycle");
  return sorted;
}

/** Which node gives a name. */
function makersOf(graph: ParsedGraph, file: string): Map<string, ParsedNode> {
  const makers = new Map<string, ParsedNode>();
  const taken = new Set(graph.initializers.keys());
  for (const { name } of graph.inputs) {
    if (taken.has(name)) throw new InputError(`${file}: input ${shown(name)}`, "its name is taken");
    taken.add(name);
  }
  for (const node of graph.nodes) {
    for (const name of node.outputs) {
      if (name === "") continue;
      if (taken.has(name))
        throw new InputError(node.where, `its output ${shown(name)} has a name that is taken`);
      taken.add(name);
      makers.set(name, node);
    }
  }
  return makers;
}
