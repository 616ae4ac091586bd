import type { ArchSpec } from "../arch/spec.ts";
import { InputError } from "../base/errors.ts";
import { storageBytes } from "../fixed/format.ts";
import { floorDiv } from "../fixed/round.ts";
import { alignmentOf, alignUp } from "../isa/tables.ts";
import type { Weights } from "./image.ts";

/** Kept in weight SRAM for a whole job, or brought there by every use, a tile at a time. */
type Place = "resident" | "streamed";

/** Which loop is outside: tiles of weights, each then meets all vectors; or blocks of vectors, each meets all tiles. */
export type LoopOrder = "tiles-outside" | "vectors-outside";

/**
 * How one matrix is multiplied. Of a layer of several matrices the smallest tile and block count, and the order of the
 * first; what the accumulators or a stream buffer cannot hold is cut further.
 */
export interface MatrixMapping {
  /** For reports and errors. */
  readonly name: string;
  readonly place: Place;
  /** Of a streamed matrix: rows, from the first on, that stay in weight SRAM all the same; a multiple of eight, none where not given. */
  readonly kept?: number;
  /** Most rows of a tile, a multiple of eight; as many as fit where not given. */
  readonly rows?: number;
  /** Most vectors of a block; as many as fit where not given. */
  readonly vectors?: number;
  /** `tiles-outside` where not given. */
  readonly order?: LoopOrder;
  /** Of W_x of a recurrence: for how many steps W_x x is computed at once; for all where not given. */
  readonly steps?: number;
}

/** What a compiler is free to choose about matrices: it decides cycles and bytes, and never a bit of a result. */
export interface Mapping {
  readonly by: "fixed" | "search";
  /** Where streamed tiles pass through weight SRAM: so many buffers, filled in turn, of so many bytes. */
  readonly buffers: { readonly count: number; readonly bytes: number };
  /** One for each matrix, in the order in which they are placed. */
  readonly matrices: readonly MatrixMapping[];
}

/** A place in a model where the array multiplies: what a search may vary. */
export interface Site {
  readonly name: string;
  /** Of a layer over several inputs one for each. */
  readonly matrices: readonly Weights[];
  /** That one use multiplies. */
  readonly vectors: number;
  /** Whether the vectors are the steps of a recurrence, so that they need not be multiplied all at once. */
  readonly isRecurrent?: boolean;
}

/** The name of each matrix: its site's, with a number where the site has several. */
export const matrixNames = (sites: readonly Site[]): string[] =>
  sites.flatMap(({ name, matrices }) =>
    matrices.length === 1 ? [name] : matrices.map((_, i) => `${name} ${i + 1}`),
  );

/** Rows are cut at multiples of eight, which are whole and aligned bytes at every width. */
export const ROW_STEP = 8;
/** Buffers of the fixed rule. */
const STREAM_BUFFERS = 2;
/** The part of weight SRAM that these buffers together may take, where something must be streamed. */
const STREAM_SHARE = 4;

export const bytesOfRows = ({ columns, bits }: Weights, rows: number): number =>
  storageBytes(rows * columns, bits);

/** Whole steps of rows that a stream buffer takes. */
export const rowsIn = (bytes: number, { columns, bits }: Weights): number =>
  floorDiv(floorDiv(bytes * 8, columns * bits), ROW_STEP) * ROW_STEP;

/** Of a matrix that nobody named. */
const nameOf = (names: readonly string[], i: number): string => names[i] ?? `matrix ${i + 1}`;

/**
 * The rule without a search. All matrices stay where all fit. Otherwise two stream buffers are set aside, and matrices
 * stay in the order given as long as they fit. Tiles and blocks are as large as they can be, W_x x is computed for all
 * steps at once.
 *
 * @throws InputError where weight SRAM cannot hold two tiles of eight rows
 */
export function fixedMapping(
  arch: ArchSpec,
  matrices: readonly Weights[],
  names: readonly string[] = [],
): Mapping {
  const room = arch.settings["weight.bytes"];
  const all = endOf(matrices, 0);
  const bytes = all <= room ? 0 : fixedBuffer(arch, matrices, names);
  let next = STREAM_BUFFERS * bytes;
  const places = matrices.map((matrix, i): MatrixMapping => {
    const end = endOf([matrix], next);
    const name = nameOf(names, i);
    if (end > room) return { name, place: "streamed" };
    next = end;
    return { name, place: "resident" };
  });
  return { by: "fixed", buffers: { count: bytes === 0 ? 0 : STREAM_BUFFERS, bytes }, matrices: places };
}

/** Where matrices that are laid one behind the other from an address on end. */
export const endOf = (matrices: readonly Weights[], from: number): number =>
  matrices.reduce(
    (end, matrix) => alignUp(end, alignmentOf(matrix.bits)) + bytesOfRows(matrix, matrix.rows),
    from,
  );

