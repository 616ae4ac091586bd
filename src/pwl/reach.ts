import type { IntFormat } from "../fixed/format.ts";
import { maxOf, minOf } from "../fixed/format.ts";
import { ceilDiv, floorDiv, powerOfTwo } from "../fixed/round.ts";
import { type Carries, classOf } from "./ramp.ts";

/** `[N]` least and largest code that each input may get, ends included; infinite where what is beyond saturates to it. */
export interface Tube {
  readonly lo: Float64Array;
  readonly hi: Float64Array;
  /** `[N]` 0, 1, 2 …: all inputs. */
  readonly every: Int32Array;
  /** Inputs that pieces ended at of late, to be looked at first: a memory of the search, which changes no result. */
  readonly tight: Int32Array;
}

/** Which pieces are looked for: one shift, a range of slopes, offsets of so many fraction bits. */
export interface PieceSpace {
  readonly shift: number;
  /** At most `shift`. */
  readonly fraction: number;
  /** Least and largest slope. */
  readonly slopes: readonly [least: number, most: number];
  /** Least and largest offset. */
  readonly bases: readonly [least: number, most: number];
  /** Of what has to be rounded to a code at least, and of what may not be rounded above one. */
  readonly carries: readonly [least: Carries, most: Carries];
}

/** The pieces that a table can hold. */
export function exactSpace(
  shift: number,
  fraction: number,
  slopes: readonly [least: number, most: number],
  out: IntFormat,
  carries: Carries,
): PieceSpace {
  const step = powerOfTwo(fraction);
  const bases = [minOf(out) * step, maxOf(out) * step + step - 1] as const;
  return { shift, fraction, slopes, bases, carries: [carries, carries] };
}

/**
 * The same with `shift` fraction bits in offsets, which may be what any slope adds to one over `count` inputs, and with a rest rounded whichever way any class rounds
 * it. What is left of a piece when it begins later is such a piece: it is at slope · distance more at its new knot, and
 * loses neither a bit nor a saturation. So where no such piece leads from an input to an end, none of the table's leads
 * there from any earlier one.
 */
export function relaxedSpace(
  { shift, fraction, slopes, bases, carries }: PieceSpace,
  count: number,
): PieceSpace {
  const all = (carry: number): Carries => [carry, carry, carry, carry];
  const unit = powerOfTwo(shift - fraction);
  return {
    ...{ shift, fraction: shift, slopes },
    bases: [
      bases[0] * unit + Math.min(0, slopes[0] * count),
      bases[1] * unit + Math.max(0, slopes[1] * count),
    ],
    carries: [all(Math.min(...carries[0])), all(Math.max(...carries[1]))],
  };
}

/** A piece, and the first input that it does not cover; inputs are counted from the table's first. */
export interface Reach {
  readonly start: number;
  readonly end: number;
  readonly base: number;
  readonly slope: number;
  readonly space: PieceSpace;
}

/**
 * The piece from `start` that stays in the tube farthest, if that is beyond `least`. Exact, by branch and bound.
 *
 * Results never fall when an offset or, at a distance, a slope grows. So for one offset each input leaves an interval
 * of slopes, and the piece ends where none is left in all of them; for offsets in an interval, the least slope is
 * bounded by that of the largest offset and the largest by that of the least.
 *
 * @param isAny  the first that is found will do
 */
export function farthest(
  tube: Tube,
  space: PieceSpace,
  start: number,
  least: number,
  isAny = false,
): Reach | undefined {
  let best: Reach | undefined;
  let reached = least;
  const open = [basesAt(tube, space, start)];
  for (let range = open.pop(); range !== undefined; range = open.pop()) {
    const [from, to] = range;
    if (from > to || slopesFrom(tube, space, start, range, reached) === undefined) continue;
    const base = floorDiv(from + to, 2);
    const found = slopesFrom(tube, space, start, [base, base], reached);
    if (found !== undefined) {
      best = { start, base, space, ...found };
      if (isAny || found.end === tube.every.length) return best;
      reached = found.end;
    }
    open.push([from, base - 1], [base + 1, to]);
  }
  return best;
}

