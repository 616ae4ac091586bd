import type { ArchSpec } from "../arch/spec.ts";
import { InputError } from "../base/errors.ts";
import { maxOf, minOf, signed, storageBytes } from "../fixed/format.ts";
import type { Scale } from "../fixed/requant.ts";
import { powerOfTwo } from "../fixed/round.ts";
import type { Image, Segment } from "../isa/image.ts";
import type { TableOperand } from "../isa/lookup.ts";
import {
  alignmentOf,
  alignUp,
  channelBlock,
  gainBlock,
  mirroredBlock,
  pwlBlock,
  scaleBlock,
  type TableArray,
} from "../isa/tables.ts";
import { mirroredSigmoid } from "../pwl/mirrored.ts";
import { shapeOf } from "../pwl/storage.ts";
import { type PwlTable, shiftOf } from "../pwl/table.ts";

/** Integer weights [rows][columns]. */
export interface Weights {
  readonly rows: number;
  readonly columns: number;
  readonly bits: number;
  readonly codes: Int32Array;
}

/**
 * The constants of a compiled model. Blocks of table memory come first and have in DRAM the addresses that they
 * have in table memory, so that one load brings them all; blocks with equal contents are kept once. The weights
 * begin where the largest table memory would end.
 */
export class ImageBuilder {
  readonly #arch: ArchSpec;
  readonly #blocks = new Map<string, number>();
  readonly #tables: Segment[] = [];
  #tableBytes = 0;
  readonly #weights: (Segment & { readonly codes: Int32Array })[] = [];
  #end: number;

  constructor(arch: ArchSpec) {
    this.#arch = arch;
    this.#end = arch.settings["table.bytes"];
  }

  /** Address in table memory of a scale of the vector unit. */
  scale(scale: Scale): number {
    const { arrays, ...block } = scaleBlock(this.#arch.settings);
    return this.#block(block, this.#scaleArrays(arrays, [scale]));
  }

  /** Address of a block of biases and scales: a scale for each bias, or one for all. */
  channels(bias: ArrayLike<number>, scales: readonly Scale[]): number {
    const { arrays, ...block } = channelBlock(bias.length, scales.length > 1, this.#arch.settings);
    return this.#block(block, [[arrays.bias, Array.from(bias)], ...this.#scaleArrays(arrays, scales)]);
  }

  /** Address of a block of gains and biases. */
  gains(gain: ArrayLike<number>, bias: ArrayLike<number>, gainBits: number): number {
    const { arrays, ...block } = gainBlock(gain.length, gainBits);
    return this.#block(block, [
      [arrays.gain, Array.from(gain)],
      [arrays.bias, Array.from(bias)],
    ]);
  }

  /**
   * A PWL table as an instruction names it. Tables of unsigned codes (mantissas) are stored offset to signed ones.
   * @throws InputError where the table has a shift for each piece and the unit shares one
   */
  pwl(table: PwlTable): TableOperand {
    const offset = (format: PwlTable["in"]) => (format.signed ? 0 : powerOfTwo(format.bits - 1));
    const { knots, bases, slopes, shifts, offsetFraction, mirror } = table;
    const shape = shapeOf(table);
    const { arrays, ...block } = pwlBlock(shape, this.#arch.settings);
    if (arrays.shift.count < shifts.length)
      throw new InputError(
        this.#arch.name,
        "pwl.shifts: shared cannot hold a table with a shift for each piece",
      );
    const lift = offset(table.out) * powerOfTwo(offsetFraction);
    const address = this.#block(block, [
      [arrays.knot, Array.from(knots, (code) => code - offset(table.in))],
      [arrays.base, Array.from(bases, (code) => code - lift)],
      [arrays.slope, Array.from(slopes)],
      [arrays.shift, Array.from({ length: arrays.shift.count }, (_, i) => shiftOf(table, i))],
      ...(mirror === undefined ? [] : ([[arrays.sum, [mirror.inSum, mirror.outSum]]] as const)),
    ]);
    return { ...shape, table: address };
  }

  /** Address of the interpolated sigmoid's table. Its entries have no sign and are stored offset to signed codes. */
  mirrored(): number {
    const { arrays, ...block } = mirroredBlock();
    const offset = powerOfTwo(arrays.entry.bits - 1);
    return this.#block(block, [[arrays.entry, Array.from(mirroredSigmoid(), (entry) => entry - offset)]]);
  }

  /** DRAM address of weights, or of any other codes that are not in table memory; the same array is kept once. */
  weights(codes: Int32Array, bits: number): number {
    const held = this.#weights.find((one) => one.codes === codes && one.bits === bits);
    if (held !== undefined) return held.address;
    refuseWide(codes, bits);
    const address = alignUp(this.#end, alignmentOf(bits));
    this.#weights.push({ codes, bits, address });
    this.#end = address + storageBytes(codes.length, bits);
    return address;
  }

  /** Bytes of table memory in use. @throws InputError where the machine's is smaller */
  get tableBytes(): number {
    const room = this.#arch.settings["table.bytes"];
    if (this.#tableBytes > room) {
      throw new InputError(
        this.#arch.name,
        `${room} bytes cannot hold the model's ${this.#tableBytes} bytes of scales and tables`,
        "table.bytes",
      );
    }
    return this.#tableBytes;
  }

  build(): Image {
    return { segments: [...this.#tables, ...this.#weights], bytes: this.#end };
  }

  #scaleArrays(
    arrays: { readonly multiplier: TableArray; readonly shift: TableArray },
    scales: readonly Scale[],
  ): [TableArray, number[]][] {
    const { bits, count } = arrays.multiplier;
    if (count > 0) {
      return [
        [arrays.multiplier, scales.map(({ multiplier }) => multiplier - powerOfTwo(bits - 1))],
        [arrays.shift, scales.map(({ shift }) => shift)],
      ];
    }
    return [[arrays.shift, scales.map(leftOrRight)]];
  }

  #block(
    { bytes, alignment }: { readonly bytes: number; readonly alignment: number },
    contents: readonly (readonly [TableArray, readonly number[]])[],
  ): number {
    const key = JSON.stringify(contents);
    const held = this.#blocks.get(key);
    if (held !== undefined) return held;
    const address = alignUp(this.#tableBytes, alignment);
    for (const [{ offset, bits }, codes] of contents) {
      refuseWide(codes, bits);
      this.#tables.push({ address: address + offset, bits, codes });
    }
    this.#tableBytes = address + bytes;
    this.#blocks.set(key, address);
    return address;
  }
}

/** A code that does not fit its field would be cut silently by hardware, so it is no constant of a model. */
function refuseWide(codes: ArrayLike<number>, bits: number): void {
  const [lo, hi] = [minOf(signed(bits)), maxOf(signed(bits))];
  for (let i = 0; i < codes.length; i++) {
    const code = codes[i]!;
    if (code < lo || code > hi) {
      throw new InputError("the model's constants", `${code} does not fit a field of ${bits} bits`);
    }
  }
}

/** A shift-only requantizer's one number: a right shift, or a left shift below zero. */
function leftOrRight({ multiplier, shift }: Scale): number {
  let left = 0;
  while (powerOfTwo(left) < multiplier) left++;
  return shift - left;
}
