import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readBytes } from "../../src/base/files.ts";
import { textOfFrames } from "../../src/model/lines/ctc.ts";
import type { Line } from "../../src/model/lines/lines.ts";
import { linesOf } from "../../src/model/lines/lines.ts";
import { characterErrorRate } from "../../src/model/lines/metrics.ts";
import { adapted } from "../../src/model/ppocr/adapt.ts";
import { seenOf } from "../../src/model/ppocr/features.ts";
import { framesOf, pictureOf } from "../../src/model/ppocr/picture.ts";
import { CHANNELS, FEATURES, LOGITS, neckInput } from "../../src/model/ppocr/recognizer.ts";
import {
  alphabetOf,
  loadPpocr,
  locateCharacters,
  locateWeights,
  WEIGHTS_FILE,
} from "../../src/model/ppocr/weights.ts";
import { execute } from "../../src/onnx/execute.ts";
import { loadPart } from "../../src/onnx/load.ts";
import { type ParsedNode, parseModel } from "../../src/onnx/parse.ts";
import { summarize } from "../../src/onnx/summary.ts";
import { type Tensor, tensorOf } from "../../src/onnx/tensor.ts";
import { because, missing } from "./fetched.ts";

const FOLDER = "experiments/models/ppocr";
const reason = missing({ file: WEIGHTS_FILE, locate: locateWeights }, FOLDER);

/** Between our double precision and ONNX Runtime's single: measured 2.1e-5 on three lines. */
const BOUND = 1e-4;
/** The line whose probabilities are kept. */
const SHORT = "sample-5-tinos-bold-24-0";

interface Golden {
  readonly frames: Readonly<Record<string, string>>;
  readonly probabilities: Readonly<Record<string, readonly number[]>>;
}
const golden = JSON.parse(readFileSync("test/golden/ppocr/onnxruntime.json", "utf8")) as Golden;

/** Indices of the largest of every `width` values. */
const bestOf = (values: ArrayLike<number>, width: number): number[] =>
  Array.from({ length: values.length / width }, (_, t) => {
    let best = 0;
    for (let i = 1; i < width; i++) if (values[t * width + i]! > values[t * width + best]!) best = i;
    return best;
  });

