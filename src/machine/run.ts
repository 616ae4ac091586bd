import type { Settings } from "../arch/fields.ts";
import { InputError } from "../base/errors.ts";
import { floorDiv } from "../fixed/round.ts";
import { UNITS, type UnitName } from "../isa/define.ts";
import { Clock } from "./clock.ts";
import { type Demand, ISSUE_CYCLES, isPlannedLoop, type Planned, type PlannedLoop } from "./demand.ts";
import { type DramRows, NEVER } from "./dram.ts";
import { Pattern } from "./steady.ts";
import { BUSY, PHASE_STATES, tellPhases } from "./timeline.ts";

/** Of a unit, in a ledger: the cycles of each of PHASE_STATES, and the instructions. */
const INSTRUCTIONS = PHASE_STATES.length;
const ENTRIES = INSTRUCTIONS + 1;
const ISSUE_STALLS = UNITS.length * ENTRIES;
/** Rows of the DRAM that were found open, their banks closed, others open in their place. */
const ROWS = ISSUE_STALLS + 1;
const LEDGER = ROWS + 3;

/** Steps of the clock, one for each instruction of each turn that is not passed over, after which a program is refused. */
const MOST_STEPS = 2 ** 24;
/** What it takes to look for a repetition at the end of a turn, in steps. */
const LOOK_STEPS = 4;

/** A loop of fewer turns is over before it could be seen to be steady. */
const FEWEST_TURNS = 4;

/** The run at the end of a turn, to compare later ones with. */
interface Mark {
  /** Turns that were over. */
  readonly turn: number;
  readonly at: number;
  readonly glance: readonly number[];
  readonly state: readonly number[];
  readonly ledger: readonly number[];
}

/** A loop's place in the run. */
interface Lap {
  readonly loop: PlannedLoop;
  /** The DRAM's transfer before its first one. */
  readonly since: number;
}

/**
 * A run of a plan by the clock, which adds up where the time goes.
 *
 * All turns of a loop are stepped until one ends in the state in which an earlier one ended, seen from where each
 * is: then the turns between the two repeat for as long as instructions meet as they did, and what they added is
 * added as often. The sums are those of stepping every turn, to the cycle.
 *
 * Operands that cross each other in every turn of two loops never let turns repeat, so there is a limit.
 */
export class Run {
  readonly #arch: Settings;
  readonly #program: string;
  readonly #mostSteps: number;
  #steps = 0;
  readonly #clock: Clock;
  readonly #turns = [0, 0];
  /** Turns of the loop of level 0 that the run is in. */
  #outerCount = 1;
  readonly #ledger = new Array<number>(LEDGER).fill(0);
  readonly #patterns = new Map<PlannedLoop, Pattern>();
  /** A ledger's first entry of each unit, and what adds a phase to it. */
  readonly #base: Readonly<Record<UnitName, number>>;
  readonly #charge: Readonly<Record<UnitName, (state: number, from: number, to: number) => void>>;
  readonly #glance: number[] = [];
  /** When the last result is there, of the instructions since the mark of the innermost loop. */
  #latest = 0;

