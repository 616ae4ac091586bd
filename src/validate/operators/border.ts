import { roundReal, toFloat32 } from "../../fixed/real.ts";
import { floorDiv } from "../../fixed/round.ts";
import { codesOf, execute } from "../bench.ts";
import { PLAIN } from "../machines.ts";
import { elementsIn, type IntegerType, limitsOf, offMachine, onMachine } from "./onnx.ts";

/**
 * Operators that are a model's border: a host computes them in float32, each step rounded, and the codes pass through
 * the machine's memories.
 */

/** A scale and a zero point for all elements, or one of each for every index of an axis. */
export interface Steps {
  readonly scales: readonly number[];
  /** As many as scales. */
  readonly zeros: readonly number[];
  readonly type: IntegerType;
}

/** Which of an axis's indices each element has; 0 where one scale is for all. */
export function channelsOf(shape: readonly number[], axis: number, count: number): (i: number) => number {
  if (count === 1) return () => 0;
  const inner = elementsIn(shape.slice(axis + 1));
  return (i) => floorDiv(i, inner) % count;
}

/** Codes in and out of the machine, as they are. */
function passedThrough(codes: readonly number[], type: IntegerType): number[] {
  const [lane] = execute(
    PLAIN,
    {
      inputs: [{ grid: codesOf(type.bits), length: codes.length, count: 1 }],
      lower: (_, tensors) => tensors,
    },
    [[onMachine(codes, type)]],
  );
  return offMachine(lane![0]!, type);
}

/** clamp(rne(x / s) + z). */
export function codeOf(x: number, scale: number, zero: number, type: IntegerType): number {
  const [lo, hi] = limitsOf(type);
  const code = roundReal(toFloat32(toFloat32(x) / toFloat32(scale)), "half-even") + zero;
  return Math.min(hi, Math.max(lo, code));
}

export const quantizeLinear = (
  x: readonly number[],
  { scales, zeros, type }: Steps,
  channel: (i: number) => number,
): number[] =>
  passedThrough(
    x.map((value, i) => codeOf(value, scales[channel(i)]!, zeros[channel(i)]!, type)),
    type,
  );

/** (x - z) s. */
export const dequantizeLinear = (
  codes: readonly number[],
  { scales, zeros, type }: Steps,
  channel: (i: number) => number,
): number[] =>
  passedThrough(codes, type).map((code, i) => {
    const distance = toFloat32(code - zeros[channel(i)]!);
    return toFloat32(distance * toFloat32(scales[channel(i)]!));
  });

/** Scale and zero point from the range of x, widened to contain 0, then `quantizeLinear`; unsigned 8 bits. */
export function dynamicQuantizeLinear(x: readonly number[], type: IntegerType) {
  const [lowest, highest] = limitsOf(type);
  const lo = x.reduce((least, value) => Math.min(least, toFloat32(value)), 0);
  const hi = x.reduce((most, value) => Math.max(most, toFloat32(value)), 0);
  const step = toFloat32(toFloat32(hi - lo) / (highest - lowest));
  const scale = step === 0 ? 1 : step;
  const zero = codeOf(0 - lo, scale, lowest, type);
  return { scale, zero, y: quantizeLinear(x, { scales: [scale], zeros: [zero], type }, () => 0) };
}
