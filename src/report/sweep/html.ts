import { element, escaped } from "../svg.ts";
import type { Axes } from "./charts.ts";
import { pack } from "./pack.ts";
import type { Results } from "./results.ts";
import type { Timeline } from "./timeline.ts";

/** What a page says about itself. */
export interface PageText {
  /** A sentence below the title. */
  readonly question: string;
  /** The last line: who made the page, and how. */
  readonly origin: string;
}

/** The page's program and style, as the build leaves them. */
export interface PageAssets {
  readonly script: string;
  readonly style: string;
}

/** Nothing is fetched, and a browser holds the page to it. */
const POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:";

/**
 * One page that needs nothing but itself: points as data, and the program that draws them.
 *
 * @param axes  of the front, as it is first shown
 * @param timelines  of programs of some points
 */
export function sweepPage(
  results: Results,
  axes: Axes,
  text: PageText,
  { script, style }: PageAssets,
  timelines: readonly Timeline[] = [],
): string {
  const data = { x: axes.x.name, y: axes.y.name, results: pack(results), timelines };
  return [
    "<!doctype html>",
    '<html lang="en">',
    "<head>",
    '<meta charset="utf-8">',
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    `<meta http-equiv="Content-Security-Policy" content="${POLICY}">`,
    '<link rel="icon" href="data:,">',
    element("title", {}, escaped(results.title)),
    element("style", {}, style),
    "</head>",
    "<body>",
    ...header(results, text),
    '<div class="columns">',
    "<main>",
    ...SECTIONS.map(section),
    ...TABLE,
    "</main>",
    '<aside id="details" aria-label="the chosen point"></aside>',
    "</div>",
    element("footer", {}, escaped(text.origin)),
    '<div id="tip" role="presentation" hidden></div>',
    '<p id="said" role="status"></p>',
    `<script type="application/json" id="data">${inScript(JSON.stringify(data))}</script>`,
    `<script>${script}</script>`,
    "</body>",
    "</html>",
    "",
  ].join("\n");
}

/** JSON that no script element can be ended by. */
const inScript = (json: string): string => json.replaceAll("<", "\\u003c");

const header = ({ title }: Results, { question }: PageText): string[] => [
  '<header class="top">',
  `<div>${element("h1", {}, escaped(title))}${element("p", { class: "question" }, escaped(question))}</div>`,
  '<button type="button" id="theme" aria-label="switch between light and dark">◐</button>',
  "</header>",
  '<div class="bar" role="search">',
  '<label for="filter">Filter</label>',
  '<input id="filter" type="search" autocomplete="off" spellcheck="false" placeholder="per_pct&lt;10 edge8x8" aria-describedby="count">',
  '<output id="count" for="filter"></output>',
  "</div>",
  "<noscript><p>The charts of this page are drawn by a script, which this browser does not run.</p></noscript>",
];

/** A section with a chart, which is hidden until there is something to draw. */
interface Section {
  readonly id: string;
  readonly title: string;
  readonly hint: string;
}

const SECTIONS: readonly Section[] = [
  {
    id: "front",
    title: "Pareto front",
    hint: "Named points are as good as it gets: every other point is beaten in one figure and no better in the other. Choose a point to see its configuration and the command that gives it again.",
  },
  {
    id: "slices",
    title: "One setting at a time",
    hint: "A line joins points that differ in this setting alone.",
  },
  {
    id: "heat",
    title: "Two settings",
    hint: "A cell shows the best of the points that have both values.",
  },
  {
    id: "parts",
    title: "Where cycles and energy go",
    hint: "Points of the front, and the chosen one.",
  },
  {
    id: "roofs",
    title: "Roofline",
    hint: "How near points come to the array's peak and to the DRAM's bandwidth, means over the whole run.",
  },
  {
    id: "timeline",
    title: "Cycle by cycle",
    hint: "One run of a program: a tall bar is a unit at work, a low one a unit that is kept from its next instruction. Point at a bar to see which.",
  },
];

const section = ({ id, title, hint }: Section): string =>
  [
    `<section id="${id}" aria-labelledby="${id}-title" hidden>`,
    element("h2", { id: `${id}-title` }, escaped(title)),
    element("p", { class: "hint" }, escaped(hint)),
    '<div class="controls"></div>',
    '<div class="chart"></div>',
    "</section>",
  ].join("\n");

const TABLE: readonly string[] = [
  '<section id="points" aria-labelledby="points-title">',
  '<h2 id="points-title">All points</h2>',
  '<p class="hint">A heading sorts, arrow keys walk, Enter chooses.</p>',
  '<div class="controls"></div>',
  '<div class="grid" role="grid" aria-labelledby="points-title"></div>',
  "</section>",
];
