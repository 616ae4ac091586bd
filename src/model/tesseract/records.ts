import { Cursor, type Part } from "./cursor.ts";

/**
 * The component `lstm`: a tree of layers, each a record of its type, its sizes and what its type has; then what the training left.
 * Matrices are codes of 8 bits, [outputs][inputs + 1] with the biases in the last column, and a scale for each row.
 */

export interface CodedMatrix {
  readonly rows: number;
  readonly columns: number;
  /** [rows][columns] */
  readonly codes: Int8Array;
  /** [rows] */
  readonly biases: Int8Array;
  /** [rows]: the real value of a weight's LSB. */
  readonly scales: Float64Array;
}

/** Four matrices of a cell in the file's order: candidate, input, forget, output. */
export type GateMatrices = readonly [CodedMatrix, CodedMatrix, CodedMatrix, CodedMatrix];

/** What layers of a type have; only types that networks of this shape are made of are read. */
type Body =
  | { readonly type: "Series" | "RTLReversed" | "XYTranspose"; readonly layers: readonly Layer[] }
  | { readonly type: "Input"; readonly height: number; readonly depth: number }
  /** Reach to either side, across and down; the window of a pool. */
  | { readonly type: "Convolve" | "Maxpool"; readonly across: number; readonly down: number }
  | { readonly type: "LSTM" | "SummLSTM"; readonly gates: GateMatrices }
  | { readonly type: "Tanh" | "Softmax"; readonly matrix: CodedMatrix };

export type Layer = Body & {
  readonly name: string;
  readonly inputs: number;
  readonly outputs: number;
  /** Offset of its record in the file, for errors. */
  readonly offset: number;
};

/** The component as it is. */
export interface Recognizer {
  readonly root: Layer;
  /** The network as people write it: `[1,36,0,1 Ct3,3,16 … O1c1]`. */
  readonly network: string;
  /** The code of no character. */
  readonly nullCode: number;
}

/** A bit of a layer's flags: its parts have learning rates of their own. */
const OWN_RATES = 64;
/** Bits of a matrix's mode: codes of 8 bits; scales in double precision. */
const CODED = 1;
const DOUBLE_SCALES = 128;
/** Layers within layers: networks have four. */
const MOST_DEPTH = 8;
/** Bytes of the shortest record of a layer. */
const LEAST_RECORD = 23;

/** @throws InputError naming the byte and the rule that is broken there */
export function readRecognizer(part: Part): Recognizer {
  const cursor = new Cursor(part);
  const root = readLayer(cursor, 0);
  const network = cursor.text("the network's description");
  for (const what of ["the training's flags", "its iterations", "its samples"]) cursor.int32(what);
  const nullCode = cursor.int32("the null code");
  for (const what of ["Adam's beta", "the learning rate", "the momentum"]) cursor.float32(what);
  cursor.finish();
  return { root, network, nullCode };
}

function readLayer(cursor: Cursor, depth: number): Layer {
  const { offset } = cursor;
  if (depth > MOST_DEPTH) cursor.refuse(`layers within more than ${MOST_DEPTH} others`);
  const code = cursor.int8("the type of a layer");
  if (code !== 0) cursor.refuse(`a layer of type ${code}, not one by name`, offset);
  const type = cursor.text("a layer's type");
  for (const what of ["whether it trains", "whether it needs errors"]) cursor.int8(what);
  const flags = cursor.int32("a layer's flags");
  const inputs = cursor.int32("a layer's inputs");
  const outputs = cursor.int32("a layer's outputs");
  const weights = cursor.int32("a layer's number of weights");
  const name = cursor.text("a layer's name");
  const before = { name, inputs, outputs, offset };
  const layer: Layer = { ...before, ...readBody(cursor, type, flags, depth, offset) };
  const found = weightsOf(layer);
  if (found !== weights) cursor.refuse(`${name} is to have ${weights} weights and has ${found}`, offset);
  return layer;
}

