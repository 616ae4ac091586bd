import type { Settings } from "../arch/fields.ts";
import { ceilDiv, floorDiv } from "../fixed/round.ts";
import { dataflowOf, SIDES, type Side, slotLength, staysWithout } from "./dataflows.ts";

/** A matrix product on the array: outputs [n][m] of W [m][k] and n vectors [k]. */
export interface Product {
  readonly m: number;
  readonly k: number;
  readonly n: number;
  readonly weightBits: number;
  readonly activationBits: number;
}

/** What a product costs on the array, by closed formulas. */
export interface ArrayCost {
  /** Cycles with every operand there in time, preload, fill and drain included. */
  readonly cycles: number;
  /** Passes over the weights, over the vectors: how often each is read from its memory. */
  readonly weightPasses: number;
  readonly vectorPasses: number;
  /** How often each sum leaves the array for its accumulator: partial ones, but for the last. */
  readonly sumPasses: number;
}

/** Products that one multiplier completes each cycle, as a fraction: `products` every `cycles`. */
export function multiplierRate(weightBits: number, activationBits: number, arch: Settings) {
  const native = { weight: arch["mac.weightBits"], activation: arch["mac.activationBits"] };
  const activationSteps = ceilDiv(activationBits, native.activation);
  switch (arch["mac.multiplier"]) {
    case "serial": // one weight bit a cycle, the activation in parallel
      return { products: 1, cycles: weightBits * activationSteps };
    case "fixed":
      return { products: 1, cycles: ceilDiv(weightBits, native.weight) * activationSteps };
    case "fused":
      return {
        products: shared(native.weight, weightBits) * shared(native.activation, activationBits),
        cycles: ceilDiv(weightBits, native.weight) * activationSteps,
      };
  }
}

/** How many operands of `bits` bits share a multiplier input of `native` bits, by halving only. */
function shared(native: number, bits: number): number {
  let parts = 1;
  while (native % (parts * 2) === 0 && native / (parts * 2) >= bits) parts *= 2;
  return parts;
}

/** How many of each side of a product a slot of the array takes. */
export function slotOf(p: Product, arch: Settings): Readonly<Record<Side, number>> {
  const { products } = multiplierRate(p.weightBits, p.activationBits, arch);
  const length = (side: Side) => slotLength(side, products, arch);
  return { m: length("m"), k: length("k"), n: length("n") };
}

/** Elements of a dot product that one array pass adds up before the accumulator sees them. */
export const passLength = (p: Product, arch: Settings): number =>
  staysWithout("k", dataflowOf(arch)) ? p.k : Math.min(p.k, slotOf(p, arch).k);

/**
 * Cycles of a product, R rows, C columns, `t` cycles for a product of multipliers that take `s` products at once.
 *
 * | dataflow          | folds F                   | streamed L | cycles, preload serial       | cycles, preload overlapped          |
 * |-------------------|---------------------------|------------|------------------------------|-------------------------------------|
 * | weight-stationary | ceil(k / sR) ceil(m / C)  | n t        | F (R + L + R + C - 2)        | R + (F-1) max(L, R) + L + R + C - 2 |
 * | input-stationary  | ceil(k / sR) ceil(n / C)  | m t        | the same                     | the same                            |
 * | output-stationary | ceil(m / R) ceil(n / C)   | ceil(k/s) t| F (L + R + C - 2)            | (F-1) max(L, R) + L + R + C - 2     |
 * | the same, `mac.outputs` columns | ceil(n / R) ceil(m / C) | the same | the same       | the same                            |
 * | dot               | ceil(k / sR) ceil(m / C)  | n t        | F L                          | F L                                 |
 *
 * A ragged fold costs a whole one. Serial, folds never overlap, and the counts are SCALE-Sim's (A. Samajdar et al.,
 * arXiv:1811.02883): the index of the last cycle that it prints, and one. Each sum leaves the array ceil(k / sR) times, once
 * where outputs stay; what it has summed before is read back from its accumulator each time but the first.
 */
export function arrayCost(p: Product, arch: Settings): ArrayCost {
  const dataflow = dataflowOf(arch);
  const { cycles: t } = multiplierRate(p.weightBits, p.activationBits, arch);
  const slot = slotOf(p, arch);
  const slots = (side: Side) => ceilDiv(p[side], slot[side]);
  let folds = 1;
  for (const side of SIDES) if (side !== dataflow.streams) folds *= slots(side);
  const passes = (without: Side) => (staysWithout(without, dataflow) ? 1 : slots(without));
  return {
    cycles: streamedCycles([slots(dataflow.streams) * t], arch, folds),
    weightPasses: passes("n"),
    vectorPasses: passes("m"),
    sumPasses: passes("k"),
  };
}

/**
 * Cycles of folds that stream so long each, all of them `times` times.
 *
 * A fold of operands that stay is loaded a row a cycle, and one of sums emptied likewise; overlapped, while the fold before
 * it, or after it, streams. A systolic array has a skew of R + C - 2, filled and drained once where folds overlap. An adder
 * tree has neither; its depth is latency.
 */
export function streamedCycles(folds: readonly number[], arch: Settings, times = 1): number {
  const dataflow = dataflowOf(arch);
  const exchange = dataflow.isTree ? 0 : arch["mac.rows"];
  const load = staysWithout("k", dataflow) ? 0 : exchange;
  const skew = dataflow.isTree ? 0 : arch["mac.rows"] + arch["mac.columns"] - 2;
  const isSerial = arch["mac.preload"] === "serial";
  let cycles = 0;
  for (const streamed of folds) cycles += isSerial ? load + streamed + skew : Math.max(streamed, exchange);
  if (isSerial) return times * cycles;
  const last = folds.at(-1)!;
  return load + times * cycles - Math.max(last, exchange) + last + skew;
}

/** Cycles from the last beat until the accumulators can be read: the adder tree's depth, or a register. */
export function arrayLatency(arch: Settings): number {
  if (!dataflowOf(arch).isTree) return 1;
  let depth = 1;
  for (let inputs = arch["mac.rows"]; inputs > 1; inputs = ceilDiv(inputs, 2)) depth++;
  return depth;
}

/** The fewest cycles in which the array could do these MACs: all multipliers busy, nothing else. */
export function leastCycles(p: Product, arch: Settings): number {
  const { products, cycles } = multiplierRate(p.weightBits, p.activationBits, arch);
  return floorDiv(p.m * p.k * p.n * cycles, arch["mac.rows"] * arch["mac.columns"] * products);
}
