import type { ArchSpec } from "../arch/spec.ts";
import { UNITS } from "../isa/define.ts";
import type { Program } from "../isa/program.ts";
import { Clock, type Scheduled } from "./clock.ts";
import { demandsOf } from "./demand.ts";
import { Timeline } from "./timeline.ts";
import { unrolled } from "./unrolled.ts";

/** An event of the Trace Event Format, as chrome://tracing and Perfetto read it. */
export type TraceEvent =
  | {
      /** A stretch of a track: microseconds of the viewer are cycles. */
      readonly ph: "X";
      readonly name: string;
      readonly cat: "busy" | "stalled";
      readonly ts: number;
      readonly dur: number;
      readonly pid: number;
      readonly tid: number;
      readonly args: Readonly<Record<string, number | string>>;
    }
  | {
      /** The name or the place of a track or of the process. */
      readonly ph: "M";
      readonly name: "process_name" | "thread_name" | "thread_sort_index";
      readonly pid: number;
      readonly tid: number;
      readonly args: Readonly<Record<string, number | string>>;
    };

export interface Trace {
  readonly traceEvents: readonly TraceEvent[];
  readonly displayTimeUnit: "ns";
}

const PID = 1;

/** Every instruction of a program with its times, in the order of issue. */
export function schedule(program: Program, arch: ArchSpec): readonly Scheduled[] {
  const clock = new Clock(arch.settings);
  const scheduled: Scheduled[] = [];
  for (const demand of demandsOf(unrolled(program), arch.settings)) scheduled.push(clock.issue(demand));
  return scheduled;
}

/**
 * The program's run as a trace: a track for each unit with what it works on, and below it one with what keeps its next
 * instruction waiting. One cycle is one microsecond of the viewer. Events of a track ascend and do not overlap.
 *
 * `args.instruction` counts instructions as issued; the operands are those of the instruction, addresses final.
 */
export function traceOf(program: Program, arch: ArchSpec): Trace {
  const scheduled = schedule(program, arch);
  const numbers = new Map(scheduled.map((one, i) => [one, i]));
  const traceEvents: TraceEvent[] = [named("process_name", 0, `${program.name} on ${arch.name}`)];
  for (const [i, unit] of UNITS.entries()) {
    const work = 2 * i + 1;
    const waiting = work + 1;
    for (const [tid, name] of [
      [work, unit],
      [waiting, `${unit} stalled`],
    ] as const) {
      traceEvents.push(named("thread_name", tid, name), {
        ph: "M",
        name: "thread_sort_index",
        pid: PID,
        tid,
        args: { sort_index: tid },
      });
    }
    const timeline = new Timeline(unit, ({ of, state, from, to }) => {
      const { op, x } = of.issued;
      const instruction = numbers.get(of)!;
      const times = { ts: from, dur: to - from, pid: PID };
      traceEvents.push(
        state === "busy"
          ? { ph: "X", name: op.name, cat: "busy", ...times, tid: work, args: { instruction, ...x } }
          : {
              ph: "X",
              name: state,
              cat: "stalled",
              ...times,
              tid: waiting,
              args: { instruction, operation: op.name },
            },
      );
    });
    for (const one of scheduled) timeline.add(one);
  }
  return { traceEvents, displayTimeUnit: "ns" };
}

const named = (name: "process_name" | "thread_name", tid: number, value: string): TraceEvent => ({
  ph: "M",
  name,
  pid: PID,
  tid,
  args: { name: value },
});
