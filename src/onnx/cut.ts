import { InputError } from "../base/errors.ts";
import { type Graph, type Node, pruned, readsOf } from "./graph.ts";
import { shown } from "./tensor.ts";

/** Where a part of a graph begins and ends, by names of values; where one is left out, at the graph's own inputs or outputs. */
export interface Ends {
  readonly from?: readonly string[];
  readonly to?: readonly string[];
}

/**
 * The part of a graph between named values: those of `from` are its inputs, of the types that they have in the graph, those of `to` its
 * outputs, in the order of the names. What is not needed in between goes. `to` may name outputs of the graph by their public names;
 * without `from`, inputs that nothing reads go too. What computes the inputs of a part is `cut(graph, { to: from })`.
 *
 * @throws InputError naming the file, the value and the rule: for names that are twice there or no values, a beginning that nothing
 *   reads, an end that nothing computes, and where an input of the graph that is not in `from` is still needed
 */
export function cut(graph: Graph, { from, to }: Ends): Graph {
  const values = valuesOf(graph);
  for (const names of [from ?? [], to ?? []]) {
    const twice = names.find((name, i) => names.indexOf(name) !== i);
    if (twice !== undefined) refuse(graph, twice, "is named twice");
  }
  for (const name of from ?? []) {
    if (graph.constants.has(name)) refuse(graph, name, "is a constant: a part begins with what is computed");
    if (!values.has(name)) refuse(graph, name, "is not in the graph");
  }
  const outputs = to?.map((name) => outputOf(graph, name, values)) ?? graph.outputs;
  const ends = outputs.map(({ name }) => shown(name)).join(", ");
  const begin = new Set(from ?? graph.inputs.map(({ name }) => name));
  const { nodes, reads } = between(
    graph.nodes,
    begin,
    outputs.map(({ value }) => value),
  );
  for (const { name, value } of to === undefined ? [] : outputs)
    if (!nodes.some((node) => node.outputs.includes(value)))
      refuse(graph, name, "is not computed by any node behind where the part begins");
  const missed = graph.inputs.find(({ name }) => reads.has(name) && !begin.has(name));
  if (missed !== undefined)
    throw new InputError(
      `${graph.file}: input ${shown(missed.name)}`,
      `is needed for ${ends}, and the part does not begin with it`,
    );
  const unread = from?.find((name) => !reads.has(name));
  if (unread !== undefined) refuse(graph, unread, `is not needed for ${ends}`);
  const inputs = [...begin].filter((name) => reads.has(name));
  return pruned(
    { ...graph, inputs: inputs.map((name) => ({ name, ...graph.types.get(name)! })), outputs },
    nodes,
  );
}

/** What is left of a graph without a part that `cut` made of it; what it reads of the part are inputs. */
export function without(graph: Graph, part: Graph): Graph {
  const inside = new Set(part.nodes.flatMap(({ outputs }) => outputs.filter((name) => name !== "")));
  const nodes = graph.nodes.filter(({ outputs }) => !outputs.some((name) => inside.has(name)));
  const own = new Set(graph.inputs.map(({ name }) => name));
  const reads = new Set(nodes.flatMap(readsOf));
  const taken = [...inside].filter((name) => reads.has(name));
  const given = part.inputs.filter(({ name }) => !own.has(name));
  return pruned(
    {
      ...graph,
      inputs: [...graph.inputs, ...taken.map((name) => ({ name, ...graph.types.get(name)! }))],
      outputs: [
        ...graph.outputs.filter(({ value }) => !inside.has(value)),
        ...given.map(({ name }) => ({ name, value: name })),
      ],
    },
    nodes,
  );
}

function refuse({ file }: Graph, name: string, rule: string): never {
  throw new InputError(`${file}: value ${shown(name)}`, rule);
}

/** Names of what a graph is given and computes, without what branches have for themselves. */
const valuesOf = ({ inputs, nodes }: Graph): ReadonlySet<string> =>
  new Set([...inputs.map(({ name }) => name), ...nodes.flatMap(({ outputs }) => outputs)]);

/** An output of a part, by the name of a value or of the graph's output. */
function outputOf(graph: Graph, name: string, values: ReadonlySet<string>): { name: string; value: string } {
  const known = graph.outputs.find((output) => output.name === name);
  if (known !== undefined) return known;
  if (!values.has(name) && !graph.constants.has(name)) refuse(graph, name, "is not in the graph");
  return { name, value: name };
}

/** The nodes that some values need, in their order, none from before where the part begins; and all values that these need. */
function between(
  nodes: readonly Node[],
  begin: ReadonlySet<string>,
  ends: readonly string[],
): { readonly nodes: Node[]; readonly reads: ReadonlySet<string> } {
  const reads = new Set(ends);
  const kept: Node[] = [];
  for (const node of nodes.toReversed()) {
    if (!node.outputs.some((name) => reads.has(name) && !begin.has(name))) continue;
    // What the part is given it does not compute as well.
    kept.push({ ...node, outputs: node.outputs.map((name) => (begin.has(name) ? "" : name)) });
    for (const name of readsOf(node)) reads.add(name);
  }
  return { nodes: kept.toReversed(), reads };
}
