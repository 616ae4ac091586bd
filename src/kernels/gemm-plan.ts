import type { Settings } from "../arch/fields.ts";
import { storageBytes } from "../fixed/format.ts";
import { ceilDiv, floorDiv } from "../fixed/round.ts";
import { arrayCost, type Product, slotOf } from "../isa/array.ts";
import { matmul } from "../isa/ops/matmul.ts";
import { alignmentOf, alignUp, channelBlock } from "../isa/tables.ts";

/** Outputs, terms and vectors of a part of a product. */
export interface Extent {
  readonly m: number;
  readonly k: number;
  readonly n: number;
}

/** Which operand's tiles stay while those of the other pass: the inner loop is over vectors, or over outputs. */
type TileOrder = "outputs-outside" | "vectors-outside";

/** How a product is cut so that its parts fit the memories of a machine. */
export interface GemmPlan {
  /** A whole tile; the last one along each dimension is what is left. */
  readonly tile: Extent;
  /** How many tiles there are along each dimension. */
  readonly tiles: Extent;
  readonly order: TileOrder;
  /** Tiles that the memories hold at once. */
  readonly slots: {
    readonly weights: number;
    readonly vectors: number;
    readonly parameters: number;
    readonly sums: number;
    readonly outputs: number;
  };
}

/**
 * The plan whose array, DRAM channel and requantizer, whichever of them is busiest, are done first; among equals, the
 * one that starts and ends sooner, by formulas and not by the clock. Cuts that cost the array nothing are those at multiples of
 * its sides, so a product is cut elsewhere only where a memory is too small.
 *
 * Preload counts as serial, whatever the machine's is: both then have one plan, and overlap can only save cycles.
 */
export function planGemm(product: Product, arch: Settings): GemmPlan {
  const serial: Settings = { ...arch, "mac.preload": "serial" };
  const step = slotOf(product, arch);
  const depths = tileSizes(product.k, step.k);
  const widths = tileSizes(product.n, step.n);
  let best: { readonly plan: GemmPlan; readonly score: Score } | undefined;
  for (const m of tileSizes(product.m, step.m)) {
    for (const n of widths) {
      let tried = 0;
      for (const k of depths) {
        const fitted = fit(product, { m, k, n }, arch);
        if (fitted === undefined) continue;
        const array = arrayCycles(fitted, product, serial);
        for (const order of ["outputs-outside", "vectors-outside"] as const) {
          const plan = { ...fitted, order };
          const score = scoreOf(plan, product, array, serial);
          if (best === undefined || isBetter(score, best.score)) best = { plan, score };
        }
        if (++tried === DEPTHS) break;
      }
    }
  }
  if (best === undefined) throw new Error("no memory of a legal machine is too small for a tile of one");
  return best.plan;
}

/** Depths that are tried for each pair of the other two sizes: the largest that fit. */
const DEPTHS = 2;

/** Sizes to try for a side, falling: the whole, its parts in whole steps, and halves of a step. */
function tileSizes(whole: number, step: number): number[] {
  const sizes = new Set<number>();
  for (let parts = 1; parts < whole; parts *= 2) {
    for (const cut of parts % 2 === 0 ? [parts, parts + parts / 2] : [parts])
      sizes.add(Math.min(whole, alignUp(ceilDiv(whole, cut), step)));
  }
  for (let size = Math.min(step, whole); size > 1; size = ceilDiv(size, 2)) sizes.add(size);
  sizes.add(1);
  return [...sizes].filter((size) => size <= matmul.fields.m.max).sort((a, b) => b - a);
}

/** The tile as the memories hold it, or undefined where they cannot. */
function fit(product: Product, tile: Extent, arch: Settings): Omit<GemmPlan, "order"> | undefined {
  const { weightBits, activationBits } = product;
  const tiles = {
    m: ceilDiv(product.m, tile.m),
    k: ceilDiv(product.k, tile.k),
    n: ceilDiv(product.n, tile.n),
  };
  const { slot, outputs } = slotBytes(tile, weightBits, activationBits, arch);
  const pairs = tiles.m * tiles.n;
  const sums = Math.min(2, pairs, floorDiv(arch["acc.entries"], tile.m * tile.n));
  const buffers = Math.min(2, pairs, floorDiv(arch["activation.bytes"] - slot.vectors, outputs));
  const weights = Math.min(tiles.m * tiles.k, floorDiv(arch["weight.bytes"], slot.weights));
  const parameters = Math.min(tiles.m, floorDiv(arch["table.bytes"], slot.parameters));
  if (sums < 1 || buffers < 1 || weights < 1 || parameters < 1) return undefined;
  const room = arch["activation.bytes"] - buffers * outputs;
  const vectors = Math.min(tiles.n * tiles.k, floorDiv(room, slot.vectors));
  return { tile, tiles, slots: { weights, vectors, parameters, sums, outputs: buffers } };
}

