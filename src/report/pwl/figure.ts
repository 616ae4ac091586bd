import {
  colourOf,
  type Drawing,
  frame,
  heading,
  LEFT,
  legend,
  line,
  linear,
  polyline,
  RIGHT,
  type Scale,
  ticks,
} from "../drawing.ts";
import { element, text } from "../svg.ts";

/** A table as drawn. */
export interface DrawnTable {
  readonly name: string;
  /** `[N]` its results in real numbers. */
  readonly results: Float64Array;
  /** `[N]` how far they are off, in output LSBs. */
  readonly errors: Float64Array;
  /** `[pieces]` where they begin, of those that are stored. */
  readonly knots: readonly { readonly x: number; readonly y: number }[];
}

export interface Figure {
  readonly title: string;
  /** `[N]` real inputs, ascending. */
  readonly x: Float64Array;
  /** `[N]` the curve there. */
  readonly curve: Float64Array;
  readonly tables: readonly DrawnTable[];
}

const CURVE_HEIGHT = 210;
const STRIP_HEIGHT = 56;
const STRIP_GAP = 26;

/**
 * The curve with every table and its knots on it, and below a strip for each table with its error at every input, each on a
 * scale of its own. Where inputs are more than pixels, a strip spans the least and the largest error of a pixel's inputs.
 */
export function drawFigure({ title, x, curve, tables }: Figure): Drawing {
  const names = legend(40, ["the curve", ...tables.map(({ name }) => name)].slice(1));
  const top = 40 + names.height;
  const bottom = top + CURVE_HEIGHT;
  const acrossRange = [x[0]!, x.at(-1)!] as const;
  const across = linear(acrossRange, [LEFT, RIGHT]);
  const range = rangeOf([curve, ...tables.map(({ results }) => results)]);
  const up = linear(range, [bottom - 6, top + 18]);
  const lines = tables.flatMap(({ results, knots }, i) => [
    polyline(thinned(x, results, across, up), { stroke: colourOf(i), "stroke-width": 1.3 }),
    ...knots.map((knot) =>
      element("circle", { cx: across(knot.x), cy: up(knot.y), r: 2.5, fill: colourOf(i) }),
    ),
  ]);
  let at = bottom + 44;
  const strips = tables.flatMap((table, i) => {
    const drawn = strip(table, i, x, across, at);
    at += STRIP_HEIGHT + STRIP_GAP;
    return drawn;
  });
  return {
    title,
    height: at,
    elements: [
      heading(20, title),
      ...names.elements,
      ...frame(
        { left: LEFT, right: RIGHT, top, bottom },
        { at: across, ticks: ticks(acrossRange), label: "input" },
        { at: up, ticks: ticks(range), label: "" },
      ),
      polyline(thinned(x, curve, across, up), { class: "curve", "stroke-width": 5 }),
      ...lines,
      ...strips,
    ],
  };
}

/** The error of a table at every input, and where its knots are. */
function strip(table: DrawnTable, i: number, x: Float64Array, across: Scale, top: number): string[] {
  const most = table.errors.reduce((max, error) => Math.max(max, Math.abs(error)), 0);
  const bottom = top + STRIP_HEIGHT;
  const up = linear([-most || -1, most || 1], [bottom - 3, top + 3]);
  const marks = table.knots.map((knot) =>
    line([across(knot.x), bottom], [across(knot.x), bottom - 5], {
      stroke: colourOf(i),
      "stroke-width": 1.5,
    }),
  );
  return [
    text(LEFT, top - 5, `${table.name}: off by up to ${most.toFixed(2)} LSB`),
    line([LEFT, up(0)], [RIGHT, up(0)], { class: "grid" }),
    element("rect", { class: "frame", x: LEFT, y: top, width: RIGHT - LEFT, height: STRIP_HEIGHT }),
    text(LEFT - 4, top + 9, most.toFixed(1), { "text-anchor": "end", "font-size": 10 }),
    text(LEFT - 4, bottom - 1, (-most).toFixed(1), { "text-anchor": "end", "font-size": 10 }),
    polyline(thinned(x, table.errors, across, up), { stroke: colourOf(i), "stroke-width": 1 }),
    ...marks,
  ];
}

function rangeOf(all: readonly Float64Array[]): readonly [lo: number, hi: number] {
  const lo = all.reduce(
    (least, values) => values.reduce((a, b) => Math.min(a, b), least),
    Number.POSITIVE_INFINITY,
  );
  const hi = all.reduce(
    (most, values) => values.reduce((a, b) => Math.max(a, b), most),
    Number.NEGATIVE_INFINITY,
  );
  return lo < hi ? [lo, hi] : [lo - 1, hi + 1];
}

/** Most points of a line: two for each pixel across. */
const MOST_POINTS = 2 * (RIGHT - LEFT);

/** The points of a line in pixels; of many, the lowest and the highest of each stretch, in their order. */
function thinned(x: Float64Array, y: Float64Array, across: Scale, up: Scale): [number, number][] {
  const point = (i: number): [number, number] => [across(x[i]!), up(y[i]!)];
  if (x.length <= MOST_POINTS) return Array.from(x, (_, i) => point(i));
  const points: [number, number][] = [];
  let stretch: number[] = [];
  for (const i of x.keys()) {
    stretch.push(i);
    if (stretch.length < (2 * x.length) / MOST_POINTS && i + 1 < x.length) continue;
    const low = stretch.reduce((a, b) => (y[b]! < y[a]! ? b : a));
    const high = stretch.reduce((a, b) => (y[b]! > y[a]! ? b : a));
    points.push(...[low, high].sort((a, b) => a - b).map(point));
    stretch = [];
  }
  return points;
}
