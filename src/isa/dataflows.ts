import type { Dataflow, Settings } from "../arch/fields.ts";

/** The sides of a product: outputs, terms of a sum, vectors. Weights are [m][k], vectors [n][k], sums [n][m]. */
export const SIDES = ["m", "k", "n"] as const;
export type Side = (typeof SIDES)[number];

/** Lengths of the array, as formulas name them; `products` is what one multiplier takes at once. */
const LENGTHS = {
  "mac.rows": (arch) => arch["mac.rows"],
  "mac.columns": (arch) => arch["mac.columns"],
  products: (_, products) => products,
  outputSide: (arch) => arch[arch["mac.outputs"] === "rows" ? "mac.rows" : "mac.columns"],
  vectorSide: (arch) => arch[arch["mac.outputs"] === "rows" ? "mac.columns" : "mac.rows"],
} as const satisfies Readonly<Record<string, (arch: Settings, products: number) => number>>;
type Length = keyof typeof LENGTHS;

/** How a product lies on the array: cycles, passes, formulas and skipped zeros all follow from this. */
export interface DataflowDef {
  /** How many of each side the array takes at once, a slot: the product of these lengths. */
  readonly slot: Readonly<Record<Side, readonly Length[]>>;
  /** The side whose slots stream past within a fold. Folds are cut along the other two. */
  readonly streams: Side;
  /**
   * Whether the rows feed adder trees: then nothing stays. Otherwise the array is systolic, and what the streaming side is no side
   * of (weights, vectors or sums) stays for as long as a fold.
   */
  readonly isTree: boolean;
}

/** Terms of a sum that a column takes at once, where sums cross the rows. */
const ROWS_OF_TERMS = ["mac.rows", "products"] as const;

/** A new dataflow is its name in arch/fields.ts and its record here. */
export const DATAFLOW_DEFS: Readonly<Record<Dataflow, DataflowDef>> = {
  "weight-stationary": {
    slot: { m: ["mac.columns"], k: ROWS_OF_TERMS, n: [] },
    streams: "n",
    isTree: false,
  },
  "output-stationary": {
    slot: { m: ["outputSide"], k: ["products"], n: ["vectorSide"] },
    streams: "k",
    isTree: false,
  },
  "input-stationary": {
    slot: { m: [], k: ROWS_OF_TERMS, n: ["mac.columns"] },
    streams: "m",
    isTree: false,
  },
  dot: {
    slot: { m: ["mac.columns"], k: ROWS_OF_TERMS, n: [] },
    streams: "n",
    isTree: true,
  },
};

export const dataflowOf = (arch: Settings): DataflowDef => DATAFLOW_DEFS[arch["mac.dataflow"]];

/** Whether what `side` is no side of stays in the array: weights have no n, vectors no m, sums no k. */
export const staysWithout = (side: Side, { streams, isTree }: DataflowDef): boolean =>
  !isTree && streams === side;

/** How many of a side a slot takes, of multipliers that take so many products at once. */
export function slotLength(side: Side, products: number, arch: Settings): number {
  let length = 1;
  for (const name of dataflowOf(arch).slot[side]) length *= LENGTHS[name](arch, products);
  return length;
}

/** How many slots there are along a side, as a formula. */
export function slotsText(side: Side, { slot }: DataflowDef): string {
  const lengths = slot[side];
  if (lengths.length === 0) return side;
  return `ceil(${side} / ${lengths.length === 1 ? lengths[0] : `(${lengths.join(" * ")})`})`;
}
