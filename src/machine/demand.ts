import type { Settings } from "../arch/fields.ts";
import { floorDiv } from "../fixed/round.ts";
import { trafficOf } from "../isa/cost.ts";
import type { Space, Span, Stage, UnitName, Work } from "../isa/define.ts";
import type { Issued } from "../isa/program.ts";
import { sizeOf } from "../isa/validate.ts";
import type { Unrolled } from "./unrolled.ts";

/** Cycles from issue until an instruction can start: it is written into a queue and read from it a cycle later. */
export const ISSUE_CYCLES = 1;

/** A unit's share of an instruction: it is taken for `beats` cycles, `lead` cycles after the instruction starts. */
interface Share {
  readonly unit: UnitName;
  readonly lead: number;
  readonly beats: number;
}

/** Bytes (or accumulators) from `from` to before `to`, and the bytes that are moved for them. */
export interface Region {
  readonly space: Space;
  readonly from: number;
  readonly to: number;
  readonly trafficBytes: number;
}

/** What an instruction asks of the machine, whatever else is going on: all that the clock knows of it. */
export interface Demand {
  readonly issued: Issued;
  readonly shares: readonly Share[];
  /** Cycles from the last beat until the results can be read. */
  readonly latency: number;
  readonly reads: readonly Region[];
  readonly writes: readonly Region[];
  /** Activation SRAM banks of which the instruction takes a read port, a write port. */
  readonly readBanks: readonly number[];
  readonly writeBanks: readonly number[];
  readonly work: Work;
}

/** Gives the demands of a program's instructions, in the order of issue. They are not kept, so that long programs stay cheap. */
export function* demandsOf({ issued, repeated }: Unrolled, arch: Settings): Generator<Demand> {
  const known = new Map<Issued["x"], Demand>();
  for (const one of issued) {
    const demand = known.get(one.x) ?? demandOf(one, arch);
    if (repeated.has(one.x)) known.set(one.x, demand);
    yield demand;
  }
}

function demandOf(issued: Issued, arch: Settings): Demand {
  const { op, x } = issued;
  const io = { reads: op.reads(x, arch), writes: op.writes(x, arch) };
  const reads = regionsOf(io.reads, arch);
  const writes = regionsOf(io.writes, arch);
  return {
    issued,
    ...sharesOf(op.stages(x, arch, io)),
    reads,
    writes,
    readBanks: banksOf(reads, arch),
    writeBanks: banksOf(writes, arch),
    work: op.work(x, arch),
  };
}

/**
 * The shares of an instruction's stages.
 *
 * A DMA transfer waits for the DRAM first and has its data with the last beat. Elsewhere the beats come first. A
 * stage that streams into another hands it the first element `latency + 1` cycles after taking it. There is no buffer
 * between the two, so both keep the pace of the slower one.
 */
function sharesOf(stages: readonly Stage[]): Pick<Demand, "shares" | "latency"> {
  const [first] = stages;
  if (first?.unit === "dma")
    return { shares: [{ unit: "dma", lead: first.latency, beats: first.beats }], latency: 0 };
  let pace = 0;
  for (const { beats } of stages) pace = Math.max(pace, beats);
  let lead = 0;
  let latency = 0;
  const shares = stages.map((stage, i): Share => {
    if (i > 0) lead += latency + 1;
    latency = stage.latency;
    return { unit: stage.unit, lead, beats: pace };
  });
  return { shares, latency };
}

/** Cycles of an instruction that has the machine to itself, from its issue until its results can be read. */
export function cyclesAlone({ shares, latency }: Demand): number {
  const last = shares.at(-1)!;
  return ISSUE_CYCLES + last.lead + last.beats + latency;
}

/** The spans as regions; one that begins where the last one ended is part of it, as the arrays of a table are. */
function regionsOf(spans: readonly Span[], arch: Settings): readonly Region[] {
  const regions: Region[] = [];
  for (const span of spans) {
    const { space, from } = span;
    const to = from + sizeOf(span);
    const trafficBytes = trafficOf(span, arch);
    const last = regions.at(-1);
    if (last === undefined || last.space !== space || last.to !== from)
      regions.push({ space, from, to, trafficBytes });
    else {
      regions[regions.length - 1] = { ...last, to, trafficBytes: last.trafficBytes + trafficBytes };
    }
  }
  return regions;
}

function banksOf(regions: readonly Region[], arch: Settings): readonly number[] {
  const bankBytes = arch["activation.bytes"] / arch["activation.banks"];
  const banks: number[] = [];
  for (const { space, from, to } of regions) {
    if (space !== "activation") continue;
    const last = floorDiv(to - 1, bankBytes);
    for (let bank = floorDiv(from, bankBytes); bank <= last; bank++) {
      if (!banks.includes(bank)) banks.push(bank);
    }
  }
  return banks;
}
