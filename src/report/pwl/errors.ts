import { roundReal } from "../../fixed/real.ts";
import {
  colourOf,
  type Drawing,
  frame,
  heading,
  LEFT,
  legend,
  line,
  logarithmic,
  polyline,
  RIGHT,
} from "../drawing.ts";
import { element, log10, text } from "../svg.ts";

/** How the error of a method falls with the number of pieces. */
export interface ErrorCurve {
  readonly name: string;
  readonly points: readonly {
    readonly pieces: number;
    readonly maxError: number;
    readonly rmsError: number;
  }[];
}

const TOP_LINE = 58;
const HEIGHT = 240;

/**
 * Errors of the real-valued lines against their number of pieces, both logarithmic: the largest as a full line, the root mean
 * square as a dashed one. An error of 0 is not drawn.
 *
 * @param halfLsb  what rounding to the output's codes alone may be off by
 */
export function drawErrors(title: string, curves: readonly ErrorCurve[], halfLsb: number): Drawing {
  const points = curves.flatMap((curve) => curve.points);
  const counts = [...new Set(points.map(({ pieces }) => pieces))].sort((a, b) => a - b);
  const errors = points
    .flatMap(({ maxError, rmsError }) => [maxError, rmsError])
    .filter((error) => error > 0);
  const decades = decadesOf([...errors, halfLsb]);
  const names = legend(
    TOP_LINE,
    curves.map(({ name }) => name),
  );
  const [top, bottom] = [TOP_LINE + names.height, TOP_LINE + names.height + HEIGHT];
  const across = logarithmic([counts[0]!, counts.at(-1)!], [LEFT + 14, RIGHT - 14]);
  const up = logarithmic([decades[0]!, decades.at(-1)!], [bottom, top]);
  const lineOf = (i: number, key: "maxError" | "rmsError", style: Readonly<Record<string, string>>) => {
    const drawn = curves[i]!.points.filter((point) => point[key] > 0);
    const places = drawn.map((point) => [across(point.pieces), up(point[key])] as const);
    return [
      polyline(places, { stroke: colourOf(i), "stroke-width": 1.5, ...style }),
      ...places.map(([cx, cy]) => element("circle", { cx, cy, r: 2.5, fill: colourOf(i) })),
    ];
  };
  return {
    title,
    height: bottom + 40,
    elements: [
      heading(20, title),
      text(LEFT, 38, "full: largest error, dashed: root mean square"),
      ...names.elements,
      ...frame(
        { left: LEFT, right: RIGHT, top, bottom },
        { at: across, ticks: counts, label: "pieces" },
        { at: up, ticks: decades, label: "" },
      ),
      line([LEFT, up(halfLsb)], [RIGHT, up(halfLsb)], { class: "frame", "stroke-dasharray": "1 3" }),
      ...curves.flatMap((_, i) => [
        ...lineOf(i, "maxError", {}),
        ...lineOf(i, "rmsError", { "stroke-dasharray": "5 3" }),
      ]),
      text(LEFT + 4, up(halfLsb) - 4, "half an output LSB", { class: "halo", "font-size": 10 }),
    ],
  };
}

/** Powers of ten from the one below the least value to the one above the largest, two or more. */
function decadesOf(values: readonly number[]): number[] {
  const logs = values.map(log10);
  const first = roundReal(
    logs.reduce((a, b) => Math.min(a, b)),
    "floor",
  );
  const last = Math.max(
    first + 1,
    roundReal(
      logs.reduce((a, b) => Math.max(a, b)),
      "ceiling",
    ),
  );
  return Array.from({ length: last - first + 1 }, (_, i) => Number((10 ** (first + i)).toPrecision(6)));
}