describe.skipIf(reason !== undefined)(because("the float model", reason), () => {
  const recognizer = loadPpocr(locateWeights(FOLDER));
  const lines = seenOf("sample", FOLDER);

  test("gives what ONNX Runtime gives, frame by frame, of all outputs; and the kept features are what it computes on the way", () => {
    const line = linesOf("sample", FOLDER).find(({ name }) => name === SHORT)!;
    const picture = pictureOf(line);
    const given = { shapes: new Map([["x", picture.shape]]) };
    const { part } = loadPart(locateWeights(FOLDER), given, { to: [FEATURES, "softmax_11.tmp_0"] });
    const results = execute(part, new Map([["x", picture]]));
    const { data, shape } = results.get("softmax_11.tmp_0")!;
    const best = bestOf(data, shape[2]!);
    const wanted = golden.probabilities[SHORT]!;
    expect(best).toHaveLength(wanted.length);
    const worst = Math.max(...best.map((output, t) => Math.abs(data[t * shape[2]! + output]! - wanted[t]!)));
    expect(worst).toBeLessThan(BOUND);
    // Half a unit in the last of float16's eleven digits.
    const kept = lines.find(({ name }) => name === SHORT)!.features;
    const features = results.get(FEATURES)!.data;
    expect(features).toHaveLength(kept.length);
    expect(
      [...features].filter((x, i) => !(Math.abs(x - kept[i]!) <= 2 ** -11 * Math.abs(x) + 2 ** -25)),
    ).toEqual([]);
  }, 60_000);

  test("of features that are kept, and of Latin text alone, reads the same in every frame", () => {
    const texts = lines.map((line) => {
      const frames = framesOf(line);
      const neck = recognizer.neckOf(frames);
      const { data } = execute(neck, neckInput(line.features, frames)).get(LOGITS)!;
      const points = bestOf(data, recognizer.alphabet.length).map((output) => recognizer.alphabet[output]!);
      const marked = points.map((point) => (point === 0 ? "·" : String.fromCodePoint(point))).join("");
      expect(marked, line.name).toBe(golden.frames[line.name]);
      return textOfFrames(points);
    });
    // Seven edits of 879 characters.
    expect(characterErrorRate(lines, texts)).toBeCloseTo(7 / 879, 12);
  }, 60_000);

  test("is a part of the file: the same constants at every width, 96 of 6,625 outputs", () => {
    const [narrow, wide] = [recognizer.neckOf(80), recognizer.neckOf(160)];
    expect(recognizer.neckOf(80)).toBe(narrow);
    expect(narrow.inputs).toEqual([{ name: "features", dtype: "float32", shape: [1, 1, 80, CHANNELS] }]);
    expect(wide.types.get(LOGITS)!.shape).toEqual([1, 160, 96]);
    const isSize = (name: string) => name.startsWith("p2o.helper");
    for (const [name, tensor] of narrow.constants)
      if (!isSize(name)) expect(wide.constants.get(name), name).toEqual(tensor);
    const { total } = summarize(narrow);
    // Attention takes 2 T² products of 8 heads of 16 in each of two blocks.
    const perFrame = (total.macs - 2 * 2 * 80 ** 2 * 8 * 16) / 80;
    const pairs = (480 + 960) * 64 * 3 + 2 * 64 * 120;
    const block = 120 * 3 * 8 * 16 + 8 * 16 * 120 + 2 * 120 * 240;
    expect(perFrame).toBe(pairs + 2 * block + 120 * 480 + 120 * 96);
  });

  test("has the outputs that it keeps unchanged, whatever is filled up with zeros", () => {
    const given = { shapes: new Map([["x", [1, 3, 48, 640]]]) };
    const { part } = loadPart(locateWeights(FOLDER), given, { from: [FEATURES], to: [LOGITS] });
    const features = tensorOf("float32", [1, CHANNELS, 1, 80], lines[0]!.features);
    const all = execute(part, new Map([[FEATURES, features]])).get(LOGITS)!.data;
    const some = execute(recognizer.neckOf(80), neckInput(lines[0]!.features, 80)).get(LOGITS)!.data;
    const outputs = fullAlphabet().flatMap((point, output) =>
      recognizer.alphabet.includes(point) ? [output] : [],
    );
    expect(outputs).toHaveLength(96);
    const wanted = Array.from({ length: 80 }, (_, t) => outputs.map((output) => all[t * 6625 + output]!));
    expect([...some]).toEqual(wanted.flat());
  });

  const fullAlphabet = () => {
    const path = locateCharacters(locateWeights(FOLDER));
    return alphabetOf(readFileSync(path, "utf8"), path);
  };

  test("is refused by the name of the constant where it is another one", () => {
    const path = locateWeights(FOLDER);
    const model = parseModel(readBytes(path), path);
    const withNodes = (change: (node: ParsedNode) => readonly ParsedNode[]) => () =>
      adapted({ ...model, graph: { ...model.graph, nodes: model.graph.nodes.flatMap(change) } }, [0]);
    const withValue = (name: string, value: Tensor) =>
      withNodes((node) => [
        node.outputs[0] === name ? { ...node, attributes: new Map([["value", value]]) } : node,
      ]);
    expect(withNodes((node) => [node])).not.toThrow();
    expect(withNodes((node) => (node.outputs[0] === "linear_85.b_0" ? [] : [node]))).toThrow(
      `${path}: constant linear_85.b_0: is missing`,
    );
    expect(withValue("linear_77.w_0", tensorOf("float32", [2, 1], [1, 2]))).toThrow(
      `${path}: constant linear_77.w_0: has the shape [2,1], not [120,360]`,
    );
    expect(withValue("fill_constant_7.tmp_0", tensorOf("int64", [1], [16]))).toThrow(
      `${path}: constant fill_constant_7.tmp_0: is [16], not 15`,
    );
  });

  test("takes characters from the file beside it", () => {
    expect(fullAlphabet()).toHaveLength(6625);
    expect([...recognizer.alphabet].sort((a, b) => a - b)).toEqual([
      0,
      ...Array.from({ length: 95 }, (_, i) => 32 + i),
    ]);
  });
});