function readBody(cursor: Cursor, type: string, flags: number, depth: number, offset: number): Body {
  switch (type) {
    case "Series":
    case "RTLReversed":
    case "XYTranspose": {
      const count = cursor.count("layers", LEAST_RECORD);
      const layers = Array.from({ length: count }, () => readLayer(cursor, depth + 1));
      // JavaScript's 32-bit `&` is what the flags are made for.
      if ((flags & OWN_RATES) !== 0) {
        const rates = cursor.count("learning rates", 4);
        for (let i = 0; i < rates; i++) cursor.float32("a learning rate");
      }
      return { type, layers };
    }
    case "Input": {
      cursor.int32("the lines of a batch");
      const height = cursor.int32("the height");
      cursor.int32("the width");
      const channels = cursor.int32("the depth");
      cursor.int32("the loss");
      return { type, height, depth: channels };
    }
    case "Convolve":
    case "Maxpool":
      return { type, across: cursor.int32("a reach across"), down: cursor.int32("a reach down") };
    case "LSTM":
    case "SummLSTM": {
      cursor.int32("the inputs of its gates");
      const [candidate, input, forget, output] = Array.from({ length: 4 }, () => readMatrix(cursor));
      return { type, gates: [candidate!, input!, forget!, output!] };
    }
    case "Tanh":
    case "Softmax":
      return { type, matrix: readMatrix(cursor) };
    default:
      return cursor.refuse(
        `a layer of type "${type}", which is not among those of networks for lines`,
        offset,
      );
  }
}

function readMatrix(cursor: Cursor): CodedMatrix {
  const { offset } = cursor;
  const mode = cursor.uint8("a matrix's mode");
  if ((mode & CODED) === 0 || (mode & DOUBLE_SCALES) === 0)
    cursor.refuse(`a matrix of mode ${mode}, not of 8-bit codes with scales in double precision`, offset);
  const rows = cursor.int32("a matrix's rows");
  const columns = cursor.int32("a matrix's columns");
  if (rows < 1 || columns < 2) cursor.refuse(`a matrix of ${rows} x ${columns}`, offset);
  cursor.uint8("a matrix's empty element");
  const all = cursor.codes(rows * columns, `a matrix of ${rows} x ${columns}`);
  const inputs = columns - 1;
  const codes = new Int8Array(rows * inputs);
  const biases = new Int8Array(rows);
  for (let r = 0; r < rows; r++) {
    codes.set(all.subarray(r * columns, r * columns + inputs), r * inputs);
    biases[r] = all[r * columns + inputs]!;
  }
  return { rows, columns: inputs, codes, biases, scales: readScales(cursor, rows) };
}

/** A scale for each row; some files have more, so that their number is a multiple of eight. */
function readScales(cursor: Cursor, rows: number): Float64Array {
  const { offset } = cursor;
  const count = cursor.count("scales", 8);
  if (count < rows) cursor.refuse(`${count} scales for ${rows} rows`, offset);
  const scales = Float64Array.from({ length: count }, (_, r) => {
    const at = cursor.offset;
    const scale = cursor.float64("a scale");
    if (r < rows && !(scale > 0 && scale < Number.POSITIVE_INFINITY))
      cursor.refuse(`row ${r} of a matrix has the scale ${scale}`, at);
    return scale;
  });
  return scales.slice(0, rows);
}

/** Weights of a layer and all within it, biases among them. */
function weightsOf(layer: Layer): number {
  const own = ({ rows, columns }: CodedMatrix) => rows * (columns + 1);
  switch (layer.type) {
    case "Series":
    case "RTLReversed":
    case "XYTranspose":
      return layer.layers.reduce((sum, part) => sum + weightsOf(part), 0);
    case "LSTM":
    case "SummLSTM":
      return layer.gates.reduce((sum, gate) => sum + own(gate), 0);
    case "Tanh":
    case "Softmax":
      return own(layer.matrix);
    default:
      return 0;
  }
}
