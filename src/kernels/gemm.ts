import type { Settings } from "../arch/fields.ts";
import { InputError } from "../base/errors.ts";
import { floorDiv } from "../fixed/round.ts";
import { arrayCost, type Product } from "../isa/array.ts";
import { type OpDef, REACH } from "../isa/define.ts";
import { fetch, loadTable, loadWeight, store } from "../isa/ops/dma.ts";
import { matmul } from "../isa/ops/matmul.ts";
import { requant } from "../isa/ops/requant.ts";
import type { Instruction, Program } from "../isa/program.ts";
import { alignmentOf, alignUp, channelBlock } from "../isa/tables.ts";
import { type Extent, type GemmPlan, planGemm, slotBytes } from "./gemm-plan.ts";
import { type Transfer, transfers } from "./transfer.ts";

/**
 * Operands and sums that pass between the array and its memories, counted one by one. A sum that leaves the array goes
 * into its accumulator; one that is not the first of its terms takes what is there back into the array before.
 */
interface ArrayAccesses {
  readonly vectorReads: number;
  readonly weightReads: number;
  readonly sumWrites: number;
  readonly sumReads: number;
}

/** A matrix product as a program, and the DRAM that it asks for. */
export interface LoweredGemm {
  readonly program: Program;
  readonly plan: GemmPlan;
  readonly accesses: ArrayAccesses;
  /** Bytes of the image: weights, then biases and scales. Of the data region: vectors, then outputs. */
  readonly imageBytes: number;
  readonly dataBytes: number;
}

/** One tile of each side: a product that the array does in one instruction. */
interface Step {
  readonly m: number;
  readonly k: number;
  readonly n: number;
}

/** The most products of tiles that are lowered: a program is written out, and this is half a million of them. */
const MOST_STEPS = 2 ** 19;
/** Of biases and scales, which are of several widths. */
const BYTE = 8;

/**
 * One layer: outputs[n][m] = requantized sum over k of weights[m][k] vectors[n][k]. Everything is in DRAM before and
 * after, tile by tile in the order in which it is asked for, one bias for each output and one scale for all; outputs have the
 * width of the vectors. A tile that is in its memory already is not loaded again; one that has to go is the one whose
 * next use is farthest, never one of the step before. The next step's tiles are asked for while the present one is computed.
 *
 * @param name  of the layer, for the program and for errors
 * @throws InputError for a layer of more bytes than an address reaches, or of more tiles than are lowered
 */
export function lowerGemm(name: string, product: Product, arch: Settings): LoweredGemm {
  const plan = planGemm(product, arch);
  const places = placesOf(name, plan, product, arch);
  const writer = new Writer(plan, product, places, arch);
  const steps = stepsOf(plan);
  const loads = loadsOf(steps, plan);
  writer.load(loads[0]!);
  for (const [i, step] of steps.entries()) {
    writer.multiply(step, loads[i]!);
    if (step.k === plan.tiles.k - 1) writer.requantize(step, loads[i]!);
    if (i + 1 < steps.length) writer.load(loads[i + 1]!);
    writer.storeAllBut(1);
  }
  writer.storeAllBut(0);
  const { imageBytes, dataBytes } = places;
  return { program: { name, items: writer.items }, plan, accesses: writer.accesses, imageBytes, dataBytes };
}

/** Addresses: of tiles in DRAM, and of slots in the machine's memories. */
interface Places {
  readonly slot: { readonly weights: number; readonly vectors: number; readonly parameters: number };
  readonly outputs: readonly number[];
  readonly parameterBytes: (m: number) => number;
  /** DRAM bytes from one tile to the next, and where the image's and the data region's second part starts. */
  readonly pitch: {
    readonly weights: number;
    readonly vectors: number;
    readonly parameters: number;
    readonly outputs: number;
  };
  readonly parametersFrom: number;
  readonly outputsFrom: number;
  readonly imageBytes: number;
  readonly dataBytes: number;
}