/** The offsets that are right at the knot itself. */
function basesAt(
  { lo, hi }: Tube,
  { shift, fraction, bases, carries }: PieceSpace,
  start: number,
): readonly [from: number, to: number] {
  const step = powerOfTwo(fraction);
  // At the knot, fractions from here on are rounded up.
  const [up, upMost] = carries.map((carry) => ceilDiv(carry[1], powerOfTwo(shift - fraction)));
  return [
    Math.max(bases[0], (lo[start]! - 1) * step + up!),
    Math.min(bases[1], hi[start]! * step + upMost! - 1),
  ];
}

/**
 * How far offsets from `from` to `to` lead with slopes that are right for one of them, and the middle one of those;
 * undefined where that is not beyond `reached`.
 */
function slopesFrom(
  tube: Tube,
  space: PieceSpace,
  start: number,
  [from, to]: readonly [from: number, to: number],
  reached: number,
): { readonly end: number; readonly slope: number } | undefined {
  const { tight, every } = tube;
  const cone = new Cone(tube, space, start, from, to);
  if (!cone.holds(tight, reached)) return undefined;
  const isWhole = cone.holds(every.subarray(start + 1), every.length);
  const end = isWhole ? every.length : cone.ends[1];
  if (end > reached) return { end, slope: floorDiv(cone.slopeSum, 2) };
  tight.copyWithin(2, 0);
  tight.set(cone.ends);
  return undefined;
}

/** The slopes that inputs leave for offsets from `from` to `to`. */
class Cone {
  readonly #tube: Tube;
  readonly #space: PieceSpace;
  readonly #start: number;
  /** Of the least and the largest offset: their floors, and their fractions as they are added to a product. */
  readonly #offsets: readonly [low: number, lowAddend: number, high: number, highAddend: number];
  #slopes: readonly [least: number, most: number];
  /** The two inputs that left no slope between them, in the order they were looked at. */
  ends: readonly [number, number];
  /** Of the least and the largest slope before it. */
  slopeSum: number;

  constructor(tube: Tube, space: PieceSpace, start: number, from: number, to: number) {
    this.#tube = tube;
    this.#space = space;
    this.#start = start;
    const { shift, fraction } = space;
    const parts = powerOfTwo(fraction);
    const [low, high] = [floorDiv(from, parts), floorDiv(to, parts)];
    const unit = powerOfTwo(shift - fraction);
    this.#offsets = [low, (from - low * parts) * unit, high, (to - high * parts) * unit];
    this.#slopes = space.slopes;
    this.ends = [start, start];
    this.slopeSum = space.slopes[0] + space.slopes[1];
  }

  /** Whether a slope is left after those of the inputs that lie behind the start and not behind `last`. */
  holds(inputs: Int32Array, last: number): boolean {
    const { lo, hi } = this.#tube;
    const start = this.#start;
    const step = powerOfTwo(this.#space.shift);
    const [least, most] = this.#space.carries;
    const [low, lowAddend, high, highAddend] = this.#offsets;
    let [a, b] = this.#slopes;
    let [aAt, bAt] = [start, start];
    for (let i = 0; i < inputs.length; i++) {
      const x = inputs[i]!;
      if (x <= start || x > last) continue;
      const over = lo[x]! - high;
      const rise = (over - 1) * step + least[classOf(over)]! - highAddend;
      if (rise > a * (x - start)) {
        a = ceilDiv(rise, x - start);
        aAt = x;
      }
      const under = hi[x]! + 1 - low;
      const top = (under - 1) * step + most[classOf(under)]! - 1 - lowAddend;
      if (top < b * (x - start)) {
        b = floorDiv(top, x - start);
        bAt = x;
      }
      if (a > b) {
        this.ends = [Math.min(aAt, bAt), x];
        return false;
      }
      this.slopeSum = a + b;
    }
    this.#slopes = [a, b];
    return true;
  }
}
