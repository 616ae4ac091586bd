import { roundReal } from "../fixed/real.ts";
import { element, escaped, log10, short, text } from "./svg.ts";

/** A picture, in elements that stand for themselves or below others. */
export interface Drawing {
  readonly title: string;
  /** `WIDTH` where it is absent. */
  readonly width?: number;
  readonly height: number;
  readonly elements: readonly string[];
}

/** Narrow, so that words can still be read where a phone shrinks it. */
const WIDTH = 480;
export const LEFT = 46;
export const RIGHT = 470;

/** Colours that tell apart on white, on black, and to the colour-blind (after Okabe and Ito). */
const COLOURS = ["#1f83c6", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#8a6bbe"];
export const colourOf = (series: number): string => COLOURS[series % COLOURS.length]!;

/** What follows the reader's colour scheme; a viewer without style sheets for it draws on white. */
export const STYLE = [
  ".paper{fill:#fff}.grid{stroke:#e4e4e4}.frame{stroke:#999;fill:none}.curve{stroke:#bbb}text{fill:#222}.dim{stroke:#9aa5b1;stroke-opacity:.45;fill:none}.front{stroke:#5c6570}.float{stroke:#d55e00}.name{font-size:10px}.aside{fill:#666;font-size:11px}.halo{stroke:#fff;stroke-width:3;paint-order:stroke}",
  "@media (prefers-color-scheme:dark){",
  ".paper{fill:#15171a}.grid{stroke:#2c2f33}.frame{stroke:#777}.curve{stroke:#555}text{fill:#ddd}.dim{stroke:#66707b}.front{stroke:#9aa3ad}.float{stroke:#ff9a4d}.aside{fill:#999}.halo{stroke:#15171a}}",
].join("");

/** A drawing as a picture of its own inside a page. */
export const inlineSvg = ({ title, width = WIDTH, height, elements }: Drawing): string =>
  element("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": title }, contents(elements));

/** Drawings below each other, as a file. */
export function svgFile(title: string, drawings: readonly Drawing[]): string {
  const width = Math.max(...drawings.map((drawing) => drawing.width ?? WIDTH));
  let top = 0;
  const groups = drawings.map(({ elements, height }) => {
    const group = element("g", { transform: `translate(0 ${top})` }, contents(elements));
    top += height;
    return group;
  });
  return `${element(
    "svg",
    {
      xmlns: "http://www.w3.org/2000/svg",
      width,
      height: top,
      viewBox: `0 0 ${width} ${top}`,
      ...FONT,
    },
    contents([
      element("title", {}, escaped(title)),
      element("style", {}, STYLE),
      element("rect", { class: "paper", width, height: top }),
      ...groups,
    ]),
  )}\n`;
}

const FONT = { "font-family": "sans-serif", "font-size": 12 };
const contents = (elements: readonly string[]): string => `\n${elements.join("\n")}\n`;

export const heading = (y: number, words: string): string =>
  text(LEFT, y, words, { "font-size": 14, "font-weight": "bold" });

/** What value stands at which pixel. */
export type Scale = (value: number) => number;

export const linear =
  ([lo, hi]: readonly [number, number], [from, to]: readonly [number, number]): Scale =>
  (value) =>
    from + ((value - lo) / (hi - lo)) * (to - from);

export const logarithmic = (
  [lo, hi]: readonly [number, number],
  pixels: readonly [number, number],
): Scale => {
  const scale = linear([log10(lo), log10(hi)], pixels);
  return (value) => scale(log10(value));
};

/** Round numbers in [lo, hi], five or so. */
export function ticks([lo, hi]: readonly [number, number]): number[] {
  const rough = (hi - lo) / 4;
  const decade = 10 ** roundReal(log10(rough), "floor");
  const step = [1, 2, 5, 10].map((factor) => factor * decade).find((size) => size >= rough * 0.999)!;
  const first = roundReal(lo / step, "ceiling");
  const last = roundReal(hi / step + 1e-9, "floor");
  return Array.from({ length: last - first + 1 }, (_, i) => Number(((first + i) * step).toPrecision(6)));
}

/** A rectangle in pixels, downwards. */
export interface Box {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

/** An axis of a plot. */
export interface Axis {
  readonly at: Scale;
  readonly ticks: readonly number[];
  readonly label: string;
  /** A tick's value in words; as it is where this is absent. */
  readonly format?: (value: number) => string;
}

/** The frame of a plot, with lines and labels at values of either axis. */
export function frame({ left, right, top, bottom }: Box, across: Axis, up: Axis): string[] {
  const words = ({ format = String }: Axis, value: number) => format(value);
  const vertical = across.ticks.flatMap((value) => [
    line([across.at(value), top], [across.at(value), bottom], { class: "grid" }),
    text(across.at(value), bottom + 14, words(across, value), { "text-anchor": "middle" }),
  ]);
  const level = up.ticks.flatMap((value) => [
    line([left, up.at(value)], [right, up.at(value)], { class: "grid" }),
    text(left - 4, up.at(value) + 4, words(up, value), { "text-anchor": "end", "font-size": 10 }),
  ]);
  return [
    ...vertical,
    ...level,
    element("rect", { class: "frame", x: left, y: top, width: right - left, height: bottom - top }),
    text(right, bottom + 28, across.label, { "text-anchor": "end" }),
    text(left + 4, top + 13, up.label),
  ];
}

type Point = readonly [x: number, y: number];
type Style = Readonly<Record<string, number | string>>;

export const line = ([x1, y1]: Point, [x2, y2]: Point, style: Style): string =>
  element("line", { x1, y1, x2, y2, ...style });

export const polyline = (points: readonly Point[], style: Style): string =>
  element("polyline", {
    points: points.map(([x, y]) => `${short(x)},${short(y)}`).join(" "),
    fill: "none",
    ...style,
  });

/** Names with their colours, in as many lines as they take, and the height of these. */
export function legend(
  top: number,
  names: readonly string[],
  [left, right]: readonly [number, number] = [LEFT, RIGHT],
  colours: readonly string[] = names.map((_, i) => colourOf(i)),
): { readonly elements: string[]; readonly height: number } {
  let [x, y] = [left, top];
  const elements = names.flatMap((name, i) => {
    const width = 30 + 7 * name.length;
    if (x + width > right && x > left) [x, y] = [left, y + LEGEND_LINE];
    const at = x;
    x += width;
    return [
      line([at, y - 4], [at + 16, y - 4], { stroke: colours[i]!, "stroke-width": 3 }),
      text(at + 20, y, name),
    ];
  });
  return { elements, height: y - top + LEGEND_LINE };
}

const LEGEND_LINE = 16;
