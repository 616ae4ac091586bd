import type { Settings } from "../../src/arch/fields.ts";
import type { Space } from "../../src/isa/define.ts";
import type { MachineState } from "../../src/isa/state.ts";
import { pwlBlock, scaleBlock, type TableArray } from "../../src/isa/tables.ts";
import type { TableShape } from "../../src/pwl/storage.ts";
import {
  type ExactRounding,
  exactFloat32,
  exactRoundShift,
  exactSaturate,
  exactTfliteDouble,
  exactWrap,
} from "../support/exact.ts";

/** One lane of the machine before the instruction, and what the instruction is to count in that lane. */
export class Lane {
  readonly arch: Settings;
  readonly lane: number;
  saturations = 0;
  overflows = 0;
  readonly #state: MachineState;

  constructor(state: MachineState, lane: number) {
    this.arch = state.arch;
    this.#state = state;
    this.lane = lane;
  }

  read(space: Space, bits: number, from: number, count: number): bigint[] {
    return this.#state.read(space, bits, from, count, this.lane).map(BigInt);
  }

  activations(bits: number, from: number, count: number): bigint[] {
    return this.read("activation", bits, from, count);
  }

  /** An array of a block of table memory. */
  table(block: number, { offset, bits, count }: TableArray): bigint[] {
    return count === 0 ? [] : this.read("table", bits, block + offset, count);
  }

  /** The nearest code; a value that is not one is counted. */
  saturate(y: bigint, bits: number): bigint {
    const code = exactSaturate(y, bits, true);
    if (code !== y) this.saturations++;
    return code;
  }

  /** What an accumulator makes of a sum at the end of a pass. One that cannot overflow is kept in 32 bits, uncounted. */
  accumulate(sum: bigint): bigint {
    if (this.#state.accContainer === 4) return exactWrap(sum, 32, true);
    const bits = this.arch["acc.bits"];
    const code =
      this.arch["acc.overflow"] === "saturate" ? exactSaturate(sum, bits, true) : exactWrap(sum, bits, true);
    if (exactSaturate(sum, bits, true) !== sum) this.overflows++;
    return code;
  }

  /** A scaling of the vector unit, or of the requantizer. */
  requantize(x: bigint, { multiplier, shift }: ExactScale, unit: "requant" | "vector" = "vector"): bigint {
    const mode = this.#modeOf(unit);
    if (mode === "tflite-double") return exactTfliteDouble(x, multiplier, shift);
    if (mode === "float32") return exactFloat32(x, multiplier, shift);
    return exactRoundShift(x * multiplier, shift, mode === "tflite-single" ? "half-up" : mode);
  }

  /** How the unit scales, where the scale is not a float32. */
  scaleBy(x: bigint, scale: ExactScale): bigint {
    if (this.#modeOf("vector") !== "float32") return this.requantize(x, scale);
    return exactRoundShift(x * scale.multiplier, scale.shift, "half-even");
  }

  /** The vector unit's rounding of what it does not scale, and the PWL unit's. */
  get rounding(): ExactRounding {
    return plain(this.#modeOf("vector"));
  }

  get pwlRounding(): ExactRounding {
    return plain(this.#modeOf("pwl"));
  }

  #modeOf(unit: "requant" | "vector" | "pwl"): Settings["requant.rounding"] {
    const own = this.arch[`${unit}.rounding`];
    return own === "as-requant" ? this.arch["requant.rounding"] : own;
  }

  /** Scales of a block, in the machine's kind: multipliers are stored as if signed. */
  scales(
    block: number,
    arrays: { readonly multiplier: TableArray; readonly shift: TableArray },
  ): ExactScale[] {
    const multipliers = this.table(block, arrays.multiplier);
    return this.table(block, arrays.shift).map((shift, i) => {
      const code = multipliers[i];
      if (code !== undefined)
        return { multiplier: code + 2n ** BigInt(arrays.multiplier.bits - 1), shift: Number(shift) };
      return shift >= 0n ? { multiplier: 1n, shift: Number(shift) } : { multiplier: 2n ** -shift, shift: 0 };
    });
  }

  scale(block: number): ExactScale {
    return this.scales(block, scaleBlock(this.arch).arrays)[0]!;
  }

  /** A PWL table's piece at x, before saturation: the whole part of its offset, and the rounded rest. */
  line(x: bigint, t: Pieces): bigint {
    let piece = 0;
    for (const [i, knot] of t.knots.entries()) if (i > 0 && knot <= x) piece = i;
    const shift = Number(t.shifts[t.shifts.length === 1 ? 0 : piece]!);
    const parts = 2n ** BigInt(t.fraction);
    const part = ((t.bases[piece]! % parts) + parts) % parts;
    const rise = part * 2n ** BigInt(shift - t.fraction) + t.slopes[piece]! * (x - t.knots[piece]!);
    return (t.bases[piece]! - part) / parts + exactRoundShift(rise, shift, this.pwlRounding);
  }

  /** A PWL table at x. A result that either half of the way cuts off is counted, once. */
  lookup(x: bigint, t: Pieces, bits: number): bigint {
    const [inSum, outSum] = t.sums;
    if (inSum === undefined || 2n * x >= inSum) return this.saturate(this.line(x, t), bits);
    const before = this.saturations;
    const y = this.saturate(outSum! - this.saturate(this.line(inSum - x, t), bits), bits);
    this.saturations = Math.min(this.saturations, before + 1);
    return y;
  }

  pieces(x: TableShape & { readonly table: number }): Pieces {
    const { knot, base, slope, shift, sum } = pwlBlock(x, this.arch).arrays;
    return {
      knots: this.table(x.table, knot),
      bases: this.table(x.table, base),
      fraction: x.fraction,
      slopes: this.table(x.table, slope),
      shifts: this.table(x.table, shift),
      sums: this.table(x.table, sum),
    };
  }
}

/** One rounding where there is nothing to scale. */
const plain = (mode: Settings["requant.rounding"]): ExactRounding =>
  mode === "tflite-double" || mode === "tflite-single"
    ? "half-away"
    : mode === "float32"
      ? "half-even"
      : mode;

export interface ExactScale {
  readonly multiplier: bigint;
  readonly shift: number;
}

export interface Pieces {
  readonly knots: readonly bigint[];
  readonly bases: readonly bigint[];
  /** Fraction bits of `bases`. */
  readonly fraction: number;
  readonly slopes: readonly bigint[];
  /** One, or one for each piece. */
  readonly shifts: readonly bigint[];
  /** Of a mirrored table, what inputs and results add up to. */
  readonly sums: readonly bigint[];
}
