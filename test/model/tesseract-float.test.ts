import { writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Line } from "../../src/model/lines/lines.ts";
import { sigmoid, tanh } from "../../src/model/tesseract/arithmetic.ts";
import { tesseract } from "../../src/model/tesseract/index.ts";
import type { CodedCell } from "../../src/model/tesseract/network.ts";
import { codesOf, framesOf, stepsOf } from "../../src/model/tesseract/pixels.ts";
import { because, missing } from "./fetched.ts";
import { temporaryFolder } from "./files.ts";
import { smallTraineddata } from "./traineddata.ts";

const FOLDER = "experiments/models/tesseract";
const reason = missing(tesseract, FOLDER);

const lineOf = (width: number, grey: (x: number, y: number) => number): Line => ({
  ...{ name: "drawn", text: "?", width, height: 36 },
  pixels: Uint8Array.from({ length: 36 * width }, (_, i) => grey(i % width, (i - (i % width)) / width)),
});

describe("curves of tables", () => {
  const reals = fc.double({ min: -20, max: 20, noNaN: true });

  test("are the curves to within what straight lines of 1/256 miss, and 1 beyond the tables", () => {
    fc.assert(
      fc.property(reals, (x) => {
        // |f''| h^2 / 8, and beyond 15.996 what is left to 1.
        expect(Math.abs(tanh(x) - Math.tanh(x))).toBeLessThan(2e-6);
        expect(Math.abs(sigmoid(x) - 1 / (1 + Math.exp(-x)))).toBeLessThan(4e-7);
      }),
    );
    expect([tanh(4095 / 256), sigmoid(4095 / 256), tanh(-16), sigmoid(-16)]).toEqual([1, 1, -1, 0]);
    expect(tanh(4094.9 / 256)).toBeLessThan(1);
  });

  test("rise, and are symmetric about their points", () => {
    fc.assert(
      fc.property(reals, reals, (x, y) => {
        const [lo, hi] = [Math.min(x, y), Math.max(x, y)];
        expect(tanh(lo)).toBeLessThanOrEqual(tanh(hi));
        expect(sigmoid(lo)).toBeLessThanOrEqual(sigmoid(hi));
        expect(tanh(-x) + tanh(x)).toBe(0);
        expect(sigmoid(-x) + sigmoid(x)).toBeCloseTo(1, 15);
      }),
    );
  });
});

describe("pixels", () => {
  test("by hand: ink at the quarter of the minima of the middle row, paper at three quarters of its maxima", () => {
    // Minima 10 30 50 70, maxima 200 220 240 up to the last column, which is none of either.
    const middle = [255, 10, 200, 30, 220, 50, 240, 70, 255];
    const codes = codesOf(
      lineOf(middle.length, (x, y) => (y === 18 ? middle[x]! : 90)),
      3,
    );
    // A quarter of four minima is the first of them, at the end of its step; three quarters of three maxima are 2.25.
    const [black, white] = [11, 240 + 0.25];
    const code = (grey: number) => {
      const y = 128 * ((grey - black) / ((white - black) / 2) - 1);
      return Math.max(-127, Math.min(127, Math.sign(y) * Math.floor(Math.abs(y) + 0.5)));
    };
    expect(codes[0]).toBe(code(90));
    expect(middle.map((_, x) => codes[x * 36 + 18])).toEqual(middle.map(code));
  });

  test("a line without a letter is all paper or all ink, and not a division by nothing", () => {
    for (const [grey, code] of [
      [255, 127],
      [0, -127],
    ] as const)
      expect(
        new Set(
          codesOf(
            lineOf(40, () => grey),
            3,
          ).subarray(0, 40 * 36),
        ),
      ).toEqual(new Set([code]));
  });

  test("are filled up with paper, column by column, whatever the width", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 300 }), (width) => {
        const line = lineOf(width, (x, y) => (x * 7 + y * 13) % 256);
        const codes = codesOf(line, 3);
        expect(stepsOf(line, 3) % 32).toBe(0);
        expect(stepsOf(line, 3) - framesOf(line, 3)).toBeLessThanOrEqual(32);
        expect(codes).toHaveLength(stepsOf(line, 3) * 3 * 36);
        for (let i = width * 36; i < codes.length; i++) expect(codes[i]).toBe(127);
      }),
      { numRuns: 30 },
    );
  });
});

