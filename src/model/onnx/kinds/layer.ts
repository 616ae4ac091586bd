import type { Settings } from "../../../arch/fields.ts";
import type { Grid } from "../../../fixed/real.ts";
import { type Builder, bytesOf, rowOf, type Tensor } from "../../../kernels/builder.ts";
import { activationGrid } from "../../../kernels/define.ts";
import { lowerCopy } from "../../../kernels/elementwise.ts";
import type { Floats } from "../../../kernels/floats.ts";
import type { Weights } from "../../../kernels/image.ts";
import type { Tap } from "../../../kernels/tensors.ts";
import type { Tensor as Real } from "../../../onnx/tensor.ts";
import type { Ranges } from "../../../quant/grid.ts";
import type { Numerics } from "../../../quant/numerics.ts";
import { type Kind, kind, type Placement } from "../define.ts";
import type { Operation } from "../operation.ts";
import { joined, rowMajor, vectorsOf } from "../order.ts";
import { constantStarts, known, type Sites, type Steps, sitesOf, startOf, stepsOf } from "./recurrent.ts";
import { exactStart, lowerStart, type QStart, quantizeStart, widenStart } from "./start.ts";

/** Codes that a step leaves to the next: what matrices read, and what is remembered beside it. */
interface Carried {
  readonly h: Int32Array;
  readonly memory: Int32Array;
}

/** What a recurrent operator does with each input, in integers. */
export interface Cell<Q> {
  readonly name: string;
  readonly ops: readonly string[];
  refusal(op: Operation): string | undefined;
  /** Whether what is remembered begins as the first c, and is given as the last one: an LSTM's. It is a finer h otherwise. */
  readonly hasCell: boolean;
  /** Runs one direction in real numbers. */
  observe(
    op: Operation,
    direction: number,
    xs: readonly Float64Array[],
    start: { readonly h: Float64Array; readonly c: Float64Array },
    reverse: boolean,
    tap: Tap | undefined,
  ): void;
  quantize(
    op: Operation,
    direction: number,
    input: Grid,
    ranges: Ranges,
    hidden: Grid,
    numerics: Numerics,
  ): Q;
  grids(q: Q): { readonly hidden: Grid; readonly memory: Grid };
  matrices(q: Q): readonly Weights[];
  widen(q: Q, floats: Floats): Q;
  exact(q: Q, x: Int32Array, carried: Carried, arch: Settings): Carried;
  /** A sequence into rows of which the one before the first, or behind the last, holds the first h; memory in place. */
  lower(
    b: Builder,
    q: Q,
    inputs: readonly Tensor[],
    rows: { readonly first: Tensor; readonly stride: number },
    reverse: boolean,
    memory: Tensor,
  ): void;
}

interface QDirection<Q> {
  readonly q: Q;
  /** The first states, where they are not zeros. */
  readonly firstH?: QStart;
  readonly firstMemory?: QStart;
}

/** A layer in integers, in each direction. */
interface QLayer<Q> {
  readonly directions: readonly QDirection<Q>[];
  /** Of the results that are asked for. */
  readonly results: readonly Grid[];
}

/** The value that what is remembered begins as, the place of its operand, and the value that it ends as. */
const memoryOf = (hasCell: boolean, { last, cell, firstH, firstC, atH, atC }: Sites) =>
  hasCell ? { first: firstC, at: atC, last: cell } : { first: firstH, at: atH, last };

/** Sites of cells whose grids results come on: what all directions leave there decides them, since a result has one grid. */
const SHARED = ["hidden", "cell"];

/** A recurrent layer over a sequence, in either direction or both. */
export const layerKind = <Q>(cell: Cell<Q>): Kind =>
  kind<QLayer<Q>>({
    name: cell.name,
    ops: cell.ops,
    refusal: (op) => cell.refusal(op),
    widths({ cell_bits }, op) {
      const remembered = memoryOf(cell.hasCell, sitesOf(op)).last;
      return { outputs: op.results.map((name) => (name === remembered ? cell_bits : undefined)) };
    },
    ties(op) {
      const { all, last, firstH } = sitesOf(op);
      const memory = memoryOf(cell.hasCell, sitesOf(op));
      const remembered = known(memory.first, memory.last);
      return cell.hasCell ? [known(all, last, firstH), remembered] : [remembered];
    },
    observe: (op, operands, tap) => observeLayer(cell, op, operands, tap),
    quantize: (op, at) => quantizeLayer(cell, op, at),
    outputs: ({ results }) => results,
    matrices: ({ directions }) => directions.flatMap(({ q }) => cell.matrices(q)),
    widen: ({ directions, results }, floats) => ({
      directions: directions.map(({ q, firstH, firstMemory }) => ({
        q: cell.widen(q, floats),
        ...(firstH && { firstH: widenStart(firstH, floats) }),
        ...(firstMemory && { firstMemory: widenStart(firstMemory, floats) }),
      })),
      results: results.map((grid) => floats.grid(grid)),
    }),
    place: (layer, op) => new PlacedLayer(cell, layer, op),
  });

