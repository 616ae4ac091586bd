import type { Settings } from "../../arch/fields.ts";
import { exactConv } from "../../kernels/conv/exact.ts";
import { zeros } from "../../kernels/elementwise.ts";
import { exactLinear } from "../../kernels/linear/exact.ts";
import { exactLstmCell } from "../../kernels/lstm/exact.ts";
import { codesOf, type QSilero } from "./quantize.ts";
import { probabilityOf } from "./real.ts";
import { framesOf, type Recording } from "./recordings.ts";
import { CHANNELS, COLUMNS } from "./spectrum.ts";

/** A recording by plain loops over integers: the truth that the machine is held to. */
export function runExact(q: QSilero, recording: Recording, arch: Settings): number[] {
  const codes = codesOf(q, recording);
  const { cell, hidden, hiddenSize } = q.cell;
  let state = { h: zeros(hiddenSize, hidden), c: zeros(hiddenSize, cell) };
  return Array.from({ length: framesOf(recording) }, (_, t) => {
    let pixels: Int32Array[] = Array.from({ length: COLUMNS }, (_column, column) => {
      const at = (t * COLUMNS + column) * CHANNELS;
      return Int32Array.from(codes.subarray(at, at + CHANNELS));
    });
    for (const conv of q.convs) pixels = exactConv(conv, pixels, arch);
    state = exactLstmCell(q.cell, pixels, state, arch);
    const positive = state.h.map((code) => Math.max(code, hidden.zero));
    const [logit] = exactLinear(q.output, [positive], arch);
    return probabilityOf(logit! * q.output.output.scale);
  });
}
