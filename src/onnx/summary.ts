import { callOf } from "./call.ts";
import { isReal } from "./dtype.ts";
import { type Graph, type Node, needed } from "./graph.ts";
import { countOf, type Target } from "./ops/define.ts";
import { isConcrete, type ValueType } from "./tensor.ts";

/** What nodes of one operator, or for one target, come to. */
export interface Work {
  readonly nodes: number;
  /** Multiplications that are added up. */
  readonly macs: number;
  /** Elements of their outputs. */
  readonly elements: number;
  /** Nodes of which neither is known, because the model leaves sizes open. */
  readonly open: number;
}

/** What is worth knowing of a model before it is taken to the machine. */
export interface Summary {
  /** Elements of constants that are real numbers. */
  readonly parameters: number;
  readonly total: Work;
  /** By operator, the most products first. */
  readonly ops: readonly (Work & { readonly op: string; readonly target: Target })[];
  /** By what the machine would take it to, in the order of `TARGETS`; `host` is what stays real-valued. */
  readonly targets: readonly (Work & { readonly target: Target; readonly ops: readonly string[] })[];
}

const TARGETS: readonly Target[] = [
  ...(["matrix product", "convolution", "recurrent", "norm", "softmax", "curve"] as const),
  ...(["element-wise", "layout", "host"] as const),
];

const NOTHING: Work = { nodes: 0, macs: 0, elements: 0, open: 0 };

const sum = (a: Work, b: Work): Work => ({
  nodes: a.nodes + b.nodes,
  macs: a.macs + b.macs,
  elements: a.elements + b.elements,
  open: a.open + b.open,
});

/** What a node comes to, itself alone. */
function workOf(node: Node, graph: Graph): Work {
  const outputs = node.outputs.filter((name) => name !== "").map((name): ValueType => graph.types.get(name)!);
  const call = callOf(node, graph);
  const isOpen = [...outputs, ...call.operands].some((type) => type !== undefined && !isConcrete(type.shape));
  if (isOpen) return { ...NOTHING, nodes: 1, open: 1 };
  const elements = outputs.reduce((all, type) => all + countOf(type), 0);
  return { nodes: 1, macs: node.op.macs?.(call, outputs) ?? 0, elements, open: 0 };
}

/** Nodes that are computed at most: of two branches those of the one with more products, or with more nodes. */
function counted(nodes: readonly Node[], graph: Graph): Node[] {
  return nodes.flatMap((node) => {
    const branches = (node.branches ?? []).map((branch) => {
      const inner = counted(needed(branch.nodes, branch.outputs), graph);
      return { inner, macs: inner.reduce((all, one) => all + workOf(one, graph).macs, 0) };
    });
    const [largest] = branches.toSorted((a, b) => b.macs - a.macs || b.inner.length - a.inner.length);
    return [node, ...(largest?.inner ?? [])];
  });
}

/** Adds up what a graph's nodes come to. */
export function summarize(graph: Graph): Summary {
  const rows = counted(graph.nodes, graph).map((node) => ({ op: node.op, work: workOf(node, graph) }));
  const total = (some: typeof rows): Work => some.reduce((all, { work }) => sum(all, work), NOTHING);
  const names = [...new Set(rows.map(({ op }) => op.name))];
  const ops = names.map((name) => {
    const own = rows.filter(({ op }) => op.name === name);
    return { op: name, target: own[0]!.op.target, ...total(own) };
  });
  const targets = TARGETS.map((target) => {
    const own = rows.filter(({ op }) => op.target === target);
    return { target, ops: names.filter((name) => own.some(({ op }) => op.name === name)), ...total(own) };
  });
  return {
    parameters: [...graph.constants.values()]
      .filter(({ dtype }) => isReal(dtype))
      .reduce((all, { data }) => all + data.length, 0),
    total: total(rows),
    ops: ops.toSorted((a, b) => b.macs - a.macs || b.elements - a.elements || (a.op < b.op ? -1 : 1)),
    targets: targets.filter(({ nodes }) => nodes > 0),
  };
}
