import type { Box } from "./drawing.ts";
import { around, labelAt } from "./labels.ts";
import { element, log10, short, svg, text } from "./svg.ts";

/** A memory of the roofline: its bandwidth is a slanted ceiling. */
interface Ceiling {
  readonly name: string;
  /** Above 0. */
  readonly bytesPerCycle: number;
}

/** A layer of the roofline: for each memory that it moves bytes of, a dot. */
interface Dot {
  readonly name: string;
  readonly macs: number;
  readonly cycles: number;
  /** Of each memory, in the order of the ceilings. */
  readonly bytes: readonly number[];
}

export interface Roofline {
  readonly title: string;
  /** MACs a cycle, the level ceiling, and what it is called. */
  readonly peak: { readonly name: string; readonly macsPerCycle: number };
  readonly memories: readonly Ceiling[];
  readonly layers: readonly Dot[];
  /** Lines below the chart. */
  readonly notes: readonly string[];
}

const WIDTH = 960;
const PLOT = { left: 70, right: 930, top: 50, bottom: 560 };
const LINE = 16;
const COLOURS = ["#c0392b", "#1f618d", "#1e8449", "#7d3c98", "#b9770e"];
const GREY = "#888888";
const PEAK = "#222222";
/** Decades of performance below the peak, at least. */
const DECADES = 3;

/** A position of the chart in pixels. */
interface Place {
  readonly x: number;
  readonly y: number;
}

/**
 * The roofline as a picture: MACs a byte to the right, MACs a cycle upwards, both logarithmic. Each memory has a colour;
 * a layer has a dot in the colour of each memory that it moves bytes of, all at one height, and its name stands at
 * the one nearest to its ceiling. What lies on its own colour's ceiling has no bandwidth to spare. Layers without MACs
 * are left out. The same input gives the same bytes.
 */
export function rooflineSvg(chart: Roofline): string {
  const layers = chart.layers.filter(
    ({ macs, cycles, bytes }) => macs > 0 && cycles > 0 && bytes.some((n) => n > 0),
  );
  const scale = scaleOf(chart, layers);
  const height = PLOT.bottom + 60 + LINE * chart.notes.length;
  return svg(WIDTH, height, chart.title, [
    text(PLOT.left, 28, chart.title, { "font-size": 15, "font-weight": "bold" }),
    ...axes(scale),
    ...ceilings(chart, scale),
    ...dots(chart, layers, scale),
    ...chart.notes.map((note, i) => text(PLOT.left, PLOT.bottom + 54 + LINE * i, note, { fill: "#444444" })),
  ]);
}

/** The decades that the chart spans, and what turns a pair of values into a position. */
interface Scale {
  readonly x: readonly [lo: number, hi: number];
  readonly y: readonly [lo: number, hi: number];
  at(perByte: number, perCycle: number): Place;
}

function scaleOf({ peak, memories }: Roofline, layers: readonly Dot[]): Scale {
  const ridges = memories.map(({ bytesPerCycle }) => peak.macsPerCycle / bytesPerCycle);
  const perByte = layers.flatMap(({ macs, bytes }) => bytes.filter((n) => n > 0).map((n) => macs / n));
  const x = decades([...ridges, ...perByte], 2);
  const y = decades([peak.macsPerCycle * 2, ...layers.map(({ macs, cycles }) => macs / cycles)], DECADES);
  const along = (value: number, [lo, hi]: readonly [number, number], from: number, to: number) =>
    from + ((log10(value) - lo) / (hi - lo)) * (to - from);
  return {
    x,
    y,
    at: (perByte, perCycle) => ({
      x: along(perByte, x, PLOT.left, PLOT.right),
      y: along(perCycle, y, PLOT.bottom, PLOT.top),
    }),
  };
}

/** The whole decades around the values, at least so many. */
function decades(values: readonly number[], least: number): readonly [lo: number, hi: number] {
  const logs = values.map(log10);
  let lo = 0;
  let hi = 0;
  for (const [i, log] of logs.entries()) {
    if (i === 0) {
      while (lo > log) lo--;
      while (lo + 1 <= log) lo++;
      hi = lo + 1;
    }
    while (lo > log) lo--;
    while (hi < log) hi++;
  }
  while (hi - lo < least) lo--;
  return [lo, hi];
}

function axes({ x, y, at }: Scale): string[] {
  const grid = { stroke: "#dddddd", "stroke-width": 1 };
  const elements: string[] = [];
  for (let k = x[0]; k <= x[1]; k++) {
    const place = at(10 ** k, 10 ** y[0]);
    elements.push(element("line", { x1: place.x, y1: PLOT.bottom, x2: place.x, y2: PLOT.top, ...grid }));
    elements.push(text(place.x, PLOT.bottom + 16, powerOfTen(k), { "text-anchor": "middle" }));
  }
  for (let k = y[0]; k <= y[1]; k++) {
    const place = at(10 ** x[0], 10 ** k);
    elements.push(element("line", { x1: PLOT.left, y1: place.y, x2: PLOT.right, y2: place.y, ...grid }));
    elements.push(text(PLOT.left - 6, place.y + 4, powerOfTen(k), { "text-anchor": "end" }));
  }
  const middle = (PLOT.top + PLOT.bottom) / 2;
  elements.push(
    text((PLOT.left + PLOT.right) / 2, PLOT.bottom + 34, "MACs a byte moved", { "text-anchor": "middle" }),
    text(20, middle, "MACs a cycle", { "text-anchor": "middle", transform: `rotate(-90 20 ${middle})` }),
  );
  return elements;
}

