import seedrandom from "seedrandom";
import { encodeAll } from "../../src/fixed/real.ts";
import { exactArgmax } from "../../src/kernels/argmax/exact.ts";
import { argmax } from "../../src/kernels/argmax/real.ts";
import { compile } from "../../src/kernels/compile.ts";
import { Floats } from "../../src/kernels/floats.ts";
import { exactLinear } from "../../src/kernels/linear/exact.ts";
import { lowerLinear } from "../../src/kernels/linear/lower.ts";
import { type QLinear, quantizeLinear } from "../../src/kernels/linear/quantize.ts";
import { type LinearParams, linear } from "../../src/kernels/linear/real.ts";
import { widenLinear } from "../../src/kernels/linear/widen.ts";
import { uniform, uniformMatrix } from "../../src/kernels/samples.ts";
import type { Model } from "../../src/model/model.ts";
import { affineGrid, symmetricGrid } from "../../src/quant/grid.ts";

/** A recording: frames of features, of which each is of the class that the float model with a little noise says. */
interface Recording {
  readonly name: string;
  readonly frames: readonly Float64Array[];
  readonly classes: readonly number[];
}

const FEATURES = 24;
const CLASSES = 5;
const rng = seedrandom("frames");
const params: LinearParams = { weight: uniformMatrix(rng, CLASSES, FEATURES), bias: uniform(rng, CLASSES) };

const recording = (name: string, length: number): Recording => {
  const frames = Array.from({ length }, () => uniform(rng, FEATURES));
  const noisy = (frame: Float64Array) => frame.map((x) => x + 0.3 * (2 * rng() - 1));
  return { name, frames, classes: frames.map((frame) => argmax(linear(params, noisy(frame)))) };
};

/** Of unequal lengths. */
export const recordings = [3, 7, 0, 7, 1, 12].map((length, i) => recording(`r${i}`, length));

const right = (found: readonly (readonly number[])[], wanted: readonly (readonly number[])[]): number => {
  const pairs = found.flatMap((row, i) => row.map((one, t) => one === wanted[i]![t]));
  return pairs.filter(Boolean).length / pairs.length;
};

/**
 * As unlike letters to phones as a model can be: no tokens, no end, no length that a program depends on; a program a
 * frame, whose logits the host reduces to a class.
 */
export const frames: Model<LinearParams, Recording, QLinear> = {
  experiment: "none",
  file: "none",
  nouns: { one: "frame", many: "frames", output: "classes", drawn: "evenly spaced" },
  splits: ["all"],
  calibrationSplit: "all",
  metrics: [
    { name: "accuracy", unit: "ratio", doc: "frames of the right class", label: "right", better: "higher" },
    {
      ...{ name: "agreement", unit: "%", doc: "frames as the float model has them", label: "as in float" },
      ...{ better: "higher", isRelative: true },
    },
  ],
  samples: () => recordings,
  nameOf: ({ name }) => name,
  countOf: (sample) => sample.frames.length,
  load: () => params,
  normOf: () => "none",
  reference: (p, sample, tap) =>
    sample.frames.map((frame) => {
      tap?.("frame", frame);
      return argmax(linear(p, frame, tap));
    }),
  quantize({ weight, bias }, ranges, numerics) {
    const grid = affineGrid(ranges.of("frame"), numerics.recipe.activation_bits, false);
    const output = symmetricGrid(ranges.of("output"), 16, false);
    return quantizeLinear([{ weight, grid }], bias, output, numerics.recipe.weight_bits, numerics);
  },
  widen: (q, bits) => widenLinear(q, new Floats(bits)),
  inputOf: (q, sample) => ({
    size: FEATURES,
    codes: sample.frames.flatMap((frame) => [...encodeAll(frame, q.parts[0]!.input)]),
    keep: (logits) => [exactArgmax(logits)],
  }),
  exact: (q, sample, arch) =>
    sample.frames.map((frame) => exactArgmax(exactLinear(q, [encodeAll(frame, q.parts[0]!.input)], arch))),
  sites: ({ parts }) => [{ name: "classes", vectors: 1, matrices: parts.map(({ weights }) => weights) }],
  compile(q, arch, sizes, mapping) {
    const [{ weights, input }] = q.parts as [QLinear["parts"][number]];
    const { run, inputs, outputs, ...job } = compile(
      arch,
      {
        inputs: [{ grid: input, length: FEATURES, count: 1 }],
        matrices: [weights],
        lower(b, tensors) {
          const logits = b.map.tensor(q.output, CLASSES);
          lowerLinear(b, q, tensors, logits);
          return [logits];
        },
      },
      mapping,
    );
    const takes = { ...inputs[0]!, count: FEATURES };
    const gives = { ...outputs[0]!, count: CLASSES };
    const stages = [{ name: "frame", program: run, takes, gives, expectedTurns: 1 }];
    return { ...job, stages: new Map(sizes.map((size) => [size, stages])) };
  },
  score: (samples, outputs, reference) => ({
    accuracy: right(
      outputs,
      samples.map(({ classes }) => classes),
    ),
    agreement: right(outputs, reference),
  }),
  textOf: (outputs) => outputs.join(" "),
  invocations: () => "one program, once a frame",
};
