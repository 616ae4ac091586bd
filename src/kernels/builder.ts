import type { Settings } from "../arch/fields.ts";
import type { ArchSpec } from "../arch/spec.ts";
import { InputError } from "../base/errors.ts";
import { storageBytes } from "../fixed/format.ts";
import type { Grid } from "../fixed/real.ts";
import type { Fields, OpDef } from "../isa/define.ts";
import { type Item, LOOP_DEPTH, type Program, REGISTERS_PER_LOOP } from "../isa/program.ts";
import { alignmentOf, alignUp } from "../isa/tables.ts";
import type { ImageBuilder } from "./image.ts";
import type { Residency } from "./residency.ts";
import { type Transfer, transfers } from "./transfer.ts";

/** An address that a loop advances: a base, and the register that is added to it. */
export interface Indexed {
  readonly base: number;
  readonly register: number;
}
export type Address = number | Indexed;

/** The address `bytes` further on. */
export const plus = (address: Address, bytes: number): Address =>
  typeof address === "number" ? address + bytes : { ...address, base: address.base + bytes };

/** `count` vectors of `length` codes, one behind the other in activation SRAM. */
export interface Tensor {
  readonly at: Address;
  readonly grid: Grid;
  readonly length: number;
  readonly count: number;
}

/** Bytes that `codes` codes of the tensor take. @throws InputError where they do not end on a whole byte */
export function bytesOf({ grid }: Pick<Tensor, "grid">, codes: number): number {
  const bits = codes * grid.format.bits;
  if (bits % 8 !== 0) {
    throw new InputError(
      `${codes} codes of ${grid.format.bits} bits`,
      "a tensor is cut there, but they do not end on a whole byte",
    );
  }
  return bits / 8;
}

/** Bytes from one vector of the tensor to the next. */
export const strideOf = (tensor: Pick<Tensor, "grid" | "length">): number => bytesOf(tensor, tensor.length);

/** Vector `index` of a tensor, as a tensor of one. */
export const rowOf = (tensor: Tensor, index: number): Tensor => ({
  ...tensor,
  at: plus(tensor.at, bytesOf(tensor, index * tensor.length)),
  count: 1,
});

/** A line of a memory that tensors lie in: they start on multiples of this many bytes, beyond what their width asks for. */
const LINE_BYTES = 16;

/** The first line from the byte `at` on that codes of `bits` bits can start on. */
export const lineFrom = (at: number, bits: number): number => alignUp(at, LINE_BYTES * alignmentOf(bits));

/**
 * Where a program's activations live. Several programs of one job share what stays between them, so they start
 * from a common map and add to it what is theirs alone.
 */
export class ActivationMap {
  /** What is being lowered, for errors: a tensor without a name is its. */
  layer = "";
  readonly #arch: ArchSpec;
  #next: number;

  constructor(arch: ArchSpec, next = 0) {
    this.#arch = arch;
    this.#next = next;
  }

  /** A map that goes on from here and gives nothing back to this one. */
  fork(): ActivationMap {
    return new ActivationMap(this.#arch, this.#next);
  }

  /** Address of `count` fresh codes of a tensor. @throws InputError where the activation SRAM is full */
  reserve(count: number, bits: number, name?: string): number {
    const address = lineFrom(this.#next, bits);
    const bytes = storageBytes(count, bits);
    const end = address + bytes;
    const room = this.#arch.settings["activation.bytes"];
    if (end > room) {
      throw new InputError(
        this.#arch.name,
        `${room} bytes, ${address} of them taken, cannot hold ${this.#called(name)}, ${bytes} bytes: ${count} codes of ${bits} bits`,
        "activation.bytes",
      );
    }
    this.#next = end;
    return address;
  }

  tensor(grid: Grid, length: number, count = 1, name?: string): Tensor {
    return { at: this.reserve(length * count, grid.format.bits, name), grid, length, count };
  }

  #called(name: string | undefined): string {
    return name ?? (this.layer === "" ? "a tensor" : `a tensor of ${this.layer}`);
  }

  get mark(): number {
    return this.#next;
  }

  /** Gives back everything reserved since the mark. */
  release(mark: number): void {
    this.#next = mark;
  }
}

type Given<F extends Fields> = { readonly [K in keyof F]: Address };

/** Writes one program: instructions, loops, and the activations they pass on. */
export class Builder {
  readonly arch: ArchSpec;
  readonly image: ImageBuilder;
  readonly weights: Residency;
  readonly map: ActivationMap;
  readonly #blocks: Item[][] = [[]];
  #layer = "";
  /** The outermost layer that is open, after which sites are called. */
  #outermost = "";
  #buffer = 0;

