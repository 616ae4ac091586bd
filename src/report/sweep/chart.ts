import type { Box, Drawing } from "../drawing.ts";
import { element, escaped } from "../svg.ts";
import { type Field, labelOf } from "./results.ts";

/** A point's place in a chart, for whoever points at it. */
export interface Place {
  readonly row: number;
  readonly x: number;
  readonly y: number;
}

/** A chart of points. */
export interface Chart extends Drawing {
  readonly width: number;
  readonly places: readonly Place[];
}

/** Pixels of a file, which no screen has decided. */
export const FILE_WIDTH = 720;

/** What a chart of a screen as narrow as a phone's goes by. */
const NARROW = 480;

/** The plot of a chart of such a size, below a title. */
export const plotOf = (width: number, height: number, left = 52): Box => ({
  left,
  right: width - 10,
  top: 34,
  bottom: height - 40,
});

/** As tall as is good for its width. */
export const heightFor = (width: number): number => (width < NARROW ? 320 : 400);

/** `per pct, lower is better`. */
export const axisLabel = (field: Field): string =>
  field.better === undefined ? labelOf(field) : `${labelOf(field)} (${field.better} is better)`;

/** What a person can point at and walk to: the point of a row. */
export const mark = (
  name: string,
  row: number,
  words: string,
  attributes: Readonly<Record<string, number | string>>,
): string =>
  element(name, { class: "mark", ...attributes, "data-row": row }, element("title", {}, escaped(words)));

/** Words cut to what there is room for. */
export const cut = (words: string, most: number): string =>
  words.length > most ? `${words.slice(0, most - 1)}…` : words;
