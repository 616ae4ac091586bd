import { type ArchSpec, makeArch } from "../../src/arch/spec.ts";

export type Rng = () => number;

/** An integer from lo to hi, both included. */
export const draw = (rng: Rng, lo: number, hi: number): number => lo + Math.floor(rng() * (hi - lo + 1));
export const pick = <T>(rng: Rng, from: readonly T[]): T => from[draw(rng, 0, from.length - 1)]!;

/** A machine with memories of the size that the random programs need and everything else at random. */
export function randomArch(rng: Rng): ArchSpec {
  const kind = pick(rng, ["shift", "two-shift", "multiplier"] as const);
  return makeArch({
    "mac.rows": pick(rng, [1, 2, 4, 8]),
    "mac.columns": pick(rng, [1, 2, 4, 8]),
    "mac.dataflow": pick(rng, ["weight-stationary", "output-stationary", "input-stationary", "dot"]),
    "mac.preload": pick(rng, ["overlapped", "serial"]),
    "mac.multiplier": pick(rng, ["fixed", "fused", "serial"]),
    "acc.bits": pick(rng, [16, 24, 32, 40]),
    "acc.entries": 128,
    "acc.overflow": pick(rng, ["wrap", "saturate"]),
    "requant.kind": kind,
    "requant.multiplierBits": kind === "multiplier" ? pick(rng, [8, 15, 16]) : 16,
    "requant.rounding": pick(rng, ["half-away", "half-up", "half-even", "half-down", "floor", "truncate"]),
    "requant.lanes": draw(rng, 1, 8),
    "requant.latency": draw(rng, 1, 6),
    "pwl.lanes": draw(rng, 1, 8),
    "pwl.maxPieces": 16,
    "pwl.search": pick(rng, ["comparators", "binary"]),
    "pwl.latency": draw(rng, 1, 6),
    "pwl.rounding": pick(rng, ["as-requant", "as-requant", "half-zero"]),
    "pwl.chained": pick(rng, ["yes", "yes", "no"]),
    "vector.lanes": draw(rng, 1, 8),
    "vector.latency": draw(rng, 1, 6),
    "vector.multiplierBits": pick(rng, [0, 0, 24]),
    "vector.rounding": pick(rng, ["as-requant", "as-requant", "half-down", "ceiling"]),
    "weight.bytes": 3000,
    "weight.bytesPerCycle": draw(rng, 1, 16),
    "activation.bytes": 3072,
    "activation.banks": pick(rng, [1, 2, 4, 8, 16]),
    "activation.readPorts": draw(rng, 1, 3),
    "activation.writePorts": draw(rng, 1, 2),
    "activation.bytesPerCycle": draw(rng, 1, 16),
    "table.bytes": 16_384,
    "dram.bytesPerCycle": draw(rng, 1, 32),
    "dram.latency": draw(rng, 0, 40),
    "dram.burst": pick(rng, [1, 4, 32]),
    "dma.channels": draw(rng, 1, 4),
    "queue.depth": pick(rng, [1, 2, 4, 8]),
  });
}
