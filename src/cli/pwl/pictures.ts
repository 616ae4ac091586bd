import { maxOf, minOf } from "../../fixed/format.ts";
import { decode } from "../../fixed/real.ts";
import { lookup } from "../../pwl/table.ts";
import { type Drawing, svgFile } from "../../report/drawing.ts";
import { drawErrors } from "../../report/pwl/errors.ts";
import { type DrawnTable, drawFigure } from "../../report/pwl/figure.ts";
import { htmlPage } from "../../report/pwl/html.ts";
import type { Request } from "./request.ts";
import { RESULT_COLUMNS, type Result } from "./results.ts";

/** Every picture below the others. */
export const toSvg = (request: Request, results: readonly Result[]): string =>
  svgFile(titleOf(request), drawingsOf(request, results));

/** Every picture, and the table of results. */
export const toHtml = (request: Request, results: readonly Result[]): string =>
  htmlPage(titleOf(request), headOf(request), drawingsOf(request, results), RESULT_COLUMNS, results);

const titleOf = ({ curve, lo, hi }: Request): string => `${curve} on [${lo}, ${hi}] in straight pieces`;

/** What the tables of a request have in common, in lines. */
export function headOf({ curve, doc, lo, hi, input, output, options }: Request): string[] {
  const from = Number(decode(minOf(output.format), output).toPrecision(4));
  const steps = (scale: number) => Number(scale.toPrecision(4));
  return [
    `${curve} on [${lo}, ${hi}]: ${doc}`,
    `input of ${input.format.bits} bits in steps of ${steps(input.scale)}, output of ${output.format.bits} bits in steps of ${steps(output.scale)} from ${from}, rounding ${options.rounding}`,
  ];
}

/** The error against the number of pieces, if several are asked for, and a figure for each number. */
function drawingsOf(request: Request, results: readonly Result[]): Drawing[] {
  const { curve, input, output, methods, pieces } = request;
  const codes = Array.from({ length: 2 ** input.format.bits }, (_, i) => minOf(input.format) + i);
  const x = Float64Array.from(codes, (code) => decode(code, input));
  const values = x.map(request.f);
  const figures = pieces.map((count) =>
    drawFigure({
      title: `${curve}, ${count} piece${count === 1 ? "" : "s"}`,
      ...{ x, curve: values },
      tables: results
        .filter(({ described }) => described.pieces === count)
        .map((result) => drawnOf(result, codes, values)),
    }),
  );
  if (pieces.length === 1) return figures;
  const falling = methods.map((name) => ({
    name,
    points: results
      .filter(({ described }) => described.method === name)
      .map(({ described, line }) => ({ pieces: described.pieces, ...line })),
  }));
  return [drawErrors(`${curve}: error of the lines, before rounding`, falling, output.scale / 2), ...figures];
}

function drawnOf({ described, knots }: Result, codes: readonly number[], values: Float64Array): DrawnTable {
  const { table, input, output, rounding, method } = described;
  const results = Float64Array.from(codes, (code) => decode(lookup(table, code, rounding), output));
  return {
    name: method,
    results,
    errors: results.map((y, i) => (y - values[i]!) / output.scale),
    knots: knots
      .filter((knot) => knot <= maxOf(input.format))
      .map((knot) => ({ x: decode(knot, input), y: results[knot - minOf(input.format)]! })),
  };
}