describe("the format's arithmetic", () => {
  const path = join(temporaryFolder(), "small.traineddata");
  writeFileSync(path, smallTraineddata());
  const p = tesseract.load(path);
  const line = lineOf(30, (x, y) => (x * x * 5 + y * 11) % 256);

  /** h of a step from codes, in integers but for curves and cells: written down once more. */
  const stepOf = (cell: CodedCell, x: readonly number[], h: readonly number[], c: number[]): number[] => {
    const { hidden: n, weightX, weightH, biases, scales } = cell;
    const gate = (k: number, i: number) => {
      const r = k * n + i;
      let sum = BigInt(biases[r]!);
      for (const [j, code] of x.entries()) sum += BigInt(code * weightX.data[r * x.length + j]!);
      for (const [j, code] of h.entries()) sum += BigInt(code * weightH.data[r * n + j]!);
      return (Number(sum) * scales[r]!) / 127;
    };
    return c.map((before, i) => {
      const after = before * sigmoid(gate(1, i)) + sigmoid(gate(0, i)) * tanh(gate(2, i));
      c[i] = Math.min(100, Math.max(-100, after));
      const y = 127 * tanh(c[i]!) * sigmoid(gate(3, i));
      return Math.sign(y) * Math.floor(Math.abs(y) + 0.5) + 0;
    });
  };

  test("a column is read from its top, after a convolution within zeros, tanh and pool", () => {
    const codes = codesOf(line, 3);
    const at = (x: number, y: number) => (x < 0 || y < 0 || y >= 36 ? 0 : (codes[x * 36 + y] ?? 0));
    const seen = new Map<string, number[][]>();
    tesseract.reference(p, line, (site, values) => {
      seen.set(site, [...(seen.get(site) ?? []), [...values]]);
    });
    // Step 0, whose left neighbours are the border.
    let h = new Array<number>(8).fill(0);
    const c = new Array<number>(8).fill(0);
    for (let y = 0; y < 12; y++) {
      const pooled = Array.from({ length: 8 }, (_, r) => {
        const window = Array.from({ length: 9 }, (_pixel, i) => {
          const [x0, y0] = [i % 3, 3 * y + (i - (i % 3)) / 3];
          let sum = p.conv.biases[r]!;
          for (let k = 0; k < 9; k++)
            sum += p.conv.weight.data[r * 9 + k]! * at(x0 + (k - (k % 3)) / 3 - 1, y0 + (k % 3) - 1);
          const bent = 127 * tanh((sum * p.conv.scales[r]!) / 127);
          return Math.sign(bent) * Math.floor(Math.abs(bent) + 0.5) + 0;
        });
        return Math.max(...window);
      });
      h = stepOf(p.column, pooled, h, c);
      expect(seen.get("column.hidden")![y], `row ${y}`).toEqual(h.map((code) => code / 127));
      expect(seen.get("column.cell")![y]).toEqual(c);
    }
    expect(new Set(h).size).toBeGreaterThan(3);
  });

  test("a pass from the right starts at the right, and each frame has the best of its logits", () => {
    const seen = new Map<string, number[][]>();
    const outputs = tesseract.reference(p, line, (site, values) => {
      seen.set(site, [...(seen.get(site) ?? []), [...values]]);
    });
    const codes = (site: string) => seen.get(site)!.map((values) => values.map((x) => Math.round(127 * x)));
    const inputs = codes("pass.0.hidden");
    let h = new Array<number>(8).fill(0);
    const c = new Array<number>(8).fill(0);
    for (const [i, found] of codes("pass.1.hidden").entries()) {
      h = stepOf(p.passes[1]!.cell, inputs[31 - i]!, h, c);
      expect(found, `step ${i} from the right`).toEqual(h);
    }
    const logits = seen.get("logits")!;
    expect(logits).toHaveLength(10);
    expect(outputs).toEqual(logits.map((frame) => p.alphabet[frame.indexOf(Math.max(...frame))]));
  });
});

describe.skipIf(reason !== undefined)(because("the network of the package", reason), () => {
  test("reads a clean line to the letter", () => {
    const line = tesseract.samples("sample", FOLDER).find(({ width }) => width === 480)!;
    const outputs = tesseract.reference(tesseract.load(tesseract.locate!(FOLDER)), line);
    expect(tesseract.textOf(outputs)).toBe(line.text);
  });
});
