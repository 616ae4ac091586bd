import { colourOf, heading, legend, line, linear, ticks } from "../drawing.ts";
import { element, escaped, text } from "../svg.ts";
import { type Chart, cut, mark } from "./chart.ts";
import { type Field, labelOf, type Results } from "./results.ts";
import { compact } from "./scale.ts";

/** What a chart of parts shows. */
interface StackSpec {
  /** Has numbers, as have its parts. */
  readonly whole: Field;
  readonly parts: readonly Field[];
  /** A bar each. */
  readonly rows: readonly number[];
  readonly width: number;
}

const BAR = 18;
const PITCH = 26;
/** Parts that are nowhere more than this share of their bar are drawn together. */
const LEAST_SHARE = 0.01;
const OTHERS = "#999999";

/** A bar for each point, made of the parts of a figure; small ones together. The figure itself stands at its end. */
export function drawStack(results: Results, { whole, parts, rows, width }: StackSpec): Chart {
  const totals = whole.numbers!;
  const isLarge = ({ numbers }: Field) => rows.some((row) => numbers![row]! > LEAST_SHARE * totals[row]!);
  const large = parts.filter(isLarge);
  const small = parts.filter((part) => !isLarge(part));
  const layers = [
    ...large.map((part, i) => ({ name: partName(part, whole), fields: [part], colour: colourOf(i) })),
    ...(small.length === 0 ? [] : [{ name: "the others", fields: small, colour: OTHERS }]),
  ];
  const isNarrow = width < 520;
  const left = isNarrow ? 10 : 236;
  const names = legend(
    40,
    layers.map(({ name }) => name),
    [10, width - 10],
    layers.map(({ colour }) => colour),
  );
  const pitch = isNarrow ? PITCH + 16 : PITCH;
  const top = 40 + names.height;
  const bottom = top + pitch * rows.length;
  const most = Math.max(...rows.map((row) => totals[row]!));
  const across = linear([0, most || 1], [left, width - 70]);
  const places: { row: number; x: number; y: number }[] = [];
  const bars = rows.map((row, i) => {
    const y = top + pitch * i + (isNarrow ? 16 : 0);
    places.push({ row, x: left, y: y + BAR / 2 });
    let from = 0;
    const pieces = layers.map(({ name, fields, colour }) => {
      const value = fields.reduce((sum, { numbers }) => sum + numbers![row]!, 0);
      const [start, end] = [across(from), across(from + value)];
      from += value;
      const words = element("title", {}, escaped(`${name}: ${compact(value)} of ${whole.texts[row]}`));
      return element(
        "rect",
        { x: start, y, width: Math.max(0, end - start), height: BAR, fill: colour },
        words,
      );
    });
    const name = cut(results.names[row]!, isNarrow ? 44 : 30);
    const words = `${results.names[row]}: ${labelOf(whole)} ${whole.texts[row]}`;
    return [
      ...pieces,
      isNarrow ? text(left, y - 4, name) : text(left - 8, y + BAR - 5, name, { "text-anchor": "end" }),
      text(across(from) + 5, y + BAR - 5, compact(totals[row]!)),
      mark("rect", row, words, { x: left, y, width: across(most) - left, height: BAR, fill: "transparent" }),
    ].join("");
  });
  const grid = ticks([0, most || 1]).flatMap((value) => [
    line([across(value), top - 4], [across(value), bottom], { class: "grid" }),
    text(across(value), bottom + 12, compact(value), { "text-anchor": "middle" }),
  ]);
  const title = `${labelOf(whole)} by its parts`;
  return {
    title,
    width,
    height: bottom + 24,
    places,
    elements: [heading(20, title), ...names.elements, ...grid, ...bars],
  };
}

/** A part's name without the words that it shares with the whole's. */
function partName(part: Field, whole: Field): string {
  const shared = new Set(whole.name.split("_"));
  return part.name
    .split("_")
    .filter((word) => !shared.has(word))
    .join(" ");
}
