import { colourOf, type Drawing, heading, legend, line, linear, ticks } from "../drawing.ts";
import { element, escaped, text } from "../svg.ts";
import { compact } from "./scale.ts";

/** A stretch of a unit's time: cycles, what it is at (its place in `what`), and what keeps it waiting (in `causes`; absent where it works). */
export type Stretch =
  | readonly [from: number, to: number, what: number]
  | readonly [from: number, to: number, what: number, cause: number];

/** One run of a program on a machine, unit by unit. Plain data, for a page. */
export interface Timeline {
  /** The point, and the program of it. */
  readonly point: string;
  readonly program: string;
  readonly cycles: number;
  /** Instructions behind the last one that is told of: of a long program only the start is. */
  readonly left: number;
  /** Layers, and the operations in them: `encoder matmul`. */
  readonly what: readonly { readonly layer: string; readonly operation: string }[];
  readonly causes: readonly string[];
  /** Stretches ascend and do not overlap. */
  readonly units: readonly { readonly name: string; readonly stretches: readonly Stretch[] }[];
}

/** The cycles that are shown. */
export interface Window {
  readonly from: number;
  readonly to: number;
}

export const wholeOf = ({ units }: Timeline): Window => ({
  from: 0,
  to: Math.max(1, ...units.map(({ stretches }) => stretches.at(-1)?.[1] ?? 0)),
});

const LEFT = 78;
const LANE = 22;
const WORK = 16;
const WAIT = 6;
const WAITING = "#9aa5b1";
const OTHERS = "#777777";
/** Layers that have a colour of their own: those that work longest. */
const MOST_LAYERS = 6;
/** Stretches of one kind that lie as near, in pixels, are drawn as one. */
const NEAR = 0.5;

/** Unit by unit, what each works on, by layer, and where it is kept waiting. Cycles to the right. */
export function drawTimeline(timeline: Timeline, { from, to }: Window, width: number): Drawing {
  const layers = layersOf(timeline);
  const names = legend(
    40,
    [...layers.map((layer) => layer || "no layer"), "other layers", "waiting"],
    [10, width - 10],
    [...layers.map((_, i) => colourOf(i)), OTHERS, WAITING],
  );
  const top = 40 + names.height;
  const bottom = top + LANE * timeline.units.length;
  const across = linear([from, to], [LEFT, width - 12]);
  const colours = timeline.what.map(({ layer }) => {
    const place = layers.indexOf(layer);
    return place < 0 ? OTHERS : colourOf(place);
  });
  const lanes = timeline.units.flatMap(({ name, stretches }, i) => {
    const base = top + LANE * (i + 1) - 3;
    const bars = barsOf(stretches, { from, to }, across, colours).map(
      ({ x, end, isWork, colour, stretch, count }) => {
        const height = isWork ? WORK : WAIT;
        const words = element(
          "title",
          {},
          escaped(count === 1 ? wordsOf(timeline, stretch) : `${count} ${isWork ? "instructions" : "waits"}`),
        );
        const box = { x, y: base - height, width: Math.max(0.3, end - x), height, fill: colour };
        return element("rect", box, words);
      },
    );
    return [text(LEFT - 6, base - 4, name, { "text-anchor": "end" }), ...bars];
  });
  const grid = ticks([from, to]).flatMap((value) => [
    line([across(value), top], [across(value), bottom], { class: "grid" }),
    text(across(value), bottom + 13, compact(value), { "text-anchor": "middle" }),
  ]);
  const { point, program, cycles, left } = timeline;
  const rest = left === 0 ? "" : `, without its last ${compact(left)} instructions`;
  const title = `point ${point}, ${program}: ${compact(cycles)} cycles${rest}`;
  return {
    title,
    width,
    height: bottom + 24,
    elements: [heading(20, title), ...names.elements, ...grid, ...lanes],
  };
}

/** The layers that all units together work on longest, longest first. */
function layersOf({ what, units }: Timeline): string[] {
  const cycles = new Map<string, number>();
  for (const { stretches } of units) {
    for (const [from, to, place, cause] of stretches) {
      const { layer } = what[place]!;
      if (cause === undefined) cycles.set(layer, (cycles.get(layer) ?? 0) + to - from);
    }
  }
  return [...cycles]
    .sort((a, b) => b[1] - a[1])
    .map(([layer]) => layer)
    .slice(0, MOST_LAYERS);
}

interface Bar {
  readonly x: number;
  end: number;
  readonly isWork: boolean;
  readonly colour: string;
  readonly stretch: Stretch;
  count: number;
}

function barsOf(
  stretches: readonly Stretch[],
  { from, to }: Window,
  across: (cycle: number) => number,
  colours: readonly string[],
): Bar[] {
  const bars: Bar[] = [];
  const latest = new Map<string, Bar>();
  for (const stretch of stretches) {
    const [begin, end, what, cause] = stretch;
    if (end <= from || begin >= to) continue;
    const isWork = cause === undefined;
    const colour = isWork ? colours[what]! : WAITING;
    const [x, until] = [across(Math.max(begin, from)), across(Math.min(end, to))];
    const before = latest.get(colour);
    if (before !== undefined && x - before.end < NEAR) {
      before.end = until;
      before.count++;
      continue;
    }
    const bar = { x, end: until, isWork, colour, stretch, count: 1 };
    latest.set(colour, bar);
    bars.push(bar);
  }
  return bars;
}

function wordsOf({ what, causes }: Timeline, [from, to, place, cause]: Stretch): string {
  const { layer, operation } = what[place]!;
  const waits = cause === undefined ? "" : ` waits: ${causes[cause]}`;
  return `${[layer, operation].filter(Boolean).join(" ")}${waits}, cycles ${from} to ${to}`;
}
