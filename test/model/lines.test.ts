import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { InputError } from "../../src/base/errors.ts";
import { LINE_HEIGHT, type Line, linesOf } from "../../src/model/lines/lines.ts";
import { temporaryFolder } from "./files.ts";

const KEPT = "experiments/models/lines";
/** Of a model that has the lines beside it. */
const MODEL = "experiments/models/ppocr";

describe("lines that ship", () => {
  const splits = ["calibration", "sample"].map((split) => linesOf(split, MODEL));
  const all = splits.flat();

  test("are 12 and 16, of 40 to 75 characters, letters of both cases, digits and punctuation among them", () => {
    expect(splits.map((lines) => lines.length)).toEqual([12, 16]);
    for (const { text } of all) {
      expect(text).toMatch(/^[\x20-\x7e]+$/);
      expect(text.length).toBeGreaterThanOrEqual(40);
      expect(text.length).toBeLessThanOrEqual(75);
    }
    for (const kind of [/[a-z]/, /[A-Z]/, /\d/, /[.,]/])
      expect(all.filter(({ text }) => kind.test(text)).length).toBeGreaterThanOrEqual(10);
  });

  test("have names and texts of their own", () => {
    expect(new Set(all.map(({ name }) => name)).size).toBe(28);
    expect(new Set(all.map(({ text }) => text)).size).toBe(28);
  });

  test("are dark on light, with blank columns on both sides, and of few widths", () => {
    for (const { width, height, pixels } of all) {
      expect([height, pixels.length, width % 96]).toEqual([LINE_HEIGHT, width * height, 0]);
      const mean = pixels.reduce((sum, pixel) => sum + pixel, 0) / pixels.length;
      expect(mean).toBeGreaterThan(150);
    }
    const clean = all.filter(({ name }) => name.endsWith("-0"));
    expect(clean.length).toBe(7);
    const columns = ({ width, pixels }: Line, x: number) =>
      Array.from({ length: LINE_HEIGHT }, (_, y) => pixels[y * width + x]!);
    for (const line of clean) {
      expect(Math.min(...line.pixels)).toBeLessThan(30);
      for (const x of [0, 1, 2, line.width - 1]) expect(Math.min(...columns(line, x))).toBe(255);
      expect(Math.min(...Array.from({ length: 24 }, (_, x) => columns(line, 8 + x)).flat())).toBeLessThan(
        128,
      );
    }
  });

  test("have as much noise as their names say", () => {
    for (const { name, width, pixels } of all) {
      const deviation = Number(name.split("-").at(-1));
      // Blank paper on both sides: what noise would make lighter is cut off, the rest is half a normal distribution.
      const paper = pixels.filter((_, i) => i % width < 6 || i % width >= width - 8);
      const darker = [...paper].filter((pixel) => pixel < 255).map((pixel) => 255 - pixel);
      if (deviation === 0) expect(darker).toEqual([]);
      else {
        expect(darker.length / paper.length).toBeGreaterThan(0.4);
        expect(darker.length / paper.length).toBeLessThan(0.6);
        const level = Math.sqrt(darker.reduce((sum, x) => sum + x * x, 0) / darker.length);
        expect(level).toBeGreaterThan(0.85 * deviation);
        expect(level).toBeLessThan(1.15 * deviation);
      }
    }
  });

  test("a second reading gives the same lines", () => {
    const folder = temporaryFolder();
    cpSync(KEPT, join(folder, "lines"), { recursive: true });
    expect(linesOf("sample", join(folder, "model"))).toEqual(splits[1]);
  });
});

test("scripts/render-lines.mjs draws what is kept, to the last pixel", () => {
  const folder = temporaryFolder();
  execFileSync(process.execPath, ["scripts/render-lines.mjs", "--out", folder, "calibration", "sample"], {
    stdio: "pipe",
  });
  for (const split of ["calibration", "sample"]) {
    const read = (from: string, file: string) => readFileSync(join(from, split, file));
    expect(read(folder, "lines.json").equals(read(KEPT, "lines.json"))).toBe(true);
    // Other releases of zlib may compress otherwise.
    const [drawn, kept] = [folder, KEPT].map((from) => gunzipSync(read(from, "lines.pgm.gz")));
    expect(drawn!.equals(kept!)).toBe(true);
  }
}, 30_000);

describe("what is wrong is said in one line", () => {
  const folder = temporaryFolder();
  const model = join(folder, "model");
  const PIXELS = `P5\n8 72\n255\n${"\xff".repeat(8 * 72)}`;
  const LINES = [
    { name: "a", text: "one", width: 8, noise: 0 },
    { name: "b", text: "two", width: 5, noise: 20 },
  ];
  let count = 0;

  /** The error of a split of these files. */
  function errorOf(lines: unknown, picture: string | Uint8Array): string {
    const split = `split-${count++}`;
    const at = join(folder, "lines", split);
    mkdirSync(at, { recursive: true });
    writeFileSync(join(at, "lines.json"), typeof lines === "string" ? lines : JSON.stringify(lines));
    const bytes = typeof picture === "string" ? gzipSync(Buffer.from(picture, "latin1")) : picture;
    writeFileSync(join(at, "lines.pgm.gz"), bytes);
    try {
      linesOf(split, model);
    } catch (error) {
      expect(error).toBeInstanceOf(InputError);
      return (error as InputError).message.replace(join(folder, "lines", split), "SPLIT");
    }
    return "none";
  }

  test("nothing, of what is right", () => expect(errorOf(LINES, PIXELS)).toBe("none"));

  test.each([
    ["not JSON", "[", PIXELS, "SPLIT/lines.json: not JSON"],
    ["a negative width", [{ ...LINES[0], width: -1 }], PIXELS, /^SPLIT\/lines.json: 0.width: .*>=1/],
    ["no line", [], PIXELS, /^SPLIT\/lines.json: : .*>=1/],
    ["a key too many", [{ ...LINES[0], face: "x" }], PIXELS, /^SPLIT\/lines.json: 0: .*"face"/],
    ["no gzip", LINES, Buffer.from("P5"), /^SPLIT\/lines.pgm.gz: is no gzip file of at most \d+ bytes/],
    ["a cut file", LINES, gzipSync(PIXELS).subarray(0, 40), /^SPLIT\/lines.pgm.gz: is no gzip file/],
    ["another picture", LINES, "P6\n1 1\n255\nrgb", /is no binary graymap/],
    ["a huge picture", LINES, "P5\n999999999 72\n255\n", /^SPLIT.*: 0 pixels where 999999999 x 72 are/],
    ["too few rows", LINES, `P5\n8 36\n255\n${"x".repeat(288)}`, /36 rows where 2 lines of 36 have 72/],
    ["a line too wide", [LINES[0], { ...LINES[1], width: 9 }], PIXELS, /8 columns where line b has 9/],
  ])("%s", (_, lines, picture, error) => {
    if (typeof error === "string") expect(errorOf(lines, picture)).toBe(error);
    else expect(errorOf(lines, picture)).toMatch(error);
  });

  test("a split that is not there: how it is made, or that the file is missing", () => {
    expect(() => linesOf("test", model)).toThrow(/lines.test: is not there: `node scripts\/render-lines.mjs/);
    expect(() => linesOf("sample", model)).toThrow(/lines.sample.lines.json: no such file/);
  });
});