const powerOfTen = (k: number): string => (k >= 0 ? String(10 ** k) : (10 ** k).toFixed(-k));

const colourOf = (memory: number): string => COLOURS[memory % COLOURS.length]!;

function ceilings({ peak, memories }: Roofline, { x, y, at }: Scale): string[] {
  const elements: string[] = [];
  const right = at(10 ** x[1], peak.macsPerCycle);
  let leftmost = right.x;
  for (const [m, { name, bytesPerCycle }] of memories.entries()) {
    const ridge = at(peak.macsPerCycle / bytesPerCycle, peak.macsPerCycle);
    leftmost = Math.min(leftmost, ridge.x);
    // From the edge of the plot that the line leaves it by, the bottom or the left one.
    const perByte = Math.max(10 ** x[0], 10 ** y[0] / bytesPerCycle);
    const foot = at(perByte, perByte * bytesPerCycle);
    const stroke = { stroke: colourOf(m), "stroke-width": 2 };
    elements.push(element("line", { x1: foot.x, y1: foot.y, x2: ridge.x, y2: ridge.y, ...stroke }));
    elements.push(alongLine(foot, ridge, `${name}, ${bytesPerCycle} bytes a cycle`, colourOf(m)));
  }
  elements.push(
    element("line", { x1: leftmost, y1: right.y, x2: right.x, y2: right.y, stroke: PEAK, "stroke-width": 2 }),
    text(right.x, right.y - 6, `${peak.name}, ${short(peak.macsPerCycle)} MACs a cycle`, {
      "text-anchor": "end",
    }),
  );
  return elements;
}

/** Words above a rising line, near its foot. The slope is 1 in decades, so all such lines have one angle. */
function alongLine(foot: Place, end: Place, words: string, fill: string): string {
  const [dx, dy] = [end.x - foot.x, end.y - foot.y];
  const angle = arctangent(-dy / dx);
  const x = foot.x + dx / 12 - 4;
  const y = foot.y + dy / 12 - 4;
  return text(x, y, words, {
    fill,
    transform: `rotate(${(-angle).toFixed(1)} ${x.toFixed(1)} ${y.toFixed(1)})`,
  });
}

/** Degrees of the angle of a slope above 0, to a tenth of one: the rational approximation of the arctangent up to 1. */
function arctangent(slope: number): number {
  if (slope > 1) return 90 - arctangent(1 / slope);
  return 45 * slope + slope * (1 - slope) * (14.02 + 3.79 * slope);
}

const RADIUS = 5;
/** Names may leave the plot to the right. */
const BOUNDS = { ...PLOT, right: WIDTH };
const HALO = { stroke: "white", "stroke-width": 3, "paint-order": "stroke" };

function dots({ peak, memories }: Roofline, layers: readonly Dot[], { at }: Scale): string[] {
  const taken: Box[] = [];
  const drawn = alike(layers).map(({ name, macs, cycles, bytes }) => {
    const perCycle = macs / cycles;
    const places = bytes.flatMap((n, m) =>
      n > 0 ? [{ m, ...at(macs / n, perCycle), use: n / memories[m]!.bytesPerCycle }] : [],
    );
    const nearest = places.reduce((a, b) => (b.use > a.use ? b : a));
    for (const { x, y } of places) taken.push(around(x, y, RADIUS));
    return { words: `${name} ${((100 * perCycle) / peak.macsPerCycle).toFixed(1)}%`, places, nearest };
  });
  // From the top down, so that labels make room for each other in the direction in which there is some.
  drawn.sort((a, b) => a.nearest.y - b.nearest.y);
  const line = { stroke: GREY, "stroke-width": 1, "stroke-dasharray": "2 3" };
  const lines = drawn.map(({ places, nearest: { y } }) => {
    const xs = places.map(({ x }) => x);
    return element("line", { x1: Math.min(...xs), y1: y, x2: Math.max(...xs), y2: y, ...line });
  });
  const labels = drawn.flatMap(({ words, nearest }) => labelAt(nearest, words, taken, BOUNDS, HALO));
  const marks = drawn.flatMap(({ places, nearest }) =>
    places.map(({ m, x, y }) => {
      const fill = m === nearest.m ? colourOf(m) : "white";
      return element("circle", { cx: x, cy: y, r: RADIUS, fill, stroke: colourOf(m), "stroke-width": 1.5 });
    }),
  );
  return [...lines, ...labels, ...marks];
}

/** Layers that do the same at the same pace share their dots and have their names in one place. */
function alike(layers: readonly Dot[]): readonly Dot[] {
  const groups = new Map<string, Dot>();
  for (const layer of layers) {
    const { macs, cycles, bytes } = layer;
    const key = [macs / cycles, ...bytes.map((n) => n / macs)].map((value) => value.toPrecision(3)).join(" ");
    const held = groups.get(key);
    groups.set(key, held === undefined ? layer : { ...held, name: `${held.name}, ${layer.name}` });
  }
  return [...groups.values()];
}
