import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { type ArchSpec, loadArch, makeArch, overrideArch } from "../../src/arch/spec.ts";
import { InputError } from "../../src/base/errors.ts";
import type { Issued } from "../../src/isa/program.ts";
import type { Line } from "../../src/model/lines/lines.ts";
import { observe } from "../../src/model/model.ts";
import { exactLogits } from "../../src/model/tesseract/exact.ts";
import { tesseract } from "../../src/model/tesseract/index.ts";
import type { CodedCell, CodedLayer } from "../../src/model/tesseract/network.ts";
import { codesOf } from "../../src/model/tesseract/pixels.ts";
import type { TesseractParams } from "../../src/model/tesseract/weights.ts";
import type { Ranges } from "../../src/quant/grid.ts";
import { makeRecipe, type Recipe } from "../../src/quant/recipe.ts";
import { loadRecipe } from "../../src/quant/recipe-file.ts";
import { execute, type Turn } from "../../src/sweep/execute.ts";
import { legalize } from "../../src/sweep/legal.ts";
import { because, missing } from "./fetched.ts";
import { temporaryFolder } from "./files.ts";
import { smallTraineddata } from "./traineddata.ts";

const FOLDER = "experiments/models/tesseract";
const reason = missing(tesseract, FOLDER);

/** Columns [from, from + width) of a line. */
const excerpt = ({ name, height, pixels, width: whole }: Line, from: number, width: number): Line => ({
  ...{ name, height, width, text: "?" },
  pixels: Uint8Array.from({ length: height * width }, (_, i) => {
    const x = i % width;
    return pixels[((i - x) / width) * whole + from + x]!;
  }),
});

const sample = tesseract.samples("sample", FOLDER);
/** Of a clean line and of a noisy one; the second ends within a window of the pool. */
const excerpts = [excerpt(sample[0]!, 0, 96), excerpt(sample[3]!, 100, 70)];

const plain = makeArch();
/** The widest line takes part, so that 16 pieces of sigmoid are enough; each of the tables is made in no time. */
const PIECES = {
  gate_method: "optimal-rms",
  candidate_method: "optimal-rms",
  activation_method: "optimal-rms",
} as const;

function prepare(
  params: TesseractParams,
  ranges: Ranges,
  arch: ArchSpec,
  recipe: Partial<Recipe>,
  lines: readonly Line[],
) {
  const q = tesseract.quantize(params, ranges, { recipe: makeRecipe(recipe), arch: arch.settings });
  const inputs = lines.map((line) => tesseract.inputOf(q, line));
  const sizes = [...new Set(inputs.map(({ size }) => size))];
  return { q, inputs, job: legalize(tesseract.compile(q, arch, sizes), arch) };
}

