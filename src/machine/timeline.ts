import type { UnitName } from "../isa/define.ts";
import { type Scheduled, STALL_CAUSES, type StallCause } from "./clock.ts";
import { ISSUE_CYCLES } from "./demand.ts";

/** What a unit may be at while it has an instruction: the causes of waiting in the order of STALL_CAUSES, and work. */
export const PHASE_STATES = [...STALL_CAUSES, "busy"] as const;
type PhaseState = (typeof PHASE_STATES)[number];
export const BUSY = STALL_CAUSES.length;

/** A part of a unit's time: at work on an instruction, or kept from starting it. Between phases it is idle. */
export interface Phase {
  readonly of: Scheduled;
  readonly state: "busy" | StallCause;
  readonly from: number;
  readonly to: number;
}

/**
 * Tells the phases of one instruction in one unit: none of them empty, none before the unit was free of the
 * instruction before. A wait is charged from when the instruction is at the head of the queue, to the causes in the
 * order of STALL_CAUSES: a cycle counts for the first one that is not over yet.
 *
 * @param waits  when each cause was over
 * @param visit  takes the index of a state in PHASE_STATES, and the phase's cycles
 */
export function tellPhases(
  freeAt: number,
  queuedAt: number,
  waits: readonly number[],
  from: number,
  to: number,
  visit: (state: number, from: number, to: number) => void,
): void {
  let at = Math.max(freeAt, queuedAt);
  for (let cause = 0; cause < BUSY; cause++) {
    const until = Math.min(waits[cause]!, from);
    if (until <= at) continue;
    visit(cause, at, until);
    at = until;
  }
  if (to > at) visit(BUSY, at, to);
}

/** The time of one unit: every phase in order, without overlap. The DMA unit is at work while its bus moves bytes. */
export class Timeline {
  readonly #unit: UnitName;
  readonly #visit: (phase: Phase) => void;
  #freeAt = 0;

  constructor(unit: UnitName, visit: (phase: Phase) => void) {
    this.#unit = unit;
    this.#visit = visit;
  }

  /** Takes the next instruction, and gives the phases that it adds to this unit's time. */
  add(of: Scheduled): void {
    for (const { unit, from, to, waits } of of.turns) {
      if (unit !== this.#unit) continue;
      const over = STALL_CAUSES.map((cause) => waits[cause]);
      tellPhases(this.#freeAt, of.issueAt + ISSUE_CYCLES, over, from, to, (state, begin, end) =>
        this.#visit({ of, state: PHASE_STATES[state] as PhaseState, from: begin, to: end }),
      );
      this.#freeAt = to;
    }
  }
}
