import type { Settings } from "../arch/fields.ts";
import { storageBytes } from "../fixed/format.ts";
import { ceilDiv } from "../fixed/round.ts";
import type { Span, Stage } from "./define.ts";

/** Bytes that a unit moves for a span: its packed size, each time it passes over it. Accumulators are not a memory. */
export const trafficOf = (span: Span): number =>
  span.space === "acc" ? 0 : storageBytes(span.count, span.bits) * (span.passes ?? 1);

/** Cycles that the activation SRAM's ports need for these spans; each span streams through a port of its own. */
export function streamCycles(spans: readonly Span[], arch: Settings): number {
  let cycles = 0;
  for (const span of spans) {
    if (span.space !== "activation") continue;
    cycles = Math.max(cycles, ceilDiv(trafficOf(span), arch["activation.bytesPerCycle"]));
  }
  return cycles;
}

/** `n` elements over the vector unit, each taking a lane for `cycles`; never faster than its operands arrive. */
export const vectorStages = (
  n: number,
  spans: readonly Span[],
  arch: Settings,
  cycles = 1,
): readonly Stage[] => [
  {
    unit: "vector",
    beats: Math.max(ceilDiv(n, arch["vector.lanes"]) * cycles, streamCycles(spans, arch)),
    latency: arch["vector.latency"],
  },
];
