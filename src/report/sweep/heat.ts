import { roundReal } from "../../fixed/real.ts";
import { heading, linear } from "../drawing.ts";
import { element, log10, text } from "../svg.ts";
import { type Chart, cut, mark } from "./chart.ts";
import { type Field, isBetter, labelOf, type Results } from "./results.ts";
import { compact, isWide, spanOf } from "./scale.ts";
import { valuesOf } from "./slices.ts";

/** What a heat map shows. */
interface HeatSpec {
  /** The settings of the columns and of the rows. */
  readonly x: Field;
  readonly y: Field;
  /** Has numbers. */
  readonly of: Field;
  readonly rows: readonly number[];
  readonly width: number;
}

/** From dark to bright, evenly spaced: viridis, which keeps its order in greys and for the colour-blind. */
const RAMP = [
  [68, 1, 84],
  [59, 82, 139],
  [33, 145, 140],
  [94, 201, 98],
  [253, 231, 37],
] as const;
const DARK = "#15171a";
/** Where the ramp is bright enough for dark words. */
const BRIGHT = 0.55;
const LEGEND_STEPS = 40;
const WORDS = 12;

/**
 * A figure over two settings: each cell has the best point of those that it stands for, and a colour that is the brighter the better.
 * Colours are logarithmic where values are far apart.
 */
export function drawHeat(results: Results, { x, y, of, rows, width }: HeatSpec): Chart {
  const columns = valuesOf(x, rows);
  const lines = valuesOf(y, rows).reverse();
  const cells = bestCells(x, y, of, rows);
  const left = 20 + 7 * Math.min(WORDS, Math.max(...lines.map(({ length }) => length), 4));
  const cellWidth = (width - 10 - left) / columns.length;
  const cellHeight = Math.min(34, Math.max(3, 420 / lines.length));
  const top = 66;
  const bottom = top + cellHeight * lines.length;
  const values = [...cells.values()].map((row) => of.numbers![row]!);
  const shade = shadeOf(of, values);
  const places: { row: number; x: number; y: number }[] = [];
  const elements = [...cells].map(([key, row]) => {
    const [column, line] = JSON.parse(key) as [string, string];
    const cell = { x: left + cellWidth * columns.indexOf(column), y: top + cellHeight * lines.indexOf(line) };
    places.push({ row, x: cell.x + cellWidth / 2, y: cell.y + cellHeight / 2 });
    const share = shade(of.numbers![row]!);
    const words = `${labelOf(x)} ${column}, ${labelOf(y)} ${line}: ${labelOf(of)} ${of.texts[row]}, ${results.names[row]}`;
    const rect = mark("rect", row, words, {
      ...cell,
      width: Math.max(1, cellWidth - 1),
      height: Math.max(1, cellHeight - 1),
      fill: colourAt(share),
    });
    const number = compact(of.numbers![row]!);
    if (7 * number.length > cellWidth || cellHeight < 14) return rect;
    const centre = {
      "text-anchor": "middle",
      style: `fill:${share > BRIGHT ? DARK : "#fff"}`,
      class: "over",
    };
    return rect + text(cell.x + cellWidth / 2, cell.y + cellHeight / 2 + 4, number, centre);
  });
  const title = `${labelOf(of)} by ${labelOf(x)} and ${labelOf(y)}`;
  return {
    title,
    width,
    height: bottom + 44,
    places,
    elements: [
      heading(20, title),
      ...ramp(of, values, left),
      ...elements,
      ...sparse(columns, cellWidth, 7 * WORDS).map((i) =>
        text(left + cellWidth * (i + 0.5), bottom + 14, cut(columns[i] || "file's", WORDS), {
          "text-anchor": "middle",
        }),
      ),
      ...sparse(lines, cellHeight, 13).map((i) =>
        text(left - 5, top + cellHeight * (i + 0.5) + 4, cut(lines[i] || "file's", WORDS), {
          "text-anchor": "end",
        }),
      ),
      text(width - 10, bottom + 32, `${labelOf(x)} →`, { "text-anchor": "end" }),
      text(left, bottom + 32, `↑ ${labelOf(y)}`),
    ],
  };
}

/** By the JSON of both values, the best row. */
function bestCells(x: Field, y: Field, of: Field, rows: readonly number[]): ReadonlyMap<string, number> {
  const cells = new Map<string, number>();
  for (const row of rows) {
    const key = JSON.stringify([x.texts[row], y.texts[row]]);
    const held = cells.get(key);
    if (held === undefined || isBetter(of, of.numbers![row]!, of.numbers![held]!)) cells.set(key, row);
  }
  return cells;
}

/** The share of the way from the worst value to the best one. */
function shadeOf(of: Field, values: readonly number[]): (value: number) => number {
  const [lo, hi] = spanOf(values);
  if (lo === hi) return () => 1;
  const ends: readonly [number, number] = of.better === "higher" ? [0, 1] : [1, 0];
  if (!isWide(values)) return linear([lo, hi], ends);
  const scale = linear([log10(lo), log10(hi)], ends);
  return (value) => scale(log10(value));
}

function colourAt(share: number): string {
  const at = share * (RAMP.length - 1);
  const i = Math.min(RAMP.length - 2, roundReal(at, "floor"));
  const [from, to] = [RAMP[i]!, RAMP[i + 1]!];
  const parts = from.map((part, c) => roundReal(part + (to[c]! - part) * (at - i), "half-even"));
  return `rgb(${parts.join(",")})`;
}

/** The colours with the values of their ends. */
function ramp(of: Field, values: readonly number[], left: number): string[] {
  const [lo, hi] = spanOf(values);
  const [worst, best] = of.better === "higher" ? [lo, hi] : [hi, lo];
  const step = 4;
  const from = left + 7 * compact(worst).length + 6;
  const steps = Array.from({ length: LEGEND_STEPS }, (_, i) =>
    element("rect", {
      x: from + step * i,
      y: 34,
      width: step + 0.5,
      height: 10,
      fill: colourAt(i / (LEGEND_STEPS - 1)),
    }),
  );
  const words = of.better === undefined ? compact(best) : `${compact(best)}, the best`;
  return [text(left, 43, compact(worst)), ...steps, text(from + step * LEGEND_STEPS + 6, 43, words)];
}

/** As many of them as have room, evenly spaced. */
function sparse(items: readonly string[], size: number, need: number): number[] {
  const widest = Math.max(...items.map(({ length }) => length));
  const every = Math.max(1, Math.min(need, 7 * widest + 6) / size);
  const shown: number[] = [];
  for (const i of items.keys()) if (shown.length === 0 || i - shown.at(-1)! >= every) shown.push(i);
  return shown;
}
