import type { Settings } from "../../src/arch/fields.ts";
import type { ArchSpec } from "../../src/arch/spec.ts";
import { type Span, type Stage, UNITS, type UnitName } from "../../src/isa/define.ts";
import { type Program, unroll } from "../../src/isa/program.ts";
import { sizeOf } from "../../src/isa/validate.ts";
import type { StallCause } from "../../src/machine/clock.ts";

/**
 * The sequencer, the queues, the interlock and the ports of docs/machine.md as registers that change every cycle. What an
 * instruction costs and touches is asked of its record; when it happens is said here alone, by what is known in that cycle.
 * The DRAM has no pages here.
 */

/** When an instruction is issued, starts, ends, and when its results are there. */
export type Times = readonly [issueAt: number, startAt: number, endAt: number, visibleAt: number];

type State = StallCause | "busy";

/** Cycles of each unit in each state but idle. */
export type Spent = Readonly<Record<UnitName, Record<State, number>>>;

const noTime = (): Spent => {
  const none = () => ({ busy: 0, operands: 0, dram: 0, bank: 0, chain: 0 });
  return { dma: none(), mac: none(), requant: none(), pwl: none(), vector: none() };
};

type Region = Pick<Span, "space" | "from"> & { readonly to: number };

/** An instruction on its way: a place in the queues of its units, and an entry of the scoreboard. */
interface Entry {
  readonly units: readonly UnitName[];
  /** Of a chain, cycles from its start to that of its second unit; of a transfer, to its first byte. */
  readonly lead: number;
  readonly beats: number;
  readonly latency: number;
  readonly reads: readonly Region[];
  readonly writes: readonly Region[];
  /** Ports that it takes, one of each of these, by their bank and kind; and how many of them there are. */
  readonly ports: ReadonlyMap<string, number>;
  readonly issueAt: number;
  startAt: number | undefined;
  endAt: number | undefined;
}

const regionOf = (span: Span): Region => ({
  space: span.space,
  from: span.from,
  to: span.from + sizeOf(span),
});

const meet = (some: readonly Region[], others: readonly Region[]): boolean =>
  some.some((a) => others.some((b) => a.space === b.space && a.from < b.to && b.from < a.to));

/** Ports of the banks that an instruction touches, section 4.2. */
function portsOf(reads: readonly Region[], writes: readonly Region[], arch: Settings): Entry["ports"] {
  const sizes = {
    activation: arch["activation.bytes"],
    weight: arch["weight.bytes"],
    table: arch["table.bytes"],
    acc: arch["acc.entries"],
  };
  const ports = new Map<string, number>();
  for (const [kind, regions] of [["read", reads] as const, ["write", writes] as const]) {
    for (const { space, from, to } of regions) {
      if (space === "dram" || space === "data") continue;
      const isActivation = space === "activation";
      if (!isActivation && arch[`${space}.ports`] === "separate") continue;
      const size = Math.ceil(sizes[space] / arch[`${space}.banks`]);
      for (let bank = Math.floor(from / size); bank * size < to; bank++) {
        if (isActivation) ports.set(`${kind} port of ${bank}`, arch[`activation.${kind}Ports`]);
        else ports.set(`port of ${space} ${bank}`, 1);
      }
    }
  }
  return ports;
}

/** Beats and lead of an instruction on its units, section 4. */
function paceOf(stages: readonly Stage[]): Pick<Entry, "units" | "lead" | "beats" | "latency"> {
  const [first, second] = [stages[0]!, stages[1]];
  if (second === undefined) return { lead: 0, ...first, units: [first.unit] };
  const beats = Math.max(first.beats, second.beats);
  return { units: [first.unit, second.unit], lead: first.latency + 1, beats, latency: second.latency };
}

class Core {
  readonly #arch: Settings;
  /** In program order, until their results are there. */
  #entries: Entry[] = [];
  readonly times: Times[] = [];
  readonly spent: Spent = noTime();
  #cycle = 0;

  constructor(arch: Settings) {
    this.#arch = arch;
  }