describe("a small network", () => {
  const path = join(temporaryFolder(), "small.traineddata");
  writeFileSync(path, smallTraineddata());
  const params = tesseract.load(path);
  const ranges = observe(tesseract, params, excerpts);

  const cases: readonly (readonly [string, ArchSpec, Partial<Recipe>])[] = [
    ...readdirSync("recipes").map((file) => {
      const { name, values, machine } = loadRecipe(`recipes/${file}`);
      return [file, overrideArch(plain, machine, name), values] as const;
    }),
    ["3-bit activations", plain, { activation_bits: 3 }],
    [
      "11-bit activations, 5-bit weights, 9-bit cells",
      plain,
      { activation_bits: 11, weight_bits: 5, cell_bits: 9 },
    ],
    ["4-bit weights on edge8x8", loadArch("arch/edge8x8.yaml"), { weight_bits: 4, output_weight_bits: 6 }],
    ["weights that are streamed", makeArch({ "weight.bytes": 1024 }), {}],
    ["one scale for a matrix", plain, { weight_scale: "per-tensor" }],
    ["accumulators that saturate", makeArch({ "acc.bits": 14, "acc.overflow": "saturate" }), {}],
  ];

  test.each(cases)("the machine gives what the plain loops give: %s", (name, arch, recipe) => {
    const { q, inputs, job } = prepare(params, ranges, arch, recipe, excerpts);
    // All logits, of which a host keeps the best.
    const outcomes = execute(
      job,
      inputs.map(({ size, codes }) => ({ size, codes })),
    );
    for (const [i, { outputs, overflows }] of outcomes.entries()) {
      const logits = exactLogits(q, excerpts[i]!, arch.settings);
      expect(outputs).toEqual(logits.flatMap((frame) => [...frame]));
      expect(inputs[i]!.keep!(outputs, 1)).toEqual(tesseract.exact(q, excerpts[i]!, arch.settings));
      expect(new Set(outputs).size).toBeGreaterThan(outputs.length / 4);
      expect(overflows > 0).toBe(name === "accumulators that saturate");
    }
  });

  test("a line is filled up to whole widths, each with a program of its own", () => {
    const lines = [excerpt(sample[0]!, 0, 97), excerpts[0]!, excerpt(sample[0]!, 0, 2)];
    const { inputs, job } = prepare(params, ranges, plain, {}, lines);
    expect(inputs.map(({ size }) => size)).toEqual([32, 32, 32]);
    expect(prepare(params, ranges, plain, {}, [excerpt(sample[0]!, 0, 99)]).inputs[0]!.size).toBe(64);
    expect(execute(job, inputs).map(({ outputs }) => outputs.length)).toEqual([32, 32, 0]);
  });

  test.each([
    [{ "table.bytes": 2048 }, /table\.bytes/],
    [{ "activation.bytes": 512 }, /activation\.bytes.*pixels/],
    [{ "activation.bytes": 2048 }, /activation\.bytes.*conv/],
  ])("a machine with %o is refused by the name of the memory", (changes, wording) => {
    const build = () => prepare(params, ranges, makeArch(changes), {}, excerpts);
    expect(build).toThrow(InputError);
    expect(build).toThrow(wording);
  });

  test("at 8 bits a requantizer with a multiplier leaves the file's codes as they are; nothing else does", () => {
    const codesAt = (recipe: Partial<Recipe>, changes: Parameters<typeof makeArch>[0] = {}) =>
      prepare(params, ranges, makeArch(changes), recipe, excerpts).q.passes[0]!.q.productH.parts[0]!.weights
        .codes;
    const own = Int32Array.from(params.passes[0]!.cell.weightH.data);
    expect(codesAt({})).toEqual(own);
    expect(codesAt({ activation_bits: 6 })).toEqual(own);
    expect(codesAt({ weight_bits: 7 })).not.toEqual(own);
    expect(codesAt({ weight_scale: "per-tensor" })).not.toEqual(own);
    expect(codesAt({}, { "requant.kind": "two-shift" })).not.toEqual(own);
  });
});

/** Of each layer what the array was given and what it summed, in the order in which it did. */
type Sums = Map<string, { readonly x: number[]; readonly acc: number[] }[]>;

/** Watches all matrix products of a run, in lane 0. */
function watching(seen: Sums) {
  return ({ machine }: Turn) => ({
    before: () => {},
    after: ({ op, x, layer }: Issued) => {
      if (op.name !== "matmul") return;
      const bits = machine.arch.settings["acc.bits"];
      const all = seen.get(layer!) ?? [];
      seen.set(layer!, all);
      const acc = machine.state.read("acc", bits, x["acc"]!, x["m"]! * x["n"]!, 0);
      const codes = machine.state.read("activation", x["xBits"]!, x["x"]!, x["k"]! * x["n"]!, 0);
      for (let v = 0; v < x["n"]!; v++)
        all.push({
          x: codes.slice(v * x["k"]!, (v + 1) * x["k"]!),
          acc: acc.slice(v * x["m"]!, (v + 1) * x["m"]!),
        });
    },
  });
}

