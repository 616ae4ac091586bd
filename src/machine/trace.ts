import type { Settings } from "../arch/fields.ts";
import type { ArchSpec } from "../arch/spec.ts";
import { floorDiv } from "../fixed/round.ts";
import { trafficOf } from "../isa/cost.ts";
import { type Space, type Span, UNITS } from "../isa/define.ts";
import type { Program } from "../isa/program.ts";
import { sizeOf } from "../isa/validate.ts";
import { Clock, type Scheduled } from "./clock.ts";
import { demandsOf } from "./demand.ts";
import { MEMORIES, type MemoryName } from "./tally.ts";
import { Timeline } from "./timeline.ts";
import { unrolled } from "./unrolled.ts";

/** An event of the Trace Event Format, as chrome://tracing and Perfetto read it. Microseconds of the viewer are cycles. */
export type TraceEvent =
  | {
      /** A stretch of a track. */
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
    }
  | {
      /** The two ends of an arrow between stretches: viewers join those of one name and id. `bp` ties it to the stretch it lies in. */
      readonly ph: "s" | "f";
      readonly name: string;
      readonly cat: "dependency";
      readonly id: number;
      readonly ts: number;
      readonly pid: number;
      readonly tid: number;
      readonly bp?: "e";
      readonly args?: never;
    }
  | {
      /** Values from here to the next event of the name: bytes a cycle. */
      readonly ph: "C";
      readonly name: string;
      readonly ts: number;
      readonly pid: number;
      readonly tid: number;
      readonly args: { readonly read: number; readonly write: number };
    };

export interface Trace {
  readonly traceEvents: readonly TraceEvent[];
  readonly displayTimeUnit: "ns";
}

/** An instruction: its times, and what it reads and writes. */
export interface Step {
  readonly scheduled: Scheduled;
  readonly reads: readonly Span[];
  readonly writes: readonly Span[];
}

const PID = 1;
/** Counters stand for the process, and are on no track of it. */
const NO_TRACK = 0;

/** Every instruction of a program with its times, in the order of issue. None is kept, so that long programs stay cheap. */
function* scheduledOf(program: Program, arch: ArchSpec): Generator<Scheduled> {
  const clock = new Clock(arch.settings);
  for (const demand of demandsOf(unrolled(program), arch.settings)) yield clock.issue(demand);
}

/** Every instruction's times, in the order of issue. */
export const schedule = (program: Program, arch: ArchSpec): readonly Scheduled[] => [
  ...scheduledOf(program, arch),
];

/** Every instruction's times, and what it touches. */
export function* stepsOf(program: Program, arch: ArchSpec): Generator<Step> {
  for (const scheduled of scheduledOf(program, arch)) {
    const { op, x } = scheduled.issued;
    yield { scheduled, reads: op.reads(x, arch.settings), writes: op.writes(x, arch.settings) };
  }
}

/**
 * The program's run as a trace: a track for each unit with what it works on, and below it one with what keeps its next
 * instruction waiting; an arrow for each instruction that waited for its operands, from the one that owed them; and a
 * counter of the bytes that each memory moves a cycle. Events of a track ascend and do not overlap.
 *
 * `args.instruction` counts instructions as issued; the operands are those of the instruction, addresses final.
 */
export function traceOf(program: Program, arch: ArchSpec): Trace {
  const steps = [...stepsOf(program, arch)];
  const delayed = new Set<number>();
  const traceEvents = [
    named("process_name", NO_TRACK, `${program.name} on ${arch.name}`),
    ...tracksOf(steps, delayed),
    ...arrowsOf(steps, delayed, program.name),
    ...countersOf(steps, arch.settings),
  ];
  return { traceEvents, displayTimeUnit: "ns" };
}

const workTrack = (unit: (typeof UNITS)[number]): number => 2 * UNITS.indexOf(unit) + 1;

/** The stretches of all units. Adds to `delayed` the instructions that would have started sooner but for their operands. */
function tracksOf(steps: readonly Step[], delayed: Set<number>): TraceEvent[] {
  const events: TraceEvent[] = [];
  const numbers = new Map(steps.map(({ scheduled }, i) => [scheduled, i]));
  for (const unit of UNITS) {
    const work = workTrack(unit);
    const waiting = work + 1;
    events.push(...heading(work, unit), ...heading(waiting, `${unit} stalled`));
    const timeline = new Timeline(unit, ({ of, state, from, to }) => {
      const { op, x, layer } = of.issued;
      const instruction = numbers.get(of)!;
      const times = { ts: from, dur: to - from, pid: PID };
      if (state === "busy") {
        const args = { instruction, ...(layer === undefined ? {} : { layer }), ...x };
        events.push({ ph: "X", name: op.name, cat: "busy", ...times, tid: work, args });
        return;
      }
      const args = { instruction, operation: op.name };
      events.push({ ph: "X", name: state, cat: "stalled", ...times, tid: waiting, args });
      if (state === "operands" && of.turns[0]!.unit === unit) delayed.add(instruction);
    });
    for (const { scheduled } of steps) timeline.add(scheduled);
  }
  return events;
}

