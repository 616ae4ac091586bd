import { InputError } from "../base/errors.ts";

/** What is wrong with an input, as plain data: an error's class does not survive the way between threads. */
export interface Refusal {
  readonly where: string;
  readonly problem: string;
}

/** @throws the error itself where it is no input's fault */
export function refusalOf(error: unknown): Refusal {
  if (!(error instanceof InputError)) throw error;
  return { where: error.where, problem: error.message.slice(error.where.length + 2) };
}

/** What came of it, or what is wrong with an input. */
export function attempt<T>(work: () => T): T | Refusal {
  try {
    return work();
  } catch (error) {
    return refusalOf(error);
  }
}
