import type { Settings } from "../arch/fields.ts";
import { pwlRounding, scalingOf } from "../arch/scaling.ts";
import { REQUANT_ROUNDINGS, type Scale } from "../fixed/requant.ts";
import { ceilDiv, powerOfTwo } from "../fixed/round.ts";
import type { Kernels } from "../simd/kernels.ts";
import { type Backend, loadKernels } from "../simd/load.ts";
import { Heap } from "../simd/memory.ts";
import type { Space } from "./define.ts";
import { type Image, overlap } from "./image.ts";
import { alignUp, scaleBlock, type TableArray } from "./tables.ts";

/** Bytes that a code takes in the simulator: int8, int16, int32, or a double that holds an integer. */
export type Container = 1 | 2 | 4 | 8;

export const containerOf = (bits: number): Container => (bits <= 8 ? 1 : bits <= 16 ? 2 : bits <= 32 ? 4 : 8);

export interface StateOptions {
  /** Inferences at once; rounded up to a multiple of 16 in memory. */
  readonly lanes: number;
  readonly image: Image;
  /** Bytes of the data region of the DRAM. */
  readonly dataBytes: number;
  /** Hold accumulators in doubles even where they have 32 bits or less: needed where a pass may leave 32 bits. */
  readonly wideAccumulators: boolean;
  /** Which kernels, or such as were loaded before, with a memory that nothing else uses any more. */
  readonly backend?: Backend["name"] | Backend;
}

/** Memories with a copy for each lane. */
const LANED: ReadonlySet<Space> = new Set<Space>(["data", "activation", "acc"]);
const LANE_STEP = 16;

/**
 * The architectural state of a machine: the contents of its memories, for `lanes` inferences at once.
 *
 * Addresses are the hardware's: bytes of packed memory. A memory keeps one plane of whole containers for
 * each width of code that it has held, in which the codes at byte address a start at container 8 a / bits:
 * packing is counted, not performed, and any sub-range of a tensor is where its address says. Reading
 * codes at another width than they were written with is illegal; within a program the validator refuses it.
 * Layout [code][lane] where the memory has lanes, [code] where it does not.
 */
export class MachineState {
  readonly arch: Settings;
  readonly kernels: Kernels;
  /** Lanes in memory, a multiple of 16; lanes beyond the inferences asked for compute on zeros. */
  readonly lanes: number;
  readonly accContainer: 4 | 8;
  /** How each unit rounds: indices among the kernels' roundings. */
  readonly rounding: { readonly requant: number; readonly vector: number; readonly pwl: number };
  /** Pointers to int32[lanes]: elements clamped to their output's range, accumulators that left theirs. */
  readonly saturations: number;
  readonly overflows: number;
  readonly heap: Heap;
  readonly #backend: Backend;
  readonly #image: Image;
  readonly #capacity: Readonly<Record<Space, number>>;
  readonly #planes = new Map<string, number>();
  readonly #scratch = new Map<string, { at: number; bytes: number }>();

  constructor(arch: Settings, options: StateOptions) {
    this.arch = arch;
    const { backend = "simd" } = options;
    this.#backend = typeof backend === "string" ? loadKernels(backend) : backend;
    this.kernels = this.#backend.kernels;
    this.heap = new Heap(this.#backend.memory);
    this.lanes = alignUp(options.lanes, LANE_STEP);
    this.accContainer = options.wideAccumulators || arch["acc.bits"] > 32 ? 8 : 4;
    this.rounding = {
      requant: REQUANT_ROUNDINGS.indexOf(arch["requant.rounding"]),
      vector: REQUANT_ROUNDINGS.indexOf(scalingOf("vector", arch).rounding),
      pwl: REQUANT_ROUNDINGS.indexOf(pwlRounding(arch)),
    };
    this.#image = options.image;
    this.#capacity = {
      dram: options.image.bytes,
      data: options.dataBytes,
      weight: arch["weight.bytes"],
      activation: arch["activation.bytes"],
      table: arch["table.bytes"],
      acc: arch["acc.entries"],
    };
    this.saturations = this.heap.allocate(4 * this.lanes);
    this.overflows = this.heap.allocate(4 * this.lanes);
    for (const { address, bits, codes } of options.image.segments) this.write("dram", bits, address, codes);
  }

  /** Bytes of a container in this space. */
  container(space: Space, bits: number): Container {
    return space === "acc" ? this.accContainer : containerOf(bits);
  }

  /** Pointer to the code at `address` (byte, or accumulator index), for kernels. */
  pointer(space: Space, bits: number, address: number): number {
    const size = this.container(space, bits) * (LANED.has(space) ? this.lanes : 1);
    const index = space === "acc" ? address : (address * 8) / bits;
    if (!Number.isInteger(index))
      throw new RangeError(`${space} ${address} is not aligned for ${bits}-bit codes`);
    return this.#plane(space, bits, size) + index * size;
  }

  /** A copy of `count` codes; of lane `lane` where the memory has lanes. */
  read(space: Space, bits: number, address: number, count: number, lane = 0): number[] {
    const step = LANED.has(space) ? this.lanes : 1;
    const view = this.#view(space, bits, address, count * step);
    return Array.from({ length: count }, (_, i) => view[i * step + (step === 1 ? 0 : lane)]!);
  }

  /** The codes of `count` elements where they are, `[element][lane]`, `lanes` apart where the memory has lanes; to be read at once. */
  view(space: Space, bits: number, address: number, count: number): ArrayLike<number> {
    return this.#view(space, bits, address, count * (LANED.has(space) ? this.lanes : 1));
  }

