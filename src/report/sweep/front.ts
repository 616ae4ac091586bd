import { colourOf, frame, heading, line, polyline } from "../drawing.ts";
import { around, labelAt } from "../labels.ts";
import { element, short, text } from "../svg.ts";
import { axisLabel, type Chart, cut, heightFor, mark, plotOf } from "./chart.ts";
import { paretoFront } from "./pareto.ts";
import { type Field, floatOf, labelOf, type Results } from "./results.ts";
import { axisAround, compact, isWide, spanOf } from "./scale.ts";

/** What the chart of a front shows. */
interface FrontSpec {
  /** Both have numbers. */
  readonly x: Field;
  readonly y: Field;
  /** The points to choose from. */
  readonly rows: readonly number[];
  readonly width: number;
  /** The plot spans all points, or the front and what is near it; whichever can be read where it is absent. */
  readonly range?: FrontRange | undefined;
}

/** What the plot of a front may span. */
export type FrontRange = "all" | "near";

/** Names of the front are left out beyond so many. */
const MOST_NAMES = 24;
const LONGEST_NAME = 34;

/** The chart of a front, and the front. */
export interface FrontChart extends Chart {
  readonly front: readonly number[];
}

/**
 * One figure against another: the points that none dominates as named dots on a staircase, all others dim, and the float
 * model's value as a dashed line. An axis whose values are far apart is logarithmic.
 */
export function drawFront(results: Results, { x, y, rows, width, range }: FrontSpec): FrontChart {
  const [xs, ys] = [x.numbers!, y.numbers!];
  const front = paretoFront({ ...x, numbers: xs }, { ...y, numbers: ys }, rows);
  const height = heightFor(width) + 30;
  const plot = plotOf(width, height);
  const float = floatOf(results, y);
  const shown = rowsIn(range, xs, ys, rows, front);
  const spanned = shown.map((row) => ys[row]!);
  const across = axisAround(
    shown.map((row) => xs[row]!),
    [plot.left, plot.right],
    axisLabel(x),
  );
  const up = axisAround(
    float === undefined ? spanned : [...spanned, float],
    [plot.bottom, plot.top + 16],
    axisLabel(y),
    isWide(spanned) && (float === undefined || float > 0),
  );
  const places = shown.map((row) => ({ row, x: across.at(xs[row]!), y: up.at(ys[row]!) }));
  const onFront = new Set(front);
  const dominated = places.filter(({ row }) => !onFront.has(row));
  const placeOf = new Map(places.map((place) => [place.row, place]));
  const best = front.map((row) => placeOf.get(row)!);
  const title = `${labelOf(y)} against ${labelOf(x)}`;
  return {
    title,
    width,
    height,
    places,
    front,
    elements: [
      heading(20, title),
      ...frame(plot, across, up),
      ...(float === undefined ? [] : floatLine(plot, up.at(float), float)),
      dotsPath(dominated),
      polyline(staircase(best), { class: "front", "stroke-width": 1.5 }),
      ...namesOf(results, best, dominated, plot),
      ...(shown.length === rows.length ? [] : [beyond(plot, rows.length - shown.length)]),
      ...best.map((place) =>
        mark("circle", place.row, describe(results, x, y, place.row), {
          cx: place.x,
          cy: place.y,
          r: best.length > 60 ? 3.5 : 5,
          fill: colourOf(0),
        }),
      ),
    ],
  };
}

/** Room around the front, in parts of what it spans, and of the largest value where it spans little. */
const ROOM = 1.5;
const LEAST_ROOM = 0.1;
/** Where all points span more than so many times what the front's surroundings do, these are shown alone. */
const FAR = 2.5;
/** So few points on the front say nothing of where the others matter. */
const LEAST_FRONT = 3;

/** The rows that the plot spans. */
function rowsIn(
  range: FrontRange | undefined,
  xs: readonly number[],
  ys: readonly number[],
  rows: readonly number[],
  front: readonly number[],
): readonly number[] {
  if (range === "all") return rows;
  const spans = [xs, ys].map((values) => {
    const [lo, hi] = spanOf(front.map((row) => values[row]!));
    const room = Math.max(ROOM * (hi - lo), LEAST_ROOM * Math.max(Math.abs(lo), Math.abs(hi)));
    const [least, most] = spanOf(rows.map((row) => values[row]!));
    return { values, lo: lo - room, hi: hi + room, isFar: most - least > FAR * (hi - lo + 2 * room) };
  });
  if (range === undefined && (front.length < LEAST_FRONT || !spans.some(({ isFar }) => isFar))) return rows;
  return rows.filter((row) => spans.every(({ values, lo, hi }) => values[row]! >= lo && values[row]! <= hi));
}

const beyond = ({ right, top }: { readonly right: number; readonly top: number }, count: number): string =>
  text(right - 4, top + 27, `${count} ${count === 1 ? "point lies" : "points lie"} outside`, {
    class: "halo aside",
    "text-anchor": "end",
  });

/** `weight_bits=4: cycles per word 108k, per pct 12.4`. */
const describe = ({ names }: Results, x: Field, y: Field, row: number): string =>
  `${names[row]}: ${labelOf(x)} ${x.texts[row]}, ${labelOf(y)} ${y.texts[row]}`;

/** What the float model does, across the plot. */
export const floatLine = (
  { left, right }: { readonly left: number; readonly right: number },
  y: number,
  value: number,
): string[] => [
  line([left, y], [right, y], { class: "float", "stroke-width": 1.5, "stroke-dasharray": "6 4" }),
  text(left + 4, y - 5, `float ${compact(value)}`, { class: "halo" }),
];

type Dot = { readonly x: number; readonly y: number };

/** Any number of dots as one element: a path of lines without length, with round ends. */
export const dotsPath = (
  dots: readonly Dot[],
  attributes: Readonly<Record<string, number | string>> = {},
): string =>
  element("path", {
    class: "dim",
    "stroke-width": dots.length > 2000 ? 4 : 7,
    "stroke-linecap": "round",
    ...attributes,
    d: dots.map(({ x, y }) => `M${short(x)} ${short(y)}h0`).join(""),
  });

/** What is dominated begins right of and above it. */
function staircase(dots: readonly Dot[]): [number, number][] {
  return dots.flatMap(({ x, y }, i): [number, number][] =>
    i === 0
      ? [[x, y]]
      : [
          [x, dots[i - 1]!.y],
          [x, y],
        ],
  );
}

/** Names where there is room; of a long front, of points that are evenly spaced along it. */
function namesOf(
  { names }: Results,
  best: readonly { readonly row: number; readonly x: number; readonly y: number }[],
  dominated: readonly Dot[],
  plot: Parameters<typeof labelAt>[3],
): string[] {
  const steps = best.slice(1).map(({ x }, i) => {
    const { x: from, y } = best[i]!;
    return { left: Math.min(from, x), right: Math.max(from, x), top: y - 1, bottom: y + 1 };
  });
  const dots = [...best, ...(dominated.length > 300 ? [] : dominated)];
  const taken = [...dots.map(({ x, y }) => around(x, y, 5)), ...steps];
  const every = Math.max(1, best.length / MOST_NAMES);
  let next = 0;
  return best.flatMap(({ row, x, y }, i) => {
    if (i < next) return [];
    next += every;
    return labelAt({ x, y }, cut(names[row]!, LONGEST_NAME), taken, plot, { class: "halo name" }, true);
  });
}
