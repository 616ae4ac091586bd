import type { Column } from "../column.ts";
import { type Drawing, inlineSvg, STYLE } from "../drawing.ts";
import { element, escaped } from "../svg.ts";

const PAGE_STYLE = [
  "body{font:16px/1.4 sans-serif;margin:0 auto;padding:12px;max-width:760px;background:#fff;color:#222}",
  "h1{font-size:22px}svg{width:100%;height:auto;font:12px sans-serif}figure{margin:0 0 24px}",
  ".wide{overflow-x:auto}table{border-collapse:collapse;font-size:14px}",
  "th,td{padding:3px 8px;text-align:right;border-bottom:1px solid #ccc;white-space:nowrap}",
  "th{vertical-align:bottom}th:first-child,td:first-child{text-align:left}",
  "@media (prefers-color-scheme:dark){body{background:#15171a;color:#ddd}th,td{border-color:#444}}",
].join("");

/** A page that needs nothing but itself, for any width and either colour scheme: lines of text, pictures, a table. */
export function htmlPage<Row>(
  title: string,
  lines: readonly string[],
  drawings: readonly Drawing[],
  columns: readonly Column<Row>[],
  rows: readonly Row[],
): string {
  const row = (cells: readonly string[]) => element("tr", {}, cells.join(""));
  const table = [
    row(columns.map(({ name, doc }) => element("th", { title: doc }, escaped(name.replaceAll("_", " "))))),
    ...rows.map((one) => row(columns.map(({ of }) => element("td", {}, escaped(String(of(one))))))),
  ];
  return [
    "<!doctype html>",
    '<html lang="en">',
    '<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">',
    element("title", {}, escaped(title)),
    element("style", {}, PAGE_STYLE + STYLE),
    "</head>",
    "<body>",
    element("h1", {}, escaped(title)),
    ...lines.map((text) => element("p", {}, escaped(text))),
    ...drawings.map((drawing) => element("figure", {}, inlineSvg(drawing))),
    element("div", { class: "wide" }, element("table", {}, table.join("\n"))),
    "</body>",
    "</html>",
    "",
  ].join("\n");
}
