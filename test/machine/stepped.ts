import type { ArchSpec } from "../../src/arch/spec.ts";
import { UNITS } from "../../src/isa/define.ts";
import type { Program } from "../../src/isa/program.ts";
import { Clock } from "../../src/machine/clock.ts";
import { demandsOf } from "../../src/machine/demand.ts";
import { Tally } from "../../src/machine/tally.ts";
import { Timeline } from "../../src/machine/timeline.ts";
import type { Timing } from "../../src/machine/timing.ts";
import { unrolled } from "../../src/machine/unrolled.ts";

/** The figures of a timing that the clock and the tally give. */
export type Stepped = Omit<Timing, "energyPj">;

/** The definition of a program's time: every instruction of every turn is issued, with its addresses final. */
export function stepped(program: Program, { settings }: ArchSpec): Stepped {
  const clock = new Clock(settings);
  const tally = new Tally(settings);
  const spent = UNITS.map(() => ({ instructions: 0, busy: 0, operands: 0, dram: 0, bank: 0, chain: 0 }));
  const timelines = UNITS.map(
    (unit, i) =>
      new Timeline(unit, ({ state, from, to }) => {
        spent[i]![state] += to - from;
        if (state === "busy") spent[i]!.instructions++;
      }),
  );
  let cycles = 0;
  let issueStallCycles = 0;
  let issueAt = 0;
  const dramRows = { hits: 0, misses: 0, conflicts: 0 };
  for (const demand of demandsOf(unrolled(program), settings)) {
    const scheduled = clock.issue(demand);
    tally.addAll([demand]);
    for (const found of ["hits", "misses", "conflicts"] as const) dramRows[found] += clock.rows?.[found] ?? 0;
    for (const timeline of timelines) timeline.add(scheduled);
    cycles = Math.max(cycles, scheduled.visibleAt);
    issueStallCycles += scheduled.issueAt - issueAt;
    issueAt = scheduled.issueAt + 1;
  }
  const units = UNITS.map((unit, i) => {
    const { instructions, busy, ...stalledCycles } = spent[i]!;
    const stalled = Object.values(stalledCycles).reduce((a, b) => a + b, 0);
    return [unit, { instructions, busyCycles: busy, stalledCycles, idleCycles: cycles - busy - stalled }];
  });
  const { actions: _, ...totals } = tally.totals();
  return {
    cycles,
    units: Object.fromEntries(units) as Timing["units"],
    issueStallCycles,
    ...totals,
    dramRows,
  };
}

/** What of a timing can be held against `stepped`. */
export function withoutEnergy({ energyPj: _, ...timing }: Timing): Stepped {
  return timing;
}
