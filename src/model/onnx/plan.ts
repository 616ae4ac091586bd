import type { Settings } from "../../arch/fields.ts";
import { digestOf } from "../../base/hash.ts";
import type { Grid } from "../../fixed/real.ts";
import { floorDiv } from "../../fixed/round.ts";
import { alignmentOf } from "../../isa/tables.ts";
import { exactRescale } from "../../kernels/elementwise.ts";
import type { Weights } from "../../kernels/image.ts";
import type { Graph } from "../../onnx/graph.ts";
import { broadcastStrides, elementsIn, offsetsOf } from "../../onnx/tensor.ts";
import type { Kind, Order, Placement, State, Wanted } from "./define.ts";
import { choiceFor } from "./kinds/choice.ts";
import { kindNamed } from "./kinds/table.ts";
import { PADDING, traced } from "./layout.ts";
import { type Move, movesOf } from "./moves.ts";
import { Operation } from "./operation.ts";
import { periodOf, rowMajor } from "./order.ts";
import type { QNetwork, QStep } from "./quantize.ts";

/** Codes that lie together, written once. Elements of all pieces are numbered one after the other. */
export interface Piece {
  readonly name: string;
  readonly grid: Grid;
  readonly elements: number;
  /** Elements before and behind them that whoever writes it uses. */
  readonly margin: number;
  /** The number of the first element. */
  readonly first: number;
}

/** Consecutive elements of a piece. */
export interface Part {
  readonly piece: Piece;
  readonly from: number;
  readonly elements: number;
}

/** What a program does, in this order. */
export type PlannedStep = ComputedStep | MovedStep;

interface ComputedStep {
  readonly kind: "computed";
  readonly label: string;
  readonly placement: Placement;
  readonly step: QStep;
  readonly inputs: readonly Part[];
  /** On the grids that results have by their nature, and then, where they differ, on those of their values. */
  readonly outputs: readonly { readonly written: Piece; readonly rescaled?: Piece }[];
}

/** Elements of other pieces, or zeros, brought together. */
interface MovedStep {
  readonly kind: "moved";
  readonly sources: Int32Array;
  readonly from: readonly Piece[];
  readonly moves: readonly Move[];
  readonly to: Piece;
}

/** A network for inputs of one size. */
export interface Plan {
  readonly pieces: readonly Piece[];
  /** Of the graph's inputs, in their order. */
  readonly inputs: readonly Piece[];
  readonly steps: readonly PlannedStep[];
  /** What the host takes, in the order in which it was named. */
  readonly outputs: readonly Part[];
  /** Where a step leaves a state, and where the next one finds it. */
  readonly states: readonly { readonly to: Piece; readonly from: Part }[];
  /** Where the array multiplies, by the step's label. */
  readonly sites: readonly {
    readonly name: string;
    readonly matrices: readonly Weights[];
    readonly placement: Placement;
  }[];
}

/**
 * @param graph   that the network was made of, with sizes
 * @param given   values that the host takes
 * @param states  by values
 */
export const planOf = (
  network: QNetwork,
  graph: Graph,
  given: readonly string[],
  states: readonly State[] = [],
): Plan => new Planner(network, graph).plan(given, states);

class Planner {
  readonly #network: QNetwork;
  readonly #graph: Graph;
  readonly #pieces: Piece[] = [];
  readonly #steps: PlannedStep[] = [];
  readonly #sites: Plan["sites"][number][] = [];
  /** Of every value the elements, in row-major order. */
  readonly #elements = new Map<string, Int32Array>();
  /** Copies that were made, by what they are of. */
  readonly #copies = new Map<string, Part>();
  #count = 0;

  constructor(network: QNetwork, graph: Graph) {
    this.#network = network;
    this.#graph = graph;
  }