/** Bytes from one slot to the next of each memory. */
export function slotBytes(tile: Extent, weightBits: number, activationBits: number, arch: Settings) {
  const parameters = channelBlock(tile.m, false, arch);
  const bytes = (count: number, bits: number) => alignUp(storageBytes(count, bits), alignmentOf(bits));
  return {
    slot: {
      weights: bytes(tile.m * tile.k, weightBits),
      vectors: bytes(tile.n * tile.k, activationBits),
      parameters: alignUp(parameters.bytes, parameters.alignment),
    },
    outputs: bytes(tile.m * tile.n, activationBits),
  };
}

interface Score {
  /** Cycles of the busiest unit; of all, where a memory holds no tile but the one in use. */
  readonly busiest: number;
  /**
   * Cycles before the first product and after the last, and what an instruction of the array costs that folds of one
   * instruction would share where they overlap: about its two sides.
   */
  readonly ends: number;
}

const isBetter = (a: Score, b: Score): boolean =>
  a.busiest < b.busiest || (a.busiest === b.busiest && a.ends < b.ends);

function scoreOf(plan: GemmPlan, product: Product, array: number, arch: Settings): Score {
  const { tile, tiles, slots } = plan;
  const { weightBits, activationBits } = product;
  const passes = passesOf(plan);
  const bandwidth = arch["dram.bytesPerCycle"];
  const bytes =
    passes.weights * storageBytes(product.m * product.k, weightBits) +
    passes.vectors * storageBytes(product.n * product.k, activationBits) +
    storageBytes(product.m * product.n, activationBits);
  const transfers =
    passes.weights * tiles.m * tiles.k + passes.vectors * tiles.n * tiles.k + tiles.m * tiles.n;
  const dram = Math.max(
    ceilDiv(bytes, bandwidth),
    ceilDiv(transfers * arch["dram.latency"], arch["dma.channels"]),
  );
  const requant = ceilDiv(product.m * product.n, arch["requant.lanes"]);
  const isBuffered =
    slots.weights >= Math.min(2, tiles.m * tiles.k) &&
    slots.vectors >= Math.min(2, tiles.n * tiles.k) &&
    Math.min(slots.sums, slots.outputs) >= Math.min(2, tiles.m * tiles.n);
  const first = storageBytes(tile.m * tile.k, weightBits) + storageBytes(tile.n * tile.k, activationBits);
  const last = storageBytes(tile.m * tile.n, activationBits);
  return {
    busiest: isBuffered ? Math.max(array, dram, requant) : array + dram + requant,
    ends:
      ceilDiv(first + last, bandwidth) +
      ceilDiv(tile.m * tile.n, arch["requant.lanes"]) +
      (arch["mac.rows"] + arch["mac.columns"]) * tiles.m * tiles.k * tiles.n,
  };
}

/** How often each operand comes from the DRAM. */
function passesOf({ tiles, slots, order }: GemmPlan): { readonly weights: number; readonly vectors: number } {
  const outside = order === "outputs-outside";
  const kept = (slots: number, all: number) => slots >= (outside ? tiles.k : all);
  const keptToo = (slots: number, all: number) => slots >= (outside ? all : tiles.k);
  return {
    weights: kept(slots.weights, tiles.m * tiles.k) ? 1 : tiles.n,
    vectors: keptToo(slots.vectors, tiles.n * tiles.k) ? 1 : tiles.m,
  };
}

/** Cycles of the array over all tiles, its operands' bandwidth counted. */
function arrayCycles({ tile, tiles }: Omit<GemmPlan, "order">, product: Product, arch: Settings): number {
  let cycles = 0;
  for (const [m, ms] of partsOf(product.m, tile.m, tiles.m)) {
    for (const [k, ks] of partsOf(product.k, tile.k, tiles.k)) {
      for (const [n, ns] of partsOf(product.n, tile.n, tiles.n)) {
        const times = ms * ks * ns;
        const cost = arrayCost({ ...product, m, k, n }, arch);
        const weights = storageBytes(m * k, product.weightBits) * cost.weightPasses;
        const vectors = storageBytes(n * k, product.activationBits) * cost.vectorPasses;
        cycles +=
          times *
          Math.max(
            cost.cycles,
            ceilDiv(weights, arch["weight.bytesPerCycle"]),
            ceilDiv(vectors, arch["activation.bytesPerCycle"]),
          );
      }
    }
  }
  return cycles;
}

/** The sizes that tiles of a side have, and how many have each. */
function partsOf(whole: number, size: number, count: number): readonly (readonly [number, number])[] {
  const last = whole - size * (count - 1);
  if (last === size) return [[size, count]];
  return count === 1
    ? [[last, 1]]
    : [
        [size, count - 1],
        [last, 1],
      ];
}
