import { expect } from "vitest";

/** Bit-exact comparison of two arrays. Stops at the first difference and says where it is; tells -0 from 0. */
export function expectSameInts(got: ArrayLike<number>, want: ArrayLike<number>, what: string): void {
  if (got.length !== want.length) expect.fail(`${what} has ${got.length} values, want ${want.length}`);
  for (let i = 0; i < want.length; i++) {
    if (Object.is(got[i], want[i])) continue;
    expect.fail(`${what}[${i}] is ${show(got[i])}, want ${show(want[i])} (of ${want.length} values)`);
  }
}

/** The same for one value against the oracle's; `what` is only called to say what went wrong. */
export function expectInt(got: number, want: bigint | number, what: () => string): void {
  if (!Object.is(got, Number(want))) expect.fail(`${what()} is ${show(got)}, want ${want}`);
}

/** A signed integer of at most `bits` bits, every width as likely as any other. */
export function randomInt(rng: () => number, bits: number): number {
  const span = 2 ** Math.floor(rng() * bits);
  const magnitude = Math.floor(rng() * span);
  return rng() < 0.5 ? magnitude : -1 - magnitude;
}

const show = (v: number | undefined): string => (Object.is(v, -0) ? "-0" : String(v));
