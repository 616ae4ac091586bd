import { type Axis, type Box, colourOf, frame, heading, legend, linear, polyline } from "../drawing.ts";
import { axisLabel, type Chart, cut, heightFor, mark, plotOf } from "./chart.ts";
import { dotsPath, floatLine } from "./front.ts";
import {
  axesOf,
  changesOf,
  type Field,
  fieldNamed,
  floatOf,
  isBetter,
  labelOf,
  type Results,
} from "./results.ts";
import { axisAround, isWide } from "./scale.ts";

/** Points that differ in one setting only, in the order of its values. */
type Slice = readonly number[];

/** What a chart of slices shows. */
interface SliceSpec {
  /** The setting. */
  readonly x: Field;
  /** Has numbers. */
  readonly y: Field;
  readonly rows: readonly number[];
  readonly width: number;
}

/** More lines than there are colours are dim, but for the best of them. */
const MOST_COLOURED = 7;
const LONGEST_NAME = 48;
const MOST_DIM = 400;
const BEST = "the best of each value";
const DIM = { class: "dim", "stroke-width": 0.7 };

/** The values of a setting among rows: numbers by size, before words. */
export function valuesOf({ texts }: Field, rows: readonly number[]): string[] {
  const rank = (text: string) =>
    text === "" || Number.isNaN(Number(text)) ? Number.POSITIVE_INFINITY : Number(text);
  const compare = (a: string, b: string) => (rank(a) === rank(b) ? (a < b ? -1 : 1) : rank(a) - rank(b));
  return [...new Set(rows.map((row) => texts[row]!))].sort(compare);
}

/**
 * Rows in groups that share all settings but one, of two values of that one at least; the longest group first. Of rows that
 * share all settings the best stands for all.
 */
export function slicesOf(results: Results, { x, y, rows }: Omit<SliceSpec, "width">): Slice[] {
  const others = axesOf(results).filter((field) => field !== x);
  const groups = new Map<string, Map<string, number>>();
  for (const row of rows) {
    const key = JSON.stringify(others.map(({ texts }) => texts[row]));
    const group = groups.get(key) ?? new Map<string, number>();
    groups.set(key, group);
    const value = x.texts[row]!;
    const held = group.get(value);
    if (held === undefined || isBetter(y, y.numbers![row]!, y.numbers![held]!)) group.set(value, row);
  }
  const order = valuesOf(x, rows);
  return [...groups.values()]
    .filter(({ size }) => size > 1)
    .map((group) => order.flatMap((value) => group.get(value) ?? []))
    .sort((a, b) => b.length - a.length);
}

/** What a slice is called: a point's name without the setting. */
function nameWithout(results: Results, x: Field, row: number): string {
  const files = ["arch", "recipe"].flatMap((name) => axesOf(results).filter((field) => field.name === name));
  const changes = changesOf(fieldNamed(results.fields, "changes").texts[row]!);
  const words = [
    ...files.filter((field) => field !== x).map(({ texts }) => texts[row]!),
    ...changes.filter(([parameter]) => parameter !== (x.parameter ?? x.name)).map((pair) => pair.join("=")),
  ];
  return words.length === 0 ? "all else as in the files" : words.join(" ");
}

/**
 * A figure against a setting: a line for each group of points that differ in nothing else, the other points dim, the float
 * model dashed. Values of the setting are evenly spaced. Of many groups, and of none, one line goes through the best points.
 */
export function drawSlices(results: Results, { x, y, rows, width }: SliceSpec): Chart {
  const slices = slicesOf(results, { x, y, rows });
  const isMany = slices.length > MOST_COLOURED;
  const values = valuesOf(x, rows);
  const isBest = isMany || slices.length === 0;
  const coloured = isBest ? [bestOf(x, y, rows, values)] : slices;
  const plotted = plotOf(width, heightFor(width));
  const names = legend(
    40,
    coloured.map((slice) => cut(isBest ? BEST : nameWithout(results, x, slice[0]!), LONGEST_NAME)),
    [plotted.left, plotted.right],
  );
  const plot = { ...plotted, top: 30 + names.height, bottom: plotted.bottom + names.height };
  const float = floatOf(results, y);
  const up = figureAxis(y, coloured.flat(), float, plot);
  const across = ordinal(values, [plot.left, plot.right], axisLabel(x));
  const positions = new Map(values.map((value, i) => [value, across.at(i)]));
  const places = rows
    .map((row) => ({ row, x: positions.get(x.texts[row]!)!, y: up.at(y.numbers![row]!) }))
    // Lines decide what is spanned; other points may lie beyond.
    .filter((place) => place.y >= plot.top && place.y <= plot.bottom);
  const placeOf = new Map(places.map((place) => [place.row, place]));
  const drawn = (slice: Slice) => slice.flatMap((row) => placeOf.get(row) ?? []);
  const lineOf = (slice: Slice, style: Readonly<Record<string, number | string>>) =>
    polyline(
      drawn(slice).map((place) => [place.x, place.y]),
      style,
    );
  const dotsOf = (slice: Slice, fill: string) =>
    drawn(slice).map((place) =>
      mark("circle", place.row, `${results.names[place.row]}: ${labelOf(y)} ${y.texts[place.row]}`, {
        ...{ cx: place.x, cy: place.y, r: 4, fill },
      }),
    );
  const title = `${labelOf(y)} by ${labelOf(x)}`;
  return {
    title,
    width,
    height: plot.bottom + 40,
    places,
    elements: [
      heading(20, title),
      ...names.elements,
      ...frame(plot, across, up),
      ...(float === undefined ? [] : floatLine(plot, up.at(float), float)),
      dotsPath(places),
      ...(isMany ? slices.slice(0, MOST_DIM).map((slice) => lineOf(slice, DIM)) : []),
      ...coloured.map((slice, i) => lineOf(slice, { stroke: colourOf(i), "stroke-width": 2 })),
      ...coloured.flatMap((slice, i) => dotsOf(slice, colourOf(i))),
    ],
  };
}

/** The axis of a figure over rows, and over the float model's value. */
function figureAxis(y: Field, rows: readonly number[], float: number | undefined, plot: Box): Axis {
  const values = rows.map((row) => y.numbers![row]!);
  const all = float === undefined ? values : [...values, float];
  return axisAround(all, [plot.bottom, plot.top + 16], axisLabel(y), isWide(values) && isPositive(all));
}

const isPositive = (values: readonly number[]): boolean => values.every((value) => value > 0);

/** The best row of each value. */
const bestOf = (x: Field, y: Field, rows: readonly number[], values: readonly string[]): number[] =>
  values.map((value) =>
    rows
      .filter((row) => x.texts[row] === value)
      .reduce((a, b) => (isBetter(y, y.numbers![b]!, y.numbers![a]!) ? b : a)),
  );

/** An axis of values one after another, evenly spaced. */
function ordinal(values: readonly string[], [from, to]: readonly [number, number], label: string): Axis {
  const longest = Math.max(...values.map(({ length }) => length));
  const fits = Math.abs(to - from) / (7 * Math.max(2, longest));
  const every = values.length > fits ? values.length / fits : 1;
  const shown: number[] = [];
  for (const i of values.keys()) if (shown.length === 0 || i - shown.at(-1)! >= every) shown.push(i);
  return {
    at: linear([-0.5, values.length - 0.5], [from, to]),
    ticks: shown,
    label,
    format: (i) => values[i] || "as in the file",
  };
}
