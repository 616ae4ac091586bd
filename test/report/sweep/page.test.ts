import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { CsvTable } from "../../../src/report/csv.ts";
import { drawFront } from "../../../src/report/sweep/front.ts";
import { sweepPage } from "../../../src/report/sweep/html.ts";
import type { Timeline } from "../../../src/report/sweep/timeline.ts";
import { Browser, CHROMIUM } from "../../support/chromium.ts";
import { axesOf, resultsIn, smoke, tenThousandPoints } from "./lab.ts";

const BUILT = "dist/report/sweep";

/** Writes the page of a table into a folder. */
function pageIn(
  here: string,
  name: string,
  table: CsvTable,
  timelines: readonly Timeline[] = [],
): { url: string; bytes: number } {
  const results = resultsIn(table, `${name}.csv`);
  const assets = {
    script: readFileSync(join(BUILT, "page.js"), "utf8"),
    style: readFileSync(join(BUILT, "page.css"), "utf8"),
  };
  const page = sweepPage(
    results,
    axesOf(results),
    { question: "Does it open?", origin: "a test" },
    assets,
    timelines,
  );
  const path = join(here, `${name}.html`);
  writeFileSync(path, page);
  return { url: pathToFileURL(path).href, bytes: Buffer.byteLength(page) };
}

const title = CHROMIUM === undefined ? "in a browser (skipped: no Chromium is installed)" : "in a browser";

