import { expect, test } from "vitest";
import { type Roofline, rooflineSvg } from "../../src/report/roofline.ts";
import { log10 } from "../../src/report/svg.ts";

const chart: Roofline = {
  title: "a < b & c",
  peak: { name: "the array", macsPerCycle: 256 },
  memories: [
    { name: "weight SRAM", bytesPerCycle: 256 },
    { name: "DRAM", bytesPerCycle: 16 },
  ],
  layers: [
    // On the ridge of the weight SRAM, and a quarter of the way up the DRAM's roof at a hundred MACs a byte.
    { name: "full", macs: 2560, cycles: 10, bytes: [2560, 16] },
    { name: "on the slope", macs: 160, cycles: 100, bytes: [0, 100 * 16] },
    { name: "its twin", macs: 320, cycles: 200, bytes: [0, 200 * 16] },
    { name: "below", macs: 100, cycles: 100, bytes: [100, 25] },
    { name: "no MACs", macs: 0, cycles: 100, bytes: [100, 25] },
  ],
  notes: ["a note"],
};

const numbersOf = (svg: string, pattern: RegExp): number[][] =>
  [...svg.matchAll(pattern)].map((match) => match.slice(1).map(Number));

const linesOf = (svg: string) =>
  numbersOf(
    svg,
    /<line x1="([\d.-]+)" y1="([\d.-]+)" x2="([\d.-]+)" y2="([\d.-]+)" stroke="#[^"]+" stroke-width="2"/g,
  );
const dotsOf = (svg: string) => numbersOf(svg, /<circle cx="([\d.-]+)" cy="([\d.-]+)"/g);

test("the logarithm is right to a hundredth of a pixel", () => {
  for (let k = -60; k <= 60; k++) {
    const x = 1.37 ** k;
    if (Math.abs(log10(x) - Math.log10(x)) > 1e-6) expect.fail(`log10(${x}) = ${log10(x)}`);
  }
  expect([1, 10, 100, 0.1].map((x) => Number(log10(x).toFixed(6)))).toEqual([0, 1, 2, -1]);
});

test("the same chart gives the same bytes, every tag closed and every sign escaped", () => {
  const svg = rooflineSvg(chart);
  expect(rooflineSvg(structuredClone(chart))).toBe(svg);
  expect(svg).toContain("<title>a &lt; b &amp; c</title>");
  expect(svg).not.toMatch(/NaN|Infinity|undefined|-0"/);
  const open: string[] = [];
  for (const [, close, name, self] of svg.matchAll(/<(\/?)(\w+)[^>]*?(\/?)>/g)) {
    if (close === "/") expect(open.pop()).toBe(name);
    else if (self === "") open.push(name!);
  }
  expect(open).toEqual([]);
});

test("ceilings and notes are named", () => {
  const svg = rooflineSvg(chart);
  for (const words of [
    "weight SRAM, 256 bytes a cycle",
    "DRAM, 16 bytes a cycle",
    "the array, 256 MACs a cycle",
    "a note",
  ])
    expect(svg).toContain(`>${words}</text>`);
});

test("slanted ceilings rise by a decade for each decade and end at the peak", () => {
  const svg = rooflineSvg(chart);
  const [weight, dram, peak] = linesOf(svg);
  for (const line of [weight!, dram!]) expect(line[3]).toBeCloseTo(peak![1]!, 1);
  // 256 bytes a cycle reach the peak sixteen times sooner than 16 do: 1.2 decades.
  const decade = (dram![2]! - weight![2]!) / Math.log10(16);
  const rise = (line: readonly number[]) => (line[1]! - line[3]!) / (line[2]! - line[0]!);
  expect(rise(weight!)).toBeCloseTo(rise(dram!), 2);
  expect(decade).toBeGreaterThan(50);
});

test("a layer that takes all of a bandwidth lies on its ceiling, others below theirs", () => {
  const svg = rooflineSvg(chart);
  const [weight, dram, peak] = linesOf(svg);
  const dots = dotsOf(svg);
  const at = (x: number, y: number) =>
    dots.some(([cx, cy]) => Math.abs(cx! - x) < 0.1 && Math.abs(cy! - y) < 0.1);
  expect(at(weight![2]!, peak![1]!), "full, at the ridge").toBe(true);
  const onSlope = dots.filter(([x, y]) => {
    const [x1, y1, x2, y2] = dram!;
    return Math.abs(y1! + ((x! - x1!) / (x2! - x1!)) * (y2! - y1!) - y!) < 0.1;
  });
  expect(onSlope).toHaveLength(1);
  for (const [, y] of dots) expect(y).toBeGreaterThan(peak![1]! - 0.1);
});

test("layers that do the same share a dot and a label; one without MACs has none", () => {
  const svg = rooflineSvg(chart);
  expect(svg).toContain(">on the slope, its twin 0.6%</text>");
  expect(svg).toContain(">full 100.0%</text>");
  expect(svg).not.toContain("no MACs");
  expect(dotsOf(svg)).toHaveLength(2 + 1 + 2);
});

test("labels of a crowd do not lie over each other", () => {
  const layers = Array.from({ length: 14 }, (_, i) => ({
    name: `layer ${i}`,
    macs: 1000 + i * 9,
    cycles: 100,
    bytes: [1000 + 5 * i, 900],
  }));
  const svg = rooflineSvg({ ...chart, layers });
  const labels = [...svg.matchAll(/<text x="([\d.]+)" y="([\d.]+)"[^>]*>(layer \d+ [\d.]+%)</g)];
  expect(labels).toHaveLength(14);
  for (const [i, [, x, y, words]] of labels.entries()) {
    for (const [, otherX, otherY, others] of labels.slice(i + 1)) {
      const isApart =
        Math.abs(Number(y) - Number(otherY)) >= 10 ||
        Number(x) + words!.length * 6 <= Number(otherX) ||
        Number(otherX) + others!.length * 6 <= Number(x);
      if (!isApart) expect.fail(`${words} lies over ${others}`);
    }
  }
});

test("a machine without layers under the roof still has a chart", () => {
  const svg = rooflineSvg({ ...chart, layers: [] });
  expect(dotsOf(svg)).toEqual([]);
  expect(linesOf(svg)).toHaveLength(3);
});