describe.skipIf(reason !== undefined)(because("tesseract in integers", reason), () => {
  let params: TesseractParams;
  let ranges: Ranges;
  // What is skipped is named all the same, so nothing is read before it runs.
  beforeAll(() => {
    params = tesseract.load(tesseract.locate!(FOLDER));
    const lines = tesseract.samples("calibration", FOLDER);
    ranges = observe(tesseract, params, lines.filter(({ width }) => width <= 576).slice(0, 3));
  });

  test("sums of products are those of the format, to the last bit", () => {
    // Room for whole matrices and whole chunks, so that every product is one instruction.
    const arch = makeArch({ "weight.bytes": 4_000_000, "acc.entries": 65_536 });
    const [line] = excerpts;
    const { q, inputs, job } = prepare(params, ranges, arch, PIECES, [line!]);
    const seen: Sums = new Map();
    execute(job, inputs, { lanes: 1, watch: watching(seen) });

    /** By the format's definition, from codes: sum of w x + 127 b. */
    const formatSums = ({ weight, biases }: CodedLayer, x: readonly number[]) =>
      Array.from(biases, (bias, r) => {
        let sum = bias;
        for (const [k, code] of x.entries()) sum += weight.data[r * weight.columns + k]! * code;
        return sum;
      });
    const joint = ({ weightX, weightH, biases, scales }: CodedCell): CodedLayer => {
      const columns = weightX.columns + weightH.columns;
      const data = new Float32Array(weightX.rows * columns);
      for (let r = 0; r < weightX.rows; r++) {
        data.set(weightX.data.subarray(r * weightX.columns, (r + 1) * weightX.columns), r * columns);
        data.set(
          weightH.data.subarray(r * weightH.columns, (r + 1) * weightH.columns),
          r * columns + weightX.columns,
        );
      }
      return { weight: { rows: weightX.rows, columns, data }, biases, scales };
    };

    const cells = [
      ["column", params.column, q.column] as const,
      ...params.passes.map(({ cell }, i) => [`pass.${i}`, cell, q.passes[i]!.q] as const),
    ];
    for (const [name, cell, integers] of cells) {
      const [xs, hs] = [seen.get(`${name}.x`)!, seen.get(`${name}.h`)!];
      expect(xs).toHaveLength(hs.length);
      const format = joint(cell);
      const reverse = name === "pass.1";
      for (const [i, { x: h, acc: fromH }] of hs.entries()) {
        // A pass from the right takes the vectors of a chunk of eight from its end.
        const { x, acc: fromX } = xs[reverse ? i - (i % 8) + 7 - (i % 8) : i]!;
        const sums = fromX.map(
          (sum, r) => sum + fromH[r]! + integers.productX.bias[r]! + integers.productH.bias[r]!,
        );
        expect(sums, `${name}, step ${i}`).toEqual(formatSums(format, [...x, ...h]));
      }
    }
    const outputs = seen.get("output")!;
    expect(outputs).toHaveLength(32);
    for (const { x, acc } of outputs)
      expect(acc.map((sum, r) => sum + q.output.bias[r]!)).toEqual(formatSums(params.output, x));
    // Nine products of one pixel each go into a sum of the convolution: the last of them leaves it.
    const codes = codesOf(line!, 3);
    const taps = seen.get("conv")!;
    const rows = taps.length / (9 * 36);
    expect(rows).toBe(96);
    for (let column = 0; column < rows; column++) {
      for (let y = 0; y < 36; y++) {
        const seenPixels = Array.from({ length: 9 }, (_, k) => {
          const [row, at] = [y + (k % 3) - 1, column + (k - (k % 3)) / 3 - 1];
          return row < 0 || row >= 36 ? 0 : (codes[at * 36 + row] ?? 0);
        });
        const { acc } = taps[(column * 9 + 8) * 36 + y]!;
        expect(acc.map((sum, r) => sum + q.conv.layer.bias[r]!)).toEqual(formatSums(params.conv, seenPixels));
      }
    }
  });

  test("the machine reads an excerpt as the plain loops do", () => {
    const { q, inputs, job } = prepare(params, ranges, loadArch("arch/edge8x8.yaml"), PIECES, [excerpts[1]!]);
    const { outputs } = execute(job, inputs)[0]!;
    expect(outputs).toEqual(tesseract.exact(q, excerpts[1]!, plain.settings));
    expect(tesseract.textOf(outputs)).toMatch(/[a-z]{3}/);
  });

  test("8 bits and 16 pieces read short lines as the format's own arithmetic does", () => {
    const lines = sample.filter(({ width }) => width <= 480).slice(0, 3);
    const { inputs, job } = prepare(params, ranges, plain, PIECES, lines);
    const outputs = execute(job, inputs).map((outcome) => outcome.outputs);
    const reference = lines.map((line) => tesseract.reference(params, line));
    const [integer, format] = [outputs, reference].map((some) => tesseract.score(lines, some, reference));
    expect(format!["cer"]).toBeLessThan(0.02);
    expect(Math.abs(integer!["cer"]! - format!["cer"]!)).toBeLessThan(0.01);
    expect(integer!["agreement"]).toBeGreaterThan(0.93);
  });
});