/** Runs every direction over every sequence, and shows what constants they start from among their states. */
function observeLayer<Q>(
  cell: Cell<Q>,
  op: Operation,
  operands: readonly (Real | undefined)[],
  tap: Tap,
): void {
  const { input, hidden, batch, directions } = stepsOf(op);
  const { atH, atC } = sitesOf(op);
  const rows = rowsOf(operands[0]!, input);
  const ways = directions.map(({ name }) => name);
  const show =
    (way: string): Tap =>
    (site, values, as) => {
      for (const to of SHARED.includes(site) ? ways : [way]) tap(`${to}.${site}`, values, as);
    };
  for (const [site, at] of [
    ["hidden", atH],
    ["cell", atC],
  ] as const)
    for (const start of constantStarts(op, at)?.flat() ?? []) show(ways[0]!)(site, start);
  for (const { index, name, isReverse } of directions)
    for (let k = 0; k < batch; k++) {
      const xs = rows.filter((_, i) => i % batch === k);
      const [h, c] = [atH, atC].map((at) => startOf(operands[at], index * batch + k, hidden));
      cell.observe(op, index, xs, { h: h!, c: c! }, isReverse, show(name));
    }
}

function quantizeLayer<Q>(
  cell: Cell<Q>,
  op: Operation,
  { inputs, outputs, ranges, numerics }: Parameters<Kind["quantize"]>[1],
): QLayer<Q> {
  const { all, last, firstH, atH } = sitesOf(op);
  const memory = memoryOf(cell.hasCell, sitesOf(op));
  const shown = outputs[op.results.indexOf(all ?? (cell.hasCell ? (last ?? "") : ""))];
  const constantH = constantStarts(op, atH);
  // A state that h shares with c has c's width, which matrices need not read; a constant may lie beyond all that is shown.
  const isShown =
    constantH === undefined && shown !== undefined && shown.format.bits <= numerics.recipe.activation_bits;
  const start = (value: string | undefined, at: number, direction: number, grid: Grid) => {
    const given = value === undefined ? undefined : inputs[op.operands.indexOf(value)]!;
    return quantizeStart(given ?? constantStarts(op, at)?.[direction], grid, numerics);
  };
  const directions = stepsOf(op).directions.map(({ index, name }): QDirection<Q> => {
    const own = ranges.below(name);
    const hidden = isShown ? shown : activationGrid(own.of("hidden"), numerics);
    const q = cell.quantize(op, index, inputs[0]!, own, hidden, numerics);
    const grids = cell.grids(q);
    const h = start(firstH, atH, index, grids.hidden);
    const m = start(memory.first, memory.at, index, grids.memory);
    return { q, ...(h && { firstH: h }), ...(m && { firstMemory: m }) };
  });
  // Ranges that are shared make the grids of all directions the same.
  const grids = cell.grids(directions[0]!.q);
  const results = op.results.map((name) => (name === memory.last ? grids.memory : grids.hidden));
  return { directions, results };
}

const rowsOf = ({ data }: Real, length: number): Float64Array[] =>
  Array.from({ length: data.length / length }, (_, t) =>
    Float64Array.from(data.subarray(t * length, (t + 1) * length)),
  );

class PlacedLayer<Q> implements Placement {
  readonly inputs: Placement["inputs"];
  readonly outputs: Placement["outputs"];
  readonly vectors: number;
  readonly isRecurrent = true;
  readonly #cell: Cell<Q>;
  readonly #layer: QLayer<Q>;
  readonly #op: Operation;
  readonly #steps: Steps;
  readonly #sites: Sites;
  readonly #memory: ReturnType<typeof memoryOf>;