  /**
   * @param program  its name, for the error
   * @throws InputError for a program that takes more than so many steps
   */
  constructor(plan: readonly Planned[], arch: Settings, program: string, mostSteps = MOST_STEPS) {
    this.#arch = arch;
    this.#program = program;
    this.#mostSteps = mostSteps;
    this.#clock = new Clock(arch);
    const entries = UNITS.map((unit, i) => [unit, i * ENTRIES] as const);
    this.#base = Object.fromEntries(entries) as Record<UnitName, number>;
    this.#charge = Object.fromEntries(
      entries.map(([unit, base]) => [
        unit,
        (state: number, from: number, to: number) => this.#add(base, state, to - from),
      ]),
    ) as Record<UnitName, (state: number, from: number, to: number) => void>;
    this.#walk(plan);
  }

  /** From the first issue until the last result can be read. */
  get cycles(): number {
    return this.#latest;
  }

  get issueStallCycles(): number {
    return this.#ledger[ISSUE_STALLS]!;
  }

  get dramRows(): DramRows {
    const [hits, misses, conflicts] = this.#ledger.slice(ROWS) as [number, number, number];
    return { hits, misses, conflicts };
  }

  instructionsOf(unit: UnitName): number {
    return this.#ledger[this.#base[unit] + INSTRUCTIONS]!;
  }

  /** Cycles of one of PHASE_STATES. */
  cyclesOf(unit: UnitName, state: number): number {
    return this.#ledger[this.#base[unit] + state]!;
  }

  #add(base: number, state: number, cycles: number): void {
    this.#ledger[base + state]! += cycles;
    if (state === BUSY) this.#ledger[base + INSTRUCTIONS]!++;
  }

  #walk(body: readonly Planned[]): void {
    for (const item of body) {
      if (isPlannedLoop(item)) this.#loop(item);
      else this.#step(item);
    }
  }

  #count(steps: number): void {
    this.#steps += steps;
    if (this.#steps > this.#mostSteps)
      throw new InputError(
        this.#program,
        `its loops repeat too seldom to be timed: they take more than ${this.#mostSteps} steps of the clock`,
      );
  }

  #step(demand: Demand): void {
    this.#count(1);
    const clock = this.#clock;
    const before = clock.nextIssueAt;
    clock.step(demand, this.#turns);
    const { issueAt, visibleAt } = clock;
    this.#ledger[ISSUE_STALLS]! += issueAt - before;
    for (const share of demand.shares) {
      const from = clock.beginOf(share);
      tellPhases(
        clock.freeBefore(share),
        issueAt + ISSUE_CYCLES,
        clock.waits(share),
        from,
        from + share.beats,
        this.#charge[share.unit],
      );
    }
    if (visibleAt > this.#latest) this.#latest = visibleAt;
    if (clock.rows !== undefined) this.#countRows(clock.rows);
  }

  #countRows({ hits, misses, conflicts }: DramRows): void {
    this.#ledger[ROWS]! += hits;
    this.#ledger[ROWS + 1]! += misses;
    this.#ledger[ROWS + 2]! += conflicts;
  }

  #loop(loop: PlannedLoop): void {
    const { count, level, body, isTransferring } = loop;
    const lap: Lap = { loop, since: isTransferring ? (this.#clock.pages?.transfers ?? NEVER) : NEVER };
    if (level === 0) this.#outerCount = count;
    let before = 0;
    let mark: Mark | undefined;
    let patience = 1;
    for (let turn = 0; turn < count; ) {
      this.#turns[level] = turn;
      this.#walk(body);
      turn++;
      if (count < FEWEST_TURNS || turn === count) continue;
      if (mark !== undefined && this.#isLike(lap, mark, turn)) {
        turn += this.#skip(lap, mark, turn);
        mark = undefined;
        patience = 1;
      } else if (mark === undefined || turn - mark.turn >= patience) {
        // Twice as long between marks each time, so that a period of any length fits in between in the end.
        if (mark !== undefined) patience *= 2;
        before = Math.max(before, this.#latest);
        this.#latest = 0;
        mark = this.#mark(lap, turn);
      }
    }
    this.#latest = Math.max(before, this.#latest);
    this.#turns[level] = 0;
  }

  #mark({ loop, since }: Lap, turn: number): Mark {
    this.#count(LOOK_STEPS);
    const [glance, state]: number[][] = [[], []];
    this.#clock.glance(glance!);
    this.#clock.writeTo(state!, loop.level, turn, since);
    return { turn, at: this.#clock.nextIssueAt, glance: glance!, state: state!, ledger: [...this.#ledger] };
  }

  #isLike({ loop, since }: Lap, mark: Mark, turn: number): boolean {
    if (since !== NEVER && !this.#isRowLike(loop, mark, turn)) return false;
    this.#clock.glance(this.#glance);
    if (!isSame(this.#glance, mark.glance)) return false;
    this.#count(LOOK_STEPS);
    const state: number[] = [];
    this.#clock.writeTo(state, loop.level, turn, since);
    return isSame(state, mark.state);
  }

  /** Whether everything in the DRAM lies by whole rows of all banks from where it lay, at the same time of a refresh. */
  #isRowLike(loop: PlannedLoop, mark: Mark, turn: number): boolean {
    const cycles = this.#clock.nextIssueAt - mark.at;
    return (
      (turn - mark.turn) % this.#patternOf(loop).rowTurns === 0 && this.#clock.pages!.repeatsAfter(cycles)
    );
  }

  /** Passes over whole repetitions of the turns since the mark. @returns how many turns these are */
  #skip({ loop, since }: Lap, mark: Mark, turn: number): number {
    const period = turn - mark.turn;
    const ages = this.#clock.writeTo([], loop.level, turn, since) + period;
    const last = this.#patternOf(loop).lastLike(mark.turn, ages, this.#turns);
    const times = Math.max(0, floorDiv(last + 1 - turn, period));
    if (times === 0) return 0;
    const cycles = times * (this.#clock.nextIssueAt - mark.at);
    for (let i = 0; i < LEDGER; i++) this.#ledger[i]! += times * (this.#ledger[i]! - mark.ledger[i]!);
    this.#clock.advance(cycles, loop.level, times * period, since);
    this.#latest += cycles;
    return times * period;
  }

  #patternOf(loop: PlannedLoop): Pattern {
    let pattern = this.#patterns.get(loop);
    if (pattern === undefined) {
      pattern = new Pattern(loop, loop.level === 0 ? 1 : this.#outerCount, this.#arch);
      this.#patterns.set(loop, pattern);
    }
    return pattern;
  }
}

function isSame(a: readonly number[], b: readonly number[]): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
