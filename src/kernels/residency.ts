import type { ArchSpec } from "../arch/spec.ts";
import { InputError } from "../base/errors.ts";
import { storageBytes } from "../fixed/format.ts";
import { floorDiv } from "../fixed/round.ts";
import { alignmentOf, alignUp } from "../isa/tables.ts";
import type { ImageBuilder, Weights } from "./image.ts";

/** Where the array finds a matrix. */
export type Placement =
  | { readonly kind: "resident"; readonly address: number }
  | {
      readonly kind: "streamed";
      /** DRAM address of the first row. */
      readonly source: number;
      /** Two addresses in weight SRAM, filled in turn. */
      readonly buffers: readonly [number, number];
      /** Rows that a buffer takes. */
      readonly rows: number;
    };

/** Streamed tiles go into this many buffers in turn. */
export const STREAM_BUFFERS = 2;
/** Rows are streamed in multiples of eight, which are whole and aligned bytes at every width. */
const ROW_STEP = 8;
/** The part of weight SRAM that both stream buffers together may take, where something must be streamed. */
const STREAM_SHARE = 4;

/**
 * Which weights stay in weight SRAM for a whole job, and which pass through it at every use.
 *
 * All stay where all fit. Otherwise two stream buffers are set aside, and matrices stay in the order given, the most
 * often used first, as long as they fit. A fixed rule: no search.
 */
export class Residency {
  readonly #placements = new Map<Weights, Placement>();
  readonly #loads: { readonly src: number; readonly dst: number; readonly bytes: number }[] = [];

  /** @throws InputError where weight SRAM cannot hold two tiles of eight rows */
  constructor(arch: ArchSpec, image: ImageBuilder, matrices: readonly Weights[]) {
    const room = arch.settings["weight.bytes"];
    let end = 0;
    for (const matrix of matrices)
      end = alignUp(end, alignmentOf(matrix.bits)) + bytesOf(matrix, matrix.rows);
    const buffer = end <= room ? undefined : bufferBytes(arch, matrices);
    let next = buffer === undefined ? 0 : 2 * buffer;
    for (const matrix of matrices) {
      const source = image.weights(matrix.codes, matrix.bits);
      const bytes = bytesOf(matrix, matrix.rows);
      const address = alignUp(next, alignmentOf(matrix.bits));
      if (address + bytes <= room) {
        this.#placements.set(matrix, { kind: "resident", address });
        this.#loads.push({ src: source, dst: address, bytes });
        next = address + bytes;
      } else this.#placements.set(matrix, streamed(matrix, source, buffer!));
    }
  }

  of(matrix: Weights): Placement {
    const placement = this.#placements.get(matrix);
    if (placement === undefined) throw new Error("a matrix was lowered that was never placed");
    return placement;
  }

  /** What a job loads once, before its first invocation. */
  get loads(): readonly { readonly src: number; readonly dst: number; readonly bytes: number }[] {
    return this.#loads;
  }
}

const bytesOf = ({ columns, bits }: Weights, rows: number): number => storageBytes(rows * columns, bits);

function bufferBytes(arch: ArchSpec, matrices: readonly Weights[]): number {
  const room = arch.settings["weight.bytes"];
  const tile = Math.max(...matrices.map((matrix) => bytesOf(matrix, ROW_STEP)));
  // Lifted to a step that keeps the second buffer aligned at every width up to 16 bits that is in use.
  const step = matrices.reduce(
    (product, { bits }) => (product % alignmentOf(bits) === 0 ? product : product * alignmentOf(bits)),
    2,
  );
  const share = floorDiv(floorDiv(room, 2 * STREAM_SHARE), step) * step;
  const buffer = Math.max(share, alignUp(tile, step));
  if (2 * buffer > room) {
    throw new InputError(
      arch.name,
      `weight.bytes: ${room} bytes cannot hold two tiles of ${ROW_STEP} weight rows, ${tile} bytes each`,
    );
  }
  return buffer;
}

function streamed(matrix: Weights, source: number, buffer: number): Placement {
  const fitting = floorDiv(buffer * 8, matrix.columns * matrix.bits);
  return { kind: "streamed", source, buffers: [0, buffer], rows: floorDiv(fitting, ROW_STEP) * ROW_STEP };
}
