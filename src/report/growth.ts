import { colourOf, type Drawing, frame, heading, LEFT, legend, linear, polyline, RIGHT } from "./drawing.ts";
import { axisAround } from "./sweep/scale.ts";

/** How a figure grew, step after step. */
export interface Growth {
  readonly name: string;
  /** After each step from the first on, in parts of 1. */
  readonly values: readonly number[];
}

const HEIGHT = 300;
const LEGEND_TOP = 42;
/** Steps beyond which the first ones could not be told apart on an even axis. */
const MANY_STEPS = 100;

/** The plot goes on above 100 %, where its label stands. */
const MOST_PERCENT = 112;

/** Curves of growth in %, as staircases: nothing grows between two steps. */
export function drawGrowth(title: string, step: string, what: string, growths: readonly Growth[]): Drawing {
  const names = legend(
    LEGEND_TOP,
    growths.map(({ name }) => name),
  );
  const plot = { left: LEFT, right: RIGHT, top: LEGEND_TOP + names.height, bottom: HEIGHT - 40 };
  const steps = Math.max(...growths.map(({ values }) => values.length));
  const across = axisAround([1, Math.max(steps, 2)], [plot.left, plot.right], step, steps > MANY_STEPS);
  const up = {
    at: linear([0, MOST_PERCENT], [plot.bottom, plot.top]),
    ticks: [0, 20, 40, 60, 80, 100],
    label: what,
  };
  const curves = growths.map(({ values }, series) =>
    polyline(
      cornersOf(values).map(([x, y]) => [across.at(x), up.at(100 * y)]),
      { stroke: colourOf(series), "stroke-width": 2 },
    ),
  );
  return {
    title,
    height: HEIGHT,
    elements: [heading(20, title), ...names.elements, ...frame(plot, across, up), ...curves],
  };
}

/** A staircase that stands still between the steps at which something grew. */
function cornersOf(values: readonly number[]): [step: number, value: number][] {
  const corners = values.flatMap((value, i): [number, number][] => {
    const before = values[i - 1] ?? 0;
    return value === before && i > 0
      ? []
      : [
          [i + 1, before],
          [i + 1, value],
        ];
  });
  return [...corners, [values.length, values.at(-1) ?? 0]];
}
