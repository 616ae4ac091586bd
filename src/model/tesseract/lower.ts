import type { ArchSpec } from "../../arch/spec.ts";
import { storageBytes } from "../../fixed/format.ts";
import type { Grid } from "../../fixed/real.ts";
import { fetch, store } from "../../isa/ops/dma.ts";
import type { Program } from "../../isa/program.ts";
import {
  ActivationMap,
  type Address,
  Builder,
  bytesOf,
  lineFrom,
  rowOf,
  strideOf,
  type Tensor,
} from "../../kernels/builder.ts";
import { loadProgram } from "../../kernels/compile.ts";
import { lowerConv } from "../../kernels/conv/lower.ts";
import { outputSize } from "../../kernels/conv/shape.ts";
import { lowerCopy, lowerLookup, lowerZero } from "../../kernels/elementwise.ts";
import { ImageBuilder } from "../../kernels/image.ts";
import { lowerLinear } from "../../kernels/linear/lower.ts";
import type { QLinear } from "../../kernels/linear/quantize.ts";
import { lowerInput, lowerRecurrence } from "../../kernels/lstm/lower.ts";
import { fixedMapping, type Mapping, matrixNames, type Site } from "../../kernels/mapping.ts";
import { lowerMaxPool } from "../../kernels/pool/lower.ts";
import { pooledSize } from "../../kernels/pool/shape.ts";
import { Residency } from "../../kernels/residency.ts";
import type { Job, Port, Stage } from "../job.ts";
import { CHUNK } from "./pixels.ts";
import type { QPass, QTesseract } from "./quantize.ts";

interface Placed {
  readonly arch: ArchSpec;
  readonly image: ImageBuilder;
  readonly weights: Residency;
}

/** Vectors in the data region, one behind the other: too many for activation memory, which holds a chunk of them. */
interface Sequence {
  readonly address: number;
  readonly grid: Grid;
  readonly length: number;
}

/** The data region of a line of so many steps. */
interface Region {
  readonly steps: number;
  /** Columns of pixels, `border` of them before the line and behind it. */
  readonly pixels: Sequence;
  readonly columns: number;
  readonly border: number;
  /** What the first LSTM leaves, then each pass but the last. */
  readonly sequences: readonly Sequence[];
  readonly logits: Sequence;
  readonly bytes: number;
}

/**
 * Compiles the model for one machine: for each size, the steps of a line, a program that reads pixels and leaves the logits of every
 * step. It goes over the line once for the first LSTM and once for each pass, a chunk of steps at a time, and what one leaves for the next lies in the data region.
 *
 * @param sizes    steps, multiples of a chunk
 * @param mapping  of the matrices of `sitesOf`; by the fixed rule where none is given
 * @throws InputError where it does not fit
 */
export function compileTesseract(
  q: QTesseract,
  arch: ArchSpec,
  sizes: readonly number[],
  mapping?: Mapping,
): Job {
  const image = new ImageBuilder(arch);
  const sites = sitesOf(q);
  const matrices = sites.flatMap((site) => site.matrices);
  const chosen = mapping ?? fixedMapping(arch, matrices, matrixNames(sites));
  const weights = new Residency(arch, image, matrices, chosen);
  const placed: Placed = { arch, image, weights };
  const regions = sizes.map((steps) => regionOf(q, steps));
  const stages = new Map(regions.map((region) => [region.steps, [stageOf(q, placed, region)]]));
  return {
    image: image.build(),
    load: loadProgram(arch, image, weights),
    stages,
    dataBytes: Math.max(...regions.map(({ bytes }) => bytes)),
    mapping: chosen,
    residentWeightBytes: weights.residentBytes,
  };
}

/** Where the array multiplies, for a chunk of steps: the most often used first, so that by the fixed rule it stays on chip longest. */
export function sitesOf({ conv, pool, column, passes, output }: QTesseract): Site[] {
  const site = (name: string, { parts }: QLinear, vectors: number): Site => ({
    ...{ name, vectors },
    matrices: parts.map(({ weights }) => weights),
  });
  const [, places] = outputSize(conv.shape);
  const [, rows] = pooledSize(pool);
  return [
    site("conv", conv.layer, places),
    site("column.h", column.productH, 1),
    site("column.x", column.productX, rows),
    ...passes.map(({ q }, i) => site(`pass.${i}.h`, q.productH, 1)),
    site("output", output, CHUNK),
    ...passes.map(({ q }, i) => site(`pass.${i}.x`, q.productX, CHUNK)),
  ];
}

