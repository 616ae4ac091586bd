import type { Settings } from "../arch/fields.ts";
import { storageBytes } from "../fixed/format.ts";
import { ceilDiv } from "../fixed/round.ts";
import type { Span, Stage, Traffic } from "./define.ts";
import { alignUp } from "./tables.ts";
import { isDense } from "./walk.ts";

/**
 * Bytes that a unit moves for a span: its packed size, each time it passes over it; in DRAM, whole bursts. Accumulators
 * are not a memory.
 *
 * Of a span that is walked over in steps: whole words of a port of the activation SRAM, for each row whose codes follow one
 * another, and else for each code.
 */
export function trafficOf(span: Span, arch: Settings): number {
  if (span.space === "acc") return 0;
  const { walk } = span;
  if (walk !== undefined && !isDense(walk)) {
    const together = walk.column === 1 ? walk.columns : 1;
    const words = alignUp(storageBytes(together, span.bits), arch["activation.bytesPerCycle"]);
    return (span.count / together) * words;
  }
  const bytes = storageBytes(span.count, span.bits) * (span.passes ?? 1);
  return span.space === "dram" || span.space === "data" ? alignUp(bytes, arch["dram.burst"]) : bytes;
}

/**
 * Cycles that the activation SRAM needs for an instruction. It holds one read port and one write port of each bank,
 * so what it reads passes one after the other, and what it writes likewise, at the same time.
 */
export function streamCycles({ reads, writes }: Traffic, arch: Settings): number {
  const cycles = (spans: readonly Span[]): number => {
    const inside = spans.filter(({ space }) => space === "activation");
    const bytes = inside.reduce((sum, span) => sum + trafficOf(span, arch), 0);
    return ceilDiv(bytes, arch["activation.bytesPerCycle"]);
  };
  return Math.max(cycles(reads), cycles(writes));
}

/** `n` elements over the vector unit, each taking a lane for `cycles`; never faster than its operands pass. */
export const vectorStages = (n: number, io: Traffic, arch: Settings, cycles = 1): readonly Stage[] => [
  {
    unit: "vector",
    beats: Math.max(ceilDiv(n, arch["vector.lanes"]) * cycles, streamCycles(io, arch)),
    latency: arch["vector.latency"],
  },
];
