import { expect, test } from "vitest";
import type { Column } from "../../src/report/column.ts";
import { svgFile, ticks } from "../../src/report/drawing.ts";
import { drawErrors } from "../../src/report/pwl/errors.ts";
import { drawFigure, type Figure } from "../../src/report/pwl/figure.ts";
import { htmlPage } from "../../src/report/pwl/html.ts";

const x = Float64Array.from({ length: 5 }, (_, i) => i - 2);
const FIGURE: Figure = {
  title: "a < b & c",
  x,
  curve: x.map((value) => value ** 2),
  tables: [
    {
      name: "first",
      results: Float64Array.of(4, 1.5, 0, 1, 4),
      errors: Float64Array.of(0, 2, 0, 0, 0),
      knots: [{ x: -2, y: 4 }],
    },
    {
      name: "exact",
      results: Float64Array.of(4, 1, 0, 1, 4),
      errors: new Float64Array(5),
      knots: [
        { x: -2, y: 4 },
        { x: 0, y: 0 },
      ],
    },
  ],
};

const numbersOf = (svg: string, pattern: RegExp): number[][] =>
  [...svg.matchAll(pattern)].map((match) => match.slice(1).map(Number));

/** The corners of every polyline, in the order drawn. */
const linesOf = (svg: string): number[][][] =>
  [...svg.matchAll(/<polyline points="([^"]*)"/g)].map(([, points]) =>
    points!.split(" ").map((point) => point.split(",").map(Number)),
  );

/** Every tag closed, no number that is none. */
function expectWellFormed(text: string): void {
  expect(text).not.toMatch(/NaN|Infinity|undefined/);
  const open: string[] = [];
  for (const [, close, name, self] of text.matchAll(/<(\/?)([\w]+)[^>]*?(\/?)>/g)) {
    if (name === "meta") continue;
    if (close === "/") expect(open.pop()).toBe(name);
    else if (self === "") open.push(name!);
  }
  expect(open).toEqual([]);
}

test("a figure has the curve, each table on it, and below a strip with its errors", () => {
  const svg = svgFile("t", [drawFigure(FIGURE)]);
  expectWellFormed(svg);
  expect(svg).toContain("a &lt; b &amp; c");
  expect(svgFile("t", [drawFigure(structuredClone(FIGURE))])).toBe(svg);
  const [curve, first, exact, firstErrors, exactErrors] = linesOf(svg);
  expect(exact).toEqual(curve);
  // Only the second of the five results differs, and lies higher, which in pixels is less.
  const differing = first!.flatMap(([, y], i) => (y === curve![i]![1] ? [] : [i]));
  expect(differing).toEqual([1]);
  expect(first![1]![1]).toBeLessThan(curve![1]![1]!);
  // Two LSBs are the strip's own maximum, and stand a frame's margin below its top.
  expect(firstErrors![1]![1]).toBeLessThan(firstErrors![0]![1]!);
  expect(new Set(exactErrors!.map(([, y]) => y)).size).toBe(1);
  expect(svg).toContain("first: off by up to 2.00 LSB");
  // A dot for each knot, on the line.
  const dots = numbersOf(svg, /<circle cx="([\d.]+)" cy="([\d.]+)"/g);
  expect(dots).toEqual([first![0], exact![0], exact![2]]);
});

test("of more inputs than pixels the highest and the lowest are still drawn", () => {
  const many = Float64Array.from({ length: 5000 }, (_, i) => i);
  const errors = new Float64Array(5000);
  errors[1234] = 3;
  errors[4321] = -3;
  const table = { name: "spikes", results: new Float64Array(5000), errors, knots: [] };
  const svg = svgFile("t", [drawFigure({ title: "t", x: many, curve: many, tables: [table] })]);
  const strip = linesOf(svg).at(-1)!;
  expect(strip.length).toBeLessThan(1000);
  const ys = strip.map(([, y]) => y!);
  const middle = strip[0]![1]!;
  expect(middle - Math.min(...ys)).toBeCloseTo(Math.max(...ys) - middle, 2);
  expect(middle - Math.min(...ys)).toBeGreaterThan(20);
});

test("errors fall on straight lines where they are powers of the pieces; an error of 0 is left out", () => {
  const points = [2, 4, 8, 16].map((pieces) => ({
    pieces,
    maxError: pieces ** -2,
    rmsError: pieces === 16 ? 0 : 0.1,
  }));
  const svg = svgFile("t", [drawErrors("errors", [{ name: "square", points }], 0.01)]);
  expectWellFormed(svg);
  const [largest, rms] = linesOf(svg);
  expect(rms).toHaveLength(3);
  const steps = largest!.slice(1).map(([x1, y1], i) => (y1! - largest![i]![1]!) / (x1! - largest![i]![0]!));
  for (const step of steps) expect(step).toBeCloseTo(steps[0]!, 1);
  expect(steps[0]).toBeGreaterThan(0);
  const same = new Set(rms!.map(([, y]) => y));
  expect(same.size).toBe(1);
});

test.each([
  [-8, 8, [-5, 0, 5]],
  [0, 1, [0, 0.5, 1]],
  [-4, 3.97, [-4, -2, 0, 2]],
  [0.0625, 4, [1, 2, 3, 4]],
  [0, 3e-5, [0, 1e-5, 2e-5, 3e-5]],
] as const)("ticks between %d and %d", (lo, hi, expected) => {
  expect(ticks([lo, hi])).toEqual(expected);
});

test("a page stands for itself: no scripts, nothing fetched, both colour schemes, a table of what is shown", () => {
  const column = (name: string, of: (row: number) => string): Column<number> => ({
    ...{ name, of },
    ...{ doc: `what "${name}" means`, unit: "", show: "always" },
  });
  const columns = [column("a_name", (row) => `<${row}>`), column("b", (row) => String(2 * row))];
  const html = htmlPage("a < b", ["one & two"], [drawFigure(FIGURE)], columns, [1, 2]);
  expectWellFormed(html.replace("<!doctype html>", ""));
  expect(html).not.toMatch(/<script|<link|src=|url\(|https?:/);
  expect(html).toContain("prefers-color-scheme:dark");
  expect(html).toContain('name="viewport"');
  expect(html).toContain("<tr><td>&lt;1&gt;</td><td>2</td></tr>");
  expect(html).toContain('<th title="what &quot;a_name&quot; means">a name</th>');
  expect(html).toContain("<p>one &amp; two</p>");
});
