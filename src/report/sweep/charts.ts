import { InputError } from "../../base/errors.ts";
import { suggestion } from "../../base/settings.ts";
import { type Chart, FILE_WIDTH } from "./chart.ts";
import { drawFront } from "./front.ts";
import { drawHeat } from "./heat.ts";
import { axesOf, cyclesOf, type Field, meritOf, type Results, wholesOf } from "./results.ts";
import { drawRoofs, roofColumns } from "./roofs.ts";
import { drawSlices, slicesOf } from "./slices.ts";
import { drawStack } from "./stack.ts";

/** The two figures of the front. */
export interface Axes {
  readonly x: Field;
  readonly y: Field;
}

/** Bars of one chart. */
export const MOST_BARS = 16;

/**
 * The figures of the front: those asked for, or else the model's figure of merit against cycles.
 *
 * @throws InputError for a column that is not there or has no numbers, and where nothing is asked for and there is no default
 */
export function chooseAxes(
  results: Results,
  where: string,
  asked: { readonly x?: string | undefined; readonly y?: string | undefined },
): Axes {
  return {
    x: chooseFigure(results, where, asked.x, cyclesOf(results), "--x"),
    y: chooseFigure(results, where, asked.y, meritOf(results), "--y"),
  };
}

function chooseFigure(
  { fields }: Results,
  where: string,
  name: string | undefined,
  preset: Field | undefined,
  option: string,
): Field {
  const numeric = fields.filter(({ numbers }) => numbers !== undefined);
  if (name === undefined) {
    if (preset === undefined)
      throw new InputError(where, `no figure that is better lower or higher; name one with ${option}`);
    return preset;
  }
  const field = fields.find((one) => one.name === name);
  if (field === undefined)
    throw new InputError(
      where,
      `no column ${name}${suggestion(
        name,
        numeric.map((one) => one.name),
      )}`,
    );
  if (field.numbers === undefined) throw new InputError(where, `column ${name} holds words, not numbers`);
  return field;
}

/** At most so many items, evenly spaced, the first and the last among them. */
export function spread<T>(items: readonly T[], most: number): T[] {
  if (items.length <= most) return [...items];
  const every = (items.length - 1) / (most - 1);
  let next = 0;
  return items.filter((_, i) => {
    // A hair below, so that rounding does not lose the last one.
    if (i < next - 1e-9) return false;
    next += every;
    return true;
  });
}

/** The setting that most points differ in alone: what there is most to see of. */
export function sliceAxis(results: Results, axes: readonly Field[], y: Field): Field {
  const rows = allRows(results);
  const longest = (x: Field) => slicesOf(results, { x, y, rows })[0]?.length ?? 0;
  return axes.map((axis) => ({ axis, length: longest(axis) })).reduce((a, b) => (b.length > a.length ? b : a))
    .axis;
}

/** The two settings of which most pairs of values occur. */
export function mapAxes(axes: readonly Field[]): readonly Field[] {
  const pairs = axes.flatMap((a, i) =>
    axes.slice(i + 1).map((b) => ({
      fields: [a, b],
      cells: new Set(a.texts.map((text, row) => `${text} ${b.texts[row]}`)).size,
    })),
  );
  return pairs.length === 0 ? axes : pairs.reduce((a, b) => (b.cells > a.cells ? b : a)).fields;
}

const allRows = ({ count }: Results): number[] => Array.from({ length: count }, (_, row) => row);

/** A chart, and the name of its file. */
interface NamedChart {
  readonly name: string;
  readonly chart: Chart;
}

/** Every chart that the columns allow, as pictures of one width. */
export function allCharts(results: Results, { x, y }: Axes): NamedChart[] {
  const width = FILE_WIDTH;
  const rows = allRows(results);
  const front = drawFront(results, { x, y, rows, width });
  const axes = axesOf(results);
  const [first, second] = mapAxes(axes);
  const bars = spread(front.front, MOST_BARS);
  const roof = roofColumns(results);
  return [
    { name: "front", chart: front },
    ...axes.map((axis) => ({
      name: `${y.name}-by-${axis.name}`,
      chart: drawSlices(results, { x: axis, y, rows, width }),
    })),
    ...(first === undefined || second === undefined
      ? []
      : [{ name: "heat", chart: drawHeat(results, { x: first, y: second, of: y, rows, width }) }]),
    ...wholesOf(results).map(({ whole, parts }) => ({
      name: `${whole.name}-parts`,
      chart: drawStack(results, { whole, parts, rows: bars, width }),
    })),
    ...(roof === undefined
      ? []
      : [{ name: "roofline", chart: drawRoofs(results, roof, rows, front.front, width) }]),
  ];
}
