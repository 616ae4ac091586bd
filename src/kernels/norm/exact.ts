import type { Settings } from "../../arch/fields.ts";
import { saturate, signed } from "../../fixed/format.ts";
import { isqrt } from "../../fixed/isqrt.ts";
import { plainRounding, requantize } from "../../fixed/requant.ts";
import { divide, mulShift } from "../../fixed/round.ts";
import { rsqrtOf } from "../../pwl/mantissa.ts";
import { exactSum } from "../elementwise.ts";
import type { QAffine, QLayerNorm, QMadNorm, QNorm } from "./quantize.ts";

/** The norm by its definition, on `groups` rows of `n` codes. */
export function exactNorm(q: QNorm, x: Int32Array, arch: Settings): Int32Array {
  const normalized = new Int32Array(x.length);
  for (let from = 0; from < x.length; from += q.n) {
    const row = x.subarray(from, from + q.n);
    normalized.set(q.kind === "layer" ? layerRow(q, row, arch) : madRow(q, row, arch), from);
  }
  return exactAffine(q.affine, normalized, q, arch);
}

function layerRow(q: QLayerNorm, row: Int32Array, arch: Settings): Int32Array {
  const rounding = plainRounding(arch["requant.rounding"]);
  let sum = 0;
  let squares = 0;
  for (const code of row) {
    sum += code;
    squares += code * code;
  }
  const v = Math.max(q.n * squares - sum * sum, 0) + q.epsilon;
  const quotient = (distance: number): number => {
    if (q.table === undefined) {
      return divide(distance * 2 ** q.point, Math.max(isqrt(v), 1), rounding);
    }
    const { mantissa, exponent } = rsqrtOf(q.table, Math.max(v, 1), rounding);
    return mulShift(distance, mantissa, Math.max(0, exponent - q.point), rounding);
  };
  return row.map((code) => saturate(quotient(q.n * code - sum), q.normalized.format));
}

function madRow(q: QMadNorm, row: Int32Array, arch: Settings): Int32Array {
  const rounding = arch["requant.rounding"];
  const sum = row.reduce((total, code) => total + code - q.input.zero, 0);
  const mean = saturate(requantize(sum, q.meanScale, rounding) + q.mean.zero, q.mean.format);
  const centred = exactSum(q.centre, row, Int32Array.of(mean), -1, arch);
  const zero = q.centre.output.zero;
  const absolutes = centred.reduce((total, code) => total + Math.abs(code - zero), 0);
  const deviation = saturate(requantize(absolutes, q.deviationScale, rounding), signed(32));
  return centred.map((code) =>
    saturate(
      divide((code - zero) * q.factor, Math.max(deviation, 1), plainRounding(rounding)),
      q.normalized.format,
    ),
  );
}

function exactAffine(affine: QAffine, x: Int32Array, { output }: QNorm, arch: Settings): Int32Array {
  return x.map((code, i) => {
    const sum = code * affine.gains[i]! + affine.biases[i]!;
    return saturate(requantize(sum, affine.scale, arch["requant.rounding"]) + output.zero, output.format);
  });
}
