import type { Settings } from "../../arch/fields.ts";
import { exactArgmax } from "../../kernels/argmax/exact.ts";
import { exactConv } from "../../kernels/conv/exact.ts";
import { exactLookup, zeros } from "../../kernels/elementwise.ts";
import { exactLinear } from "../../kernels/linear/exact.ts";
import { exactLstm, exactLstmCell } from "../../kernels/lstm/exact.ts";
import { exactMaxPool } from "../../kernels/pool/exact.ts";
import type { Line } from "../lines/lines.ts";
import { framesOf, stepsOf } from "./pixels.ts";
import { pixelsOf, type QTesseract } from "./quantize.ts";

/** A line by plain loops over integers: the truth that the machine is held to. */
export const runExact = (q: QTesseract, line: Line, arch: Settings): number[] =>
  exactLogits(q, line, arch)
    .slice(0, framesOf(line, q.pool.window[0]))
    .map((logits) => q.alphabet[exactArgmax(logits)]!);

/** The logits of every step, of those too that a line is filled up with. */
export function exactLogits(q: QTesseract, line: Line, arch: Settings): Int32Array[] {
  let sequence = columnsOf(q, line, arch);
  for (const { q: cell, reverse } of q.passes) sequence = exactLstm(cell, [sequence], reverse, arch);
  return sequence.map((h) => exactLinear(q.output, [h], arch));
}

/** What the first LSTM makes of each column of pooled pixels. */
function columnsOf(q: QTesseract, line: Line, arch: Settings): Int32Array[] {
  const { conv, pool, column } = q;
  const { height, width, kernel } = conv.shape;
  const [across] = pool.window;
  const codes = pixelsOf(q, line);
  return Array.from({ length: stepsOf(line, across) }, (_, t) => {
    const first = t * across - (kernel[0] - 1) / 2;
    const pixels = Array.from({ length: height * width }, (_pixel, i) =>
      Int32Array.of(codes[first * width + i] ?? q.image.zero),
    );
    const pooled = exactMaxPool(pool, exactConv(conv, pixels, arch));
    let state = { h: zeros(column.hiddenSize, column.hidden), c: zeros(column.hiddenSize, column.cell) };
    for (const sums of pooled)
      state = exactLstmCell(column, [exactLookup(q.bend.table, sums, arch)], state, arch);
    return state.h;
  });
}
