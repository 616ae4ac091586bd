import { InputError } from "../../base/errors.ts";
import { cut } from "../../onnx/cut.ts";
import { isReal } from "../../onnx/dtype.ts";
import type { Graph, Node } from "../../onnx/graph.ts";
import { readsOf } from "../../onnx/graph.ts";
import { fuse } from "../../onnx/patterns/fuse.ts";
import { choiceFor, isTaken } from "./kinds/choice.ts";
import { Operation } from "./operation.ts";

/** An output of a model: its public name, and the value's own. */
type Output = Graph["outputs"][number];

/** A graph as it is run: what the machine computes, and in real numbers what a host does before it and behind it. */
export interface Parts {
  readonly front?: Graph;
  readonly machine: Graph;
  readonly back?: Graph;
  /** The model's outputs that hang on what the machine computes, in their order; the machine's where nothing is said. */
  readonly outputs?: readonly Output[];
}

/**
 * Leaves to the host what the machine has no unit for, where nothing that multiplies matrices lies before it, or nothing behind it:
 * such a node goes with all that it needs, or with all that needs it. What is odd between stays with the machine, which refuses it.
 * @throws InputError where nothing is left for the machine
 */
export function partsOf(graph: Graph): Parts {
  const { front, back } = hostedBy(graph);
  const made = (nodes: ReadonlySet<Node>) => new Set([...nodes].flatMap(({ outputs }) => outputs));
  const rest = new Set(graph.nodes.filter((node) => !front.has(node) && !back.has(node)));
  const [early, own] = [made(front), made(rest)];
  const reads = new Set([...rest].flatMap(readsOf));
  const wanted = new Set([...back].flatMap(readsOf));
  const from = [...graph.inputs.map(({ name }) => name), ...early].filter((name) => reads.has(name));
  const ends = graph.outputs.filter(({ value }) => own.has(value)).map(({ value }) => value);
  const to = [...new Set([...ends, ...[...own].filter((name) => wanted.has(name))])];
  if (to.length === 0)
    throw new InputError(graph.file, "has nothing that the machine computes: the host does all of it");
  return partsAround(graph, cut(graph, { from, to }), own);
}

/**
 * A part of a graph for the machine, and all before it and behind it for the host.
 * @param inside  values that the part computes, also those that it does not give
 * @throws InputError where what is behind needs a value that the part does not give
 */
export function partsAround(whole: Graph, machine: Graph, inside: ReadonlySet<string>): Parts {
  const inputs = whole.inputs.map(({ name }) => name);
  const early = machine.inputs.map(({ name }) => name).filter((name) => !inputs.includes(name));
  const given = machine.outputs.map(({ value }) => value);
  const stops = new Set([...inputs, ...early, ...given]);
  const outputs: Output[] = [];
  const reads = new Set<string>();
  for (const output of whole.outputs) {
    const own = readsBehind(whole.nodes, output.value, stops);
    const hidden = [...own].find((name) => inside.has(name) && !given.includes(name));
    const hangs = [...own].some((name) => given.includes(name));
    if (hidden !== undefined && hangs)
      throw new InputError(
        whole.file,
        `output ${output.name} needs value ${hidden} of the machine's part: it has to end there too`,
      );
    if (!hangs) continue;
    outputs.push(output);
    if (!given.includes(output.value)) for (const name of own) reads.add(name);
  }
  const late = outputs.filter(({ value }) => !given.includes(value)).map(({ name }) => name);
  const from = [...stops].filter((name) => reads.has(name));
  return {
    machine,
    outputs,
    ...(early.length > 0 && { front: fuse(cut(whole, { to: early })) }),
    ...(late.length > 0 && { back: fuse(cut(whole, { from, to: late })) }),
  };
}

/** All values that a value needs, itself among them, as far as the stops. */
function readsBehind(nodes: readonly Node[], value: string, stops: ReadonlySet<string>): ReadonlySet<string> {
  const reads = new Set([value]);
  for (const node of nodes.toReversed())
    if (node.outputs.some((name) => reads.has(name) && !stops.has(name)))
      for (const name of readsOf(node)) reads.add(name);
  return reads;
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