  plan(given: readonly string[], states: readonly State[]): Plan {
    const inputs = this.#graph.inputs.map(({ name, shape }) => {
      const piece = this.#piece(name, elementsIn(shape as readonly number[]));
      this.#elements.set(name, numbered(piece));
      return piece;
    });
    const steps = new Map(this.#network.steps.map((step) => [step.key, step]));
    for (const node of this.#graph.nodes) {
      const op = new Operation(node, this.#graph);
      const step = steps.get(op.key);
      if (step !== undefined) this.#place(op, step);
      else if (choiceFor(op) === "layout") this.#trace(op);
    }
    const part = (value: string) => this.#take(value, { order: rowMajor(this.#shapeOf(value).length) });
    return {
      outputs: given.map(part),
      states: states.map(({ input, output }) => ({
        to: inputs[this.#graph.inputs.findIndex(({ name }) => name === input)]!,
        from: part(output),
      })),
      ...{ pieces: this.#pieces, inputs, steps: this.#steps, sites: this.#sites },
    };
  }

  #shapeOf(value: string): readonly number[] {
    return this.#graph.types.get(value)!.shape as readonly number[];
  }

  #gridOf(value: string): Grid {
    return this.#network.grids[value]!;
  }

  #piece(name: string, elements: number, grid = this.#gridOf(name), margin = 0): Piece {
    const piece = { name, grid, elements, margin, first: this.#count };
    this.#count += elements;
    this.#pieces.push(piece);
    return piece;
  }

  #trace(op: Operation): void {
    const results = traced(
      op,
      op.operands.map((name) => this.#elements.get(name)!),
    );
    for (const [i, name] of op.results.entries()) this.#elements.set(name, results[i]!);
  }

  #place(op: Operation, step: QStep): void {
    const kind: Kind = kindNamed(step.kind);
    const naturals = op.operands.map((name) => this.#naturalOf(name));
    const placement = kind.place(step.q, op, naturals);
    const inputs = placement.inputs.map((wanted, i) => this.#take(op.operands[i]!, wanted));
    const grids = kind.outputs(step.q);
    const outputs = step.results.map((name, i) => {
      const { order, margin = 0 } = placement.outputs[i]!;
      const elements = elementsIn(this.#shapeOf(name));
      const isOnGrid = step.rescales[i] === null;
      const written = this.#piece(isOnGrid ? name : `${name} by its nature`, elements, grids[i]!, margin);
      const held = isOnGrid ? written : this.#piece(name, elements);
      this.#elements.set(name, this.#inRowMajor(held, this.#shapeOf(name), order));
      return isOnGrid ? { written } : { written, rescaled: held };
    });
    const matrices = kind.matrices?.(step.q) ?? [];
    if (matrices.length > 0) this.#sites.push({ name: step.key, matrices, placement });
    this.#steps.push({ kind: "computed", label: step.key, placement, step, inputs, outputs });
  }

  /** Numbers of a piece's elements, which lie in this order, in row-major order. */
  #inRowMajor(piece: Piece, shape: readonly number[], order: Order): Int32Array {
    const strides = new Array<number>(shape.length).fill(0);
    let stride = 1;
    for (const axis of order.toReversed()) {
      strides[axis] = stride;
      stride *= shape[axis]!;
    }
    return offsetsOf(shape, strides, piece.first);
  }

  /** The order of axes in which a value lies in memory, if it does in one; row-major otherwise. */
  #naturalOf(value: string): Order {
    const shape = this.#shapeOf(value);
    const elements = this.#elements.get(value)!;
    const axes = rowMajor(shape.length);
    let block = 1;
    const strides = axes.toReversed().map((axis) => {
      const next = elements[block];
      const stride = shape[axis] === 1 || next === undefined ? 0 : next - elements[0]!;
      block *= shape[axis]!;
      return stride;
    });
    const strideOf = (axis: number) => strides[shape.length - 1 - axis]!;
    const long = axes.filter((axis) => shape[axis] !== 1);
    const sorted = long.toSorted((a, b) => strideOf(b) - strideOf(a));
    // Dimensions of 1 stay where they are.
    const order = axes.map((axis) => (shape[axis] === 1 ? axis : sorted.shift()!));
    return this.#isTogether(this.#inOrder(value, order)) ? order : axes;
  }

  /** Numbers of a value's elements in an order, repeated over a shape. */
  #inOrder(value: string, order: Order, over?: readonly number[]): Int32Array {
    const elements = this.#elements.get(value)!;
    const shape = over ?? this.#shapeOf(value);
    const strides = broadcastStrides(this.#shapeOf(value), shape);
    const at = offsetsOf(
      order.map((axis) => shape[axis]!),
      order.map((axis) => strides[axis]!),
    );
    return at.map((place) => elements[place]!);
  }

  /** By bisection: every element of every copy asks. */
  #pieceOf(element: number): Piece {
    let [low, high] = [0, this.#pieces.length - 1];
    while (low < high) {
      const middle = floorDiv(low + high + 1, 2);
      if (this.#pieces[middle]!.first <= element) low = middle;
      else high = middle - 1;
    }
    return this.#pieces[low]!;
  }

  /** Whether elements are neighbours in one piece, from where an instruction may read. */
  #isTogether(elements: Int32Array): boolean {
    const [from] = elements;
    if (from === undefined || from < 0) return false;
    const { first, elements: count, grid, margin } = this.#pieceOf(from);
    if (from - first + elements.length > count) return false;
    const bits = (margin + from - first) * grid.format.bits;
    if (bits % (8 * alignmentOf(grid.format.bits)) !== 0) return false;
    return elements.every((element, i) => element === from + i);
  }

  /** A value as it is wanted: where it lies, or a copy. */
  #take(value: string, { order, over, pick, isPart }: Wanted): Part {
    const own = this.#elements.get(value)!;
    const all =
      pick?.map((place) => (place < 0 ? PADDING : own[place]!)) ?? this.#inOrder(value, order, over);
    const elements = isPart ? all.subarray(0, periodOf(all)) : all;
    if (this.#isTogether(elements)) {
      const piece = this.#pieceOf(elements[0]!);
      return { piece, from: elements[0]! - piece.first, elements: elements.length };
    }
    const key = JSON.stringify([value, order, over, isPart, pick && digestOf(pick)]);
    const copy = this.#copies.get(key) ?? this.#moved(value, elements);
    this.#copies.set(key, copy);
    return copy;
  }

  #moved(value: string, sources: Int32Array): Part {
    const to = this.#piece(`${value} moved`, sources.length, this.#gridOf(value));
    const moves = movesOf(sources, (element) => this.#pieceOf(element).first);
    const from = [...new Set(moves.map((move) => this.#pieceOf(move.from)))];
    this.#steps.push({ kind: "moved", sources, from, moves, to });
    return { piece: to, from: 0, elements: sources.length };
  }
}

const numbered = ({ first, elements }: Piece): Int32Array =>
  Int32Array.from({ length: elements }, (_, i) => first + i);

/** Codes of every output by plain loops. @param inputs  codes of each, row-major; a state that is not given is 0 */
export function runExact(
  { pieces, inputs, steps, outputs, states }: Plan,
  given: readonly (Int32Array | undefined)[],
  arch: Settings,
): { readonly outputs: readonly Int32Array[]; readonly states: readonly Int32Array[] } {
  const last = pieces.at(-1)!;
  const memory = new Int32Array(last.first + last.elements);
  const write = ({ first }: Piece, codes: Int32Array) => memory.set(codes, first);
  const read = ({ piece, from, elements }: Part) =>
    memory.slice(piece.first + from, piece.first + from + elements);
  for (const [i, piece] of inputs.entries())
    write(piece, given[i] ?? new Int32Array(piece.elements).fill(piece.grid.zero));
  for (const step of steps) {
    if (step.kind === "moved") {
      const { zero } = step.to.grid;
      write(
        step.to,
        step.sources.map((source) => (source === PADDING ? zero : memory[source]!)),
      );
      continue;
    }
    const results = step.placement.exact(step.inputs.map(read), arch);
    for (const [i, { written, rescaled }] of step.outputs.entries()) {
      write(written, results[i]!);
      if (rescaled) write(rescaled, exactRescale(step.step.rescales[i]!, results[i]!, arch));
    }
  }
  return { outputs: outputs.map(read), states: states.map(({ from }) => read(from)) };
}
