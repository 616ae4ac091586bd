import { storageBytes } from "../fixed/format.ts";
import type { Image } from "../isa/image.ts";
import type { Program } from "../isa/program.ts";
import type { Tensor } from "../kernels/builder.ts";
import type { Mapping } from "../kernels/mapping.ts";

/** Codes that the host brings or fetches at one turn, in the data region of the DRAM. */
export interface Port {
  readonly address: number;
  readonly bits: number;
  readonly count: number;
}

/**
 * A program that a host runs for an input, once or turn after turn: until its turns are up, the input's codes do not last
 * for another one, or what it gives ends it.
 */
export interface Stage {
  /** In reports and on the command line: `step`. */
  readonly name: string;
  readonly program: Program;
  /** Brought before each turn: the next codes of the input, which the stages take one after the other. */
  readonly takes?: Port;
  /** Fetched after each turn. */
  readonly gives?: Port;
  /** The most turns; a stage without it takes something. */
  readonly turns?: number;
  /** The code that ends the stage where it is the first that a turn gives; that turn is no part of the result. */
  readonly end?: number;
  /** What a turn goes on from and leaves to the next, by name, in activation memory: a host may set it. */
  readonly state?: Readonly<Record<string, Tensor>>;
  /** Turns to reckon with where no data is seen, as in a search for a mapping. */
  readonly expectedTurns: number;
}

/** What a host brings for one inference. */
export interface Input {
  /** Which of a job's programs are run for it. */
  readonly size: number;
  readonly codes: readonly number[] | Int16Array;
  /**
   * Turns at the start, over all stages, that only bring the state to where it is before the input's own begin: they are run, and
   * neither counted nor part of the result. A text that is cut so that its parts run side by side has them.
   */
  readonly lead?: number;
  /** What of a turn's codes is the result, where it is not all of them; turns count from 1, over all stages that give something, behind the lead. */
  readonly keep?: (codes: readonly number[], turn: number) => readonly number[];
}

/**
 * A model compiled for one machine, as a host runs it: `load` once, then for each input the stages of its size, one after
 * the other. Memories stay as they are from one to the next.
 */
export interface Job {
  readonly image: Image;
  readonly load: Program;
  /** By the input's size; with the same names at every size. */
  readonly stages: ReadonlyMap<number, readonly Stage[]>;
  readonly dataBytes: number;
  /** How its matrices are mapped. */
  readonly mapping: Mapping;
  /** Weights that stay on chip for the whole job; the others are streamed at every use. */
  readonly residentWeightBytes: number;
}

/** Packed size of everything that the machine loads: weights, embeddings, biases, scales, tables. */
export const modelBytes = ({ segments }: Image): number =>
  segments.reduce((sum, { codes, bits }) => sum + storageBytes(codes.length, bits), 0);

/** Every program of a job, each once: the load, then the stages of each size. */
export const programsOf = ({ load, stages }: Job): Program[] => [
  ...new Set([load, ...[...stages.values()].flatMap((some) => some.map(({ program }) => program))]),
];

/** What of a job a machine is asked to run, for whoever judges whether it may. */
export const runnableOf = (job: Job) => ({
  image: job.image,
  programs: programsOf(job),
  dataBytes: job.dataBytes,
});

/** The names of a job's stages, in the order in which they run. */
export const stageNames = ({ stages }: Job): string[] => [
  ...new Set([...stages.values()].flatMap((some) => some.map(({ name }) => name))),
];
