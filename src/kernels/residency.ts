import type { ArchSpec } from "../arch/spec.ts";
import { storageBytes } from "../fixed/format.ts";
import { alignmentOf, alignUp } from "../isa/tables.ts";
import type { ImageBuilder, Weights } from "./image.ts";
import {
  bytesOfRows,
  fixedMapping,
  keptRows,
  type Mapping,
  type MatrixMapping,
  refuseMapping,
  rowsIn,
} from "./mapping.ts";

/** Where the array finds a matrix. */
export interface Placement {
  /** Rows that stay in weight SRAM, from the first on, and where the first one is. */
  readonly kept: { readonly rows: number; readonly address: number };
  /** How the others pass through weight SRAM; absent where there are none. */
  readonly stream?: {
    /** DRAM address of the matrix's first row. */
    readonly source: number;
    /** Addresses in weight SRAM, filled in turn. */
    readonly buffers: readonly [number, number, ...number[]];
    /** Rows that a buffer takes. */
    readonly rows: number;
  };
}

/** `n` weights of `bits` bits and where they go, in DRAM and in weight SRAM. */
interface ResidentRows {
  readonly src: number;
  readonly dst: number;
  readonly n: number;
  readonly bits: number;
}

/**
 * A mapping with addresses: which weights stay in weight SRAM for a whole job and where, and what passes through it at
 * every use. Stream buffers lie first, then what stays, in the order given.
 */
export class Residency {
  readonly mapping: Mapping;
  readonly #placements = new Map<Weights, Placement>();
  readonly #mappings = new Map<Weights, MatrixMapping>();
  readonly #loads: ResidentRows[] = [];

  /**
   * @param mapping  by the fixed rule where none is given
   * @throws InputError where weight SRAM cannot hold what the mapping puts there, or two tiles of eight rows
   */
  constructor(arch: ArchSpec, image: ImageBuilder, matrices: readonly Weights[], mapping?: Mapping) {
    this.mapping = mapping ?? fixedMapping(arch, matrices);
    refuseMapping(arch, matrices, this.mapping);
    const { count, bytes: each } = this.mapping.buffers;
    const [first = 0, second = 0, ...others] = Array.from({ length: count }, (_, i) => i * each);
    const buffers = [first, second, ...others] as const;
    let next = count * each;
    for (const [i, matrix] of matrices.entries()) {
      const mapped = this.mapping.matrices[i]!;
      const source = image.weights(matrix.codes, matrix.bits);
      this.#mappings.set(matrix, mapped);
      const rows = keptRows(matrix, mapped);
      const address = alignUp(next, alignmentOf(matrix.bits));
      const kept = { rows, address };
      const stream = { source, buffers, rows: rowsIn(each, matrix) };
      this.#placements.set(matrix, mapped.place === "streamed" ? { kept, stream } : { kept });
      if (rows === 0) continue;
      const bytes = bytesOfRows(matrix, rows);
      this.#loads.push({ src: source, dst: address, n: rows * matrix.columns, bits: matrix.bits });
      next = address + bytes;
    }
  }

  of(matrix: Weights): Placement {
    return found(this.#placements, matrix);
  }

  /** How a matrix is cut. */
  cutOf(matrix: Weights): MatrixMapping {
    return found(this.#mappings, matrix);
  }

  /** Stream buffers that take turns. */
  get buffers(): number {
    return this.mapping.buffers.count;
  }

  /** What a job loads once, before its first invocation. */
  get loads(): readonly ResidentRows[] {
    return this.#loads;
  }

  /** Weights that stay for the whole job. */
  get residentBytes(): number {
    return this.#loads.reduce((sum, { n, bits }) => sum + storageBytes(n, bits), 0);
  }
}

function found<T>(by: ReadonlyMap<Weights, T>, matrix: Weights): T {
  const held = by.get(matrix);
  if (held === undefined) throw new Error("a matrix was lowered that was never placed");
  return held;
}
