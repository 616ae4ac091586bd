import type { Settings } from "../arch/fields.ts";
import type { ArchSpec } from "../arch/spec.ts";
import type { BaselineName } from "./area.ts";

/** Width of each operand of a float baseline: weights, activations, PWL tables. */
export const BASELINE_BITS: Readonly<Record<BaselineName, number>> = { fp32: 32, fp16: 16 };

/** Both formats sum, and keep biases, in 32 bits. */
const SUM_BITS = 32;

/**
 * The machine with float units in place of its integer ones, for timing only: no file can describe it, and
 * nothing is executed on it.
 *
 * Equal to the given one are the array, its dataflow and preload, the lanes and latencies of all units,
 * the bytes a cycle of every memory, and the sizes of the memories. Each element completes one float MAC a cycle, each lane of
 * the other units one float element. The pass from the accumulators to the activations stays, at the requantizer's lanes and
 * latency: it adds the bias and rounds to the operands' format. Its scales do not stay: a float needs none.
 */
export function baselineMachine(arch: ArchSpec, baseline: BaselineName): ArchSpec {
  const bits = BASELINE_BITS[baseline];
  const settings: Settings = {
    ...arch.settings,
    "mac.multiplier": "fixed",
    "mac.weightBits": bits,
    "mac.activationBits": bits,
    "acc.bits": SUM_BITS,
    "acc.overflow": "wrap",
    "pwl.slopeBits": bits,
    "pwl.offsetFraction": 0,
    "pwl.shifts": "shared",
    // Without a multiplier, a scale is a single byte: the least that a block of table memory can hold of one.
    "requant.kind": "shift",
    "requant.multiplierBits": 2,
    "requant.rounding": "half-even",
    "vector.multiplierBits": 0,
    "vector.rounding": "as-requant",
    "pwl.rounding": "as-requant",
  };
  return Object.freeze({ name: `${arch.name} in ${baseline}`, settings });
}
