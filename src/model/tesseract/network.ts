import { InputError } from "../../base/errors.ts";
import type { ConvShape } from "../../kernels/conv/shape.ts";
import type { PoolShape } from "../../kernels/pool/shape.ts";
import type { Matrix } from "../../kernels/tensors.ts";
import { LINE_HEIGHT } from "../lines/lines.ts";
import type { CodedMatrix, GateMatrices, Layer } from "./records.ts";

/** Activations are codes of 8 bits in steps of 1 / STEPS: what a bias is worth in a sum of products. */
export const STEPS = 127;

/** An affine layer of codes: sums of products and biases, each row's with a scale. */
export interface CodedLayer {
  /** Codes, [outputs][inputs]. */
  readonly weight: Matrix;
  /** [outputs]: STEPS times the bias's code, as it is added to a sum. */
  readonly biases: Float64Array;
  /** [outputs]: the real value of a weight's LSB. */
  readonly scales: Float64Array;
}

/** A cell of codes: rows in the order i f g o of the LSTM kernel, both weights on the layer's scales. */
export interface CodedCell extends Omit<CodedLayer, "weight"> {
  readonly input: number;
  readonly hidden: number;
  readonly weightX: Matrix; // [4 hidden][input]
  readonly weightH: Matrix; // [4 hidden][hidden]
}

/** An LSTM along the line, from its left or its right end. */
interface Pass {
  readonly cell: CodedCell;
  readonly reverse: boolean;
}

/** The network, its sizes as the file has them. */
export interface Network {
  /** Of one step: the pixels whose convolution a column of the pool's windows covers, columns of the line first. */
  readonly convShape: ConvShape;
  readonly conv: CodedLayer;
  readonly pool: PoolShape;
  /** Reads a column from top to bottom. */
  readonly column: CodedCell;
  /** One after the other. */
  readonly passes: readonly Pass[];
  readonly output: CodedLayer;
}

/** @throws InputError naming the record that makes it another network than those for lines, and why */
export function networkOf(root: Layer, path: string): Network {
  const refuse = (layer: Layer, problem: string): never => {
    throw new InputError(path, `lstm, byte ${layer.offset}: ${layer.name}: ${problem}`);
  };
  const parts = root.type === "Series" ? root.layers : refuse(root, `a ${root.type}, not a series`);
  const [input, conv, pool, column, ...rest] = parts;
  const last = rest.pop();
  if (!input || !conv || !pool || !column || !last || rest.length === 0)
    return refuse(root, `${parts.length} layers, fewer than the seven of the smallest network for lines`);
  if (input.type !== "Input") return refuse(input, `a ${input.type}, not the input`);
  if (input.height !== LINE_HEIGHT || input.depth !== 1)
    refuse(input, `lines of ${input.height} rows and ${input.depth} channels, not of ${LINE_HEIGHT} and 1`);
  const { shape, layer } = convOf(conv, refuse);
  const poolShape = poolOf(pool, shape, layer.weight.rows, refuse);
  const [height, width] = poolShape.window;
  const [across] = shape.kernel;
  const cell = columnOf(column, layer.weight.rows, refuse);
  let inputs = cell.hidden;
  const passes = rest.map((one) => {
    const pass = passOf(one, inputs, refuse);
    inputs = pass.cell.hidden;
    return pass;
  });
  if (last.type !== "Softmax") return refuse(last, `a ${last.type}, not a softmax`);
  const output = layerOf(last, last.matrix, inputs, refuse);
  const convShape = { ...shape, height: height + across - 1 };
  return {
    ...{ convShape, conv: layer, pool: { ...poolShape, height, window: [height, width] } },
    ...{ column: cell, passes, output },
  };
}

type Refuse = (layer: Layer, problem: string) => never;

/** The furthest that a convolution or a pool reaches. */
const MOST_REACH = 8;

const isReach = (n: number, least: number): boolean => n >= least && n <= MOST_REACH;

