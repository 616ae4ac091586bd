import seedrandom from "seedrandom";
import { expect } from "vitest";
import { REQUANT_ROUNDINGS } from "../../src/fixed/requant.ts";
import type { Kernels } from "../../src/simd/kernels.ts";
import { loadKernels } from "../../src/simd/load.ts";
import { Heap } from "../../src/simd/memory.ts";
import { type ExactRounding, exactDivide, exactRoundShift, exactTfliteDouble } from "../support/exact.ts";
import { expectSameInts } from "../support/ints.ts";

export const LANES = [16, 32, 48] as const;

/** Every index of REQUANT_ROUNDINGS. */
export const MODES = REQUANT_ROUNDINGS.map((_, i) => i);

/** How the values of a tensor are drawn: anything, either end of the container, or edges and small ones mixed. */
export const FLAVOURS = ["any", "lowest", "highest", "mixed"] as const;
type Flavour = (typeof FLAVOURS)[number];

/** Bits that a wide container is used with. */
const WIDE_BITS = 47;

/** Lowest and highest value drawn for a container. */
export function rangeOf(bytes: number): readonly [lo: number, hi: number] {
  const half = 2 ** (bytes === 8 ? WIDE_BITS - 1 : 8 * bytes - 1);
  return [-half, half - 1];
}

/** Draws of one named case; the name is the seed. */
export class Draw {
  readonly #rng: () => number;

  constructor(name: string) {
    this.#rng = seedrandom(name);
  }

  /** An integer in lo..hi. */
  int(lo: number, hi: number): number {
    return lo + Math.floor(this.#rng() * (hi - lo + 1));
  }

  pick<T>(from: readonly T[]): T {
    return from[this.int(0, from.length - 1)]!;
  }

  values(n: number, lo: number, hi: number, flavour: Flavour): number[] {
    return Array.from({ length: n }, () => this.#value(lo, hi, flavour));
  }

  codes(n: number, bytes: number, flavour: Flavour): number[] {
    return this.values(n, ...rangeOf(bytes), flavour);
  }

  /** A zero point: none, an end, or anything in the container. */
  zero(bytes: number): number {
    const [lo, hi] = rangeOf(bytes);
    return this.pick([0, 0, lo, hi, this.int(lo, hi)]);
  }

  #value(lo: number, hi: number, flavour: Flavour): number {
    if (flavour === "lowest") return lo;
    if (flavour === "highest") return hi;
    if (flavour === "any") return this.int(lo, hi);
    const near = this.pick([lo, hi, 0, 0, this.int(lo, hi), 2 ** this.int(0, 46), -(2 ** this.int(0, 46))]);
    return Math.min(Math.max(near + this.int(-1, 1), lo), hi);
  }
}

/** Both backends with the same bytes at the same addresses. */
export class Pair {
  readonly #simd = loadKernels("simd");
  readonly #twin = loadKernels("twin");
  readonly #heaps = [new Heap(this.#simd.memory), new Heap(this.#twin.memory)] as const;

  constructor() {
    expect(this.#simd.name).toBe("simd");
  }

  /** Address of `values` in a container. */
  put(bytes: number, values: readonly number[]): number {
    const [at] = this.#heaps.map((heap) => {
      const address = heap.allocate(bytes * values.length);
      view(heap, address, bytes, values.length).set(values);
      return address;
    });
    return at!;
  }

  /** Address of `n` fresh elements, filled with something that a kernel has to overwrite. */
  room(bytes: number, n: number): number {
    return this.put(bytes, Array<number>(n).fill(77));
  }

  zeros(n: number): number {
    return this.put(4, Array<number>(n).fill(0));
  }

  run<Name extends keyof Kernels>(name: Name, ...args: Parameters<Kernels[Name]>): void {
    for (const { kernels } of [this.#simd, this.#twin])
      (kernels[name] as (...args: unknown[]) => void)(...args);
  }

  /** Both backends hold `want` at the address. */
  expect(at: number, bytes: number, want: readonly (number | bigint)[], what: () => string): void {
    const numbers = want.map(Number);
    for (const [i, name] of (["simd", "twin"] as const).entries()) {
      const got = view(this.#heaps[i]!, at, bytes, want.length);
      if (numbers.some((w, j) => !Object.is(w, got[j])))
        expectSameInts(got, numbers, `${name} ${what()}: output`);
    }
  }
}

function view(heap: Heap, at: number, bytes: number, n: number) {
  switch (bytes) {
    case 1:
      return heap.int8(at, n);
    case 2:
      return heap.int16(at, n);
    case 4:
      return heap.int32(at, n);
    default:
      return heap.float64(at, n);
  }
}

/** The float32 nearest to an integer, as the integer that it is; ties to even. */
function exactSignificand(x: bigint): bigint {
  const size = (x < 0n ? -x : x).toString(2).length;
  const unit = 1n << BigInt(Math.max(size - 24, 0));
  return exactDivide(x, unit, "half-even") * unit;
}

export const isFloat32 = (rounding: number): boolean => REQUANT_ROUNDINGS[rounding] === "float32";

/** Bits that a multiplier may have under a rounding, of those that its kernel takes. */
export const multiplierBits = (bits: number, rounding: number): number =>
  isFloat32(rounding) ? Math.min(bits, 24) : bits;

/** rq of the interface, literally. */
export function exactScaled(x: bigint, m: number, s: number, rounding: number): bigint {
  const mode = REQUANT_ROUNDINGS[rounding]!;
  if (mode === "tflite-double") return exactTfliteDouble(x, BigInt(m), s);
  // Rounding to a significand does not see the power of two, so that it may be divided out last.
  if (mode === "float32")
    return exactRoundShift(exactSignificand(exactSignificand(x) * BigInt(m)), s, "half-even");
  return exactRoundShift(x * BigInt(m), s, mode === "tflite-single" ? "half-up" : mode);
}

/** The plain mode of a kernel that has no other. */
export function exactMode(rounding: number): ExactRounding {
  const mode = REQUANT_ROUNDINGS[rounding]!;
  if (mode === "float32") return "half-even";
  return mode === "tflite-double" || mode === "tflite-single" ? "half-away" : mode;
}

/** Outputs before the clamp to outputs after it, with the lanes' counts of clamped ones added to `counts`. */
export function exactClamp(values: readonly bigint[], lo: number, hi: number, counts: number[]): bigint[] {
  return values.map((y, i) => {
    const inside = y < lo ? BigInt(lo) : y > hi ? BigInt(hi) : y;
    if (inside !== y) counts[i % counts.length]! += 1;
    return inside;
  });
}

/** An output's zero point and clamp: the whole container, or less. */
export interface Target {
  readonly zero: number;
  readonly lo: number;
  readonly hi: number;
}

export function target(draw: Draw, outBytes: number): Target {
  const [lo, hi] = rangeOf(outBytes);
  const zero = draw.zero(outBytes);
  return draw.pick([
    { zero, lo, hi },
    { zero, lo: zero, hi },
    { zero: 0, lo: Math.max(lo, -8), hi: 7 },
  ]);
}