  constructor(image: ImageBuilder, weights: Residency, map: ActivationMap, arch: ArchSpec) {
    this.image = image;
    this.weights = weights;
    this.map = map;
    this.arch = arch;
  }

  get settings(): Settings {
    return this.arch.settings;
  }

  emit<F extends Fields>(op: OpDef<F>, operands: Given<F>): void {
    const x: Record<string, number> = {};
    const by: Record<string, number> = {};
    for (const [field, value] of Object.entries(operands as Given<Fields>)) {
      x[field] = typeof value === "number" ? value : value.base;
      if (typeof value !== "number") by[field] = value.register;
    }
    const label = this.#layer === "" ? {} : { layer: this.#layer };
    this.#blocks.at(-1)!.push({ op: op as unknown as OpDef, x, by, ...label });
  }

  /**
   * Says what was last written: the tensor that real-valued runs show their tap at this site, of the outermost layer that is
   * open, or of the model where none is.
   */
  show(site: string, { at, grid, length, count }: Tensor): void {
    const layer = this.#outermost;
    const place = typeof at === "number" ? { at } : { at: at.base, by: at.register };
    const shown = { site: layer === "" ? site : `${layer}.${site}`, ...place, length, count, grid };
    const items = this.#blocks.at(-1)!;
    const last = items.pop()!;
    items.push({ ...last, shows: [...(last.shows ?? []), shown] });
  }

  /** Moves `n` codes of `bits` bits between DRAM and an on-chip memory, in as many transfers as that takes. */
  transfer(op: Transfer, dst: number, src: number, n: number, bits: number): void {
    for (const operands of transfers(op, dst, src, n, bits)) this.emit(op as OpDef, operands);
  }

  /**
   * Runs `body`, whose instructions belong to the layer `name`, or to the part `name` of the layer that is open:
   * `encoder.h` where "h" is opened inside "encoder".
   */
  label<T>(name: string, body: () => T): T {
    const outer = this.#layer;
    this.#layer = outer === "" ? name : `${outer}.${name}`;
    if (outer === "") this.#outermost = name;
    this.map.layer = this.#layer;
    const result = body();
    this.#layer = outer;
    if (outer === "") this.#outermost = "";
    this.map.layer = outer;
    return result;
  }

  /** A hardware loop; `body` receives an address advanced by stride k as `indexed(base, k)`. */
  loop(
    count: number,
    strides: readonly number[],
    body: (indexed: (base: Address, stride: number) => Indexed) => void,
  ): void {
    const depth = this.#blocks.length - 1;
    if (depth === LOOP_DEPTH) throw new RangeError(`loops nest at most ${LOOP_DEPTH} deep`);
    if (strides.length > REGISTERS_PER_LOOP) throw new RangeError(`a loop has ${REGISTERS_PER_LOOP} strides`);
    this.#blocks.push([]);
    body((base, stride) => {
      if (typeof base !== "number") throw new RangeError("an address takes one index register");
      return { base, register: depth * REGISTERS_PER_LOOP + stride };
    });
    const items = this.#blocks.pop()!;
    const padded = [...strides, ...new Array<number>(REGISTERS_PER_LOOP - strides.length).fill(0)];
    this.#blocks.at(-1)!.push({ count, strides: padded, body: items });
  }

  /** Which of the stream buffers is filled next: they take turns. */
  nextBuffer(): number {
    this.#buffer = (this.#buffer + 1) % this.weights.buffers;
    return this.#buffer;
  }

  /** Runs `body`, then gives back the activations that it reserved. */
  scratch<T>(body: () => T): T {
    const mark = this.map.mark;
    const result = body();
    this.map.release(mark);
    return result;
  }

  finish(name: string): Program {
    return { name, items: this.#blocks[0]! };
  }
}
