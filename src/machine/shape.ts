import type { Settings } from "../arch/fields.ts";
import { trafficOf } from "../isa/cost.ts";
import type { OpDef, Space, Stage, UnitName, Work } from "../isa/define.ts";
import { ByShape, footprintOf, type Placed as PlacedSpan, sizeOf } from "../isa/footprint.ts";
import type { Issued } from "../isa/program.ts";
import { type Banks, banksOn } from "./banks.ts";

/** A unit's share of an instruction: it is taken for `beats` cycles, `lead` cycles or more after the instruction starts. */
export interface Share {
  readonly unit: UnitName;
  readonly lead: number;
  readonly beats: number;
}

/** A stretch of memory that begins `offset` after where an address field points. */
export interface Placed {
  readonly space: Space;
  readonly field: string;
  readonly offset: number;
  /** Bytes, or accumulators. */
  readonly bytes: number;
  readonly trafficBytes: number;
  readonly isPicked: boolean;
}

/** What instructions ask of a machine that differ in nothing but their addresses. */
export interface Shape {
  readonly shares: readonly Share[];
  /** Cycles from the last beat until the results can be read. */
  readonly latency: number;
  readonly reads: readonly Placed[];
  readonly writes: readonly Placed[];
  readonly work: Work;
}

/** The shapes of the instructions that a machine was asked to time, each found out once. */
export class Shapes {
  readonly banks: Banks;
  readonly #known: ByShape<Shape>;

  constructor(arch: Settings) {
    this.banks = banksOn(arch);
    this.#known = new ByShape((op, x, addresses) => shapeOf(op, x, addresses, arch));
  }

  of(op: OpDef, x: Issued["x"]): Shape {
    return this.#known.of(op, x);
  }
}

const all = new WeakMap<Settings, Shapes>();

/** The shapes known on a machine, remembered for as long as it lives. */
export function shapesOn(arch: Settings): Shapes {
  let shapes = all.get(arch);
  if (shapes === undefined) {
    shapes = new Shapes(arch);
    all.set(arch, shapes);
  }
  return shapes;
}

function shapeOf(op: OpDef, x: Issued["x"], addresses: readonly string[], arch: Settings): Shape {
  const { reads, writes, far } = footprintOf(op, x, addresses, arch);
  const io = { reads: reads.map(({ span }) => span), writes: writes.map(({ span }) => span) };
  const stages = op.stages(far, arch, io);
  refuseFree(op, stages);
  return {
    ...sharesOf(stages),
    reads: joined(reads, arch),
    writes: joined(writes, arch),
    work: op.work(far, arch),
  };
}

/** No operation is free because the model does not know what it costs. */
function refuseFree({ name }: OpDef, stages: readonly Stage[]): void {
  const isCost = (cycles: number, least: number) => Number.isSafeInteger(cycles) && cycles >= least;
  const isStage = ({ lead = 0, beats, latency }: Stage) =>
    isCost(lead, 0) && isCost(beats, 1) && isCost(latency, 0);
  if (stages.length > 0 && stages.every(isStage)) return;
  const given = stages.map(
    ({ unit, lead = 0, beats, latency }) =>
      `${unit}: ${lead === 0 ? "" : `lead ${lead}, `}${beats} beats, latency ${latency}`,
  );
  throw new RangeError(`operation ${name} has no cost on this machine: ${given.join("; ") || "no stages"}`);
}

/** The spans; one that begins where the last one ended is part of it, as the arrays of a table are. */
function joined(spans: readonly PlacedSpan[], arch: Settings): readonly Placed[] {
  const placed: Placed[] = [];
  for (const { field, span } of spans) {
    const { space, from: offset } = span;
    const isPicked = span.among !== undefined;
    const bytes = sizeOf(span);
    const trafficBytes = trafficOf(span, arch);
    const last = placed.at(-1);
    const isNext = last !== undefined && last.field === field && last.offset + last.bytes === offset;
    if (isNext && !isPicked && !last.isPicked) {
      const both = { bytes: last.bytes + bytes, trafficBytes: last.trafficBytes + trafficBytes };
      placed[placed.length - 1] = { ...last, ...both };
    } else placed.push({ space, field, offset, bytes, trafficBytes, isPicked });
  }
  return placed;
}

/**
 * The shares of an instruction's stages.
 *
 * A stage that streams into another hands it the first element `latency + 1` cycles after taking it. There is no buffer
 * between the two, so both keep the pace of the slower one.
 */
function sharesOf(stages: readonly Stage[]): Pick<Shape, "shares" | "latency"> {
  let pace = 0;
  for (const { beats } of stages) pace = Math.max(pace, beats);
  let lead = 0;
  let latency = 0;
  const shares = stages.map((stage, i): Share => {
    lead += (i === 0 ? 0 : latency + 1) + (stage.lead ?? 0);
    latency = stage.latency;
    return { unit: stage.unit, lead, beats: pace };
  });
  return { shares, latency };
}