function regionOf(q: QTesseract, steps: number): Region {
  let next = 0;
  const sequence = (grid: Grid, length: number, count: number): Sequence => {
    const address = lineFrom(next, grid.format.bits);
    next = address + storageBytes(count * length, grid.format.bits);
    return { address, grid, length };
  };
  const { shape } = q.conv;
  const [across] = q.pool.window;
  const border = (shape.kernel[0] - 1) / 2;
  const columns = across * steps + 2 * border;
  const pixels = sequence(q.image, shape.width, columns);
  const sequences = [q.column, ...q.passes.slice(0, -1).map((pass) => pass.q)].map((cell) =>
    sequence(cell.hidden, cell.outputSize, steps),
  );
  const logits = sequence(q.output.output, q.output.rows, steps);
  return { steps, pixels, columns, border, sequences, logits, bytes: next };
}

function stageOf(q: QTesseract, placed: Placed, region: Region): Stage {
  const { steps, pixels, border, logits } = region;
  const [across] = q.pool.window;
  const takes: Port = {
    address: placeOf(pixels, border),
    bits: pixels.grid.format.bits,
    count: across * steps * pixels.length,
  };
  const gives: Port = {
    address: logits.address,
    bits: logits.grid.format.bits,
    count: steps * logits.length,
  };
  return { name: "line", program: programOf(q, placed, region), takes, gives, turns: 1, expectedTurns: 1 };
}

function programOf(q: QTesseract, { arch, image, weights }: Placed, region: Region): Program {
  const b = new Builder(image, weights, new ActivationMap(arch), arch);
  const { steps, sequences, logits } = region;
  b.label("border", () => lowerBorder(b, region));
  b.scratch(() => lowerColumns(b, q, region));
  for (const [i, pass] of q.passes.entries()) {
    const isLast = i === q.passes.length - 1;
    const left: Left = isLast
      ? { to: logits, make: (hs) => lowerLogits(b, q.output, hs) }
      : { to: sequences[i + 1]!, make: (hs) => hs };
    b.scratch(() => lowerPass(b, pass, `pass.${i}`, steps, sequences[i]!, left));
  }
  return b.finish(`line-${steps}`);
}

/** Zeros before the first column of pixels and behind the last. */
function lowerBorder(b: Builder, { pixels, columns, border }: Region): void {
  if (border === 0) return;
  b.scratch(() => {
    const zeros = b.map.tensor(pixels.grid, pixels.length, border);
    lowerZero(b, zeros);
    for (const column of [0, columns - border]) lowerStore(b, zeros, placeOf(pixels, column));
  });
}

/** Address of a vector of a sequence. */
const placeOf = (sequence: Sequence, index: number): number =>
  sequence.address + bytesOf(sequence, index * sequence.length);

const lowerFetch = (b: Builder, src: Address, { at, grid, length, count }: Tensor): void =>
  b.emit(fetch, { dst: at, src, n: length * count, bits: grid.format.bits });

const lowerStore = (b: Builder, { at, grid, length, count }: Tensor, dst: Address): void =>
  b.emit(store, { dst, src: at, n: length * count, bits: grid.format.bits });

/** Convolution, pool and the LSTM down each column, a column of pooled pixels after the other. */
function lowerColumns(b: Builder, q: QTesseract, { steps, pixels, border, sequences }: Region): void {
  const [to] = sequences;
  const [step] = q.pool.window;
  const seen = b.map.tensor(pixels.grid, pixels.length, step * CHUNK + 2 * border, "pixels");
  const hs = b.map.tensor(q.column.hidden, q.column.outputSize, CHUNK, "columns");
  const strides = [step * CHUNK * strideOf(seen), CHUNK * strideOf(hs)];
  b.loop(steps / CHUNK, strides, (outer) => {
    b.label("host", () => lowerFetch(b, outer(pixels.address, 0), seen));
    b.loop(CHUNK, [step * strideOf(seen), strideOf(hs)], (inner) => {
      const { height, width, channels } = q.conv.shape;
      const window = { ...seen, at: inner(seen.at, 0), length: channels, count: height * width };
      b.scratch(() => lowerColumn(b, q, window, { ...hs, at: inner(hs.at, 1), count: 1 }));
    });
    b.label("sequences", () => lowerStore(b, hs, outer(to!.address, 1)));
  });
}

