import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import seedrandom from "seedrandom";
import { describe, expect, test } from "vitest";
import { makeArch } from "../../../src/arch/spec.ts";
import { toNpyTensor } from "../../../src/base/npy.ts";
import { convolve } from "../../../src/kernels/conv/real.ts";
import type { ConvShape } from "../../../src/kernels/conv/shape.ts";
import { type Frames, Network } from "../../../src/model/onnx/network.ts";
import { fuse } from "../../../src/onnx/patterns/fuse.ts";
import { elementsIn, type Tensor } from "../../../src/onnx/tensor.ts";
import { Ranges } from "../../../src/quant/grid.ts";
import { makeRecipe } from "../../../src/quant/recipe.ts";
import { execute } from "../../../src/sweep/execute.ts";
import { legalize } from "../../../src/sweep/legal.ts";
import { measureOne, referenceOf } from "../../../src/sweep/measure.ts";
import { subjectOf } from "../../../src/sweep/subject.ts";
import { f32, graphOf, type ModelSpec, modelBytes } from "../../onnx/models.ts";

/** Bias correction and equalization of imported graphs. */

const arch = makeArch();
const rng = seedrandom("calibration");
const normal = (): number => Math.sqrt(-2 * Math.log(1 - rng())) * Math.cos(2 * Math.PI * rng());

/** Elements about 0, multiplied by a size for each index of an axis. */
function drawn(shape: readonly number[], sizes: readonly number[] = [1], axis = 0): Tensor {
  const inner = elementsIn(shape.slice(axis + 1));
  const scale = 1 / Math.sqrt(elementsIn(shape.slice(1)));
  const sizeAt = (i: number) => sizes[Math.floor(i / inner) % sizes.length]!;
  const values = Array.from({ length: elementsIn(shape) }, (_, i) => normal() * scale * sizeAt(i));
  return f32(shape, values);
}

const networkOf = (spec: ModelSpec): Network => {
  const machine = fuse(graphOf(spec));
  return new Network(() => ({ machine }));
};

/** Inputs that are never below 0, as those behind a ReLU are: their means are not 0. */
const framesOf = (name: string, shape: readonly number[], count: number): Frames[] =>
  Array.from({ length: count }, () => ({
    size: 1,
    frames: [
      {
        [name]: f32(
          shape,
          Array.from({ length: elementsIn(shape) }, () => Math.abs(normal())),
        ),
      },
    ],
  }));

function observed(network: Network, all: readonly Frames[]): Ranges {
  const ranges = new Ranges();
  for (const frames of all) network.reference(frames, (...shown) => ranges.observe(...shown));
  return ranges;
}

/** Outputs of the machine, and in real numbers, one behind the other for each input. */
function outputsOf(network: Network, all: readonly Frames[], recipe: Readonly<Record<string, unknown>>) {
  const q = network.quantize(1, observed(network, all), { recipe: makeRecipe(recipe), arch: arch.settings });
  const job = legalize(network.compile(q, arch, [1]), arch);
  const outcomes = execute(
    job,
    all.map((frames) => network.inputOf(q, frames)),
  );
  expect(outcomes[0]!.outputs).toEqual(network.exact(q, all[0]!, arch.settings));
  return all.map((frames, i) => ({ got: outcomes[i]!.outputs, real: network.reference(frames) }));
}

/** Root mean square of the difference of means, and of the difference itself, over that of the real outputs. */
function errorsOf(outputs: ReturnType<typeof outputsOf>) {
  const width = outputs[0]!.real.length;
  const mean = (of: (k: number) => number) => outputs.reduce((sum, _, k) => sum + of(k), 0) / outputs.length;
  const rms = (of: (i: number) => number) =>
    Math.sqrt(Array.from({ length: width }, (_, i) => of(i)).reduce((sum, x) => sum + x, 0) / width);
  const size = rms((i) => mean((k) => outputs[k]!.real[i]! ** 2));
  const off = (k: number, i: number) => outputs[k]!.got[i]! - outputs[k]!.real[i]!;
  return {
    ofMeans: rms((i) => mean((k) => off(k, i)) ** 2) / size,
    ofAll: rms((i) => mean((k) => off(k, i) ** 2)) / size,
  };
}

/** Two convolutions and a matrix product. @param sizes  of the first one's channels, which the second one takes back */
function layers(sizes: readonly number[]): ModelSpec {
  const inverse = sizes.map((size) => 1 / size);
  return {
    inputs: [{ name: "x", shape: [1, 4, 6, 5] }],
    outputs: ["y"],
    constants: {
      a: drawn([8, 4, 3, 3], sizes),
      b: drawn([8], sizes),
      c: drawn([6, 8, 3, 1], inverse, 1),
      d: drawn([6, 5]),
      e: drawn([5]),
    },
    nodes: [
      {
        op: "Conv",
        inputs: ["x", "a", "b"],
        outputs: ["v"],
        attributes: { pads: [1, 1, 1, 1], strides: [2, 2] },
      },
      { op: "Relu", inputs: ["v"], outputs: ["w"] },
      { op: "Conv", inputs: ["w", "c"], outputs: ["s"] },
      { op: "Transpose", inputs: ["s"], outputs: ["t"], attributes: { perm: [0, 2, 3, 1] } },
      { op: "MatMul", inputs: ["t", "d"], outputs: ["u"] },
      { op: "Add", inputs: ["u", "e"], outputs: ["y"] },
    ],
  };
}
const layered = (sizes: readonly number[]): Network => networkOf(layers(sizes));

