import type { Box } from "./drawing.ts";
import { element, text } from "./svg.ts";

/** What one character of a label takes. */
const CHARACTER = 6;
const GREY = "#888888";
/** Steps away from a mark in which room is looked for. */
const STEPS = 20;

/** The square around a mark. */
export const around = (x: number, y: number, reach: number): Box => ({
  left: x - reach,
  top: y - reach,
  right: x + reach,
  bottom: y + reach,
});

interface Style {
  readonly [attribute: string]: number | string;
}

/**
 * A name beside a mark, or as near to it as there is room, then with a line to it. Takes the room.
 *
 * @param taken   boxes that are; the name's own is added
 * @param bounds  which it may not leave
 * @param isOptional  leaves the name out where there is no room, in place of writing over something
 */
export function labelAt(
  { x, y }: { readonly x: number; readonly y: number },
  words: string,
  taken: Box[],
  bounds: Box,
  style: Style,
  isOptional = false,
): string[] {
  const width = words.length * CHARACTER;
  const boxAt = (left: number, middle: number): Box => ({
    left,
    top: middle - 6,
    right: left + width,
    bottom: middle + 6,
  });
  const isFree = (box: Box): boolean =>
    box.left >= bounds.left &&
    box.right <= bounds.right &&
    box.top >= bounds.top &&
    box.bottom <= bounds.bottom &&
    taken.every(
      (other) =>
        box.right < other.left || other.right < box.left || box.bottom < other.top || other.bottom < box.top,
    );
  const box = candidates(x, y, width)
    .map(([left, middle]) => boxAt(left, middle))
    .find(isFree);
  if (box === undefined && isOptional) return [];
  const { left, right, top, bottom } = box ?? boxAt(x + 9, y);
  taken.push({ left, right, top, bottom });
  const middle = (top + bottom) / 2;
  const label = text(left, middle + 4, words, style);
  if (middle === y) return [label];
  const end = left > x ? left - 2 : right + 2;
  return [element("line", { x1: x, y1: y, x2: end, y2: middle, stroke: GREY, "stroke-width": 0.5 }), label];
}

/** Left ends and heights of a label, the nearest to its mark first: right of it, left of it, further up and down. */
function candidates(x: number, y: number, width: number): (readonly [left: number, middle: number])[] {
  return Array.from({ length: STEPS + 1 }, (_, distance) =>
    (distance === 0 ? [y] : [y - 7 * distance, y + 7 * distance]).flatMap((middle) =>
      [x + 9 + 4 * distance, x - 9 - 4 * distance - width].map((left) => [left, middle] as const),
    ),
  ).flat();
}
