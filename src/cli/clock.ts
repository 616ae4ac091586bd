import type { Instant } from "../store/store.ts";

/** The time, in milliseconds of the epoch: for the age of a file, and for nothing that anything is computed from. */
export const now = (): number => Date.now();

/** The same, with its text: for what is kept beside results, and never in them. */
export function instant(): Instant {
  const epochMs = now();
  return { epochMs, utc: new Date(epochMs).toISOString() };
}
