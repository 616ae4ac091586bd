import { cut } from "../../onnx/cut.ts";
import { isReal } from "../../onnx/dtype.ts";
import type { Graph, Node } from "../../onnx/graph.ts";
import { readsOf } from "../../onnx/graph.ts";
import { fuse } from "../../onnx/patterns/fuse.ts";
import { choiceFor, isTaken } from "./kinds/choice.ts";
import { Operation } from "./operation.ts";

/** A graph as it is run: what the machine computes, and in real numbers what a host does before it and behind it. */
export interface Parts {
  readonly front?: Graph;
  readonly machine: Graph;
  readonly back?: Graph;
}

/**
 * Leaves to the host what the machine has no unit for, where nothing that multiplies matrices lies before it, or nothing behind it:
 * such a node goes with all that it needs, or with all that needs it. What is odd between stays with the machine, which refuses it.
 */
export function partsOf(graph: Graph): Parts {
  const { front, back } = hostedBy(graph);
  const made = (nodes: ReadonlySet<Node>) => new Set([...nodes].flatMap(({ outputs }) => outputs));
  const rest = graph.nodes.filter((node) => !front.has(node) && !back.has(node));
  const [early, late, own] = [made(front), made(back), made(new Set(rest))];
  const inputs = graph.inputs.map(({ name }) => name);
  const reads = new Set(rest.flatMap(readsOf));
  const behind = graph.outputs.filter(({ value }) => late.has(value)).map(({ name }) => name);
  const wanted = new Set([...back].flatMap(readsOf).filter((name) => !late.has(name)));
  const from = [...inputs, ...early].filter((name) => reads.has(name));
  const ends = graph.outputs.filter(({ value }) => own.has(value));
  const more = [...own].filter((name) => wanted.has(name) && !ends.some(({ value }) => value === name));
  const hosted = [...early].filter((name) => reads.has(name) || wanted.has(name));
  const taken = [...inputs, ...early, ...own].filter((name) => wanted.has(name));
  return {
    machine: cut(graph, { from, to: [...ends.map(({ name }) => name), ...more] }),
    ...(hosted.length > 0 && { front: cut(graph, { to: hosted }) }),
    ...(behind.length > 0 && { back: cut(graph, { from: taken, to: behind }) }),
  };
}

/** A part of a graph for the machine, and all before it and behind it for the host. */
export function partsAround(whole: Graph, machine: Graph): Parts {
  const inputs = whole.inputs.map(({ name }) => name);
  const early = machine.inputs.map(({ name }) => name).filter((name) => !inputs.includes(name));
  const given = machine.outputs.map(({ value }) => value);
  const late = whole.outputs.filter(({ value }) => !given.includes(value));
  const ends = late.map(({ value }) => value);
  // What the host needs behind the machine's part, from that part and from its own inputs.
  const reads = new Set(ends);
  for (const node of whole.nodes.toReversed())
    if (node.outputs.some((name) => reads.has(name) && !given.includes(name)))
      for (const name of readsOf(node)) reads.add(name);
  const from = [...inputs, ...given].filter((name) => reads.has(name));
  return {
    machine,
    ...(early.length > 0 && { front: fuse(cut(whole, { to: early })) }),
    ...(late.length > 0 && { back: fuse(cut(whole, { from, to: late.map(({ name }) => name) })) }),
  };
}

const MATRICES = ["matrix product", "convolution", "recurrent"];
const multiplies = ({ op }: Node): boolean => MATRICES.includes(op.target);

function hostedBy(graph: Graph): { readonly front: ReadonlySet<Node>; readonly back: ReadonlySet<Node> } {
  const { nodes, constants, types } = graph;
  const front = new Set<Node>();
  const back = new Set<Node>();
  for (const node of nodes) {
    const choice = choiceFor(new Operation(node, graph));
    const readsIntegers = readsOf(node).some(
      (name) => !constants.has(name) && !isReal(types.get(name)!.dtype),
    );
    if (isTaken(choice) && !readsIntegers) continue;
    const [needs, needed] = [behindOf([node], nodes.toReversed(), true), behindOf([node], nodes, false)];
    if (!needs.some((other) => other !== node && multiplies(other))) for (const one of needs) front.add(one);
    else if (!needed.some((other) => other !== node && multiplies(other)))
      for (const one of needed) back.add(one);
  }
  return { front, back };
}

/** Nodes that these need, or that need these, themselves among them. @param nodes  in the order of that way */
function behindOf(first: readonly Node[], nodes: readonly Node[], isBackward: boolean): Node[] {
  const found = new Set(first);
  const links = new Set(first.flatMap((node) => (isBackward ? readsOf(node) : node.outputs)));
  for (const node of nodes) {
    if (!(isBackward ? node.outputs : readsOf(node)).some((name) => name !== "" && links.has(name))) continue;
    found.add(node);
    for (const name of isBackward ? readsOf(node) : node.outputs) links.add(name);
  }
  return [...found];
}
