import { floorDiv } from "../../fixed/round.ts";
import { loadWeight } from "../../isa/ops/dma.ts";
import { matmul } from "../../isa/ops/matmul.ts";
import { pwl } from "../../isa/ops/pwl.ts";
import { requant, requantpwl } from "../../isa/ops/requant.ts";
import type { PwlTable } from "../../pwl/table.ts";
import { type Address, type Builder, bytesOf, plus, rowOf, type Tensor } from "../builder.ts";
import { lowerCurve, type QCurve } from "../curve.ts";
import type { QLinear } from "./quantize.ts";

/** A block of outputs in the accumulators: rows [row, row + rows) of vectors [vector, vector + vectors), as [vectors][rows]. */
interface Block {
  readonly acc: number;
  readonly row: number;
  readonly rows: number;
  readonly vector: number;
  readonly vectors: number;
}

/** The layer on every vector of the inputs, into `output`. Inputs have as many vectors as the output. */
export function lowerLinear(b: Builder, q: QLinear, inputs: readonly Tensor[], output: Tensor): void {
  lowerProducts(b, q, inputs, output.count, (block) => {
    const from = scalesOf(b, q, block);
    eachVector(q, block, output, (dst, acc, n) => {
      b.emit(requant, {
        ...from,
        dst,
        acc,
        n,
        m: block.rows,
        bits: output.grid.format.bits,
        zero: output.grid.zero,
      });
    });
  });
}

/** The layer with its results straight through a PWL table, on the chained path where the machine has one. */
export function lowerLinearPwl(
  b: Builder,
  q: QLinear,
  table: PwlTable,
  inputs: readonly Tensor[],
  output: Tensor,
): void {
  const { inBits, ...stored } = b.image.pwl(table);
  if (b.settings["pwl.chained"] === "no") {
    b.scratch(() => {
      const between = b.map.tensor(q.output, q.rows, output.count);
      lowerLinear(b, q, inputs, between);
      const n = q.rows * output.count;
      b.emit(pwl, {
        dst: output.at,
        src: between.at,
        n,
        inBits,
        ...stored,
      });
    });
    return;
  }
  lowerProducts(b, q, inputs, output.count, (block) => {
    const from = scalesOf(b, q, block);
    eachVector(q, block, output, (dst, acc, n) => {
      b.emit(requantpwl, {
        ...from,
        dst,
        acc,
        n,
        m: block.rows,
        midBits: inBits,
        midZero: q.output.zero,
        ...stored,
      });
    });
  });
}

/** The layer with its results through a curve of a gate. */
export function lowerLinearCurve(
  b: Builder,
  q: QLinear,
  curve: QCurve,
  inputs: readonly Tensor[],
  output: Tensor,
): void {
  if (curve.kind === "pwl") {
    lowerLinearPwl(b, q, curve.table, inputs, output);
    return;
  }
  b.scratch(() => {
    const between = b.map.tensor(q.output, q.rows, output.count);
    lowerLinear(b, q, inputs, between);
    lowerCurve(b, curve, between, output);
  });
}

function scalesOf(b: Builder, q: QLinear, { row, rows }: Block) {
  const perChannel = q.scales.length > 1;
  const scales = perChannel ? q.scales.slice(row, row + rows) : q.scales;
  return {
    scales: b.image.channels(q.bias.subarray(row, row + rows), scales),
    // A block of one channel holds one scale either way; the instruction then reads it as shared.
    perChannel: scales.length > 1 ? 1 : 0,
  };
}

/** A block whose rows are all rows lies in one piece in the output; others are written vector by vector. */
function eachVector(
  q: QLinear,
  block: Block,
  output: Tensor,
  write: (dst: Address, acc: number, n: number) => void,
): void {
  const at = (vector: number): Address => plus(output.at, bytesOf(output, vector * q.rows + block.row));
  if (block.rows === q.rows) {
    write(at(block.vector), block.acc, block.vectors);
    return;
  }
  for (let v = 0; v < block.vectors; v++) write(at(block.vector + v), block.acc + v * block.rows, 1);
}

