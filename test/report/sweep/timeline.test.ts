import { expect, test } from "vitest";
import { drawTimeline, type Timeline, wholeOf } from "../../../src/report/sweep/timeline.ts";

/** Two units: one that works, waits and works again, and one that only waits. */
const SMALL: Timeline = {
  ...{ point: "3", program: "step", cycles: 120, left: 0 },
  what: [
    { layer: "encoder", operation: "matmul" },
    { layer: "", operation: "dma.in" },
    { layer: "output", operation: "matmul" },
  ],
  causes: ["operands", "bank"],
  units: [
    {
      name: "mac",
      stretches: [
        [0, 50, 0],
        [50, 60, 2, 1],
        [60, 100, 2],
      ],
    },
    { name: "dma", stretches: [[20, 40, 1, 0]] },
  ],
};

/** Of every bar: where it is and what it says. */
const barsIn = (elements: readonly string[]) =>
  elements.flatMap((element) => {
    const [, x, width, words] =
      /^<rect x="([\d.]+)" y="[\d.]+" width="([\d.]+)".*<title>(.*)<\/title>/.exec(element) ?? [];
    return words === undefined ? [] : [{ from: Number(x), width: Number(width), words }];
  });

test("each stretch is a bar of its length that says what it is", () => {
  const { title, elements } = drawTimeline(SMALL, wholeOf(SMALL), 190);
  expect(title).toBe("point 3, step: 120 cycles");
  // A cycle is a pixel: 78 on the left, 12 on the right.
  expect(barsIn(elements)).toEqual([
    { from: 78, width: 50, words: "encoder matmul, cycles 0 to 50" },
    { from: 128, width: 10, words: "output matmul waits: bank, cycles 50 to 60" },
    { from: 138, width: 40, words: "output matmul, cycles 60 to 100" },
    { from: 98, width: 20, words: "dma.in waits: operands, cycles 20 to 40" },
  ]);
  for (const word of ["encoder", "output", "waiting", "mac", "dma"])
    expect(elements.join()).toContain(`>${word}<`);
});

test("a window cuts what lies across its ends, and shows nothing of what lies outside", () => {
  const { elements } = drawTimeline(SMALL, { from: 40, to: 60 }, 190);
  expect(barsIn(elements).map(({ from, width }) => [from, width])).toEqual([
    [78, 50],
    [128, 50],
  ]);
});

test("stretches of one layer that no eye tells apart are one bar that says how many", () => {
  const stretches = Array.from({ length: 1000 }, (_, i) => [10 * i, 10 * i + 9, 0] as const);
  const many = { ...SMALL, left: 2500, units: [{ name: "mac", stretches }] };
  const { title, elements } = drawTimeline(many, wholeOf(many), 190);
  expect(barsIn(elements)).toEqual([{ from: 78, width: 100, words: "1000 instructions" }]);
  expect(title).toContain("without its last 2500 instructions");
});
