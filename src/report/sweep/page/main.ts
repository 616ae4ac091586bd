import { type Packed, unpack } from "../pack.ts";
import { fieldNamed } from "../results.ts";
import type { Timeline } from "../timeline.ts";
import { Details } from "./details.ts";
import { byId, chooser, within } from "./dom.ts";
import { Figure } from "./figure.ts";
import { listenToFilter } from "./filter.ts";
import { sectionsOf } from "./sections.ts";
import { Table } from "./table.ts";
import { listenToTheme } from "./theme.ts";
import { timelineSection } from "./timeline.ts";

/** What the page brings. */
interface Data {
  readonly x: string;
  readonly y: string;
  readonly results: Packed;
  readonly timelines: readonly Timeline[];
}

const data = JSON.parse(byId("data").textContent) as Data;
const results = unpack(data.results);
const axes = [data.x, data.y].map((name) => fieldNamed(results.fields, name));

/** Those that pass the filter. */
let rows: readonly number[] = Array.from({ length: results.count }, (_, row) => row);
let chosen: number | undefined;

const details = new Details(byId("details"), results, () => choose(undefined));
const table = new Table(byId("points"), results, choose);
const figures = sectionsOf(results, axes[0]!, axes[1]!).map(({ id, draw, choices }) => {
  const section = byId(id);
  section.hidden = false;
  within(section, ".controls").append(...choices.map((choice) => chooser(choice, drawFigures)));
  return { id, figure: new Figure(within(section, ".chart"), draw, results.names, choose) };
});

/** In their order: the first finds the front that others show. Without points there is nothing to draw. */
function drawFigures(): void {
  for (const { id, figure } of figures) {
    byId(id).hidden = rows.length === 0;
    if (rows.length > 0) figure.draw(rows, chosen);
  }
}

function choose(row: number | undefined): void {
  chosen = row;
  details.show(row);
  // A point that is not in its chart yet may be there once it is chosen.
  for (const { id, figure } of figures) {
    if (id === "parts") figure.draw(rows, chosen);
    else figure.choose(row);
  }
  table.choose(row);
}

const drawTimeline = timelineSection(data.timelines);

listenToTheme();
listenToFilter(results, (passed) => {
  rows = passed;
  drawFigures();
  table.show(rows, chosen);
});

/** A phone that hides its address bar is as wide as before. */
let width = document.documentElement.clientWidth;
addEventListener("resize", () => {
  const now = document.documentElement.clientWidth;
  if (now === width) return;
  width = now;
  requestAnimationFrame(() => {
    drawFigures();
    drawTimeline();
  });
});
drawFigures();
table.show(rows, chosen);
