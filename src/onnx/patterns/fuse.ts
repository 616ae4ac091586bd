import { type Block, type Graph, type Node, pruned } from "../graph.ts";
import { unified } from "../ops/define.ts";
import { softmaxAttention } from "./attention.ts";
import { foldedConv } from "./conv.ts";
import { GATED_CURVES } from "./curves.ts";
import { biasedProduct } from "./linear.ts";
import { lstmCell } from "./lstm.ts";
import { layerNorm } from "./norm.ts";
import { givenOut, type Match, type Pattern, readInside, View } from "./view.ts";

/** Groups of nodes that become one, the larger ones first. */
const PATTERNS: readonly Pattern[] = [
  lstmCell,
  layerNorm,
  softmaxAttention,
  ...GATED_CURVES,
  foldedConv,
  biasedProduct,
];

/**
 * A graph in which each group of nodes that a pattern knows is one node. Its results differ by no more than the roundings between
 * the nodes of a group, which there are no more, and of constants that are multiplied beforehand.
 */
export function fuse(graph: Graph): Graph {
  const constants = new Map(graph.constants);
  const types = new Map(graph.types);
  const patterns = new Map<string, number>();
  const outputs = new Set([...graph.outputs.map(({ value }) => value), ...givenOut(graph.nodes)]);
  const nodes = fuseBlock(graph.nodes, outputs);
  return { ...pruned(graph, nodes, constants), types, patterns };

  function fuseBlock(block: readonly Node[], outer: ReadonlySet<string>): Node[] {
    const inner = block.map((node) =>
      node.branches ? { ...node, branches: node.branches.map(fuseBranch) as [Block, Block] } : node,
    );
    const view = new View(inner, new Set([...outer, ...readInside(inner)]), constants, types);
    // From the end, so that a group is met at its last node before any part of it is.
    const gone = new Set<Node>();
    const at = new Map<Node, Node>();
    const places = new Map(inner.map((node, i) => [node, i]));
    const makers = new Map(inner.flatMap((node) => node.outputs.map((value) => [value, node])));
    const earlier = (a: Node, b: Node) => (places.get(a)! < places.get(b)! ? a : b);
    for (const root of inner.toReversed()) {
      if (gone.has(root)) continue;
      const [name, match] = matchOf(root, view, gone) ?? [];
      if (name === undefined || match === undefined) continue;
      patterns.set(name, (patterns.get(name) ?? 0) + 1);
      for (const node of match.covers) gone.add(node);
      for (const [value, tensor] of match.constants ?? []) {
        constants.set(value, tensor);
        types.set(value, tensor);
      }
      // Where the first of its results is given, since others may read that before the last.
      at.set(match.node.outputs.map((value) => makers.get(value)!).reduce(earlier), match.node);
    }
    return inner.flatMap((node) => at.get(node) ?? (gone.has(node) ? [] : [node]));
  }

  function fuseBranch({ nodes: own, outputs: out }: Block): Block {
    return { nodes: fuseBlock(own, new Set([...outputs, ...out])), outputs: out };
  }
}

/** The first pattern that ends in a node, and of whose other results nothing else needs any. */
function matchOf(root: Node, view: View, gone: ReadonlySet<Node>): readonly [string, Match] | undefined {
  for (const { name, find } of PATTERNS) {
    const match = find(root, view);
    if (match === undefined || match.covers.some((node) => gone.has(node))) continue;
    const covered = new Set(match.covers);
    const inner = match.covers
      .flatMap(({ outputs }) => outputs)
      .filter((value) => !match.node.outputs.includes(value));
    if (inner.every((value) => view.isWithin(value, covered)) && isTyped(match, view)) return [name, match];
  }
  return undefined;
}

/** Whether a match gives what the nodes that it covers give: constants of more dimensions than others may have added some. */
function isTyped({ node, constants }: Match, view: View): boolean {
  const types = node.op.infer(view.call(node, constants));
  return node.outputs.every((name, i) => {
    const [wanted, got] = [view.type(name), types[i]!];
    if (wanted.dtype !== got.dtype || wanted.shape?.length !== got.shape?.length) return false;
    return (wanted.shape ?? []).every((size, k) => unified(size, got.shape![k]!) !== undefined);
  });
}
