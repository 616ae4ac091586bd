import { type Floats, NO_SCALE, named } from "../floats.ts";
import type { QEmbedding } from "./quantize.ts";

/** The table in floats. */
export const widenEmbedding = (q: QEmbedding, floats: Floats): QEmbedding =>
  named<QEmbedding>({
    rows: q.rows,
    columns: q.columns,
    codes: floats.codes(q.codes),
    stored: floats.grid(q.stored),
    output: floats.grid(q.output),
    scale: q.scale && NO_SCALE,
  });
