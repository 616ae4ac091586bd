import type { Settings } from "../arch/fields.ts";
import { ceilDiv, floorDiv } from "../fixed/round.ts";

/**
 * Silicon areas at 45 nm, in square nanometres (a thousandth of a micrometre, squared): whole numbers, so that what fits
 * into an area is exact. docs/energy.md has the same figures with all that they leave out.
 */

/** One gate: NAND2_X1 of the Nangate 45 nm open cell library. Gate counts are in this unit. */
const GATE = 798_000;

/** One bit: the 6-transistor cell of Intel's 45 nm SRAM (153 Mbit test chip, ISSCC 2006), without decoders and sense amplifiers. */
const SRAM_BIT = 346_000;

/** MACs with an accumulator of 32 bits, in gates, by the wider and the narrower operand; synthesized by us with yosys. */
const MAC_GATES: readonly { readonly wide: number; readonly narrow: number; readonly gates: number }[] = [
  { wide: 4, narrow: 4, gates: 1110 },
  { wide: 8, narrow: 4, gates: 1170 },
  { wide: 8, narrow: 8, gates: 1722 },
  { wide: 16, narrow: 8, gates: 1965 },
  { wide: 16, narrow: 16, gates: 3217 },
];

/** A lane of a requantizer from 32 to 8 bits, in gates; synthesized by us with yosys. */
const REQUANT_GATES = { shift: 702, multiplier16: 6038, tfliteDouble: 10_145 };
/** Width up to which a multiplier counts as the one of 16 bits. */
const NARROW_MULTIPLIER = 16;

/** The formats of the float baselines. */
export const BASELINES = ["fp32", "fp16"] as const;
export type BaselineName = (typeof BASELINES)[number];

/**
 * A multiplier and an adder of the format: synthesized for TSMC's 45 nm with DesignWare's units, published beside M. Horowitz's
 * energies (ISSCC 2014) in W. Dally's NIPS 2015 tutorial. FP32: 7,700 and 4,184 square micrometres; FP16: 1,640 and 1,360.
 */
const BASELINE_MAC: Readonly<Record<BaselineName, number>> = {
  fp32: (7700 + 4184) * 1_000_000,
  fp16: (1640 + 1360) * 1_000_000,
};

/** What has a figure. */
export const AREA_PARTS = ["mac", "requant", "accumulator", "weight", "activation", "table"] as const;
type AreaPart = (typeof AREA_PARTS)[number];

/** The area of a machine, as far as there are figures. */
export interface Area {
  /** Square nanometres; 0 of a part that is among those not counted. */
  readonly parts: Readonly<Record<AreaPart, number>>;
  readonly total: number;
  /** Parts of the machine without a published figure, named for a reader. */
  readonly notCounted: readonly string[];
}

/** What no machine's area counts. */
const NEVER_COUNTED = ["PWL unit", "vector unit", "DMA and sequencer", "SRAM periphery", "wiring"];

/**
 * The area of one processing element: its multiplier and its 32 bits of accumulator.
 *
 * Operand widths between those of the table count as the next that takes both, whichever of them is the wider.
 * Accumulators of other widths count as 32 bits, fused and bit-serial multipliers as the fixed one of their widths.
 *
 * @returns square nanometres
 * @throws RangeError for operands beyond 16 bits
 */
export function macArea(weightBits: number, activationBits: number): number {
  const wide = Math.max(weightBits, activationBits);
  const narrow = Math.min(weightBits, activationBits);
  const found = MAC_GATES.find((mac) => mac.wide >= wide && mac.narrow >= narrow);
  if (found === undefined) throw new RangeError(`there is no MAC of ${weightBits} x ${activationBits} bits`);
  return found.gates * GATE;
}

/** Area of a machine, unit by unit and memory by memory. */
export function areaOf(arch: Settings): Area {
  const lane = requantGates(arch);
  const parts = {
    mac: arch["mac.rows"] * arch["mac.columns"] * macArea(arch["mac.weightBits"], arch["mac.activationBits"]),
    requant: arch["requant.lanes"] * (lane ?? 0) * GATE,
    accumulator: sramArea(ceilDiv(arch["acc.entries"] * arch["acc.bits"], 8)),
    weight: sramArea(arch["weight.bytes"]),
    activation: sramArea(arch["activation.bytes"]),
    table: sramArea(arch["table.bytes"]),
  };
  return {
    parts,
    total: AREA_PARTS.reduce((sum, part) => sum + parts[part], 0),
    notCounted: lane === undefined ? ["requantizer", ...NEVER_COUNTED] : NEVER_COUNTED,
  };
}

const sramArea = (bytes: number): number => bytes * 8 * SRAM_BIT;

/**
 * Gates of a requantizer's lane. A multiplier beyond 16 bits counts as the one of 31 bits with two roundings; a sum of two shifts
 * and a float32 product have no figure.
 */
function requantGates(arch: Settings): number | undefined {
  switch (arch["requant.kind"]) {
    case "shift":
      return REQUANT_GATES.shift;
    case "two-shift":
      return undefined;
    case "multiplier":
      if (arch["requant.rounding"] === "float32") return undefined;
      return arch["requant.multiplierBits"] <= NARROW_MULTIPLIER
        ? REQUANT_GATES.multiplier16
        : REQUANT_GATES.tfliteDouble;
  }
}

/** Rows and columns of an array. */
export interface ArrayShape {
  readonly rows: number;
  readonly columns: number;
}

/**
 * The float array that fits into the area of a machine's integer array, by the areas of their MACs: never wider nor higher
 * than that one, and of one element where not even that fits.
 *
 * Of all shapes whose proportions are within a factor of 2 of the integer array's, the one with the most elements; of
 * equals, the one nearest to these proportions, then the one with fewer rows. Where too few elements fit for such a
 * shape, likewise of all shapes.
 */
export function equalAreaShape(arch: Settings, baseline: BaselineName): ArrayShape {
  const [rows, columns] = [arch["mac.rows"], arch["mac.columns"]];
  const fit = Math.max(1, floorDiv(areaOf(arch).parts.mac, BASELINE_MAC[baseline]));
  const shapes = Array.from({ length: Math.min(rows, fit) }, (_, i) => {
    const shape = { rows: i + 1, columns: Math.min(columns, floorDiv(fit, i + 1)) };
    const [across, along] = [shape.rows * columns, shape.columns * rows];
    return { ...shape, isAlike: across <= 2 * along && along <= 2 * across, off: Math.abs(across - along) };
  });
  const alike = shapes.filter(({ isAlike }) => isAlike);
  const [best] = (alike.length > 0 ? alike : shapes).sort(
    (a, b) => b.rows * b.columns - a.rows * a.columns || a.off - b.off,
  );
  return { rows: best!.rows, columns: best!.columns };
}
