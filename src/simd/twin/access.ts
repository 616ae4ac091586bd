import type { Kernels } from "../kernels.ts";

/** A kernel of the twin: the interface's, with the memory in front. */
export type Twin<Name extends keyof Kernels> = (
  memory: WebAssembly.Memory,
  ...args: Parameters<Kernels[Name]>
) => void;

export type Ints = Int8Array | Int16Array | Int32Array | Float64Array;

/** `n` elements of a container at address `at`. Made anew for every call, because growing detaches views. */
export function ints(memory: WebAssembly.Memory, at: number, bytes: number, n: number): Ints {
  switch (bytes) {
    case 1:
      return new Int8Array(memory.buffer, at, n);
    case 2:
      return new Int16Array(memory.buffer, at, n);
    case 4:
      return new Int32Array(memory.buffer, at, n);
    case 8:
      return new Float64Array(memory.buffer, at, n);
    default:
      throw new RangeError(`there is no container of ${bytes} bytes`);
  }
}

/** Where results go: a zero point, a clamp, and the lanes' counters of clamped elements. */
export class Output {
  readonly #out: Ints;
  readonly #sat: Ints;
  readonly #zero: number;
  readonly #lo: number;
  readonly #hi: number;

  constructor(out: Ints, sat: Ints, zero: number, lo: number, hi: number) {
    this.#out = out;
    this.#sat = sat;
    this.#zero = zero;
    this.#lo = lo;
    this.#hi = hi;
  }

  /** Element `i`, of `lane`, becomes x + zero clamped. */
  put(i: number, lane: number, x: number): void {
    const y = x + this.#zero;
    const inside = Math.min(Math.max(y, this.#lo), this.#hi);
    if (inside !== y) this.#sat[lane]! += 1;
    this.#out[i] = inside;
  }
}
