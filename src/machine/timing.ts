import type { ArchSpec } from "../arch/spec.ts";
import { UNITS, type UnitName } from "../isa/define.ts";
import type { Program } from "../isa/program.ts";
import { STALL_CAUSES, type StallCause } from "./clock.ts";
import { planOf } from "./demand.ts";
import type { DramRows } from "./dram.ts";
import { type EnergyPj, energyOf } from "./energy.ts";
import { Run } from "./run.ts";
import { type MemoryName, type MemoryTraffic, Tally } from "./tally.ts";
import { BUSY } from "./timeline.ts";

/** How a unit spent the cycles of a run: busy, stalled by cause and idle add up to all of them. */
export interface UnitStats {
  readonly instructions: number;
  /** In beats. Of the DMA unit: the bus moves bytes. */
  readonly busyCycles: number;
  /** An instruction was queued and could not start, or had started and its data was not there yet. */
  readonly stalledCycles: Readonly<Record<StallCause, number>>;
  /** Nothing was queued, or only the pipeline drained. */
  readonly idleCycles: number;
}

/** What a program costs on a machine. Everything but the energies is an exact integer. */
export interface Timing {
  /** From the first issue until the last result can be read; 0 of an empty program. */
  readonly cycles: number;
  readonly units: Readonly<Record<UnitName, UnitStats>>;
  /** Packed bytes, each as often as it is moved; `dram` is the image and the data region, in whole bursts. */
  readonly traffic: Readonly<Record<MemoryName, MemoryTraffic>>;
  readonly macs: number;
  /** The fewest cycles in which the array could do the MACs. */
  readonly leastMacCycles: number;
  readonly issued: number;
  /** Cycles in which the sequencer waited for room in a queue. */
  readonly issueStallCycles: number;
  /**
   * The cycles of the instructions one after another, each alone on the machine: `cycles` is never more. With `dram.pages`,
   * as if each command for a row of the DRAM had to wait as long as any may.
   */
  readonly serialCycles: number;
  /** Distinct bytes of the DRAM that the program touches: what no machine could save. */
  readonly compulsoryDramBytes: number;
  /** A transfer visits a row for each that it touches; all 0 without `dram.pages`. */
  readonly dramRows: DramRows;
  readonly energyPj: EnergyPj;
}

/**
 * The cost of a program on a machine, by the rules of clock.ts.
 *
 * A pure function of the two: no memory contents are involved, and the count of lanes is not either. The turns of a
 * loop that only repeat what turns before them did cost nothing to time.
 *
 * @param program  legal on this machine; `Legal.of` says whether it is
 * @throws InputError for a program whose loops hardly ever repeat and have too many turns to be stepped one by one
 */
export function time(program: Program, arch: ArchSpec): Timing {
  const { settings } = arch;
  const plan = planOf(program.items, settings);
  const run = new Run(plan, settings, program.name);
  const tally = new Tally(settings);
  tally.addAll(plan);
  const { cycles, issueStallCycles, dramRows } = run;
  const { actions, ...totals } = tally.totals();
  return {
    cycles,
    units: Object.fromEntries(UNITS.map((unit) => [unit, statsOf(run, unit)])) as Timing["units"],
    issueStallCycles,
    ...totals,
    dramRows,
    energyPj: energyOf({ ...actions, cycles }, settings),
  };
}

function statsOf(run: Run, unit: UnitName): UnitStats {
  const stalledCycles = Object.fromEntries(
    STALL_CAUSES.map((cause, i) => [cause, run.cyclesOf(unit, i)]),
  ) as UnitStats["stalledCycles"];
  const busyCycles = run.cyclesOf(unit, BUSY);
  const stats = { instructions: run.instructionsOf(unit), busyCycles, stalledCycles, idleCycles: 0 };
  return { ...stats, idleCycles: run.cycles - busyCycles - stalledOf(stats) };
}

/** Cycles in which a unit had work and did none of it. */
export const stalledOf = ({ stalledCycles }: UnitStats): number => {
  let sum = 0;
  for (const cause of STALL_CAUSES) sum += stalledCycles[cause];
  return sum;
};

/**
 * The cost of a job: programs that run one after another, each `times` times. Every figure is the sum of its
 * parts; compulsory bytes are those of each run by itself.
 *
 * @throws RangeError for a job of no parts, which has no machine either
 */
export function total(parts: readonly { readonly timing: Timing; readonly times: number }[]): Timing {
  if (parts.length === 0) throw new RangeError("a job has at least one part");
  return weightedSum(
    parts.map(({ timing, times }) => ({ of: timing as unknown as Figures, times })),
  ) as unknown as Timing;
}

/** A record of figures, some of them grouped. */
interface Figures {
  readonly [name: string]: number | Figures;
}

function weightedSum(parts: readonly { readonly of: Figures; readonly times: number }[]): Figures {
  const names = Object.keys(parts[0]!.of);
  return Object.fromEntries(
    names.map((name) => {
      let sum = 0;
      const groups: { of: Figures; times: number }[] = [];
      for (const { of, times } of parts) {
        const figure = of[name]!;
        if (typeof figure === "number") sum += figure * times;
        else groups.push({ of: figure, times });
      }
      return [name, groups.length > 0 ? weightedSum(groups) : sum];
    }),
  );
}
