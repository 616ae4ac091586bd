import type { ArchSpec } from "../../arch/spec.ts";
import type { Scale } from "../../fixed/requant.ts";
import { add as addOp, mul as mulOp, rescale as rescaleOp } from "../../isa/ops/vector.ts";
import { WORD_BITS } from "../../isa/widths.ts";
import type { Builder, Tensor } from "../../kernels/builder.ts";
import { lowerConversion } from "../../kernels/convert.ts";
import { codesOf, execute } from "../bench.ts";
import { type Codes, clamped, type Result } from "./product.ts";

/** Two operands of one length, element by element. */
interface Pair {
  readonly a: Codes;
  readonly b: Codes;
  readonly result: Result;
}

/** y = clamp(rq((a - za)(b - zb)) + zo). */
export const multiply = (arch: ArchSpec, op: Pair & { readonly scale: Scale }): number[] =>
  pairwise(arch, op, (b, left, right, output) => {
    b.emit(mulOp, {
      ...operandsOf(op, left, right, output),
      ...{ bits: op.result.bits, zero: op.result.zero, scale: b.image.scale(op.scale) },
    });
  });

/**
 * TensorFlow Lite's sum: both operands are lifted by `left` bits, brought to half the larger scale, added in 32 bits and
 * requantized: y = clamp(rq(rq((a - za) << left; sa) + rq((b - zb) << left; sb); so) + zo).
 */
export const addLifted = (
  arch: ArchSpec,
  op: Pair & { readonly left: number; readonly scales: { a: Scale; b: Scale; out: Scale } },
): number[] =>
  pairwise(arch, op, (b, left, right, output) => {
    const n = output.length;
    const words = [left, right].map((tensor) => {
      const word = b.map.tensor(codesOf(WORD_BITS), n);
      lowerConversion(b, {
        ...{ dst: word.at, a: tensor.at, n, aBits: tensor.grid.format.bits, aZero: tensor.grid.zero },
        ...{ bits: WORD_BITS, shift: -op.left },
      });
      return word;
    });
    const sum = b.map.tensor(codesOf(WORD_BITS), n);
    b.emit(addOp, {
      ...{ dst: sum.at, a: words[0]!.at, b: words[1]!.at, n, period: n },
      ...{ aBits: WORD_BITS, bBits: WORD_BITS, bits: WORD_BITS, aZero: 0, bZero: 0, zero: 0 },
      ...{ aScale: b.image.scale(op.scales.a), bScale: b.image.scale(op.scales.b) },
    });
    b.emit(rescaleOp, {
      ...{ dst: output.at, a: sum.at, n, aBits: WORD_BITS, bits: op.result.bits },
      ...{ aZero: 0, zero: op.result.zero, scale: b.image.scale(op.scales.out) },
    });
  });

/** XNNPACK's sum: integer multipliers, one joint rounding: y = clamp((((a - za) ma + (b - zb) mb) / 2^shift) + zo). */
export const addJoint = (
  arch: ArchSpec,
  op: Pair & { readonly multipliers: { a: number; b: number }; readonly shift: number },
): number[] =>
  pairwise(arch, op, (b, left, right, output) => {
    const n = output.length;
    const sum = b.map.tensor(codesOf(WORD_BITS), n);
    const whole = (multiplier: number) => b.image.scale({ multiplier, shift: 0 });
    b.emit(addOp, {
      ...operandsOf(op, left, right, sum),
      ...{ bits: WORD_BITS, zero: 0 },
      ...{ aScale: whole(op.multipliers.a), bScale: whole(op.multipliers.b) },
    });
    b.emit(rescaleOp, {
      ...{ dst: output.at, a: sum.at, n, aBits: WORD_BITS, bits: op.result.bits },
      ...{ aZero: 0, zero: op.result.zero, scale: b.image.scale({ multiplier: 1, shift: op.shift }) },
    });
  });

/** y = clamp(rq(x - zx) + zo). */
export function rescale(arch: ArchSpec, x: Codes, scale: Scale, result: Result): number[] {
  const n = x.codes.length;
  const [lane] = execute(
    arch,
    {
      inputs: [{ grid: codesOf(x.bits, x.zero), length: n, count: 1 }],
      lower(b, [tensor]) {
        const output = b.map.tensor(codesOf(result.bits, result.zero), n);
        b.emit(rescaleOp, {
          ...{ dst: output.at, a: tensor!.at, n, aBits: x.bits, bits: result.bits },
          ...{ aZero: x.zero, zero: result.zero, scale: b.image.scale(scale) },
        });
        return [clamped(b, output, result)];
      },
    },
    [[x.codes]],
  );
  return lane![0]!;
}

function operandsOf({ a, b, result }: Pair, left: Tensor, right: Tensor, output: Tensor) {
  const n = output.length;
  return {
    ...{ dst: output.at, a: left.at, b: right.at, n, period: n },
    ...{ aBits: a.bits, bBits: b.bits, aZero: a.zero, bZero: b.zero, bits: result.bits },
  };
}

function pairwise(
  arch: ArchSpec,
  { a, b: second, result }: Pair,
  lower: (b: Builder, left: Tensor, right: Tensor, output: Tensor) => void,
): number[] {
  const n = a.codes.length;
  const [lane] = execute(
    arch,
    {
      inputs: [a, second].map(({ bits, zero }) => ({ grid: codesOf(bits, zero), length: n, count: 1 })),
      lower(b, [left, right]) {
        const output = b.map.tensor(codesOf(result.bits, result.zero), n);
        lower(b, left!, right!, output);
        return [clamped(b, output, result)];
      },
    },
    [[a.codes, second.codes]],
  );
  return lane![0]!;
}