  constructor(cell: Cell<Q>, layer: QLayer<Q>, op: Operation) {
    this.#cell = cell;
    this.#layer = layer;
    this.#op = op;
    this.#steps = stepsOf(op);
    this.#sites = sitesOf(op);
    this.#memory = memoryOf(cell.hasCell, this.#sites);
    const { steps, hidden, batch, directions } = this.#steps;
    const isSequence = op.shape(0).length === 3;
    // Sequence by sequence: the vectors of each lie together, and so do those of the result.
    this.inputs = op.active.map((i) => ({
      order: i === 0 && isSequence ? [1, 0, 2] : rowMajor(op.shape(i).length),
    }));
    this.outputs = op.results.map((name) => {
      if (name !== this.#sites.all) return { order: rowMajor(op.shapeOf(name).length) };
      return { order: [2, 0, 1, 3], ...(batch === 1 && { margin: directions.length * hidden }) };
    });
    this.vectors = steps;
  }

  exact(codes: readonly Int32Array[], arch: Settings): readonly Int32Array[] {
    const { steps, input, hidden, batch, directions } = this.#steps;
    const xs = vectorsOf(codes[0]!, input);
    const ends = this.#layer.directions.map(({ q, firstH, firstMemory }, d) =>
      Array.from({ length: batch }, (_, k) => {
        const grids = this.#cell.grids(q);
        const start = (value: string | undefined, first: QStart | undefined, grid: Grid) => {
          const all = value === undefined ? [] : vectorsOf(codes[this.#op.operands.indexOf(value)]!, hidden);
          return exactStart(first, k, all[d * batch + k], { length: hidden, grid }, arch);
        };
        let carried: Carried = {
          h: start(this.#sites.firstH, firstH, grids.hidden),
          memory: start(this.#memory.first, firstMemory, grids.memory),
        };
        const hs: Int32Array[] = [];
        for (let i = 0; i < steps; i++) {
          const t = directions[d]!.isReverse ? steps - 1 - i : i;
          carried = this.#cell.exact(q, xs[k * steps + t]!, carried, arch);
          hs[t] = carried.h;
        }
        return { hs, carried };
      }),
    );
    return this.#op.results.map((name) => {
      if (name !== this.#sites.all)
        return joined(
          ends.flat().map(({ carried }) => (name === this.#memory.last ? carried.memory : carried.h)),
        );
      return joined(
        Array.from({ length: batch }, (_, k) =>
          Array.from({ length: steps }, (_, t) => ends.map((one) => one[k]!.hs[t]!)).flat(),
        ).flat(),
      );
    });
  }

  lower(b: Builder, inputs: readonly Tensor[], outputs: readonly Tensor[]): void {
    for (let k = 0; k < this.#steps.batch; k++) b.scratch(() => this.#lowerSequence(b, inputs, outputs, k));
  }

  /** One sequence of the batch, in each direction. */
  #lowerSequence(b: Builder, inputs: readonly Tensor[], outputs: readonly Tensor[], k: number): void {
    const { steps, input, hidden, batch, directions } = this.#steps;
    const { operands, results } = this.#op;
    const one = { length: hidden, count: 1 };
    const part = (
      tensors: readonly Tensor[],
      names: readonly string[],
      name: string | undefined,
      d: number,
    ) =>
      name === undefined ? undefined : rowOf({ ...tensors[names.indexOf(name)]!, ...one }, d * batch + k);
    const x = inputs[0]!;
    const all = outputs[results.indexOf(this.#sites.all ?? "")];
    const width = hidden * directions.length;
    // Beside the rows of all steps one before the first and one behind the last, from which the directions start.
    const { hidden: grid } = this.#cell.grids(this.#layer.directions[0]!.q);
    const whole = batch === 1 && all !== undefined ? all : b.map.tensor(grid, width, steps + 2);
    const rowAt = (t: number, d: number): Tensor =>
      rowOf({ ...whole, ...one }, (t + 1) * directions.length + d);
    for (const [d, { q, firstH, firstMemory }] of this.#layer.directions.entries()) {
      const { isReverse } = directions[d]!;
      const given = part(inputs, operands, this.#sites.firstH, d);
      lowerStart(b, firstH, k, given, rowAt(isReverse ? steps : -1, d));
      const memory =
        part(outputs, results, this.#memory.last, d) ?? b.map.tensor(this.#cell.grids(q).memory, hidden);
      lowerStart(b, firstMemory, k, part(inputs, operands, this.#memory.first, d), memory);
      const first = rowAt(-1, d);
      const vectors = { ...rowOf({ ...x, length: input, count: 1 }, k * steps), count: steps };
      this.#cell.lower(b, q, [vectors], { first, stride: bytesOf(first, width) }, isReverse, memory);
      const last = this.#cell.hasCell ? part(outputs, results, this.#sites.last, d) : undefined;
      if (last !== undefined) lowerCopy(b, rowAt(isReverse ? 0 : steps - 1, d), last);
    }
    if (all !== undefined && batch > 1) {
      const rows = { length: width * steps, count: 1 };
      lowerCopy(b, { ...rowAt(0, 0), ...rows }, rowOf({ ...all, ...rows }, k));
    }
  }
}
