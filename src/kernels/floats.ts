import type { IntFormat } from "../fixed/format.ts";
import type { Grid } from "../fixed/real.ts";
import type { Scale } from "../fixed/requant.ts";
import type { PwlTable } from "../pwl/table.ts";
import type { Weights } from "./image.ts";

/** Two arrays of biases differ in every pair of elements, so that no two blocks of them are kept as one. */
const BIAS_STEP = 2 ** 16;

/** A float needs no scale: the least that the instruction set has. */
export const NO_SCALE: Scale = { multiplier: 1, shift: 0 };

/**
 * The parts of a quantized model as those of the float model of the same shape: codes of `bits` bits, no zero points, no
 * scales, no shifts. For compiling and timing only: an array keeps its length, but not its contents. What is one array stays
 * one; any two others differ, as the constants of floats do.
 */
export class Floats {
  /** Width of every operand. */
  readonly bits: number;
  readonly #codes = new Map<Int32Array, Int32Array>();
  readonly #biases = new Map<Float64Array, Float64Array>();

  constructor(bits: number) {
    this.bits = bits;
  }

  format({ signed }: IntFormat): IntFormat {
    return { bits: this.bits, signed };
  }

  grid({ format }: Grid): Grid {
    return { format: this.format(format), scale: 1, zero: 0 };
  }

  codes(of: Int32Array): Int32Array {
    const known = this.#codes.get(of) ?? new Int32Array(of.length).fill(this.#codes.size + 1);
    this.#codes.set(of, known);
    return known;
  }

  biases(of: Float64Array): Float64Array {
    const first = BIAS_STEP * (this.#biases.size + 1);
    const known = this.#biases.get(of) ?? Float64Array.from(of, (_, i) => first + i);
    this.#biases.set(of, known);
    return known;
  }

  weights({ rows, columns, codes }: Weights): Weights {
    return { rows, columns, bits: this.bits, codes: this.codes(codes) };
  }

  table(table: PwlTable): PwlTable {
    return named<PwlTable>({
      in: this.format(table.in),
      out: this.format(table.out),
      knots: this.codes(table.knots),
      bases: this.codes(table.bases),
      offsetFraction: 0,
      slopes: this.codes(table.slopes),
      shifts: new Int32Array(1),
      slopeBits: this.bits,
      mirror: table.mirror && { inSum: 0, outSum: 0 },
    });
  }
}

/** A record whose every field is named, so that the compiler asks after a new one, also one that may be absent: those are undefined. */
export const named = <T extends object>(
  fields: {
    readonly [K in keyof T]-?: T[K] | (object extends Pick<T, K> ? undefined : never);
  },
): T => Object.fromEntries(Object.entries(fields).filter(([, part]) => part !== undefined)) as T;
