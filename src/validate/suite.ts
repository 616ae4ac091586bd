import type { Verdict } from "./verdict.ts";

/** One run of one operator: a file's, or one of a file's many. */
export interface Case {
  readonly name: string;
  run(): Verdict;
}

/** The cases of one operator of one reference. */
export interface Suite {
  /** `folder/operator`. */
  readonly name: string;
  /** Reads the suite's files. @throws InputError for a file that does not keep to the schema */
  cases(): readonly Case[];
}

/** A row of the support matrix. */
export interface Support {
  readonly operation: string;
  readonly format: string;
  /** Suites that hold it, as they are named on the command line. */
  readonly suite: string;
  /** `bit-exact`, or the bound that is held. */
  readonly agreement: string;
}

/** An outside reference: a folder of golden data, recognized by its name. */
export interface Reference {
  readonly folder: string;
  readonly doc: string;
  readonly support: readonly Support[];
  /** Data that is there only where somebody has written it: nothing is missing where it is not. */
  readonly isOptional?: boolean;
  /** Suites of the folder at `path`; what is not known there is a suite whose cases are skipped. */
  suites(path: string): readonly Suite[];
}
