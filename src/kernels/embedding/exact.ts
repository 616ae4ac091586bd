import type { Settings } from "../../arch/fields.ts";
import { scalingOf } from "../../arch/scaling.ts";
import { saturate } from "../../fixed/format.ts";
import { requantize } from "../../fixed/requant.ts";
import type { QEmbedding } from "./quantize.ts";

/** Row `index`, clamped into the table as the gather does, on the output's grid. */
export function exactEmbedding(q: QEmbedding, index: number, arch: Settings): Int32Array {
  const row = Math.max(0, Math.min(q.rows - 1, index));
  const codes = q.codes.slice(row * q.columns, (row + 1) * q.columns);
  const { scale, stored, output } = q;
  if (scale === undefined) return codes;
  return codes.map((code) =>
    saturate(
      requantize(code - stored.zero, scale, scalingOf("vector", arch).rounding) + output.zero,
      output.format,
    ),
  );
}
