import type { ArchSpec } from "../arch/spec.ts";
import { UNITS } from "../isa/define.ts";
import type { Program } from "../isa/program.ts";
import { STALL_CAUSES } from "../machine/clock.ts";
import { Timeline as UnitTimeline } from "../machine/timeline.ts";
import { schedule } from "../machine/trace.ts";
import type { Stage } from "../model/job.ts";
import type { Stretch, Timeline } from "../report/sweep/timeline.ts";
import { jobOf } from "../sweep/measure.ts";
import type { Point } from "../sweep/points.ts";
import { subjectOf } from "../sweep/subject.ts";

/** Instructions of a program that a page tells of: a few hundred thousand characters. */
const MOST_INSTRUCTIONS = 5000;

/** One run of each program of a point: the load, and the stages of the size that most inputs have. @throws InputError where the model does not fit the machine */
export function timelinesOf(point: Point): Timeline[] {
  const { job, inputs } = jobOf(subjectOf(point.subject), point, point.mapper);
  const timesOf = (size: number) => inputs.filter((input) => input.size === size).length;
  const [[size, stages]] = [...job.stages].sort(([a], [b]) => timesOf(b) - timesOf(a)) as [
    [number, readonly Stage[]],
  ];
  const sizes = job.stages.size > 1 ? ` of size ${size}` : "";
  const programs = [
    ...stages.map(({ name, program }) => ({ name: `${name}${sizes}`, program })),
    { name: "load", program: job.load },
  ];
  return programs.map(({ name, program }) => timelineOf(String(point.index), name, program, point.arch));
}

function timelineOf(point: string, name: string, program: Program, arch: ArchSpec): Timeline {
  const all = schedule(program, arch);
  const shown = all.slice(0, MOST_INSTRUCTIONS);
  const places = new Map<string, number>();
  const what: { layer: string; operation: string }[] = [];
  const placeOf = (layer: string, operation: string): number => {
    const key = `${layer} ${operation}`;
    const place = places.get(key) ?? what.push({ layer, operation }) - 1;
    places.set(key, place);
    return place;
  };
  const units = UNITS.map((unit) => {
    const stretches: Stretch[] = [];
    const timeline = new UnitTimeline(unit, ({ of, state, from, to }) => {
      const { op, layer = "" } = of.issued;
      const stretch = [from, to, placeOf(layer, op.name)] as const;
      stretches.push(state === "busy" ? stretch : [...stretch, STALL_CAUSES.indexOf(state)]);
    });
    for (const scheduled of shown) timeline.add(scheduled);
    return { name: unit, stretches };
  });
  const cycles = all.reduce((latest, { endAt }) => Math.max(latest, endAt), 0);
  return { point, program: name, cycles, left: all.length - shown.length, what, causes: STALL_CAUSES, units };
}