/** A convolution as a series of its windows and what is done to each. */
function convOf(series: Layer, refuse: Refuse): { readonly shape: ConvShape; readonly layer: CodedLayer } {
  const [windows, dense] = series.type === "Series" ? series.layers : [];
  if (windows?.type !== "Convolve" || dense?.type !== "Tanh")
    return refuse(series, "not a convolution with a tanh");
  const { across, down } = windows;
  if (!isReach(across, 0) || !isReach(down, 0))
    return refuse(windows, `a reach of ${across} and ${down}, not of 0 … ${MOST_REACH}`);
  const kernel = [2 * across + 1, 2 * down + 1] as const;
  const shape: ConvShape = {
    // Columns of the line come first, as the file's weights have them; there is no border to the left and right of a step.
    ...{ height: kernel[0], width: LINE_HEIGHT, channels: 1 },
    ...{ kernel, stride: [1, 1], dilation: [1, 1] },
    padding: { top: 0, left: down, bottom: 0, right: down },
  };
  return { shape, layer: layerOf(dense, dense.matrix, kernel[0] * kernel[1], refuse) };
}

function poolOf(pool: Layer, { width }: ConvShape, channels: number, refuse: Refuse): PoolShape {
  if (pool.type !== "Maxpool") return refuse(pool, `a ${pool.type}, not a pool`);
  const { across, down } = pool;
  if (!isReach(across, 1) || !isReach(down, 1) || width % down !== 0)
    return refuse(
      pool,
      `windows of ${across} x ${down}, not of 1 … ${MOST_REACH} and of a divisor of ${width}`,
    );
  return { height: across, width, channels, window: [across, down] };
}

function columnOf(transposed: Layer, inputs: number, refuse: Refuse): CodedCell {
  const [summary] = transposed.type === "XYTranspose" ? transposed.layers : [];
  if (summary?.type !== "SummLSTM") return refuse(transposed, "not a summary of columns");
  return cellOf(summary, summary.gates, inputs, refuse);
}

function passOf(layer: Layer, inputs: number, refuse: Refuse): Pass {
  const reverse = layer.type === "RTLReversed";
  const [lstm] = layer.type === "RTLReversed" ? layer.layers : [layer];
  if (lstm?.type !== "LSTM") return refuse(layer, "not an LSTM along the line");
  return { cell: cellOf(lstm, lstm.gates, inputs, refuse), reverse };
}

function cellOf(layer: Layer, gates: GateMatrices, input: number, refuse: Refuse): CodedCell {
  const [candidate, open, forget, output] = gates;
  const hidden = candidate.rows;
  for (const { rows, columns } of gates) {
    if (rows !== hidden || columns !== input + hidden)
      refuse(
        layer,
        `a gate of ${rows} x ${columns + 1}, where ${input} inputs and ${hidden} cells have ${hidden} x ${input + hidden + 1}`,
      );
  }
  const ordered = [open, forget, candidate, output];
  const side = (from: number, to: number): Matrix => {
    const data = new Float32Array(ordered.length * hidden * (to - from));
    for (const [g, { codes, columns }] of ordered.entries()) {
      for (let r = 0; r < hidden; r++)
        data.set(codes.subarray(r * columns + from, r * columns + to), (g * hidden + r) * (to - from));
    }
    return { rows: ordered.length * hidden, columns: to - from, data };
  };
  return {
    ...{ input, hidden, weightX: side(0, input), weightH: side(input, input + hidden) },
    biases: Float64Array.from(ordered.flatMap((gate) => [...biasesOf(gate)])),
    scales: Float64Array.from(ordered.flatMap(({ scales }) => [...scales])),
  };
}

const biasesOf = ({ biases }: CodedMatrix): Float64Array => Float64Array.from(biases, (bias) => STEPS * bias);

function layerOf(layer: Layer, matrix: CodedMatrix, inputs: number, refuse: Refuse): CodedLayer {
  const { rows, columns, codes, scales } = matrix;
  if (columns !== inputs)
    refuse(layer, `a matrix of ${rows} x ${columns + 1} for ${inputs} inputs and a bias`);
  const weight = { rows, columns, data: Float32Array.from(codes) };
  return { weight, biases: biasesOf(matrix), scales };
}