function placesOf(name: string, plan: GemmPlan, product: Product, arch: Settings): Places {
  const { tile, tiles, slots } = plan;
  const { slot, outputs } = slotBytes(tile, product.weightBits, product.activationBits, arch);
  const pitch = { ...slot, outputs };
  const parametersFrom = alignUp(
    pitch.weights * tiles.m * tiles.k,
    channelBlock(tile.m, false, arch).alignment,
  );
  const outputsFrom = pitch.vectors * tiles.n * tiles.k;
  const imageBytes = parametersFrom + pitch.parameters * tiles.m;
  const dataBytes = outputsFrom + pitch.outputs * tiles.m * tiles.n;
  for (const [bytes, what] of [
    [imageBytes, "weights, biases and scales"],
    [dataBytes, "inputs and outputs"],
  ] as const) {
    if (bytes > REACH)
      throw new InputError(name, `its ${what} take ${bytes} bytes of DRAM, an address reaches ${REACH}`);
  }
  const products = tiles.m * tiles.k * tiles.n;
  if (products > MOST_STEPS)
    throw new InputError(
      name,
      `it takes ${products} tiles on this machine, at most ${MOST_STEPS} are lowered`,
    );
  const step = alignmentOf(product.activationBits);
  const top = floorDiv(arch["activation.bytes"] - slots.outputs * outputs, step) * step;
  return {
    slot,
    outputs: Array.from({ length: slots.outputs }, (_, i) => top + i * outputs),
    parameterBytes: (m) => channelBlock(m, false, arch).bytes,
    pitch,
    parametersFrom,
    outputsFrom,
    imageBytes,
    dataBytes,
  };
}

/** The steps in order: the terms of one output tile after another. */
function stepsOf({ tiles, order }: GemmPlan): Step[] {
  const isOutside = order === "outputs-outside";
  const steps: Step[] = [];
  for (let outer = 0; outer < (isOutside ? tiles.m : tiles.n); outer++)
    for (let inner = 0; inner < (isOutside ? tiles.n : tiles.m); inner++)
      for (let k = 0; k < tiles.k; k++)
        steps.push(isOutside ? { m: outer, n: inner, k } : { m: inner, n: outer, k });
  return steps;
}

/** The slot that holds a step's tile, and which tile has to be loaded into it, if one has to. */
interface Held {
  readonly tile: number;
  readonly slot: number;
  readonly isNew: boolean;
}

interface StepLoads {
  readonly weights: Held;
  readonly vectors: Held;
  readonly parameters: Held;
}

function loadsOf(steps: readonly Step[], { tiles, slots }: GemmPlan): readonly StepLoads[] {
  const weights = held(
    steps.map(({ m, k }) => m * tiles.k + k),
    slots.weights,
  );
  const vectors = held(
    steps.map(({ n, k }) => n * tiles.k + k),
    slots.vectors,
  );
  const parameters = held(
    steps.map(({ m }) => m),
    slots.parameters,
  );
  return steps.map((_, i) => ({
    weights: weights[i]!,
    vectors: vectors[i]!,
    parameters: parameters[i]!,
  }));
}

/** Where each of a sequence of tiles is held among `slots` slots, that of the use before it left alone where there are two. */
function held(uses: readonly number[], slots: number): Held[] {
  const nextUse = new Array<number>(uses.length);
  const seen = new Map<number, number>();
  for (let i = uses.length - 1; i >= 0; i--) {
    nextUse[i] = seen.get(uses[i]!) ?? Number.POSITIVE_INFINITY;
    seen.set(uses[i]!, i);
  }
  const slotOf = new Map<number, number>();
  const tileIn: number[] = [];
  const neededAt: number[] = [];
  let before = -1;
  return uses.map((tile, i) => {
    const known = slotOf.get(tile);
    const slot = known ?? (tileIn.length < slots ? tileIn.length : farthest(neededAt, before));
    if (known === undefined) {
      const evicted = tileIn[slot];
      if (evicted !== undefined) slotOf.delete(evicted);
      slotOf.set(tile, slot);
      tileIn[slot] = tile;
    }
    neededAt[slot] = nextUse[i]!;
    before = slot;
    return { tile, slot, isNew: known === undefined };
  });
}

/** The slot whose tile is needed last, other than `but` where there is another. */
function farthest(neededAt: readonly number[], but: number): number {
  let best = but === 0 && neededAt.length > 1 ? 1 : 0;
  for (let slot = best + 1; slot < neededAt.length; slot++)
    if (slot !== but && neededAt[slot]! > neededAt[best]!) best = slot;
  return best;
}

/** Writes the instructions of steps. */
class Writer {
  readonly items: Instruction[] = [];
  readonly accesses = { vectorReads: 0, weightReads: 0, sumWrites: 0, sumReads: 0 };
  readonly #arch: Settings;
  readonly #plan: GemmPlan;
  readonly #product: Product;
  readonly #places: Places;
  /** Output tiles that are begun, so that sums and outputs take their buffers in turn. */
  #finished = 0;
  readonly #pending: { readonly src: number; readonly dst: number; readonly n: number }[] = [];