  /** Puts codes there; into lane `lane` where the memory has lanes. */
  write(space: Space, bits: number, address: number, codes: ArrayLike<number>, lane = 0): void {
    const step = LANED.has(space) ? this.lanes : 1;
    const view = this.#view(space, bits, address, codes.length * step);
    if (step === 1) view.set(codes);
    else for (let i = 0; i < codes.length; i++) view[i * step + lane] = codes[i]!;
  }

  /** Fills `count` codes in all lanes with one value. */
  fill(space: Space, bits: number, address: number, count: number, value: number): void {
    this.#view(space, bits, address, count * (LANED.has(space) ? this.lanes : 1)).fill(value);
  }

  /** Copies `count` codes between memories that both have lanes, or both have none. */
  copy(bits: number, from: Space, source: number, to: Space, target: number, count: number): void {
    const step = LANED.has(from) ? this.lanes : 1;
    this.pointer(to, bits, target); // may grow the memory, so before the views are taken
    const view = this.#view(from, bits, source, count * step);
    this.#view(to, bits, target, count * step).set(view);
  }

  /** Copies `bytes` bytes of the image, whatever codes lie in them. */
  load(source: number, to: "weight" | "table", target: number, bytes: number): void {
    for (const segment of this.#image.segments) {
      const { first, count } = overlap(segment, source, source + bytes);
      if (count === 0) continue;
      const from = segment.address + (first * segment.bits) / 8;
      this.copy(segment.bits, "dram", from, to, target + from - source, count);
    }
  }

  /**
   * Pointer to the values of an array in table memory, each plus `offset`, as the int32 or float64 array that
   * kernels take. Valid until the next call with the same name.
   */
  decode(name: string, block: number, array: TableArray, container: 4 | 8, offset: number): number {
    const at = block + array.offset;
    this.pointer("table", array.bits, at); // whatever grows the memory comes before the views
    const target = this.scratch(`${name}/${container}`, array.count * container);
    const codes = this.#view("table", array.bits, at, array.count);
    const values = this.#scratchView(target, array.count, container);
    for (let i = 0; i < array.count; i++) values[i] = codes[i]! + offset;
    return target;
  }

  /** Pointers to the multipliers and shifts of `rows` rows, which may share one scale. */
  decodeScales(
    block: number,
    arrays: { readonly multiplier: TableArray; readonly shift: TableArray },
    rows: number,
  ): { readonly multiplier: number; readonly shift: number } {
    const multiplier = this.scratch("multiplier", 4 * rows);
    const shift = this.scratch("shift", 4 * rows);
    const scales = Array.from({ length: arrays.shift.count }, (_, i) => this.#scaleAt(block, arrays, i));
    const m = this.heap.int32(multiplier, rows);
    const s = this.heap.int32(shift, rows);
    for (let i = 0; i < rows; i++) {
      const scale = scales[scales.length === 1 ? 0 : i]!;
      m[i] = scale.multiplier;
      s[i] = scale.shift;
    }
    return { multiplier, shift };
  }

  /** The single scale of a block. */
  scale(block: number): Scale {
    return this.#scaleAt(block, scaleBlock(this.arch).arrays, 0);
  }

  /** Pointer to at least `bytes` bytes of scratch memory that keeps nothing between instructions. */
  scratch(name: string, bytes: number): number {
    const held = this.#scratch.get(name);
    if (held !== undefined && held.bytes >= bytes) return held.at;
    const at = this.heap.allocate(bytes);
    this.#scratch.set(name, { at, bytes });
    return at;
  }

  #scaleAt(
    block: number,
    arrays: { readonly multiplier: TableArray; readonly shift: TableArray },
    i: number,
  ): Scale {
    const shift = this.#view("table", arrays.shift.bits, block + arrays.shift.offset, arrays.shift.count)[i]!;
    const { bits, count, offset } = arrays.multiplier;
    if (count === 0)
      return shift >= 0 ? { multiplier: 1, shift } : { multiplier: powerOfTwo(-shift), shift: 0 };
    const code = this.#view("table", bits, block + offset, count)[i]!;
    return { multiplier: code + powerOfTwo(bits - 1), shift };
  }

  #scratchView(at: number, count: number, container: 4 | 8): Int32Array | Float64Array {
    return container === 8 ? this.heap.float64(at, count) : this.heap.int32(at, count);
  }

  #view(space: Space, bits: number, address: number, containers: number) {
    const at = this.pointer(space, bits, address);
    return containersAt(this.heap, this.container(space, bits), at, containers);
  }

  #plane(space: Space, bits: number, size: number): number {
    const key = space === "acc" ? "acc" : `${space}/${bits}`;
    const held = this.#planes.get(key);
    if (held !== undefined) return held;
    const codes = space === "acc" ? this.#capacity.acc : ceilDiv(this.#capacity[space] * 8, bits);
    const at = this.heap.allocate(codes * size);
    this.#planes.set(key, at);
    return at;
  }
}

/** `n` containers of a memory with lanes or without. Valid until the memory grows. */
function containersAt(heap: Heap, container: Container, at: number, n: number) {
  switch (container) {
    case 1:
      return heap.int8(at, n);
    case 2:
      return heap.int16(at, n);
    case 4:
      return heap.int32(at, n);
    case 8:
      return heap.float64(at, n);
  }
}

/** The activations of `bits` bits at a pointer, `n` containers. Valid until the memory grows. */
export const codesAt = (s: MachineState, bits: number, at: number, n: number) =>
  containersAt(s.heap, s.container("activation", bits), at, n);
