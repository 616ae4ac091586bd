import { describe, expect, test } from "vitest";
import { svgFile } from "../../../src/report/drawing.ts";
import { allCharts, chooseAxes, spread } from "../../../src/report/sweep/charts.ts";
import { drawFront } from "../../../src/report/sweep/front.ts";
import { sweepPage } from "../../../src/report/sweep/html.ts";
import type { Results } from "../../../src/report/sweep/results.ts";
import { compact } from "../../../src/report/sweep/scale.ts";
import { axesOf, resultsIn, smoke, tableOf, tenThousandPoints } from "./lab.ts";

function expectWellFormed(picture: string): void {
  expect(picture).not.toMatch(/NaN|Infinity|undefined/);
  const open: string[] = [];
  for (const [, end, name, empty] of picture.matchAll(/<(\/?)([a-z]+)[^<>]*?(\/?)>/g)) {
    if (end) expect(open.pop()).toBe(name);
    else if (!empty) open.push(name!);
  }
  expect(open).toEqual([]);
}

const SMOKE = resultsIn(smoke());
const ONE = resultsIn(tableOf([{}]));
const NOTHING = resultsIn(
  tableOf([
    { per_pct: 0, macs_per_word: 0, cycles_per_word: 0, energy_uj_per_word: 0 },
    { per_pct: 0, dram_bytes_per_word: 0, weight_bits: 2 },
  ]),
);

describe.each<[string, Results]>([
  ["the smoke experiment", SMOKE],
  ["one point", ONE],
  ["zeros", NOTHING],
  ["ten thousand points", resultsIn(tenThousandPoints())],
])("of %s", (_, results) => {
  const charts = allCharts(results, axesOf(results));

  test("charts have names of their own, and are pictures without a number that is none", () => {
    expect(new Set(charts.map(({ name }) => name)).size).toBe(charts.length);
    for (const { chart } of charts) expectWellFormed(svgFile(chart.title, [chart]));
  });

  test("every place is inside its chart", () => {
    for (const { name, chart } of charts) {
      for (const { row, x, y } of chart.places) {
        expect(row).toBeLessThan(results.count);
        expect(x >= 0 && x <= chart.width && y >= 0 && y <= chart.height, `${name}: ${x}, ${y}`).toBe(true);
      }
    }
  });

  test("equal results are equal bytes", () => {
    const bytes = (all: ReturnType<typeof allCharts>) =>
      all.map(({ chart }) => svgFile(chart.title, [chart]));
    expect(bytes(allCharts(results, axesOf(results)))).toEqual(bytes(charts));
  });
});

test("the smoke experiment has every chart", () => {
  const names = allCharts(SMOKE, axesOf(SMOKE)).map(({ name }) => name);
  expect(names).toEqual(
    expect.arrayContaining([
      "front",
      "per_pct-by-arch",
      "per_pct-by-weight_bits",
      "per_pct-by-pwl_pieces",
      "heat",
      "cycles_per_word-parts",
      "energy_uj_per_word-parts",
      "roofline",
    ]),
  );
});

test("the front is drawn: a mark and a name for each of its points, the float model's line, the others dim", () => {
  const { front, elements } = drawFront(SMOKE, {
    ...axesOf(SMOKE),
    rows: [0, 1, 2, 3],
    width: 720,
    range: "all",
  });
  const picture = elements.join("\n");
  expect(front.length).toBeGreaterThan(0);
  const marked = [...picture.matchAll(/<circle class="mark"[^>]*data-row="(\d+)"/g)].map(([, row]) =>
    Number(row),
  );
  expect(marked).toEqual(front);
  expect(picture).toContain("float 11.4");
  const [, path] = /<path class="dim"[^>]* d="([^"]*)"/.exec(picture)!;
  expect(path!.split("M").length - 1).toBe(SMOKE.count - front.length);
});

