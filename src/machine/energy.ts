import type { Settings } from "../arch/fields.ts";

/** What a program does, in counts that its energy is priced from. */
export interface Actions {
  readonly macs: number;
  /** Sum over the MACs of weight bits times activation bits. */
  readonly macBitProducts: number;
  readonly requants: number;
  readonly lookups: number;
  /** Sum over the lookups of slope bits times distance bits. */
  readonly lookupBitProducts: number;
  /** Sums over the elements of the vector unit of their width, and of its square. */
  readonly elementBits: number;
  readonly elementSquaredBits: number;
  readonly weightBytes: number;
  readonly activationBytes: number;
  readonly tableBytes: number;
  readonly dramBytes: number;
  readonly cycles: number;
}

/** Energy of what was done, in picojoules, by unit and by memory. */
export interface EnergyPj {
  /** Multiplications in the array. */
  readonly mac: number;
  /** Additions into the accumulators, one for each MAC. */
  readonly accumulator: number;
  /** Elements through the requantizer, and through the same arithmetic in the vector unit. */
  readonly requant: number;
  readonly pwl: number;
  readonly vector: number;
  readonly weight: number;
  readonly activation: number;
  /** Scales, biases, gains and PWL tables: written once by their load, read by every instruction that uses them. */
  readonly table: number;
  readonly dram: number;
  readonly idle: number;
  readonly total: number;
}

/** The operands of a priced 8 x 8 bit multiplication, and of a priced addition. */
const MULTIPLY_BITS = 8 * 8;
const ADD_BITS = 32;

/**
 * Prices actions with the machine's energies, the fields `energy.*`; docs/energy.md has their sources, 45 nm all of them.
 * A multiplication is priced by the product of its operands' widths, an addition by its width.
 *
 * - mac: a multiplication of the operands' widths.
 * - accumulator: an addition of the accumulator's width. Not priced: storing the sum.
 * - requantized element: an addition, and for the kind `multiplier` a multiplication of the accumulator's width by
 *   the multiplier's; for `two-shift` one more addition; a shift is wiring. Elements that the vector unit
 *   rescales are priced as if they were as wide as an accumulator.
 * - PWL lookup: a multiplication of a slope by a distance, which is as wide as a code, and an addition. Not priced: the search.
 * - vector element: an addition and a multiplication of its width, whatever the operation: an upper estimate.
 * - a byte of each memory, read or written, tables included; a cycle of the whole core, where the machine says what it costs.
 */
export function energyOf(actions: Actions, arch: Settings): EnergyPj {
  const multiply = (bitProducts: number) => (arch["energy.multiply8"] * bitProducts) / MULTIPLY_BITS;
  const add = (bits: number) => (arch["energy.add32"] * bits) / ADD_BITS;
  const parts = {
    mac: multiply(actions.macBitProducts),
    accumulator: add(actions.macs * arch["acc.bits"]),
    requant: actions.requants * (add(ADD_BITS) + scaling(arch, multiply, add)),
    pwl: multiply(actions.lookupBitProducts) + actions.lookups * add(ADD_BITS),
    vector: add(actions.elementBits) + multiply(actions.elementSquaredBits),
    weight: actions.weightBytes * arch["energy.weightByte"],
    activation: actions.activationBytes * arch["energy.activationByte"],
    table: actions.tableBytes * arch["energy.tableByte"],
    dram: actions.dramBytes * arch["energy.dramByte"],
    idle: actions.cycles * arch["energy.idleCycle"],
  };
  let total = 0;
  for (const part of Object.values(parts)) total += part;
  return { ...parts, total };
}

/** What scaling one element costs before the rounding addition. */
function scaling(
  arch: Settings,
  multiply: (bitProducts: number) => number,
  add: (bits: number) => number,
): number {
  switch (arch["requant.kind"]) {
    case "shift":
      return 0;
    case "two-shift":
      return add(ADD_BITS);
    case "multiplier":
      return multiply(arch["acc.bits"] * arch["requant.multiplierBits"]);
  }
}