describe("characters", () => {
  test("are one a line, none before them and the space behind them", () => {
    expect(alphabetOf("a\n中\n𠀀\n", "keys")).toEqual([0, 97, 0x4e2d, 0x20000, 0x20]);
    expect(alphabetOf("a\nb", "keys")).toEqual([0, 97, 98, 32]);
  });

  test.each([
    ["a\n\nb\n", 'keys:2: "" is not one character'],
    ["ab\n", 'keys:1: "ab" is not one character'],
  ])("%j is refused", (text, error) => expect(() => alphabetOf(text, "keys")).toThrow(error));
});

describe("a picture", () => {
  const lineOf = (width: number, height: number, pixel: (x: number, y: number) => number): Line => ({
    ...{ name: "", text: "", width, height },
    pixels: Uint8Array.from({ length: width * height }, (_, i) => pixel(i % width, Math.floor(i / width))),
  });
  const at = ({ shape, data }: ReturnType<typeof pictureOf>, y: number, x: number, channel = 0) =>
    data[(channel * 48 + y) * shape[3]! + x]!;

  test("is 48 rows high and three times the same, from -1 for black to 1 for white", () => {
    const picture = pictureOf(lineOf(36, 36, () => 255));
    expect(picture.shape).toEqual([1, 3, 48, 48]);
    expect(new Set(picture.data)).toEqual(new Set([1]));
    expect(new Set(pictureOf(lineOf(36, 36, () => 0)).data)).toEqual(new Set([-1]));
    const varied = pictureOf(lineOf(36, 36, (x, y) => (7 * x + 11 * y) % 256)).data;
    expect(varied.subarray(0, 48 * 48)).toEqual(varied.subarray(2 * 48 * 48));
  });

  test("is filled up with 0 to whole frames", () => {
    const line = lineOf(37, 36, () => 255);
    const picture = pictureOf(line);
    expect([framesOf(line), picture.shape[3]]).toEqual([7, 56]);
    // ⌈37 · 48 / 36⌉ = 50 columns.
    expect([at(picture, 0, 49), at(picture, 0, 50), at(picture, 47, 55)]).toEqual([1, 0, 0]);
  });

  test("is what lies between the nearest pixels' centres, in each direction", () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 255 }), { minLength: 36 * 9, maxLength: 36 * 9 }),
        fc.integer({ min: 0, max: 47 }),
        fc.integer({ min: 0, max: 11 }),
        (pixels, y, x) => {
          const line = lineOf(9, 36, (i, j) => pixels[j * 9 + i]!);
          // Weights of a hat as wide as two pixels, those of pixels beyond the border at the border.
          let sum = 0;
          for (let j = -1; j <= 36; j++) {
            for (let i = -1; i <= 9; i++) {
              const weight = (where: number, to: number) =>
                Math.max(0, 1 - Math.abs((to + 0.5) * 0.75 - 0.5 - where));
              const [row, column] = [Math.min(Math.max(j, 0), 35), Math.min(Math.max(i, 0), 8)];
              sum += weight(j, y) * weight(i, x) * pixels[row * 9 + column]!;
            }
          }
          // Exact in doubles: weights are eighths.
          expect(at(pictureOf(line), y, x)).toBe(Math.fround((Math.round(sum) / 255 - 0.5) / 0.5));
        },
      ),
    );
  });
});
