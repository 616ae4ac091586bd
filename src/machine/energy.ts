import type { Settings } from "../arch/fields.ts";

/** What a program does, in counts that its energy is priced from. */
export interface Actions {
  readonly macs: number;
  /** Sum over the MACs of weight bits times activation bits. */
  readonly macBitProducts: number;
  readonly requants: number;
  readonly lookups: number;
  /** Sums over the elements of the vector unit of their width, and of its square. */
  readonly elementBits: number;
  readonly elementSquaredBits: number;
  readonly weightBytes: number;
  readonly activationBytes: number;
  readonly tableBytes: number;
  readonly dramBytes: number;
  readonly cycles: number;
}

/** Energy of one inference, in picojoules. */
export interface EnergyPj {
  readonly mac: number;
  readonly requant: number;
  readonly pwl: number;
  readonly vector: number;
  readonly weight: number;
  readonly activation: number;
  readonly table: number;
  readonly dram: number;
  readonly idle: number;
  readonly total: number;
}

/** The operands of a priced 8 x 8 bit multiplication, and of a priced addition. */
const MULTIPLY_BITS = 8 * 8;
const ADD_BITS = 32;
/** Width of the distance from a knot that a lookup multiplies with the slope. */
const LOOKUP_STEP_BITS = 8;

/**
 * Prices actions with the machine's energies (M. Horowitz, "Computing's energy problem", ISSCC 2014, see arch/fields.ts).
 *
 * - MAC: a multiplication of the operands' widths and an addition of the accumulator's.
 * - requantized element: an addition, and for the kind `multiplier` a multiplication of the accumulator's width by
 *   the multiplier's; for `two-shift` one more addition; a shift is wiring. Elements that the vector unit
 *   rescales are priced as if they were as wide as an accumulator.
 * - PWL lookup: a multiplication of a slope by a step of 8 bits, and an addition; the search is not priced.
 * - vector element: an addition and a multiplication of its width, whatever the operation: an upper estimate.
 * - a byte of each memory, read or written; a cycle of the whole core.
 */
export function energyOf(actions: Actions, arch: Settings): EnergyPj {
  const multiply = (bitProducts: number) => (arch["energy.multiply8"] * bitProducts) / MULTIPLY_BITS;
  const add = (bits: number) => (arch["energy.add32"] * bits) / ADD_BITS;
  const parts = {
    mac: multiply(actions.macBitProducts) + add(actions.macs * arch["acc.bits"]),
    requant: actions.requants * (add(ADD_BITS) + scaling(arch, multiply, add)),
    pwl: actions.lookups * (multiply(arch["pwl.slopeBits"] * LOOKUP_STEP_BITS) + add(ADD_BITS)),
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
