/** The time, in milliseconds of the epoch: for the age of a file, and for nothing that anything is computed from. */
export const now = (): number => Date.now();