describe("means of what matrices multiply", () => {
  test.each([
    { strides: [1, 1], dilations: [1, 1], pads: [0, 0, 0, 0] },
    { strides: [2, 1], dilations: [1, 2], pads: [1, 2, 0, 1] },
    { strides: [3, 2], dilations: [2, 1], pads: [2, 0, 2, 3] },
  ])("under a convolution are those of its windows: %o", (attributes) => {
    const weight = drawn([4, 3, 2, 3]);
    const network = networkOf({
      ...{ inputs: [{ name: "x", shape: [1, 3, 7, 6] }], outputs: ["y"], constants: { weight } },
      nodes: [{ op: "Conv", inputs: ["x", "weight"], outputs: ["y"], attributes }],
    });
    const frames = framesOf("x", [1, 3, 7, 6], 2);
    const mean = observed(network, frames).meanOf("y.input")!;

    const { strides, dilations, pads } = attributes as Record<string, number[]>;
    const shape: ConvShape = {
      ...{ height: 7, width: 6, channels: 3, kernel: [2, 3] },
      ...{ stride: [strides![0]!, strides![1]!], dilation: [dilations![0]!, dilations![1]!] },
      padding: { top: pads![0]!, left: pads![1]!, bottom: pads![2]!, right: pads![3]! },
    };
    const windows = new Ranges();
    const plain = { shape, weight: { rows: 1, columns: 18, data: new Float64Array(18) } };
    for (const {
      frames: [frame],
    } of frames) {
      const { data } = frame!["x"]!;
      const pixels = Array.from({ length: 42 }, (_, p) =>
        Float64Array.of(data[p]!, data[42 + p]!, data[84 + p]!),
      );
      convolve(plain, pixels, (...shown) => windows.observe(...shown));
    }
    const wanted = windows.meanOf("input")!;
    expect([...mean]).toEqual([...wanted].map((x) => expect.closeTo(x, 6)));
  });

  test("of a matrix product are those of its rows", () => {
    const network = networkOf({
      ...{ inputs: [{ name: "x", shape: [1, 2, 2] }], outputs: ["y"], constants: { w: drawn([2, 3]) } },
      nodes: [{ op: "MatMul", inputs: ["x", "w"], outputs: ["y"] }],
    });
    const frames = [
      [1, 2, 3, 4],
      [5, 6, 9, 10],
    ].map((values) => ({
      ...{ size: 1, frames: [{ x: f32([1, 2, 2], values) }] },
    }));
    expect(observed(network, frames).meanOf("y.input")).toEqual(Float64Array.of(4.5, 5.5));
  });
});

test("bias correction takes the means of all layers back to where they are in floats", () => {
  const network = layered([1]);
  const frames = framesOf("x", [1, 4, 6, 5], 60);
  const recipe = { weight_bits: 3, activation_bits: 12 };
  const plain = errorsOf(outputsOf(network, frames, recipe));
  const corrected = errorsOf(outputsOf(network, frames, { ...recipe, bias_correction: "yes" }));
  expect(corrected.ofMeans).toBeLessThan(plain.ofMeans / 4);
  expect(corrected.ofAll).toBeLessThan(plain.ofAll);
});

test("equalization keeps what a network computes, and with one scale for a matrix most of what was lost", () => {
  const network = layered([1, 0.01, 0.3, 0.03, 2, 0.1, 0.02, 0.5]);
  const level = network.equalized();
  const frames = framesOf("x", [1, 4, 6, 5], 40);
  for (const some of frames.slice(0, 3))
    expect(level.reference(some)).toEqual(network.reference(some).map((x) => expect.closeTo(x, 4)));
  const recipe = { weight_scale: "per-tensor", weight_bits: 6, activation_bits: 12 };
  const [before, after] = [network, level].map((one) => errorsOf(outputsOf(one, frames, recipe)).ofAll);
  expect(after!).toBeLessThan(before! / 4);
});

test("the recipe of an imported model decides both, in sweeps as here", () => {
  const at = mkdtempSync(join(tmpdir(), "shiftline-imported-"));
  try {
    const shape = [1, 4, 6, 5];
    const data = framesOf("x", shape, 40).flatMap(({ frames: [frame] }) => Array.from(frame!["x"]!.data));
    writeFileSync(join(at, "net.onnx"), modelBytes(layers([1, 0.01, 0.3, 0.03, 2, 0.1, 0.02, 0.5])));
    writeFileSync(join(at, "x.npy"), toNpyTensor({ dtype: "float32", shape: [40, 4, 6, 5], data }));
    const path = join(at, "net.yaml") as `${string}.yaml`;
    writeFileSync(path, "onnx: net.onnx\ncalibration: x.npy\nsamples: x.npy\n");
    const spec = { folder: at, split: "sample", samples: 40, calibration: 40, seed: 1 };
    const subject = subjectOf({ model: path, ...spec });
    const reference = referenceOf(subject);
    const cosineBy = (given: Readonly<Record<string, unknown>>) => {
      const { results } = measureOne(subject, makeRecipe(given), arch, "fixed");
      return subject.model.score(subject.samples, results.outputs, reference)["cosine"]!;
    };
    const recipe = { weight_scale: "per-tensor", weight_bits: 6, activation_bits: 12 };
    const [plain, level] = [cosineBy(recipe), cosineBy({ ...recipe, equalization: "yes" })];
    expect(1 - level).toBeLessThan((1 - plain) / 10);
    const coarse = { weight_bits: 3, activation_bits: 12 };
    const corrected = cosineBy({ ...coarse, bias_correction: "yes" });
    expect(1 - corrected).toBeLessThan(1 - cosineBy(coarse));
  } finally {
    rmSync(at, { recursive: true });
  }
});
