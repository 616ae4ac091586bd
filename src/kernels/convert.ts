import type { Settings } from "../arch/fields.ts";
import { scalingOf } from "../arch/scaling.ts";
import { OVERFLOWS, type Overflow } from "../fixed/format.ts";
import type { Scale } from "../fixed/requant.ts";
import { ROUNDINGS, type Rounding } from "../fixed/round.ts";
import { nearestScale } from "../fixed/scale.ts";
import { convert } from "../isa/ops/convert.ts";
import type { Address, Builder } from "./builder.ts";

/** A change of format of `n` codes of `aBits` bits, to signed codes of `bits` bits. */
export interface Conversion {
  readonly dst: Address;
  readonly a: Address;
  readonly n: number;
  readonly aBits: number;
  /** Taken off before anything else; 0 where it is left out. */
  readonly aZero?: number;
  readonly bits: number;
  /** Bits that are dropped; negative: zeros that are appended. */
  readonly shift: number;
  /** Of no account where nothing is dropped. */
  readonly rounding?: Rounding;
  readonly overflow?: Overflow;
}

/** dst = round((a - aZero) / 2^shift), brought into `bits` bits: saturated where nothing else is said. The result has no zero point. */
export function lowerConversion(b: Builder, x: Conversion): void {
  b.emit(convert, {
    ...{ dst: x.dst, a: x.a, n: x.n, aBits: x.aBits, bits: x.bits, to: x.bits, shift: x.shift },
    ...{ aZero: x.aZero ?? 0, zero: 0, unsigned: 0, kept: 0 },
    rounding: ROUNDINGS.indexOf(x.rounding ?? "floor"),
    overflow: OVERFLOWS.indexOf(x.overflow ?? "saturate"),
  });
}

/** The vector unit's scale of 1: exact, under tflite-double of codes of up to 31 bits. */
export function unitScale(arch: Settings): Scale {
  const { kind, multiplierBits } = scalingOf("vector", arch);
  return nearestScale(1, kind, multiplierBits);
}
