import { InputError } from "../../base/errors.ts";
import { maxOf } from "../../fixed/format.ts";
import { decode, type Grid } from "../../fixed/real.ts";
import { activationGrid } from "../../kernels/define.ts";
import { type QRescale, quantizeRescale } from "../../kernels/elementwise.ts";
import type { Graph } from "../../onnx/graph.ts";
import type { Range, Ranges } from "../../quant/grid.ts";
import type { Numerics } from "../../quant/numerics.ts";
import { logitGridOf } from "../logits.ts";
import { classesOf, type ValueClass } from "./classes.ts";
import type { Kind, State } from "./define.ts";
import { boundsOf } from "./kinds/bounded.ts";
import { choiceFor, isTaken } from "./kinds/choice.ts";
import { siteOf } from "./observe.ts";
import { Operation } from "./operation.ts";

/** A node in integers. */
export interface QStep {
  readonly kind: string;
  /** Of its operation. */
  readonly key: string;
  readonly q: unknown;
  /** The values that it writes: its results, or what a ReLU behind it gives. */
  readonly results: readonly string[];
  /** From the grid that a result comes on by its nature to that of its value; null where they are one. */
  readonly rescales: readonly (QRescale | null)[];
}

/** A graph in integers, for inputs of any size: plain data. */
export interface QNetwork {
  /** Of every value, by name. */
  readonly grids: Readonly<Record<string, Grid>>;
  readonly steps: readonly QStep[];
}

/**
 * @param graph   of any sizes: only its constants are read
 * @param ranges  of the sites of `observeNetwork`
 * @throws InputError naming every node that nothing takes, or where a recipe cannot be followed
 */
export function quantizeNetwork(
  graph: Graph,
  ranges: Ranges,
  numerics: Numerics,
  states: readonly State[] = [],
): QNetwork {
  return new Quantizer(graph, ranges, numerics, states).network();
}

class Quantizer {
  readonly #file: string;
  readonly #operations: readonly Operation[];
  readonly #kinds: readonly (Kind | "layout")[];
  readonly #ranges: Ranges;
  readonly #numerics: Numerics;
  readonly #classes: ReadonlyMap<string, ValueClass>;
  readonly #grids = new Map<ValueClass, Grid>();

  constructor(graph: Graph, ranges: Ranges, numerics: Numerics, states: readonly State[]) {
    this.#file = graph.file;
    this.#operations = graph.nodes.map((node) => new Operation(node, graph));
    this.#kinds = kindsOf(graph, this.#operations);
    this.#ranges = ranges;
    this.#numerics = numerics;
    this.#classes = classesOf(graph, this.#operations, this.#kinds, states);
  }