/** Bytes that a buffer is a multiple of, so that the next one is aligned at every width that is in use. */
export const bufferStep = (matrices: readonly Weights[]): number =>
  matrices.reduce(
    (product, { bits }) => (product % alignmentOf(bits) === 0 ? product : product * alignmentOf(bits)),
    2,
  );

/** Rows of a matrix, from the first on, that stay in weight SRAM for the whole job. */
export const keptRows = ({ rows }: Weights, { place, kept = 0 }: MatrixMapping): number =>
  place === "resident" ? rows : kept;

/** The smallest buffer that takes a tile of each of these matrices. */
export const leastBuffer = (matrices: readonly Weights[], step: number): number =>
  alignUp(Math.max(...matrices.map((matrix) => bytesOfRows(matrix, ROW_STEP))), step);

function fixedBuffer(arch: ArchSpec, matrices: readonly Weights[], names: readonly string[]): number {
  const room = arch.settings["weight.bytes"];
  const step = bufferStep(matrices);
  const share = floorDiv(floorDiv(room, STREAM_BUFFERS * STREAM_SHARE), step) * step;
  const buffer = Math.max(share, leastBuffer(matrices, step));
  if (STREAM_BUFFERS * buffer > room) {
    const tiles = matrices.map((matrix) => bytesOfRows(matrix, ROW_STEP));
    const tile = Math.max(...tiles);
    const name = nameOf(names, tiles.indexOf(tile));
    throw new InputError(
      arch.name,
      `${room} bytes cannot hold two tiles of ${ROW_STEP} rows of ${name}, ${tile} bytes each`,
      "weight.bytes",
    );
  }
  return buffer;
}

/** @throws InputError for the first rule that a mapping of these matrices breaks on this machine */
export function refuseMapping(arch: ArchSpec, matrices: readonly Weights[], mapping: Mapping): void {
  const refuse = (problem: string, key?: "weight.bytes"): never => {
    throw new InputError(arch.name, problem, key);
  };
  if (mapping.matrices.length !== matrices.length)
    refuse(`a mapping of ${mapping.matrices.length} matrices for ${matrices.length}`);
  const room = arch.settings["weight.bytes"];
  const { count, bytes } = mapping.buffers;
  const step = bufferStep(matrices);
  let next = count * bytes;
  if (next > room) refuse(`${room} bytes cannot hold ${count} stream buffers of ${bytes}`, "weight.bytes");
  if (bytes % step !== 0) refuse(`stream buffers of ${bytes} bytes, not a multiple of ${step}`);
  for (const [i, mapped] of mapping.matrices.entries()) {
    const matrix = matrices[i]!;
    const fault = cutFault(mapped) ?? keptFault(mapped, matrix);
    if (fault !== undefined) refuse(`${mapped.name}: ${fault}`);
    if (mapped.place === "streamed") {
      const tile = bytesOfRows(matrix, ROW_STEP);
      if (count < 2 || tile > bytes)
        refuse(
          `${count} stream buffers of ${bytes} bytes cannot stream ${mapped.name}, ${tile} bytes a tile of ${ROW_STEP} rows`,
          "weight.bytes",
        );
    }
    const rows = keptRows(matrix, mapped);
    if (rows === 0) continue;
    const taken = next;
    next = endOf([{ ...matrix, rows }], taken);
    if (next > room) {
      const some = rows === matrix.rows ? mapped.name : `${rows} rows of ${mapped.name}`;
      const all = bytesOfRows(matrix, rows);
      refuse(`${room} bytes, ${taken} of them taken, cannot hold ${some}, ${all} bytes`, "weight.bytes");
    }
  }
}

function keptFault({ place, kept }: MatrixMapping, { rows }: Weights): string | undefined {
  if (kept === undefined) return undefined;
  if (place === "resident") return `${kept} rows kept of a matrix that stays whole`;
  const isPart = Number.isInteger(kept) && kept > 0 && kept < rows && kept % ROW_STEP === 0;
  return isPart ? undefined : `${kept} rows kept are no multiple of ${ROW_STEP} below ${rows}`;
}

function cutFault({ rows, vectors, steps }: MatrixMapping): string | undefined {
  const isCount = (n: number | undefined) => n === undefined || (Number.isInteger(n) && n >= 1);
  if (!isCount(rows) || (rows ?? 0) % ROW_STEP !== 0)
    return `a tile of ${rows} rows is no multiple of ${ROW_STEP}`;
  if (!isCount(vectors)) return `a block of ${vectors} vectors is no count`;
  return isCount(steps) ? undefined : `input products of ${steps} steps at once are no count`;
}
