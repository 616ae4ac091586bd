import type { Settings } from "../arch/fields.ts";
import { ceilDiv, floorDiv } from "../fixed/round.ts";

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

/** Elements of a dot product that one array pass adds up before the accumulator sees them. */
export function passLength(p: Product, arch: Settings): number {
  const depth = arch["mac.rows"] * multiplierRate(p.weightBits, p.activationBits, arch).products;
  return arch["mac.dataflow"] === "output-stationary" ? p.k : Math.min(p.k, depth);
}

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
 * R: loading a stationary fold takes a cycle a row, and so does emptying an output-stationary one. R + C - 2:
 * the skew of a systolic array, filled and drained once where folds overlap. An adder tree has neither;
 * its depth is latency. A ragged fold costs a whole one.
 *
 * Serial, folds never overlap, and the counts are SCALE-Sim's (A. Samajdar et al., arXiv:1811.02883): the index of the
 * last cycle that it prints, and one. Each sum leaves the array ceil(k / sR) times, once where outputs stay; what it has
 * summed before is read back from its accumulator each time but the first.
 */
export function arrayCost(p: Product, arch: Settings): ArrayCost {
  const rows = arch["mac.rows"];
  const columns = arch["mac.columns"];
  const { products, cycles: t } = multiplierRate(p.weightBits, p.activationBits, arch);
  const deep = ceilDiv(p.k, rows * products);
  const skew = rows + columns - 2;
  const overlapped = arch["mac.preload"] === "overlapped";
  const stationary = (folds: number, streamed: number) =>
    overlapped
      ? rows + (folds - 1) * Math.max(streamed, rows) + streamed + skew
      : folds * (rows + streamed + skew);
  switch (arch["mac.dataflow"]) {
    case "weight-stationary": {
      const wide = ceilDiv(p.m, columns);
      return {
        cycles: stationary(deep * wide, p.n * t),
        weightPasses: 1,
        vectorPasses: wide,
        sumPasses: deep,
      };
    }
    case "input-stationary": {
      const wide = ceilDiv(p.n, columns);
      return {
        cycles: stationary(deep * wide, p.m * t),
        weightPasses: wide,
        vectorPasses: 1,
        sumPasses: deep,
      };
    }
    case "output-stationary": {
      const [outputSide, vectorSide] = arch["mac.outputs"] === "rows" ? [rows, columns] : [columns, rows];
      const high = ceilDiv(p.m, outputSide);
      const wide = ceilDiv(p.n, vectorSide);
      const streamed = ceilDiv(p.k, products) * t;
      const cycles = overlapped
        ? (high * wide - 1) * Math.max(streamed, rows) + streamed + skew
        : high * wide * (streamed + skew);
      return { cycles, weightPasses: wide, vectorPasses: high, sumPasses: 1 };
    }
    case "dot": {
      const wide = ceilDiv(p.m, columns);
      return { cycles: deep * wide * p.n * t, weightPasses: p.n, vectorPasses: wide, sumPasses: deep };
    }
  }
}

/**
 * Cycles of folds that stream so long each, loaded, filled, drained and emptied as in `arrayCost`: its cycles, where all are alike.
 */
export function streamedCycles(folds: readonly number[], arch: Settings): number {
  const rows = arch["mac.rows"];
  const isTree = arch["mac.dataflow"] === "dot";
  const skew = isTree ? 0 : rows + arch["mac.columns"] - 2;
  const load = isTree || arch["mac.dataflow"] === "output-stationary" ? 0 : rows;
  let cycles = 0;
  for (const streamed of folds) {
    if (isTree) cycles += streamed;
    else if (arch["mac.preload"] === "serial") cycles += load + streamed + skew;
    else cycles += Math.max(streamed, rows);
  }
  if (isTree || arch["mac.preload"] === "serial") return cycles;
  const last = folds.at(-1)!;
  return load + cycles - Math.max(last, rows) + last + skew;
}

/** Cycles from the last beat until the accumulators can be read: the adder tree's depth, or a register. */
export function arrayLatency(arch: Settings): number {
  if (arch["mac.dataflow"] !== "dot") return 1;
  let depth = 1;
  for (let inputs = arch["mac.rows"]; inputs > 1; inputs = ceilDiv(inputs, 2)) depth++;
  return depth;
}

/** The fewest cycles in which the array could do these MACs: all multipliers busy, nothing else. */
export function leastCycles(p: Product, arch: Settings): number {
  const { products, cycles } = multiplierRate(p.weightBits, p.activationBits, arch);
  return floorDiv(p.m * p.k * p.n * cycles, arch["mac.rows"] * arch["mac.columns"] * products);
}
