import { basename } from "node:path";
import { InputError } from "../../base/errors.ts";
import { readBytes } from "../../base/files.ts";
import { Recent } from "../../base/recent.ts";
import { cut } from "../../onnx/cut.ts";
import { readSamples } from "../../onnx/data.ts";
import type { Data } from "../../onnx/dtype.ts";
import type { Graph } from "../../onnx/graph.ts";
import { parseModel } from "../../onnx/parse.ts";
import { fuse } from "../../onnx/patterns/fuse.ts";
import { resolve } from "../../onnx/resolve.ts";
import { isConcrete } from "../../onnx/tensor.ts";
import type { Metric, Model, Nouns } from "../model.ts";
import { type Description, readDescription } from "./description.ts";
import { nearness } from "./metrics.ts";
import { type Frames, Network, networkOf, widenNetwork } from "./network.ts";
import { type Parts, partsAround, partsOf } from "./parts.ts";
import type { QNetwork } from "./quantize.ts";
import { sharesOf } from "./shares.ts";

/** All inputs are of one size. */
const SIZE = 1;

const NOUNS: Nouns = { one: "frame", many: "frames", output: "outputs", drawn: "evenly spaced" };

const METRICS: readonly Metric[] = [
  {
    ...{ name: "cosine", unit: "%", better: "higher", isRelative: true },
    doc: "cosine between all outputs and the float model's",
    label: "cosine to float",
  },
  {
    ...{ name: "agreement", unit: "%", better: "higher", isRelative: true },
    doc: "vectors of more than one element whose largest is where the float model has it, 100 where there are none",
    label: "largest as in float",
  },
];

/** What reports say of any imported model. */
export const IMPORTED = { nouns: NOUNS, metrics: METRICS } as const;

/** A network, and its trained numbers, as others count them. */
interface Params {
  readonly network: Network;
  readonly weights: readonly Data[];
}

/** Samples of a model; a stream is one of many frames. */
interface ImportedSample extends Frames {
  readonly name: string;
}

const read = new Recent<readonly ImportedSample[]>(3);

/** The whole graph, and the parts that it is run in. @throws InputError for a file that is none, or does not have what the description names */
function graphsOf({ onnx, shapes, fixed, from, to }: Description): {
  readonly whole: Graph;
  readonly parts: Parts;
} {
  const whole = resolve(parseModel(readBytes(onnx), onnx), { shapes, fixed, batch: 1 });
  const open = whole.inputs.find(({ shape }) => !isConcrete(shape));
  if (open !== undefined)
    throw new InputError(onnx, `the size of input ${open.name} is open: a description's shapes say it`);
  if (from === undefined && to === undefined) return { whole, parts: partsOf(fuse(whole)) };
  const part = cut(whole, { ...(from && { from }), ...(to && { to }) });
  const inside = new Set(part.nodes.flatMap(({ outputs }) => outputs.filter((name) => name !== "")));
  return { whole, parts: partsAround(whole, partsOf(fuse(part)).machine, inside) };
}

/** Samples of files: in a stream's the frames follow one another, otherwise each is by itself. */
function samplesOf({ splits, states }: Description, whole: Graph, split: string): readonly ImportedSample[] {
  const isState = (name: string) => states.some(({ input }) => input === name);
  const inputs = whole.inputs.filter(({ name }) => !isState(name));
  return splits[split]!.flatMap((path) => {
    const frames = readSamples(path, inputs).map((sample) => Object.fromEntries(sample));
    const name = basename(path);
    if (states.length > 0) return [{ name, size: SIZE, frames }];
    return frames.map((frame, i) => ({ name: `${name} ${i + 1}`, size: SIZE, frames: [frame] }));
  });
}

/** So many frames of streams: whole ones in their order, the last one cut. */
function framesFrom(all: readonly ImportedSample[], count: number): readonly ImportedSample[] {
  let left = count;
  return all.flatMap((sample) => {
    const frames = sample.frames.slice(0, left);
    left -= frames.length;
    return frames.length === 0 ? [] : [{ ...sample, frames }];
  });
}

/** The model that a description's file describes. @throws InputError for a faulty description */
export function importedModel(path: string): Model<Params, ImportedSample, QNetwork> {
  const description = readDescription(path);
  const { onnx, states, splits } = description;
  let graphs: ReturnType<typeof graphsOf> | undefined;
  const known = () => {
    graphs ??= graphsOf(description);
    return graphs;
  };
  let network: Network | undefined;
  const running = () => {
    network ??= new Network(() => known().parts, states);
    return network;
  };
  return {
    experiment: "imported",
    file: onnx,
    identity: description.text,
    ...IMPORTED,
    splits: splits["test"] === undefined ? ["sample"] : ["sample", "test"],
    calibrationSplit: "calibration",
    samples(split) {
      running().partsAt(SIZE);
      return read.recall(`${path} ${split}`, () => samplesOf(description, known().whole, split));
    },
    ...(states.length > 0 && { choose: framesFrom }),
    nameOf: ({ name }) => name,
    countOf: ({ frames }) => frames.length,

    locate: () => onnx,
    load: (weights) => ({
      network: weights === onnx ? running() : refuseWeights(weights, path),
      weights: [...known().parts.machine.constants.values()].map(({ data }) => data),
    }),
    equalize: ({ network: own, weights }) => ({ network: own.equalized(), weights }),
    normOf: () =>
      known().parts.machine.nodes.some(({ op }) => op.name === "LayerNormalization") ? "layer" : "none",
    reference: (params, sample, tap) => params.network.reference(sample, tap),

    quantize: (params, ranges, numerics) => params.network.quantize(SIZE, ranges, numerics),
    widen: widenNetwork,
    inputOf: (q, sample) => networkOf(q).inputOf(q, sample),
    exact: (q, sample, arch) => networkOf(q).exact(q, sample, arch),
    sites: (q, size) => networkOf(q).sites(q, size),
    compile: (q, arch, sizes, mapping) => networkOf(q).compile(q, arch, sizes, mapping),

    score(samples, outputs, reference) {
      const widths = running().widthsAt(SIZE);
      const each = samples.map(({ frames }) => frames.flatMap(() => widths));
      return nearness(each, outputs, reference);
    },
    textOf: (outputs) => outputs.map((x) => x.toPrecision(4)).join(" "),
    invocations: () =>
      `${states.length > 0 ? "a program a frame; states carry over a whole stream" : "one program a frame"}. ${hostText(known().parts)}`,
  };
}

function refuseWeights(weights: string, path: string): never {
  throw new InputError(weights, `${path} names its weights by itself: other ones go by another description`);
}

/** What the host does of a frame's work. */
function hostText(parts: Parts): string {
  const { machine, front, back } = sharesOf(parts);
  const hosted = [front, back].filter((work) => work !== undefined);
  if (hosted.length === 0) return "The host computes nothing";
  const macs = hosted.reduce((sum, work) => sum + work.macs, 0);
  const ops = [...new Set(hosted.flatMap((work) => work.ops))].join(", ");
  return `The host computes ${ops} in floats: ${macs} of ${macs + machine.macs} MACs a frame`;
}