/** From the pixels of a step to the h that the first LSTM leaves. */
function lowerColumn(b: Builder, q: QTesseract, window: Tensor, last: Tensor): void {
  const { conv, pool, bend, column } = q;
  const { output, rows: channels } = conv.layer;
  const [places, across] = outputSize(conv.shape);
  const [, down] = pooledSize(pool);
  const pooled = b.map.tensor(output, channels, down, "conv");
  b.scratch(() => {
    const sums = b.map.tensor(output, channels, places * across, "conv");
    b.label("conv", () => lowerConv(b, conv, window, sums));
    b.label("pool", () => lowerMaxPool(b, pool, sums, pooled));
  });
  b.show("conv", pooled);
  const xs = b.map.tensor(bend.grid, channels, down, "pool");
  b.label("pool", () => lowerLookup(b, bend.table, pooled, xs));
  const h = b.map.tensor(column.hidden, column.outputSize, 1, "column");
  const c = b.map.tensor(column.cell, column.hiddenSize, 1, "column");
  b.label("column", () => {
    const fromX = lowerInput(b, column, [xs], down);
    for (const part of [h, c]) lowerZero(b, part);
    for (let y = 0; y < down; y++)
      lowerRecurrence(b, column, rowOf(fromX, y), h, c, y === down - 1 ? last : h);
  });
}

/** What a pass leaves of the h of a chunk, and where. */
interface Left {
  readonly to: Sequence;
  make(hs: Tensor): Tensor;
}

/** An LSTM along the line, from its left end or from its right one. */
function lowerPass(
  b: Builder,
  { q, reverse }: QPass,
  name: string,
  steps: number,
  from: Sequence,
  { to, make }: Left,
): void {
  const xs = b.map.tensor(from.grid, from.length, CHUNK, name);
  // The h of a chunk, and at the end where it begins the one before it.
  const rows = b.map.tensor(q.hidden, q.outputSize, CHUNK + 1, name);
  const c = b.map.tensor(q.cell, q.hiddenSize, 1, name);
  const [begin, end] = reverse ? [CHUNK, 0] : [0, CHUNK];
  const sign = reverse ? -1 : 1;
  b.label(name, () => {
    for (const part of [rowOf(rows, begin), c]) lowerZero(b, part);
  });
  const first = reverse ? steps - CHUNK : 0;
  const strides = [from, to].map((sequence) => sign * CHUNK * bytesOf(sequence, sequence.length));
  b.loop(steps / CHUNK, strides, (outer) => {
    b.label("sequences", () => lowerFetch(b, outer(placeOf(from, first), 0), xs));
    b.scratch(() => {
      const fromX = b.label(name, () => lowerInput(b, q, [xs], CHUNK));
      b.loop(CHUNK, [sign * strideOf(fromX), sign * strideOf(rows)], (inner) => {
        const at = (tensor: Tensor, index: number, stride: number): Tensor => {
          const row = rowOf(tensor, index);
          return { ...row, at: inner(row.at, stride) };
        };
        const x = at(fromX, reverse ? CHUNK - 1 : 0, 0);
        const [h, next] = [at(rows, begin, 1), at(rows, begin + sign, 1)];
        b.label(name, () => lowerRecurrence(b, q, x, h, c, next));
      });
    });
    b.scratch(() => {
      const left = make({ ...rowOf(rows, reverse ? 0 : 1), count: CHUNK });
      b.label("sequences", () => lowerStore(b, left, outer(placeOf(to, first), 1)));
    });
    b.label(name, () => lowerCopy(b, rowOf(rows, end), rowOf(rows, begin)));
  });
}

function lowerLogits(b: Builder, q: QLinear, hs: Tensor): Tensor {
  const logits = b.map.tensor(q.output, q.rows, hs.count, "logits");
  b.label("output", () => lowerLinear(b, q, [hs], logits));
  b.show("logits", logits);
  return logits;
}
