import seedrandom from "seedrandom";

/** Samples of a frame: 32 ms, of which the model decides whether there is speech in it. */
export const FRAME = 512;

/** What a frame is, as its label has it. */
export const SPEECH = 1;
export const NO_SPEECH = 0;
/** Too near an edge of speech to be scored. */
export const EDGE = -1;

/** Level of speech, as the root mean square of its loud frames: -26 dB of full scale, as telephony measures with. */
const SPEECH_LEVEL = decibels(-26);
/** A frame this far below the loudest one, or below the level of speech, is a pause. */
const GATE = decibels(-30);
/** Pauses of so many frames within speech, 192 ms, belong to it. */
const LONGEST_GAP = 6;
/** Frames on either side of an edge of speech that are not scored. */
const EDGE_FRAMES = 2;

/** A noise to speech: one that is made here, or samples that are repeated as often as needed. */
export type Noise = "none" | "white" | "pink" | Float32Array;

/** Speech placed in time, and what is added to it. */
export interface Mixture {
  readonly frames: number;
  /** Utterances, and the sample at which each starts. They do not overlap. */
  readonly speech: readonly { readonly samples: Float32Array; readonly at: number }[];
  readonly noise: Noise;
  /** Level of speech over noise, in dB. */
  readonly snr: number;
}

/**
 * Mixes a recording: every utterance at the same level, noise so many dB below. The labels are those of the speech alone, by a gate
 * on each frame's energy.
 * @param seed  of noise that is made here
 */
export function mix(
  { frames, speech, noise, snr }: Mixture,
  seed: string,
): { readonly audio: Float32Array; readonly labels: Int8Array } {
  const audio = new Float32Array(frames * FRAME);
  for (const { samples, at } of speech) {
    const gain = SPEECH_LEVEL / speechLevelOf(samples);
    const end = Math.min(samples.length, audio.length - at);
    for (let i = 0; i < end; i++) audio[at + i] = gain * samples[i]!;
  }
  const labels = labelsOf(levelsOf(audio).map((level) => (level > GATE * SPEECH_LEVEL ? SPEECH : NO_SPEECH)));
  if (noise === "none") return { audio, labels };
  const added = typeof noise === "string" ? MADE[noise](audio.length, seedrandom(seed)) : noise;
  const gain = (SPEECH_LEVEL * decibels(-snr)) / levelOf(added);
  for (let i = 0; i < audio.length; i++) audio[i]! += gain * added[i % added.length]!;
  return { audio, labels };
}

function decibels(db: number): number {
  return 10 ** (db / 20);
}

/** Root mean square. */
function levelOf(samples: Float32Array): number {
  let sum = 0;
  for (const x of samples) sum += x * x;
  return Math.sqrt(sum / samples.length);
}

/** Of each whole frame. */
function levelsOf(samples: Float32Array): number[] {
  const levels: number[] = [];
  for (let at = 0; at + FRAME <= samples.length; at += FRAME)
    levels.push(levelOf(samples.subarray(at, at + FRAME)));
  return levels;
}

/** Of an utterance without its pauses. */
function speechLevelOf(samples: Float32Array): number {
  const levels = levelsOf(samples);
  const loudest = Math.max(...levels);
  const loud = levels.filter((level) => level > GATE * loudest);
  return Math.sqrt(loud.reduce((sum, level) => sum + level * level, 0) / loud.length);
}

/** From what a gate says of each frame to its label: short gaps are closed, and edges set apart. */
export function labelsOf(gated: readonly number[]): Int8Array {
  const closed = Int8Array.from(gated);
  let last = Number.NEGATIVE_INFINITY;
  for (const [t, label] of gated.entries()) {
    if (label !== SPEECH) continue;
    if (t - last - 1 <= LONGEST_GAP) closed.fill(SPEECH, last + 1, t);
    last = t;
  }
  return closed.map((label, t) => {
    const near = closed.subarray(Math.max(0, t - EDGE_FRAMES), t + EDGE_FRAMES + 1);
    return near.every((other) => other === label) ? label : EDGE;
  });
}

type Rng = () => number;

/** Noises by name, at any level. */
const MADE: Readonly<
  Record<Exclude<Noise, "none" | Float32Array>, (length: number, rng: Rng) => Float32Array>
> = {
  white: (length, rng) => Float32Array.from({ length }, () => 2 * rng() - 1),
  pink: (length, rng) => {
    let [a, b, c] = [0, 0, 0];
    return Float32Array.from({ length }, () => {
      const white = 2 * rng() - 1;
      // Three poles that are within 0.5 dB of 3 dB an octave above 9 Hz at 44.1 kHz (Paul Kellet, music-dsp list, 1999).
      a = 0.99765 * a + 0.099046 * white;
      b = 0.963 * b + 0.2965164 * white;
      c = 0.57 * c + 1.0526913 * white;
      return a + b + c + 0.1848 * white;
    });
  },
};