  /** One clock edge: starts what can start, then issues `next` if its queues have room. @returns whether it was issued */
  tick(next: Omit<Entry, "issueAt" | "startAt" | "endAt"> | undefined): boolean {
    this.#retire();
    const starting = this.#entries.filter((entry) => entry.startAt === undefined && this.#starts(entry));
    for (const entry of starting) this.#start(entry);
    for (const entry of this.#entries) if (entry.units[0] === "dma") this.#move(entry);
    for (const unit of UNITS) {
      const state = this.#stateOf(unit);
      if (state !== "idle") this.spent[unit][state]++;
    }
    const depth = this.#arch["queue.depth"];
    const isIssued = next?.units.every((unit) => this.#queued(unit).length < depth) === true;
    if (isIssued)
      this.#entries.push({ ...next!, issueAt: this.#cycle, startAt: undefined, endAt: undefined });
    this.#cycle++;
    return isIssued;
  }

  /** Clears the entries of instructions whose results are there. */
  #retire(): void {
    this.#entries = this.#entries.filter(({ issueAt, startAt, endAt, latency }) => {
      const isVisible = endAt !== undefined && endAt + latency <= this.#cycle;
      if (isVisible) this.times.push([issueAt, startAt!, endAt, endAt + latency]);
      return !isVisible;
    });
  }

  #queued = (unit: UnitName): readonly Entry[] =>
    this.#entries.filter(({ units, startAt }) => startAt === undefined && units.includes(unit));

  #isOver = (at: number | undefined): boolean => at !== undefined && at <= this.#cycle;

  #before = (entry: Entry): readonly Entry[] => this.#entries.slice(0, this.#entries.indexOf(entry));

  #starts(entry: Entry): boolean {
    const earlier = this.#before(entry);
    return (
      entry.issueAt < this.#cycle &&
      entry.units.every((unit) => this.#queued(unit)[0] === entry) &&
      earlier.every((other) => !this.#owes(other, entry)) &&
      (entry.units[0] === "dma" ? this.#hasChannel(earlier) : this.#hasUnits(entry, earlier))
    );
  }

  /** Whether the interlock keeps `later` from starting. */
  #owes(earlier: Entry, later: Entry): boolean {
    const visibleAt = earlier.endAt === undefined ? undefined : earlier.endAt + earlier.latency;
    if (!this.#isOver(visibleAt) && meet(earlier.writes, [...later.reads, ...later.writes])) return true;
    return !this.#isOver(earlier.endAt) && meet(earlier.reads, later.writes);
  }

  /** At most one transfer starts in a cycle. */
  #hasChannel(earlier: readonly Entry[]): boolean {
    const transfers = earlier.filter(({ units }) => units[0] === "dma");
    const inFlight = transfers.filter(({ endAt }) => !this.#isOver(endAt)).length;
    return inFlight < this.#arch["dma.channels"] && transfers.every(({ startAt }) => startAt! < this.#cycle);
  }

  #hasUnits(entry: Entry, earlier: readonly Entry[]): boolean {
    const isFree = (unit: UnitName, lead: number) =>
      earlier.every(({ units, endAt, startAt, beats }) => {
        // A chain's first unit is through when its second one is not yet.
        const freeAt =
          units[0] === unit && units.length > 1 && startAt !== undefined ? startAt + beats : endAt;
        return !units.includes(unit) || (freeAt !== undefined && freeAt <= this.#cycle + lead);
      });
    return (
      isFree(entry.units[0]!, 0) &&
      (entry.units[1] === undefined || isFree(entry.units[1], entry.lead)) &&
      this.#hasPorts(entry, earlier)
    );
  }

  #hasPorts(entry: Entry, earlier: readonly Entry[]): boolean {
    const claims = (port: string) =>
      earlier.filter(({ ports, endAt }) => ports.has(port) && !this.#isOver(endAt)).length;
    return [...entry.ports].every(([port, count]) => claims(port) < count);
  }

  /** What a unit does in this cycle, section 4.5. */
  #stateOf(unit: UnitName): State | "idle" {
    const share = (entry: Entry) => ({ entry, from: this.#beginOf(entry, unit) });
    const shares = this.#entries.filter(({ units }) => units.includes(unit)).map(share);
    const isAtWork = shares.some(
      ({ entry, from }) => from !== undefined && from <= this.#cycle && this.#cycle < from + entry.beats,
    );
    if (isAtWork) return "busy";
    const head = shares.find(({ from }) => from === undefined || from > this.#cycle)?.entry;
    if (head === undefined || head.issueAt >= this.#cycle) return "idle";
    const earlier = this.#before(head);
    if (earlier.some((other) => this.#owes(other, head))) return "operands";
    const isWaiting = head.startAt === undefined || this.#cycle < head.startAt + head.lead;
    if (unit === "dma" && isWaiting) return "dram";
    return this.#hasPorts(head, earlier) ? "chain" : "bank";
  }

  /** When an instruction has its first beat on a unit, as far as that is known. */
  #beginOf({ units, lead, beats, startAt, endAt }: Entry, unit: UnitName): number | undefined {
    if (unit === "dma") return endAt === undefined ? undefined : endAt - beats;
    return startAt === undefined || units[0] === unit ? startAt : startAt + lead;
  }

  #start(entry: Entry): void {
    entry.startAt = this.#cycle;
    if (entry.units[0] !== "dma")
      entry.endAt = this.#cycle + (entry.units.length > 1 ? entry.lead : 0) + entry.beats;
  }

  /** Gives the bus to a transfer whose first byte is there. */
  #move(entry: Entry): void {
    if (entry.startAt === undefined || entry.endAt !== undefined) return;
    const earlier = this.#before(entry);
    const isFirst = earlier.every(({ units, endAt }) => units[0] !== "dma" || this.#isOver(endAt));
    if (isFirst && this.#cycle >= entry.startAt + entry.lead && this.#hasPorts(entry, earlier))
      entry.endAt = this.#cycle + entry.beats;
  }
}

/** Runs a program, a cycle at a time, until all of its results are there. */
export function sequenced(
  program: Program,
  { settings: arch }: ArchSpec,
): { readonly times: readonly Times[]; readonly spent: Spent } {
  const core = new Core(arch);
  const waiting = unroll(program).map(({ op, x }) => {
    const io = { reads: op.reads(x, arch), writes: op.writes(x, arch) };
    const [reads, writes] = [io.reads.map(regionOf), io.writes.map(regionOf)];
    return { ...paceOf(op.stages(x, arch, io)), reads, writes, ports: portsOf(reads, writes, arch) };
  });
  let next = 0;
  while (core.times.length < waiting.length) if (core.tick(waiting[next])) next++;
  return { times: core.times.toSorted(([a], [b]) => a - b), spent: core.spent };
}