  constructor(plan: GemmPlan, product: Product, places: Places, arch: Settings) {
    this.#arch = arch;
    this.#plan = plan;
    this.#product = product;
    this.#places = places;
  }

  /** Asks for the tiles of a step that are not there. */
  load({ weights, vectors, parameters }: StepLoads): void {
    const { slot, pitch, parametersFrom, parameterBytes } = this.#places;
    const { tiles } = this.#plan;
    const { weightBits, activationBits } = this.#product;
    if (weights.isNew) {
      const { m, k } = this.#extent(split(weights.tile, tiles.k, "m"));
      const [dst, src] = [weights.slot * slot.weights, weights.tile * pitch.weights];
      this.#transfer(loadWeight, dst, src, m * k, weightBits);
    }
    if (vectors.isNew) {
      const { n, k } = this.#extent(split(vectors.tile, tiles.k, "n"));
      const [dst, src] = [vectors.slot * slot.vectors, vectors.tile * pitch.vectors];
      this.#transfer(fetch, dst, src, n * k, activationBits);
    }
    if (parameters.isNew) {
      const { m } = this.#extent({ m: parameters.tile, k: 0, n: 0 });
      const src = parametersFrom + parameters.tile * pitch.parameters;
      this.#transfer(loadTable, parameters.slot * slot.parameters, src, parameterBytes(m), BYTE);
    }
  }

  multiply(step: Step, { weights, vectors }: StepLoads): void {
    const { slot } = this.#places;
    const { weightBits, activationBits } = this.#product;
    const extent = this.#extent(step);
    this.#count(extent, step.k > 0);
    this.#emit(matmul, {
      w: weights.slot * slot.weights,
      x: vectors.slot * slot.vectors,
      acc: this.#sums(),
      ...extent,
      wBits: weightBits,
      xBits: activationBits,
      keep: step.k === 0 ? 0 : 1,
    });
  }

  #count({ m, k, n }: Extent, keeps: boolean): void {
    const { weightPasses, vectorPasses, sumPasses } = arrayCost({ ...this.#product, m, k, n }, this.#arch);
    this.accesses.vectorReads += n * k * vectorPasses;
    this.accesses.weightReads += m * k * weightPasses;
    this.accesses.sumWrites += m * n * sumPasses;
    this.accesses.sumReads += m * n * (keeps ? sumPasses : sumPasses - 1);
  }

  /**
   * Ends an output tile. Its store is left for later, so that the DMA unit, which starts transfers in order, is not kept from
   * loads by results that are not there yet; it has to come before its buffer is written again.
   */
  requantize(step: Step, { parameters }: StepLoads): void {
    const { slot, outputs, outputsFrom, pitch } = this.#places;
    const { m, n } = this.#extent(step);
    this.storeAllBut(outputs.length - 1);
    const dst = outputs[this.#finished % outputs.length]!;
    this.#emit(requant, {
      dst,
      acc: this.#sums(),
      m,
      n,
      scales: parameters.slot * slot.parameters,
      perChannel: 0,
      bits: this.#product.activationBits,
      zero: 0,
    });
    const number = step.n * this.#plan.tiles.m + step.m;
    this.#pending.push({ src: dst, dst: outputsFrom + number * pitch.outputs, n: m * n });
    this.#finished++;
  }

  /** Stores what is left for later, but the last `kept` output tiles. */
  storeAllBut(kept: number): void {
    while (this.#pending.length > kept) {
      const { src, dst, n } = this.#pending.shift()!;
      this.#transfer(store, dst, src, n, this.#product.activationBits);
    }
  }

  #sums(): number {
    const { tile, slots } = this.#plan;
    return (this.#finished % slots.sums) * tile.m * tile.n;
  }

  /** The sides of a tile: whole, or what is left. */
  #extent(step: Step): Extent {
    const { tile } = this.#plan;
    const side = (of: "m" | "k" | "n") => Math.min(tile[of], this.#product[of] - step[of] * tile[of]);
    return { m: side("m"), k: side("k"), n: side("n") };
  }

  #transfer(op: Transfer, dst: number, src: number, n: number, bits: number): void {
    for (const operands of transfers(op, dst, src, n, bits)) this.#emit(op, operands);
  }

  #emit(op: unknown, x: Readonly<Record<string, number>>): void {
    this.items.push({ op: op as OpDef, x, by: {} });
  }
}

/** The tile of a matrix whose tiles are numbered along its terms first. */
const split = (tile: number, terms: number, side: "m" | "n"): Step => {
  const k = tile % terms;
  return { m: 0, n: 0, k, [side]: (tile - k) / terms };
};
