import { onceFor } from "../../base/hash.ts";
import { FRAME } from "./mix.ts";
import type { Recording } from "./recordings.ts";

/** The front end, which stays in floats on the host: short-time spectra of each frame. */

/** Spectra of a frame. */
export const COLUMNS = 4;
/** Magnitudes that a spectrum has. */
export const BINS = 129;
/** Values of a column as the first convolution takes it: codes of any width then end on a byte. The last seven are 0. */
export const CHANNELS = 136;

/** Samples of the frame before that a frame is seen with. */
const CONTEXT = 64;
/** Samples that are mirrored at the end. */
const MIRRORED = 64;
const WINDOW = 256;
const HOP = 128;
const STAGES = 8;

/** Multiplications that a frame takes as the file has it, a convolution with a basis of 258 rows. */
export const SPECTRUM_MACS = COLUMNS * 2 * BINS * WINDOW;

/**
 * A row of the file's basis: the cosine (`part` 0) or the sine (1) of a bin under a periodic Hann window.
 * @returns [WINDOW]
 */
export const basisRow = (bin: number, part: 0 | 1): Float64Array =>
  Float64Array.from({ length: WINDOW }, (_, n) => {
    const angle = (2 * Math.PI * ((bin * n) % WINDOW)) / WINDOW;
    return hann(n) * (part === 0 ? Math.cos(angle) : -Math.sin(angle));
  });

const hann = (n: number): number => 0.5 - 0.5 * Math.cos((2 * Math.PI * n) / WINDOW);

const WEIGHTS = Float64Array.from({ length: WINDOW }, (_, n) => hann(n));
const COSINES = Float64Array.from({ length: WINDOW / 2 }, (_, n) => Math.cos((2 * Math.PI * n) / WINDOW));
const SINES = Float64Array.from({ length: WINDOW / 2 }, (_, n) => -Math.sin((2 * Math.PI * n) / WINDOW));

/** Place of each sample before the first stage: its index with the bits in reverse. */
const ORDER = Int32Array.from({ length: WINDOW }, (_, n) => {
  let [rest, reversed] = [n, 0];
  for (let i = 0; i < STAGES; i++) {
    reversed = 2 * reversed + (rest % 2);
    rest = (rest - (rest % 2)) / 2;
  }
  return reversed;
});

/** The discrete Fourier transform in place, by decimation in time; `real` and `imaginary` come in ORDER. */
function transform(real: Float64Array, imaginary: Float64Array): void {
  for (let half = 1; half < WINDOW; half *= 2) {
    const turn = WINDOW / (2 * half);
    for (let from = 0; from < WINDOW; from += 2 * half) {
      for (let k = 0; k < half; k++) {
        const [a, b] = [from + k, from + k + half];
        const [cos, sin] = [COSINES[k * turn]!, SINES[k * turn]!];
        const re = real[b]! * cos - imaginary[b]! * sin;
        const im = real[b]! * sin + imaginary[b]! * cos;
        real[b] = real[a]! - re;
        imaginary[b] = imaginary[a]! - im;
        real[a]! += re;
        imaginary[a]! += im;
      }
    }
  }
}

/** Magnitudes of all frames of a recording: `[frames][COLUMNS][CHANNELS]`. Before its first sample there is silence. */
export const spectraOf = onceFor(({ audio, labels }: Recording): Float32Array => {
  const spectra = new Float32Array(labels.length * COLUMNS * CHANNELS);
  const seen = new Float64Array(CONTEXT + FRAME + MIRRORED);
  const real = new Float64Array(WINDOW);
  const imaginary = new Float64Array(WINDOW);
  for (let t = 0; t < labels.length; t++) {
    const end = CONTEXT + FRAME;
    for (let i = 0; i < end; i++) seen[i] = audio[t * FRAME + i - CONTEXT] ?? 0;
    for (let i = 0; i < MIRRORED; i++) seen[end + i] = seen[end - 2 - i]!;
    for (let column = 0; column < COLUMNS; column++) {
      for (let n = 0; n < WINDOW; n++) real[ORDER[n]!] = WEIGHTS[n]! * seen[column * HOP + n]!;
      imaginary.fill(0);
      transform(real, imaginary);
      const at = (t * COLUMNS + column) * CHANNELS;
      for (let bin = 0; bin < BINS; bin++) {
        const [re, im] = [real[bin]!, imaginary[bin]!];
        spectra[at + bin] = Math.sqrt(re * re + im * im);
      }
    }
  }
  return spectra;
});