const heading = (tid: number, name: string): TraceEvent[] => [
  named("thread_name", tid, name),
  { ph: "M", name: "thread_sort_index", pid: PID, tid, args: { sort_index: tid } },
];

const named = (name: "process_name" | "thread_name", tid: number, value: string): TraceEvent => ({
  ph: "M",
  name,
  pid: PID,
  tid,
  args: { name: value },
});

/** An arrow into each delayed instruction: from the last beat of the one that it waited for to its own first beat. */
function arrowsOf(steps: readonly Step[], delayed: ReadonlySet<number>, program: string): TraceEvent[] {
  // Processes of one trace must not share arrows, and viewers tell these apart by name and id.
  const common = { name: `operands in ${program}`, cat: "dependency", pid: PID } as const;
  return [...delayed]
    .sort((a, b) => a - b)
    .flatMap((i, id): TraceEvent[] => {
      const source = steps[ownerOf(steps, i)]!.scheduled.turns.at(-1)!;
      const target = steps[i]!.scheduled.turns[0]!;
      return [
        { ph: "s", ...common, id, ts: source.to - 1, tid: workTrack(source.unit) },
        { ph: "f", ...common, id, ts: target.from, tid: workTrack(target.unit), bp: "e" },
      ];
    });
}

/** The latest instruction that owed or read what instruction `i` touches until the very end of its wait. */
function ownerOf(steps: readonly Step[], i: number): number {
  const { scheduled, reads, writes } = steps[i]!;
  const until = scheduled.turns[0]!.waits.operands;
  for (let j = i - 1; j >= 0; j--) {
    const earlier = steps[j]!;
    const { endAt, visibleAt } = earlier.scheduled;
    if (visibleAt === until && (meet(earlier.writes, reads) || meet(earlier.writes, writes))) return j;
    if (endAt === until && meet(earlier.reads, writes)) return j;
  }
  throw new Error(`instruction ${i} waited for operands that nobody owed`);
}

const meet = (some: readonly Span[], others: readonly Span[]): boolean =>
  some.some((a) => others.some((b) => a.space === b.space && a.from < endOf(b) && b.from < endOf(a)));

const endOf = (span: Span): number => span.from + sizeOf(span);

/** Windows of a power of two of cycles, from the shortest on, so that no more than so many of them make a program. */
const SHORTEST_WINDOW = 16;
const MOST_WINDOWS = 1024;

/** The counter that a space's bytes belong to. */
export const memoryOf = (space: Space): MemoryName | undefined =>
  space === "acc" ? undefined : space === "data" ? "dram" : space;

/**
 * For each memory the bytes a cycle that are read and written, by windows of equal length. An instruction's bytes are
 * spread over its beats, whole bytes each: a counter's integral is the memory's traffic, to the byte.
 */
function countersOf(steps: readonly Step[], arch: Settings): TraceEvent[] {
  const cycles = steps.reduce((latest, { scheduled }) => Math.max(latest, scheduled.endAt), 0);
  let window = SHORTEST_WINDOW;
  while (window * MOST_WINDOWS < cycles) window *= 2;
  const count = floorDiv(cycles, window) + 1;
  const fresh = () =>
    Object.fromEntries(MEMORIES.map((memory) => [memory, new Array<number>(count).fill(0)]));
  const [reads, writes] = [fresh(), fresh()];
  for (const step of steps) {
    const { turns } = step.scheduled;
    for (const span of step.reads) spread(span, trafficOf(span, arch), turns[0]!, window, reads);
    for (const span of step.writes) spread(span, trafficOf(span, arch), turns.at(-1)!, window, writes);
  }
  return MEMORIES.flatMap((memory) => counterOf(memory, reads[memory]!, writes[memory]!, window));
}

function spread(
  { space }: Span,
  bytes: number,
  { from, to }: { readonly from: number; readonly to: number },
  window: number,
  windows: Readonly<Record<string, number[]>>,
): void {
  const memory = memoryOf(space);
  if (memory === undefined) return;
  let done = 0;
  for (let k = floorDiv(from, window); done < bytes; k++) {
    const sum = floorDiv(bytes * (Math.min((k + 1) * window, to) - from), to - from);
    windows[memory]![k]! += sum - done;
    done = sum;
  }
}

function counterOf(
  memory: string,
  reads: readonly number[],
  writes: readonly number[],
  window: number,
): TraceEvent[] {
  const events: TraceEvent[] = [];
  const name = `${memory}, bytes a cycle`;
  let [lastRead, lastWrite] = [-1, -1];
  for (let k = 0; k <= reads.length; k++) {
    const [read, write] = [reads[k] ?? 0, writes[k] ?? 0];
    if (read === lastRead && write === lastWrite) continue;
    const args = { read: read / window, write: write / window };
    events.push({ ph: "C", name, ts: k * window, pid: PID, tid: NO_TRACK, args });
    [lastRead, lastWrite] = [read, write];
  }
  return events;
}
