import type { Settings } from "../../arch/fields.ts";
import { exactRescale } from "../elementwise.ts";
import type { QEmbedding } from "./quantize.ts";

/** Row `index`, clamped into the table as the gather does, on the output's grid. */
export function exactEmbedding(q: QEmbedding, index: number, arch: Settings): Int32Array {
  const row = Math.max(0, Math.min(q.rows - 1, index));
  const codes = q.codes.slice(row * q.columns, (row + 1) * q.columns);
  const { scale, stored, output } = q;
  if (scale === undefined) return codes;
  return exactRescale({ a: stored, output, scale }, codes, arch);
}