/**
 * Products in blocks that fit the accumulators, which are used in two halves so that one block is requantized while
 * the next is summed. Streamed weights come in row tiles through their buffers, likewise.
 */
function lowerProducts(
  b: Builder,
  q: QLinear,
  inputs: readonly Tensor[],
  count: number,
  finish: (block: Block) => void,
): void {
  const half = floorDiv(b.settings["acc.entries"], 2);
  // A tile in a buffer lasts until all buffers are filled again: with more parts than those, each is loaded at its use.
  const isEarly = q.parts.length <= b.weights.buffers;
  let early: { readonly row: number; readonly tiles: readonly number[] } | undefined;
  for (const [turn, { row, rows, vector, vectors }] of blocksOf(b, q, count, half).entries()) {
    const tileOf = (part: number) => weightTile(b, q, part, row, rows);
    if (isEarly && early?.row !== row) early = { row, tiles: q.parts.map((_, p) => tileOf(p)) };
    const acc = (turn % 2) * half;
    for (const [p, { weights, input }] of q.parts.entries()) {
      const x = rowOf(inputs[p]!, vector).at;
      b.emit(matmul, {
        w: early?.tiles[p] ?? tileOf(p),
        x,
        acc,
        m: rows,
        k: weights.columns,
        n: vectors,
        wBits: weights.bits,
        xBits: input.format.bits,
        keep: p === 0 ? 0 : 1,
      });
    }
    finish({ acc, row, rows, vector, vectors });
  }
}

/** The blocks of a layer in the order of its mapping, each at most `half` accumulators. */
function blocksOf(b: Builder, q: QLinear, count: number, half: number): Omit<Block, "acc">[] {
  const cuts = q.parts.map(({ weights }) => b.weights.cutOf(weights));
  const placements = q.parts.map(({ weights }) => b.weights.of(weights));
  const tile = Math.min(
    q.rows,
    wholeBytes(half),
    ...placements.map(({ stream }) => stream?.rows ?? q.rows),
    ...cuts.map(({ rows }) => rows ?? q.rows),
  );
  const most = Math.min(count, ...cuts.map(({ vectors }) => vectors ?? count));
  const block = Math.min(most, Math.max(1, floorDiv(half, tile)));
  const tiles = cutAt(
    placements.map(({ kept }) => kept.rows),
    q.rows,
    tile,
  );
  const blocks = cut(count, block);
  const join = ([row, rows]: Part, [vector, vectors]: Part) => ({ row, rows, vector, vectors });
  return cuts[0]?.order === "vectors-outside"
    ? blocks.flatMap((some) => tiles.map((one) => join(one, some)))
    : tiles.flatMap((one) => blocks.map((some) => join(one, some)));
}

type Part = readonly [from: number, length: number];

/** `whole` in parts of `size`, the last one what is left. */
function cut(whole: number, size: number): Part[] {
  const parts: Part[] = [];
  for (let from = 0; from < whole; from += size) parts.push([from, Math.min(size, whole - from)]);
  return parts;
}

/** Rows in tiles, none of them partly kept. */
function cutAt(kept: readonly number[], rows: number, tile: number): Part[] {
  const ends = [...new Set([...kept.filter((end) => end > 0), rows])].sort((a, b) => a - b);
  return ends.flatMap((end, i) => {
    const from = ends[i - 1] ?? 0;
    return cut(end - from, tile).map(([row, length]): Part => [from + row, length]);
  });
}

/** Rows that end on a byte at every width of the output. */
export const wholeBytes = (rows: number): number => Math.max(8, floorDiv(rows, 8) * 8);

/** Address in weight SRAM of rows [row, row + rows) of a part, streamed there first where they do not stay. */
function weightTile(b: Builder, q: QLinear, part: number, row: number, rows: number): number {
  const { weights } = q.parts[part]!;
  const { kept, stream } = b.weights.of(weights);
  const offset = (row * weights.columns * weights.bits) / 8;
  if (stream === undefined || row + rows <= kept.rows) return kept.address + offset;
  const dst = stream.buffers[b.nextBuffer()]!;
  b.transfer(loadWeight, dst, stream.source + offset, rows * weights.columns, weights.bits);
  return dst;
}
