import { inlineSvg } from "../../drawing.ts";
import { drawTimeline, type Timeline, type Window, wholeOf } from "../timeline.ts";
import { byId, chooser, make, within } from "./dom.ts";

/** Narrower, the picture scrolls. */
const LEAST_WIDTH = 300;

/** What a button does to the cycles that are shown. */
const MOVES: readonly {
  readonly name: string;
  readonly doc: string;
  readonly of: (window: Window) => Window;
}[] = [
  { name: "+", doc: "closer", of: ({ from, to }) => around((from + to) / 2, (to - from) / 2) },
  { name: "−", doc: "further", of: ({ from, to }) => around((from + to) / 2, 2 * (to - from)) },
  { name: "◀", doc: "earlier", of: ({ from, to }) => around((from + to) / 2 - (to - from) / 2, to - from) },
  { name: "▶", doc: "later", of: ({ from, to }) => around((from + to) / 2 + (to - from) / 2, to - from) },
  { name: "whole", doc: "the whole program", of: () => ({ from: 0, to: Number.POSITIVE_INFINITY }) },
];

/** Fewer cycles show nothing more. */
const LEAST_CYCLES = 16;

const around = (middle: number, span: number): Window => ({ from: middle - span / 2, to: middle + span / 2 });

/** A window inside the program. */
function clamped({ from, to }: Window, whole: Window): Window {
  const span = Math.min(Math.max(LEAST_CYCLES, to - from), whole.to);
  const start = Math.min(Math.max(0, from), whole.to - span);
  return { from: start, to: start + span };
}

/** The section of a point's programs, cycle by cycle; hidden where the page was made without any. Gives back what draws it again. */
export function timelineSection(timelines: readonly Timeline[]): () => void {
  const [first] = timelines;
  if (first === undefined) return () => undefined;
  const section = byId("timeline");
  section.hidden = false;
  const host = within(section, ".chart");
  let shown = first;
  let window = wholeOf(first);
  const draw = () => {
    host.innerHTML = inlineSvg(drawTimeline(shown, window, Math.max(LEAST_WIDTH, host.clientWidth)));
  };
  const nameOf = ({ point, program }: Timeline) => `point ${point}: ${program}`;
  const programs = {
    label: "Program",
    options: timelines.map((timeline) => ({ name: nameOf(timeline), doc: `${timeline.cycles} cycles` })),
    value: nameOf(first),
    set: (name: string) => {
      shown = timelines.find((timeline) => nameOf(timeline) === name) ?? shown;
      window = wholeOf(shown);
    },
  };
  const buttons = MOVES.map(({ name, doc, of }) => {
    const button = make("button", { type: "button", "aria-label": doc, title: doc }, name);
    button.addEventListener("click", () => {
      window = clamped(of(window), wholeOf(shown));
      draw();
    });
    return button;
  });
  within(section, ".controls").append(chooser(programs, draw), ...buttons);
  draw();
  return draw;
}
