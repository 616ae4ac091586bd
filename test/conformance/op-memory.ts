import type { MachineState } from "../../src/isa/state.ts";
import { channelBlock, pwlBlock, scaleBlock, type TableArray } from "../../src/isa/tables.ts";
import type { TableShape } from "../../src/pwl/storage.ts";
import { pick, within } from "../isa/random.ts";

/** Operands in memory that keep what operations ask of them, for codes are random otherwise. */

export const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

/** A shift that leaves about `bits` bits of a product of `from` bits, or any that is not below `least`. */
function anyShift(rng: () => number, from: number, bits: number, least = 0): number {
  const near = from - bits + within(rng, -3, 4);
  return Math.min(62, Math.max(least, pick(rng, [near, near, near, within(rng, 0, 62)])));
}

/** Writes shifts (multipliers are any codes) for products with values of `valueBits` bits. */
function putShifts(
  s: MachineState,
  unit: "requant" | "vector",
  block: number,
  array: TableArray,
  rng: () => number,
  valueBits: number,
  bits: number,
  least = 0,
): void {
  const kind = s.arch["requant.kind"];
  const multiplierBits = { multiplier: multiplierOf(unit, s), "two-shift": 16, shift: 0 }[kind];
  const shifts = range(array.count).map(() =>
    kind === "shift" && rng() < 0.2
      ? -within(rng, 1, 8)
      : anyShift(rng, valueBits + multiplierBits, bits, least),
  );
  s.write("table", array.bits, block + array.offset, shifts);
}

/** Width of the multiplier of a unit that has one. */
const multiplierOf = (unit: "requant" | "vector", s: MachineState): number =>
  (unit === "vector" && s.arch["vector.multiplierBits"]) || s.arch["requant.multiplierBits"];

/** The one scale at `block`. Results of up to 52 bits where they are added to others. */
export function putScale(
  s: MachineState,
  block: number,
  rng: () => number,
  valueBits: number,
  bits: number,
  added = false,
) {
  const multiplierBits = s.arch["requant.kind"] === "multiplier" ? multiplierOf("vector", s) : 16;
  const least = added ? Math.max(0, valueBits + 1 + multiplierBits - 52) : 0;
  putShifts(s, "vector", block, scaleBlock(s.arch).arrays.shift, rng, valueBits, bits, least);
}

/** Biases that leave accumulator and bias in 48 bits, and shifts. */
export function putChannels(
  x: { readonly scales: number; readonly m: number; readonly perChannel: number },
  s: MachineState,
  rng: () => number,
  bits: number,
): void {
  const { arrays } = channelBlock(x.m, x.perChannel === 1, s.arch);
  const most = 2 ** Math.min(arrays.bias.bits - 1, s.arch["acc.bits"] - 1);
  const biases = range(x.m).map(() => pick(rng, [0, -most, most - 1, within(rng, -most, most - 1)]));
  s.write("table", arrays.bias.bits, x.scales + arrays.bias.offset, biases);
  putShifts(s, "requant", x.scales, arrays.shift, rng, s.arch["acc.bits"], bits);
}

/** Ascending knots, shifts with room for fractions, and sums that mirror about half of the codes; offsets and slopes are any codes. */
export function putPieces(
  x: TableShape & { readonly table: number },
  s: MachineState,
  rng: () => number,
): void {
  const { knot, slope, shift, sum } = pwlBlock(x, s.arch).arrays;
  const half = 2 ** (x.inBits - 1);
  const knots = range(x.pieces).map(() => within(rng, -half, half - 1));
  s.write(
    "table",
    knot.bits,
    x.table + knot.offset,
    knots.sort((a, b) => a - b),
  );
  const near = Math.max(0, slope.bits + x.inBits - x.bits + within(rng, -4, 2));
  const shifts = range(shift.count).map(() => pick(rng, [near, near, within(rng, 0, 31)]));
  s.write(
    "table",
    shift.bits,
    x.table + shift.offset,
    shifts.map((one) => Math.max(one, x.fraction)),
  );
  const far = pick(rng, [x.inBits - 3, x.inBits]);
  const sums = [within(rng, -(2 ** far), 2 ** far), within(rng, -(2 ** x.bits), 2 ** x.bits)];
  if (x.mirrored === 1) s.write("table", sum.bits, x.table + sum.offset, sums);
}

/** Fills statistics, lane by lane. */
export function putLanes(
  s: MachineState,
  bits: number,
  at: number,
  count: number,
  value: (i: number) => number,
): void {
  for (let lane = 0; lane < s.lanes; lane++) s.write("activation", bits, at, range(count).map(value), lane);
}

/** A positive integer below 2^bits, every width as likely as any other. */
export const magnitude = (rng: () => number, bits: number): number =>
  within(rng, 0, 2 ** within(rng, 0, bits) - 1);
