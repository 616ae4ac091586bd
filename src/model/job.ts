import { storageBytes } from "../fixed/format.ts";
import type { Image } from "../isa/image.ts";
import type { Program } from "../isa/program.ts";
import type { Mapping } from "../kernels/mapping.ts";

/** Where the host puts or finds tokens in the data region of the DRAM. */
interface TokenPort {
  readonly address: number;
  readonly bits: number;
}

/**
 * A sequence-to-sequence model compiled for one machine, as a host runs it: `load` once; for each input its tokens into
 * `input`, `start` once, then `step` until it gives the end token at `output`, or `maxSteps` times.
 */
export interface SequenceJob {
  readonly image: Image;
  readonly load: Program;
  /** Programs by the input's length. */
  readonly programs: ReadonlyMap<number, { readonly start: Program; readonly step: Program }>;
  readonly input: TokenPort;
  readonly output: TokenPort;
  readonly dataBytes: number;
  readonly endToken: number;
  readonly maxSteps: number;
  /** How its matrices are mapped. */
  readonly mapping: Mapping;
  /** Weights that stay on chip for the whole job; the others are streamed at every use. */
  readonly residentWeightBytes: number;
}

/** Packed size of everything that the machine loads: weights, embeddings, biases, scales, tables. */
export const modelBytes = ({ segments }: Image): number =>
  segments.reduce((sum, { codes, bits }) => sum + storageBytes(codes.length, bits), 0);

/** Every program of a job: the load, then start and step for each length. */
export const programsOf = ({ load, programs }: SequenceJob): Program[] => [
  load,
  ...[...programs.values()].flatMap(({ start, step }) => [start, step]),
];
