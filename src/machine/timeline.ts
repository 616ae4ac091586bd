import type { UnitName } from "../isa/define.ts";
import { type Scheduled, STALL_CAUSES, type StallCause } from "./clock.ts";
import { ISSUE_CYCLES } from "./demand.ts";

/** A part of a unit's time: at work on an instruction, or kept from starting it. Between phases it is idle. */
export interface Phase {
  readonly of: Scheduled;
  readonly state: "busy" | StallCause;
  readonly from: number;
  readonly to: number;
}

/**
 * The time of one unit: every phase in order, without overlap, none of them empty. The DMA unit is at work while its
 * bus moves bytes. A wait is charged from when the instruction is at the head of the queue, to the causes in
 * the order of STALL_CAUSES: a cycle counts for the first one that is not over yet.
 */
export class Timeline {
  readonly #unit: UnitName;
  readonly #visit: (phase: Phase) => void;
  #at = 0;

  constructor(unit: UnitName, visit: (phase: Phase) => void) {
    this.#unit = unit;
    this.#visit = visit;
  }

  /** Takes the next instruction, and gives the phases that it adds to this unit's time. */
  add(of: Scheduled): void {
    for (const { unit, from, to, waits } of of.turns) {
      if (unit !== this.#unit) continue;
      this.#at = Math.max(this.#at, of.issueAt + ISSUE_CYCLES);
      for (const state of STALL_CAUSES) this.#advance(of, state, Math.min(waits[state], from));
      this.#advance(of, "busy", to);
    }
  }

  #advance(of: Scheduled, state: Phase["state"], to: number): void {
    if (to <= this.#at) return;
    this.#visit({ of, state, from: this.#at, to });
    this.#at = to;
  }
}
