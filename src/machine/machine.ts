import type { ArchSpec } from "../arch/spec.ts";
import type { Issued, Program } from "../isa/program.ts";
import { MachineState, type StateOptions } from "../isa/state.ts";
import { Legal, type Runnable } from "./legal.ts";
import { unrolled } from "./unrolled.ts";

interface MachineOptions {
  /** Inferences at once. Changes no bit and no cycle. */
  readonly lanes: number;
  readonly backend?: StateOptions["backend"] | undefined;
}

/**
 * Of each lane: elements clamped to their output's range, accumulators that left theirs, and beats of the array that
 * skipping zeros would have saved (an estimate, 0 where `mac.zeroSkip` is none).
 */
export interface Counts {
  readonly saturations: Int32Array;
  readonly overflows: Int32Array;
  readonly skippedCycles: readonly number[];
}

/** Told of each instruction that a run issues, with every address final: right before it and right after it. */
export interface Observer {
  before(issued: Issued): void;
  after(issued: Issued): void;
}

/**
 * A machine with its memories, for programs that are known beforehand and legal on it.
 *
 * It computes the bits: the semantics of the instructions in program order, which is what the interlocks make of any
 * order in which the units get to them. What a program costs is `time`'s to say.
 */
export class Machine {
  readonly arch: ArchSpec;
  readonly state: MachineState;
  readonly lanes: number;
  readonly #programs: ReadonlySet<Program>;
  #skipped: number[];

  constructor(legal: Legal, { lanes, backend }: MachineOptions) {
    const { arch, runnable } = legal;
    this.arch = arch;
    this.lanes = lanes;
    this.#skipped = new Array<number>(lanes).fill(0);
    this.#programs = new Set(runnable.programs);
    this.state = new MachineState(arch.settings, {
      lanes,
      image: runnable.image,
      dataBytes: runnable.dataBytes,
      wideAccumulators: legal.mayOverflow,
      ...(backend === undefined ? {} : { backend }),
    });
  }

  /** A machine for programs that nobody has judged yet. @throws InputError as `Legal.of` does */
  static of(arch: ArchSpec, options: Runnable & MachineOptions): Machine {
    return new Machine(Legal.of(arch, options), options);
  }

  /**
   * Executes a program on all lanes, on the memories as they are. An observer may read the state and not change it.
   * @throws RangeError for a program that the machine was not made for
   */
  run(program: Program, observer?: Observer): void {
    if (!this.#programs.has(program))
      throw new RangeError(`the machine was not made for program ${program.name}`);
    const { issued } = unrolled(program);
    if (this.arch.settings["mac.zeroSkip"] !== "none") {
      this.#runCounting(issued, observer);
      return;
    }
    if (observer === undefined) for (const { op, x } of issued) op.run(x, this.state);
    else for (const instruction of issued) this.#show(instruction, observer);
  }

  /** Puts codes of `bits` bits into the data region at a byte address, for one lane. */
  writeData(bits: number, address: number, codes: ArrayLike<number>, lane = 0): void {
    this.state.write("data", bits, address, codes, this.#checked(lane));
  }

  /** A copy of `count` codes of the data region, of one lane. */
  readData(bits: number, address: number, count: number, lane = 0): number[] {
    return this.state.read("data", bits, address, count, this.#checked(lane));
  }

  /** What was counted since the last time that this was asked. */
  takeCounts(): Counts {
    const skippedCycles = this.#skipped;
    this.#skipped = new Array<number>(this.lanes).fill(0);
    return {
      saturations: this.#take(this.state.saturations),
      overflows: this.#take(this.state.overflows),
      skippedCycles,
    };
  }

  /** Counts what skipping zeros would save of each instruction, before it is executed. */
  #runCounting(issued: readonly Issued[], observer: Observer | undefined): void {
    for (const instruction of issued) {
      const { op, x } = instruction;
      const skipped = op.skipped?.(x, this.state);
      if (skipped !== undefined)
        for (let lane = 0; lane < this.lanes; lane++) this.#skipped[lane]! += skipped[lane]!;
      if (observer === undefined) op.run(x, this.state);
      else this.#show(instruction, observer);
    }
  }

  #show(issued: Issued, observer: Observer): void {
    observer.before(issued);
    issued.op.run(issued.x, this.state);
    observer.after(issued);
  }

  #take(pointer: number): Int32Array {
    const counters = this.state.heap.int32(pointer, this.state.lanes);
    const counts = counters.slice(0, this.lanes);
    counters.fill(0);
    return counts;
  }

  #checked(lane: number): number {
    if (Number.isInteger(lane) && lane >= 0 && lane < this.lanes) return lane;
    throw new RangeError(`lane ${lane} is not one of ${this.lanes}`);
  }
}
