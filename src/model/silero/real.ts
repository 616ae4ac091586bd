import { convolve } from "../../kernels/conv/real.ts";
import { linear } from "../../kernels/linear/real.ts";
import { lstmCell, zeroState } from "../../kernels/lstm/real.ts";
import { prefixed, type Tap } from "../../kernels/tensors.ts";
import { framesOf, type Recording } from "./recordings.ts";
import { CHANNELS, COLUMNS, spectraOf } from "./spectrum.ts";
import type { SileroParams } from "./weights.ts";

/**
 * Hears a recording in double precision, from the zero state. Sites, of every frame: `magnitudes`, `conv.0` and so on (behind the
 * ReLU) with the convolution's own under them, `cell.*` (the LSTM kernel's), `logits` with the last layer's own.
 *
 * @returns the probability of speech in each frame
 */
export function runReal(p: SileroParams, recording: Recording, tap?: Tap): number[] {
  const spectra = spectraOf(recording);
  const cellTap = prefixed(tap, "cell");
  let state = zeroState(p.cell);
  return Array.from({ length: framesOf(recording) }, (_, t) => {
    let pixels = columnsOf(spectra, t);
    for (const pixel of pixels) tap?.("magnitudes", pixel);
    for (const [i, conv] of p.convs.entries()) {
      pixels = convolve(conv, pixels, prefixed(tap, `conv.${i}`)).map(relu);
      for (const pixel of pixels) tap?.(`conv.${i}`, pixel);
    }
    state = lstmCell(p.cell, pixels[0]!, state, cellTap);
    const logits = linear(p.output, relu(state.h), prefixed(tap, "logits"));
    tap?.("logits", logits);
    return probabilityOf(logits[0]!);
  });
}

/** What a logit says. */
export const probabilityOf = (logit: number): number => 1 / (1 + Math.exp(-logit));

const relu = (values: Float64Array): Float64Array => values.map((x) => Math.max(x, 0));

/** The spectra of a frame. */
const columnsOf = (spectra: Float32Array, t: number): Float64Array[] =>
  Array.from({ length: COLUMNS }, (_, column) => {
    const at = (t * COLUMNS + column) * CHANNELS;
    return Float64Array.from(spectra.subarray(at, at + CHANNELS));
  });