describe.skipIf(CHROMIUM === undefined)(title, () => {
  let here: string;
  let browser: Browser;

  beforeAll(async () => {
    here = mkdtempSync(join(tmpdir(), "shiftline-page-"));
    browser = await Browser.open(CHROMIUM!);
  });

  afterAll(async () => {
    await browser.close();
    rmSync(here, { recursive: true });
  });

  /** Opens the smoke experiment's page on a screen of that width. */
  async function open(width = 1280, height = 900): Promise<void> {
    browser.complaints.length = 0;
    await browser.resize(width, height);
    await browser.visit(pageIn(here, "smoke", smoke()).url);
  }

  const count = (selector: string) =>
    browser.evaluate<number>(`document.querySelectorAll(${JSON.stringify(selector)}).length`);
  const textOf = (selector: string) =>
    browser.evaluate<string>(`document.querySelector(${JSON.stringify(selector)})?.textContent ?? ""`);

  test.each([1280, 390])(
    "%d pixels wide: every chart, nothing to complain of, nothing beyond the edge",
    async (width) => {
      await open(width);
      const results = resultsIn(smoke());
      const { front } = drawFront(results, { ...axesOf(results), rows: [0, 1, 2, 3], width: 720 });
      expect(await count("#front circle.mark")).toBe(front.length);
      for (const id of ["front", "slices", "heat", "parts", "roofs"]) {
        expect(await count(`#${id}:not([hidden]) svg`), id).toBe(1);
        expect(await count(`#${id} [data-row]`), id).toBeGreaterThan(0);
      }
      expect(await count("#points .body .row")).toBe(results.count);
      expect(await browser.evaluate("document.documentElement.scrollWidth")).toBeLessThanOrEqual(width);
      expect(browser.complaints).toEqual([]);
    },
  );

  test("a program cycle by cycle: buttons show less of it or all, and none leads out of it", async () => {
    await open();
    expect(await count("#timeline[hidden]")).toBe(1);
    const stretches = Array.from({ length: 40 }, (_, i) => [10 * i, 10 * i + 5, 0] as const);
    const timeline: Timeline = {
      ...{ point: "1", program: "step", cycles: 400, left: 0, causes: ["operands"] },
      what: [{ layer: "encoder", operation: "matmul" }],
      units: [{ name: "mac", stretches }],
    };
    await browser.visit(pageIn(here, "timeline", smoke(), [timeline, { ...timeline, program: "load" }]).url);
    const bars = () => count("#timeline rect title");
    const press = async (name: string) =>
      browser.evaluate(`document.querySelector('#timeline button[aria-label="${name}"]').click()`);
    const all = await bars();
    expect(all).toBe(40);
    await press("closer");
    const half = await bars();
    expect(half).toBeLessThan(25);
    for (let i = 0; i < 9; i++) await press("later");
    expect(await bars()).toBeGreaterThan(15);
    for (let i = 0; i < 9; i++) await press("closer");
    expect(await bars()).toBeGreaterThan(0);
    await press("the whole program");
    expect(await bars()).toBe(40);
    expect(await count("#timeline option")).toBe(2);
    expect(browser.complaints).toEqual([]);
  });

  test("a click on a point of the front shows its configuration and the command that gives it again", async () => {
    await open();
    const at = await browser.evaluate<{ row: number; x: number; y: number }>(`(() => {
      const mark = [...document.querySelectorAll("#front .mark")].at(-1);
      const { x, y, width, height } = mark.getBoundingClientRect();
      return { row: Number(mark.dataset.row), x: x + width / 2, y: y + height / 2 };
    })()`);
    await browser.click(at.x, at.y);
    const results = resultsIn(smoke());
    expect(await textOf("#details h2")).toContain(results.names[at.row]);
    expect(await textOf("#details code")).toBe(results.commands[at.row]);
    expect(await textOf("#details")).toContain("weight bits");
    expect(await count("#front .chosen")).toBe(1);
    expect(await count('#points [aria-selected="true"]')).toBe(1);
    await browser.evaluate(`document.querySelector("#details .close").click()`);
    expect(await count("#details h2")).toBe(0);
    expect(browser.complaints).toEqual([]);
  });

  test("the keyboard gets everywhere: one stop a chart, arrows between points, Enter chooses, no trap", async () => {
    await open();
    const stops: string[] = [];
    const NAME = `(() => {
      const { activeElement: at } = document;
      return at === document.body ? "end" : (at.closest("section, aside, header, .bar")?.id ?? "") + " " + at.tagName.toLowerCase();
    })()`;
    for (let i = 0; i < 60 && stops.at(-1) !== "end"; i++) {
      await browser.press("Tab");
      stops.push(await browser.evaluate<string>(NAME));
    }
    expect(stops.at(-1)).toBe("end");
    for (const id of ["front", "slices", "heat", "parts", "roofs"])
      expect(
        stops.filter((stop) => stop.startsWith(`${id} `) && !stop.endsWith("select")),
        id,
      ).toHaveLength(1);
    expect(stops.filter((stop) => stop === "points div")).toHaveLength(1);

    await browser.evaluate(`document.querySelector("#slices .mark").focus()`);
    const first = await browser.evaluate("document.activeElement.getAttribute('aria-label')");
    await browser.press("ArrowRight");
    const second = await browser.evaluate("document.activeElement.getAttribute('aria-label')");
    expect(second).not.toBe(first);
    expect(await browser.evaluate("document.activeElement.getAttribute('role')")).toBe("button");
    await browser.press("Enter");
    const name = (await textOf("#details h2")).replace(/^point \d+/, "");
    expect(String(second).startsWith(`${name}:`)).toBe(true);

    expect(await textOf("#said")).toBe(`chosen: ${name}`);

    // A bar that is chosen is drawn anew, and keeps the focus.
    await browser.evaluate(`document.querySelector("#parts .mark").focus()`);
    const bar = await browser.evaluate("document.activeElement.dataset.row");
    await browser.press("Enter");
    expect(await browser.evaluate("document.activeElement.dataset.row")).toBe(bar);

    await browser.evaluate(`document.querySelector("#points .body .row").focus()`);
    await browser.press("ArrowDown");
    await browser.press("Enter");
    expect(await textOf("#details h2 small")).toBe("point 2");
    expect(browser.complaints).toEqual([]);
  });

  test("either colour scheme, the reader's own or the other; a command can be copied, or is selected at least", async () => {
    await open();
    const paper = () =>
      browser.evaluate<string>("getComputedStyle(document.querySelector('section')).backgroundColor");
    const light = await paper();
    await browser.evaluate("document.getElementById('theme').click()");
    const dark = await paper();
    expect(dark).not.toBe(light);
    await browser.resize(1280, 900, true);
    expect(await paper()).toBe(dark);
    await browser.evaluate("document.getElementById('theme').click()");
    expect(await paper()).toBe(light);

    await browser.evaluate(`document.querySelector("#points .body .row").click()`);
    await browser.evaluate(`document.querySelector("#details .copy").click()`);
    expect(await browser.evaluate("String(getSelection())")).toBe(resultsIn(smoke()).commands[0]);
    await browser.evaluate("new Promise((done) => setTimeout(done, 200))");
    expect(["copied", "selected"]).toContain(await textOf("#details .copy"));
    expect(browser.complaints).toEqual([]);
  });

  test("a filter leaves points out of table and charts, a heading sorts", async () => {
    await open();
    await browser.evaluate(`(() => {
      const input = document.getElementById("filter");
      input.value = "arch!=edge8x8";
      input.dispatchEvent(new Event("input"));
      return new Promise((done) => setTimeout(done, 400));
    })()`);
    expect(await textOf("#count")).toBe("3 of 4 points");
    expect(await count("#points .body .row")).toBe(3);
    await browser.evaluate(`document.querySelector('[data-column="per_pct"] button').click()`);
    const shown = await browser.evaluate<string[]>(`(() => {
      const heads = [...document.querySelectorAll("#points [data-column]")].map((head) => head.dataset.column);
      const rows = [...document.querySelectorAll("#points .body .row")];
      return rows.map((row) => row.children[heads.indexOf("per_pct")].textContent);
    })()`);
    expect(shown).toEqual([...shown].sort((a, b) => Number(a) - Number(b)));
    expect(browser.complaints).toEqual([]);
  });

  test("ten thousand points: below 10 MB, and only the rows in view are elements", async () => {
    const { url, bytes } = pageIn(here, "many", tenThousandPoints());
    expect(bytes).toBeLessThan(10e6);
    browser.complaints.length = 0;
    await browser.resize(1280, 900);
    const ms = await browser.visit(url);
    // For whoever reads the log: a time is no assertion.
    console.log(`10,000 points: ${(bytes / 1e6).toFixed(1)} MB, open after ${ms.toFixed(0)} ms`);
    expect(await textOf("#count")).toBe("10000 points");
    expect(await count("#points .body .row")).toBeLessThan(100);
    await browser.evaluate(`document.querySelector("#points .body .row").focus()`);
    await browser.press("End");
    await browser.press("Enter");
    expect(await textOf("#details h2 small")).toBe("point 10000");
    // Chosen in a chart, a point comes into view in the table.
    await browser.evaluate(`document.querySelector("#heat .mark").focus()`);
    const row = Number(await browser.evaluate("document.activeElement.dataset.row"));
    await browser.press("Enter");
    expect(await textOf('#points [aria-selected="true"] [role="gridcell"]')).toBe(String(row + 1));
    expect(browser.complaints).toEqual([]);
  });
});
