import type { Settings } from "../../../arch/fields.ts";
import type { Grid } from "../../../fixed/real.ts";
import { type Builder, bytesOf, rowOf, type Tensor } from "../../../kernels/builder.ts";
import { activationGrid } from "../../../kernels/define.ts";
import {
  exactRescale,
  lowerCopy,
  lowerRescale,
  lowerZero,
  type QRescale,
  quantizeRescale,
  widenRescale,
  zeros,
} from "../../../kernels/elementwise.ts";
import type { Floats } from "../../../kernels/floats.ts";
import type { Weights } from "../../../kernels/image.ts";
import { prefixed, type Tap } from "../../../kernels/tensors.ts";
import type { Tensor as Real } from "../../../onnx/tensor.ts";
import type { Ranges } from "../../../quant/grid.ts";
import type { Numerics } from "../../../quant/numerics.ts";
import { type Kind, kind, type Placement } from "../define.ts";
import type { Operation } from "../operation.ts";
import { joined, rowMajor, vectorsOf } from "../order.ts";
import { among, known, type Sites, type Steps, sitesOf, startOf, stepsOf } from "./recurrent.ts";

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
  /** From the grids of the first states to those of a step, where they are given. */
  readonly firstH?: QRescale;
  readonly firstMemory?: QRescale;
}

/** A layer in integers, in each direction. */
interface QLayer<Q> {
  readonly directions: readonly QDirection<Q>[];
  /** Of the results that are asked for. */
  readonly results: readonly Grid[];
}

/** The value that what is remembered begins as, and the one that it ends as. */
const memoryOf = (hasCell: boolean, { last, cell, firstH, firstC }: Sites) =>
  hasCell ? { first: firstC, last: cell } : { first: firstH, last };

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
    observe(op, operands, tap) {
      const { input, hidden, batch, directions } = stepsOf(op);
      const { atH, atC } = sitesOf(op);
      const rows = rowsOf(operands[0]!, input);
      for (const { index, name, isReverse } of directions)
        for (let k = 0; k < batch; k++) {
          const xs = rows.filter((_, i) => i % batch === k);
          const [h, c] = [atH, atC].map((at) => startOf(operands[at], index * batch + k, hidden));
          cell.observe(op, index, xs, { h: h!, c: c! }, isReverse, prefixed(tap, name));
        }
    },
    quantize(op, { inputs, outputs, ranges, numerics }) {
      const { all, last, firstH } = sitesOf(op);
      const memory = memoryOf(cell.hasCell, sitesOf(op));
      const shown = outputs[op.results.indexOf(all ?? (cell.hasCell ? (last ?? "") : ""))];
      const from = (given: string | undefined, grid: Grid): QRescale | undefined =>
        given === undefined
          ? undefined
          : quantizeRescale(inputs[op.operands.indexOf(given)]!, grid, numerics);
      const directions = stepsOf(op).directions.map(({ index, name }): QDirection<Q> => {
        const own = ranges.below(name);
        // A state that h shares with c has c's width, which matrices need not read.
        const isNarrow = shown !== undefined && shown.format.bits <= numerics.recipe.activation_bits;
        const hidden = isNarrow ? shown : activationGrid(own.of("hidden"), numerics);
        const q = cell.quantize(op, index, inputs[0]!, own, hidden, numerics);
        const grids = cell.grids(q);
        const [h, m] = [from(firstH, grids.hidden), from(memory.first, grids.memory)];
        return { q, ...(h && { firstH: h }), ...(m && { firstMemory: m }) };
      });
      const grids = cell.grids(directions[0]!.q);
      const results = op.results.map((name) => (name === memory.last ? grids.memory : grids.hidden));
      return { directions, results };
    },
    outputs: ({ results }) => results,
    matrices: ({ directions }) => directions.flatMap(({ q }) => cell.matrices(q)),
    widen: ({ directions, results }, floats) => ({
      directions: directions.map(({ q, firstH, firstMemory }) => ({
        q: cell.widen(q, floats),
        ...(firstH && { firstH: widenRescale(firstH, floats) }),
        ...(firstMemory && { firstMemory: widenRescale(firstMemory, floats) }),
      })),
      results: results.map((grid) => floats.grid(grid)),
    }),
    place: (layer, op) => new PlacedLayer(cell, layer, op),
  });

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
        const start = (value: string | undefined, scale: QRescale | undefined, grid: Grid) => {
          if (value === undefined) return zeros(hidden, grid);
          const all = vectorsOf(codes[this.#op.operands.indexOf(value)]!, hidden);
          return exactRescale(scale!, all[d * batch + k]!, arch);
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
    const { x, all } = among(this.#op, inputs, outputs);
    const width = hidden * directions.length;
    // Beside the rows of all steps one before the first and one behind the last, from which the directions start.
    const { hidden: grid } = this.#cell.grids(this.#layer.directions[0]!.q);
    const whole = batch === 1 && all !== undefined ? all : b.map.tensor(grid, width, steps + 2);
    const rowAt = (t: number, d: number): Tensor =>
      rowOf({ ...whole, ...one }, (t + 1) * directions.length + d);
    for (const [d, { q, firstH, firstMemory }] of this.#layer.directions.entries()) {
      const { isReverse } = directions[d]!;
      lowerStart(b, firstH, part(inputs, operands, this.#sites.firstH, d), rowAt(isReverse ? steps : -1, d));
      const memory =
        part(outputs, results, this.#memory.last, d) ?? b.map.tensor(this.#cell.grids(q).memory, hidden);
      lowerStart(b, firstMemory, part(inputs, operands, this.#memory.first, d), memory);
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

/** A state before the first step: what is given, on the grid of a step, or zeros. */
function lowerStart(b: Builder, scale: QRescale | undefined, given: Tensor | undefined, to: Tensor): void {
  if (given === undefined) lowerZero(b, to);
  else lowerRescale(b, scale!, given, to);
}