  network(): QNetwork {
    let steps = this.#steps();
    // A state is read before what gives it is quantized: with its grid known, all is done once more.
    if ([...this.#classes.values()].some(({ isState }) => isState)) steps = this.#steps();
    const grids = Object.fromEntries([...this.#classes].map(([name, held]) => [name, this.#gridOf(held)]));
    return { grids, steps };
  }

  #steps(): QStep[] {
    const folded = new Map(
      this.#operations.flatMap((op) => {
        const origin = this.#originOfRelu(op);
        return origin === undefined ? [] : [[origin, op.key] as const];
      }),
    );
    const gone = new Set(folded.values());
    return this.#operations.flatMap((op, i) => {
      const kind = this.#kinds[i]!;
      if (kind === "layout" || gone.has(op.key)) return [];
      return [
        this.#step(
          op,
          kind,
          op.results.map((name) => folded.get(name) ?? name),
        ),
      ];
    });
  }

  #step(op: Operation, kind: Kind, results: readonly string[]): QStep {
    const grids = (names: readonly string[]) => names.map((name) => this.#gridOf(this.#classes.get(name)!));
    const q = this.#named(op, () =>
      kind.quantize(op, {
        inputs: grids(op.operands),
        outputs: grids(results),
        ranges: this.#ranges.below(siteOf(op.key)),
        numerics: this.#numerics,
      }),
    );
    const natural = kind.outputs(q);
    const rescales = results.map((name, i) => {
      const held = this.#classes.get(name)!;
      // What alone gives a value says on which grid it comes.
      if (held.origins.length === 1 && !held.isInput) this.#grids.set(held, natural[i]!);
      const grid = this.#gridOf(held);
      return isSame(grid, natural[i]!) ? null : quantizeRescale(natural[i]!, grid, this.#numerics);
    });
    return { kind: kind.name, key: op.key, q, results, rescales };
  }

  /** Says of which node an error is. */
  #named<T>(op: Operation, body: () => T): T {
    try {
      return body();
    } catch (error) {
      if (error instanceof InputError) throw new InputError(op.node.where, error.message);
      throw error;
    }
  }

  #gridOf(held: ValueClass): Grid {
    const known = this.#grids.get(held) ?? this.#made(held);
    this.#grids.set(held, known);
    return known;
  }

  /** The grid that a class's range asks for, and those who read or give it. */
  #made(held: ValueClass): Grid {
    const range = this.#rangeOf(held);
    const { recipe } = this.#numerics;
    const isWide = held.isOutput && held.readers.length === 0 && !held.isInput && !held.isState;
    if (isWide && held.origins.every(({ kind }) => kind.isWide)) return logitGridOf(range, this.#numerics);
    const asked = [
      ...held.readers.map(({ kind, op }) => kind.widths?.(recipe, op).input),
      ...held.origins.map(({ kind, op, index }) => kind.widths?.(recipe, op).outputs?.[index]),
    ].filter((bits) => bits !== undefined);
    const bits = asked.length === 0 ? recipe.activation_bits : Math.max(...asked);
    return activationGrid(range, this.#numerics, bits);
  }

  #rangeOf({ members }: ValueClass): Range {
    const range = this.#ranges.union(...members);
    if (!Number.isFinite(range.lo) || !Number.isFinite(range.hi))
      throw new InputError(
        this.#file,
        `value ${members[0]} ranges over ${range.lo} … ${range.hi} in calibration, which no grid holds`,
      );
    return range;
  }

  /** The value in whose place a ReLU's result can be written, because its grid begins at 0 and nothing else reads it. */
  #originOfRelu(op: Operation): string | undefined {
    if (op.name !== "Relu" && op.name !== "Clip") return undefined;
    const [name] = op.operands;
    const held = this.#classes.get(name!)!;
    const isAlone =
      held.members.length === 1 &&
      held.readers.length === 1 &&
      !held.isOutput &&
      !held.isInput &&
      !held.isState;
    const saturates = held.origins.length === 1 && held.origins[0]!.kind.saturates;
    const given = this.#classes.get(op.key)!;
    const bounds = boundsOf(op);
    const grid = this.#gridOf(given);
    const end = decode(maxOf(grid.format), grid);
    // Its ends do what the bounds do, to half a code.
    const isEnough = bounds.lo === 0 && this.#rangeOf(given).lo >= 0 && end <= bounds.hi + grid.scale / 2;
    return isAlone && saturates && isEnough ? name : undefined;
  }
}

/** @throws InputError naming every node that nothing takes */
function kindsOf(graph: Graph, operations: readonly Operation[]): (Kind | "layout")[] {
  const choices = operations.map(choiceFor);
  const odd = choices.flatMap((choice, i) =>
    isTaken(choice) ? [] : [`${operations[i]!.node.name} (${operations[i]!.name}): ${choice.odd}`],
  );
  if (odd.length > 0) throw new InputError(graph.file, `the machine does not take ${odd.join("; ")}`);
  return choices.filter(isTaken);
}

const isSame = (a: Grid, b: Grid): boolean =>
  a.scale === b.scale && a.zero === b.zero && a.format.bits === b.format.bits;