test("points far from a front leave the plot to it, unless all are wanted", () => {
  const results = resultsIn(
    tableOf([9, 10, 11, 12, 95].map((per, i) => ({ per_pct: per, cycles_per_word: 100 - i }))),
  );
  const numbersOf = (range: "all" | "near" | undefined) =>
    drawFront(results, { ...axesOf(results), rows: [0, 1, 2, 3, 4], width: 720, range }).places.length;
  expect(numbersOf("all")).toBe(5);
  const dominated = resultsIn(
    tableOf([9, 10, 11, 95].map((per, i) => ({ per_pct: per, cycles_per_word: i === 3 ? 100 : 100 - i }))),
  );
  const places = (range: "all" | "near" | undefined) =>
    drawFront(dominated, { ...axesOf(dominated), rows: [0, 1, 2, 3], width: 720, range });
  expect(places("all").places).toHaveLength(4);
  expect(places("near").places).toHaveLength(3);
  expect(places(undefined).places).toHaveLength(3);
  expect(places("near").elements.join()).toContain("1 point lies outside");
});

test("a front of one point is no place to look closely at", () => {
  const results = resultsIn(
    tableOf([1, 10, 100].map((times) => ({ per_pct: 9, cycles_per_word: 1000 * times }))),
  );
  const { elements } = drawFront(results, { ...axesOf(results), rows: [0, 1, 2], width: 700 });
  expect(elements.join()).not.toContain("outside");
});

test("a metric that all points share leaves the axis to one that they differ in", () => {
  const results = resultsIn(tableOf([1, 2].map((times) => ({ per_pct: 9, wer_pct: 30 * times }))));
  expect(axesOf(results).y.name).toBe("wer_pct");
});

test("axes are the model's metric and its cycles, or what is asked for", () => {
  const names = (asked: { x?: string; y?: string }) => {
    const { x, y } = chooseAxes(SMOKE, "x.csv", asked);
    return [x.name, y.name];
  };
  expect(names({})).toEqual(["cycles_per_word", "per_pct"]);
  expect(names({ x: "model_bytes", y: "wer_pct" })).toEqual(["model_bytes", "wer_pct"]);
  expect(() => names({ x: "cycle" })).toThrow("x.csv: no column cycle; did you mean cycles?");
  expect(() => names({ y: "arch" })).toThrow("x.csv: column arch holds words, not numbers");
});

test("a page is one whole, whatever its words are: no element ends early, nothing is fetched", () => {
  const evil = `</script><script>alert("1")</script>&'<b>`;
  const results = resultsIn(
    tableOf([{ arch: evil, changes: "", per_pct: 1 }, { per_pct: 2 }]),
    `${evil}.csv`,
  );
  const assets = { script: "void 0;", style: "p{}" };
  const page = sweepPage(results, axesOf(results), { question: evil, origin: evil }, assets);
  expect(page.match(/<script/g)).toHaveLength(2);
  expect(page.match(/<\/script/g)).toHaveLength(2);
  expect(page).not.toContain("<b>");
  const [, json] = /<script type="application\/json" id="data">(.*)<\/script>/.exec(page)!;
  expect(JSON.parse(json!).results.fields).toContainEqual(
    expect.objectContaining({
      name: "arch",
      values: expect.objectContaining({ texts: [evil, "edge16x16"] }),
    }),
  );
  expect(page).not.toMatch(/(src|href)="(?!data:)/);
  expect(page).not.toMatch(/https?:/);
});

test("items are spread evenly, with both ends, and are all there where there are few", () => {
  for (let length = 1; length < 60; length++) {
    const items = Array.from({ length }, (_, i) => i);
    const some = spread(items, 16);
    expect(some).toHaveLength(Math.min(16, length));
    expect([some[0], some.at(-1)]).toEqual([0, length - 1]);
  }
});

test.each([
  [0, "0"],
  [9.8663, "9.87"],
  [1234, "1230"],
  [114996.7, "115k"],
  [-2.5e6, "-2.5M"],
  [3e9, "3G"],
])("%d is %s", (value, text) => {
  expect(compact(value)).toBe(text);
});
