import { roundReal } from "../../fixed/real.ts";
import { type Axis, linear, logarithmic, ticks } from "../drawing.ts";
import { log10 } from "../svg.ts";

/** From where to where, in pixels. */
type Pixels = readonly [from: number, to: number];

/** Values that span more than this are told apart by their ratio. */
const WIDE = 4;
const FEW_TICKS = 4;
/** Ticks of a logarithmic axis at all digits, at three of them, or at decades alone: by the decades that it spans. */
const DIGITS = [1, 2, 5];
const MANY_DECADES = 4;

/** Three digits and a suffix: `115k`. */
export function compact(value: number): string {
  const size = Math.abs(value);
  const [unit, suffix] =
    size >= 1e9 ? [1e9, "G"] : size >= 1e6 ? [1e6, "M"] : size >= 1e4 ? [1e3, "k"] : [1, ""];
  return `${Number((value / unit).toPrecision(3))}${suffix}`;
}

/** Whether values are all positive and too far apart for a linear axis. */
export const isWide = (values: readonly number[]): boolean => {
  const [lo, hi] = spanOf(values);
  return lo > 0 && hi / lo > WIDE;
};

/** The least and the largest. */
export function spanOf(values: readonly number[]): readonly [lo: number, hi: number] {
  let [lo, hi] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const value of values) {
    if (value < lo) lo = value;
    if (value > hi) hi = value;
  }
  return [lo, hi];
}

/** An axis around values, with a little room at both ends: logarithmic where they are wide. */
export function axisAround(
  values: readonly number[],
  pixels: Pixels,
  label: string,
  wide = isWide(values),
): Axis {
  const [lo, hi] = spanOf(values);
  return wide ? logarithmicAxis(lo, hi, pixels, label) : linearAxis(lo, hi, pixels, label);
}

function linearAxis(lo: number, hi: number, pixels: Pixels, label: string): Axis {
  const room = hi > lo ? (hi - lo) / 20 : Math.abs(lo) / 20 || 1;
  // Nothing that cannot be negative has an axis that is.
  const from = lo >= 0 && lo - room < 0 ? 0 : lo - room;
  const range = [from, hi + room] as const;
  return { at: linear(range, pixels), ticks: ticks(range), label, format: compact };
}

function logarithmicAxis(lo: number, hi: number, pixels: Pixels, label: string): Axis {
  const room = (hi / lo) ** 0.05;
  const [from, to] = [lo / room, hi * room];
  const first = roundReal(log10(from), "floor");
  const last = roundReal(log10(to), "ceiling");
  const digits = last - first > MANY_DECADES ? [1] : DIGITS;
  const all = Array.from({ length: last - first + 1 }, (_, k) =>
    digits.map((digit) => digit * 10 ** (first + k)),
  );
  const inside = all.flat().filter((value) => value >= from && value <= to);
  return {
    at: logarithmic([from, to], pixels),
    ticks: inside.length < FEW_TICKS ? ticks([from, to]).filter((value) => value > 0) : inside,
    label,
    format: compact,
  };
}
