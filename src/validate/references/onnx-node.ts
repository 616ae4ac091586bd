import { InputError } from "../../base/errors.ts";
import { toFloat32 } from "../../fixed/real.ts";
import type { Matrix } from "../../kernels/tensors.ts";
import { CURVES, erf } from "../../pwl/curves.ts";
import { filesOf, type Operator, type Operators, operatorSuite, stemOf, supportOf } from "../files.ts";
import { channelsOf, dequantizeLinear, dynamicQuantizeLinear, quantizeLinear } from "../operators/border.ts";
import { CURVE_BOUND, curve, rangeOf, softmax, softmaxBound } from "../operators/bounded.ts";
import { layerNorm } from "../operators/bounded-norm.ts";
import { product } from "../operators/bounded-product.ts";
import {
  batchesOf,
  elementsIn,
  type IntegerType,
  linesAlong,
  matmulInteger,
  qlinearMatmul,
  UINT8,
} from "../operators/onnx.ts";
import { convInteger, qlinearConv } from "../operators/onnx-conv.ts";
import { gruNode } from "../operators/onnx-gru-node.ts";
import { lstmNode } from "../operators/onnx-lstm-node.ts";
import { rnnNode } from "../operators/onnx-rnn-node.ts";
import { NodeFile, NodeTest, type Tensor } from "../operators/onnx-test.ts";
import type { Reference, Suite } from "../suite.ts";
import { skipped, type Verdict } from "../verdict.ts";

const FOLDER = "onnx-node";

/** The zero point of a whole tensor, 0 where there is none; undefined where there are several. */
function zeroOf(tensor: Tensor | undefined): number | undefined {
  const zeros = tensor?.codes() ?? [0];
  return zeros.length === 1 ? zeros[0]! : undefined;
}

const MANY = skipped(
  "scales or zero points of rows and columns: the machine takes one of a product's operand",
);

function matmulIntegerOf(test: NodeTest): Verdict {
  const given = test.inputs("A", "B", "a_zero_point", "b_zero_point");
  const [a, b] = [test.need(given.A, "A"), test.need(given.B, "B")];
  const [az, bz] = [zeroOf(given.a_zero_point), zeroOf(given.b_zero_point)];
  if (az === undefined || bz === undefined) return MANY;
  const batches = batchesOf(a.shape, b.shape) ?? b.source.refuse("its shape does not fit that of A");
  return test.expect({ Y: { got: matmulInteger(a.quantized(az), b.quantized(bz), batches) } });
}

const QLINEAR = [
  ...["a", "a_scale", "a_zero_point", "b", "b_scale", "b_zero_point"],
  ...["y_scale", "y_zero_point"],
] as const;

function qlinearMatmulOf(test: NodeTest): Verdict {
  const given = test.inputs<string>(...QLINEAR);
  const need = (name: string) => test.need(given[name], name);
  const [a, b] = [need("a"), need("b")];
  const [as, bs, ys] = ["a_scale", "b_scale", "y_scale"].map((name) => need(name).scales());
  const [az, bz, yz] = ["a_zero_point", "b_zero_point", "y_zero_point"].map((name) => zeroOf(need(name)));
  const isMany = [as, bs, ys].some((scales) => scales!.length !== 1);
  if (isMany || az === undefined || bz === undefined || yz === undefined) return MANY;
  const batches = batchesOf(a.shape, b.shape) ?? b.source.refuse("its shape does not fit that of a");
  const factor = toFloat32(toFloat32(as![0]! * bs![0]!) / ys![0]!);
  const y = { type: need("y_zero_point").type, zero: yz };
  return test.expect({ y: { got: qlinearMatmul(a.quantized(az), b.quantized(bz), batches, factor, y) } });
}

/** Scales and zero points of a tensor along `axis`, for which 1 is the default. */
function stepsOf(test: NodeTest, x: Tensor, scale: Tensor, zero: Tensor | undefined, type: IntegerType) {
  const scales = scale.scales();
  const zeros = zero?.codes() ?? scales.map(() => 0);
  if (zeros.length !== scales.length) zero!.source.refuse("as many zero points as scales are needed");
  const axis = scales.length === 1 ? 0 : test.axis(x.shape.length, 1);
  if (scales.length > 1 && x.shape[axis] !== scales.length)
    scale.source.refuse(`${scales.length} scales for a dimension of ${x.shape[axis]}`);
  return [{ scales, zeros, type }, channelsOf(x.shape, axis, scales.length)] as const;
}

function quantizeLinearOf(test: NodeTest): Verdict {
  const { x: given, y_scale, y_zero_point } = test.inputs("x", "y_scale", "y_zero_point");
  const x = test.need(given, "x");
  const type = y_zero_point?.type ?? UINT8;
  const steps = stepsOf(test, x, test.need(y_scale, "y_scale"), y_zero_point, type);
  return test.expect({ y: { got: quantizeLinear(x.reals(), ...steps) } });
}

function dequantizeLinearOf(test: NodeTest): Verdict {
  const { x: given, x_scale, x_zero_point } = test.inputs("x", "x_scale", "x_zero_point");
  const x = test.need(given, "x");
  const steps = stepsOf(test, x, test.need(x_scale, "x_scale"), x_zero_point, x.type);
  return test.expect({ y: { got: dequantizeLinear(x.codes(), ...steps) } });
}

function dynamicQuantizeLinearOf(test: NodeTest): Verdict {
  const x = test.need(test.inputs("x").x, "x");
  const { y, scale, zero } = dynamicQuantizeLinear(x.reals(), UINT8);
  return test.expect({ y: { got: y }, y_scale: { got: [scale] }, y_zero_point: { got: [zero] } });
}

/** Before version 13 all dimensions from the axis on, 1 by default, are normalized as one. */
function softmaxOf(test: NodeTest): Verdict {
  const x = test.need(test.inputs("input").input, "input");
  const values = x.reals();
  const isFlat = test.version < 13;
  const axis = test.axis(x.shape.length, isFlat ? 1 : -1);
  const shape = isFlat ? [elementsIn(x.shape.slice(0, axis)), elementsIn(x.shape.slice(axis))] : x.shape;
  const lines = linesAlong(shape, isFlat ? 1 : axis);
  const rows = softmax(lines.map((line) => line.map((i) => values[i]!)));
  const got = new Float64Array(values.length);
  for (const [k, line] of lines.entries()) for (const [j, i] of line.entries()) got[i] = rows[k]![j]!;
  return test.expect({ output: { got, bound: softmaxBound(lines[0]!.length) } });
}

/** All dimensions from the axis on are normalized as one. */
function layerNormOf(test: NodeTest): Verdict {
  const given = test.inputs("X", "Scale", "B");
  const [x, scale] = [test.need(given.X, "X"), test.need(given.Scale, "Scale")];
  const shape = x.shape.slice(test.axis(x.shape.length, -1));
  const n = elementsIn(shape);
  const values = Float64Array.from(x.reals());
  const { y, mean, inverse, bounds } = layerNorm({
    rows: Array.from({ length: values.length / n }, (_, i) => values.subarray(i * n, (i + 1) * n)),
    gain: Float64Array.from(scale.shaped(...shape)),
    shift: Float64Array.from(given.B?.shaped(...shape) ?? new Float64Array(n)),
    epsilon: test.number("epsilon", 1e-5),
  });
  return test.expect({
    Y: { got: y.flatMap((row) => [...row]), bound: bounds.y },
    Mean: { got: mean, bound: bounds.mean },
    InvStdDev: { got: inverse, bound: bounds.inverse },
  });
}

/** A matrix [rows][columns] from a batch of them, turned round where that is asked for. */
function matrixOf(data: readonly number[], rows: number, columns: number, turn: boolean, batch = 0): Matrix {
  const from = batch * rows * columns;
  if (!turn) return { rows, columns, data: Float64Array.from(data.slice(from, from + rows * columns)) };
  return {
    ...{ rows: columns, columns: rows },
    data: Float64Array.from({ length: rows * columns }, (_, i) => {
      const row = i % rows;
      return data[from + row * columns + (i - row) / rows]!;
    }),
  };
}

function matmulOf(test: NodeTest): Verdict {
  const given = test.inputs("A", "B");
  const [a, b] = [test.need(given.A, "A"), test.need(given.B, "B")];
  const { m, k, n, pairs } =
    batchesOf(a.shape, b.shape) ?? b.source.refuse("its shape does not fit that of A");
  const [left, right] = [a.reals(), b.reals()];
  const products = pairs.map(([i, j]) =>
    product({ x: matrixOf(left, m, k, false, i), w: matrixOf(right, k, n, true, j) }),
  );
  const bound = products.reduce((most, one) => Math.max(most, one.bound), 0);
  return test.expect({ Y: { got: products.flatMap(({ y }) => [...y]), bound } });
}

/** alpha A' B' + beta C; alpha and beta are multiplied into the constants. */
function gemmOf(test: NodeTest): Verdict {
  const given = test.inputs("A", "B", "C");
  const [a, b] = [test.need(given.A, "A"), test.need(given.B, "B")];
  const matrix = (tensor: Tensor, turn: boolean) => {
    const data = tensor.shaped(undefined, undefined);
    return matrixOf(data, tensor.shape[0]!, tensor.shape[1]!, turn);
  };
  const x = matrix(a, test.number("transA", 0) !== 0);
  const weights = matrix(b, test.number("transB", 0) === 0);
  if (x.columns !== weights.columns) b.source.refuse("its shape does not fit that of A");
  const [alpha, beta] = [test.number("alpha", 1), test.number("beta", 1)];
  const w = { ...weights, data: weights.data.map((value) => alpha * value) };
  const c = given.C && spread(given.C, x.rows, w.rows).map((value) => beta * value);
  const { y, bound } = product({ x, w, ...(c && { c }) });
  return test.expect({ Y: { got: y, bound } });
}

/** A tensor of up to two dimensions as a matrix [rows][columns], its dimensions of one element repeated. */
function spread(tensor: Tensor, rows: number, columns: number): Float64Array {
  const [height, width] = [1, 1, ...tensor.shape].slice(-2) as [number, number];
  const fits = (size: number, wanted: number) => size === 1 || size === wanted;
  if (tensor.shape.length > 2 || !fits(height, rows) || !fits(width, columns))
    tensor.source.refuse(`a shape of ${tensor.shape} does not spread over ${rows}, ${columns}`);
  const data = tensor.reals();
  return Float64Array.from({ length: rows * columns }, (_, i) => {
    const column = i % columns;
    return data[(((i - column) / columns) % height) * width + (column % width)]!;
  });
}

const elementwise = (operation: string, f: (test: NodeTest) => (x: number) => number): NodeOperator => ({
  ...{ operation, format: "16 bits for float32", agreement: "within 2^-12 of the output's range" },
  run(test) {
    const x = test.need(test.inputs("X").X, "X").reals();
    const of = f(test);
    const { lo, hi } = rangeOf(x.map(of));
    const bound = CURVE_BOUND * (Math.max(hi, 0) - Math.min(lo, 0));
    return test.expect({ Y: { got: curve(x, of), bound } });
  },
});

const ROUNDED = "within the rounding of its 16-bit codes";

interface NodeOperator extends Omit<Operator, "run"> {
  run(test: NodeTest): Verdict;
}

const SUPPORTED: Readonly<Record<string, NodeOperator>> = {
  MatMulInteger: {
    ...{ operation: "MatMulInteger", format: "8 bits", agreement: "bit-exact" },
    run: matmulIntegerOf,
  },
  QLinearMatMul: {
    ...{ operation: "QLinearMatMul", format: "8 bits", agreement: "bit-exact" },
    run: qlinearMatmulOf,
  },
  ConvInteger: {
    ...{ operation: "ConvInteger", format: "8 bits", agreement: "bit-exact" },
    run: convInteger,
  },
  QLinearConv: {
    ...{ operation: "QLinearConv", format: "8 bits", agreement: "bit-exact" },
    run: qlinearConv,
  },
  QuantizeLinear: {
    ...{ operation: "QuantizeLinear", format: "8 and 16 bits", agreement: "bit-exact (border)" },
    run: quantizeLinearOf,
  },
  DequantizeLinear: {
    ...{ operation: "DequantizeLinear", format: "8, 16 and 32 bits", agreement: "bit-exact (border)" },
    run: dequantizeLinearOf,
  },
  DynamicQuantizeLinear: {
    ...{ operation: "DynamicQuantizeLinear", format: "u8", agreement: "bit-exact (border)" },
    run: dynamicQuantizeLinearOf,
  },
  LSTM: {
    ...{ operation: "LSTM", format: "16 bits for float32", agreement: "within 2^-12 a step" },
    run: lstmNode,
  },
  GRU: {
    ...{ operation: "GRU", format: "16 bits for float32", agreement: "within 2^-11 a step" },
    run: gruNode,
  },
  RNN: {
    ...{ operation: "RNN", format: "16 bits for float32", agreement: ROUNDED },
    run: rnnNode,
  },
  LayerNormalization: {
    ...{ operation: "layer norm", format: "16 bits for float32" },
    agreement: ROUNDED,
    run: layerNormOf,
  },
  Softmax: {
    ...{ operation: "softmax", format: "16 bits for float32", agreement: "within 2^-13 + n 2^-15" },
    run: softmaxOf,
  },
  MatMul: {
    ...{ operation: "matrix product", format: "16 bits for float32", agreement: ROUNDED },
    run: matmulOf,
  },
  Gemm: {
    ...{ operation: "matrix product and sum", format: "16 bits for float32", agreement: ROUNDED },
    run: gemmOf,
  },
  Sigmoid: elementwise("sigmoid", () => CURVES.sigmoid.f),
  Tanh: elementwise("tanh", () => CURVES.tanh.f),
  Exp: elementwise("exp", () => CURVES.exp.f),
  Erf: elementwise("erf", () => erf),
  HardSigmoid: elementwise("hard sigmoid", (test) => {
    const [alpha, beta] = [test.number("alpha", ALPHA), test.number("beta", BETA)];
    return (x) => Math.max(0, Math.min(1, alpha * x + beta));
  }),
};

/** Defaults of HardSigmoid. */
const [ALPHA, BETA] = [0.2, 0.5];

const STEEP = "steeper at 0 than any table's error could be bounded";

const UNSUPPORTED: Readonly<Record<string, string>> = {
  LogSoftmax: "no instruction takes a logarithm",
  MeanVarianceNormalization:
    "rows of several axes that do not lie together; LayerNormalization is its form on one",
  Reciprocal: STEEP,
  Sqrt: STEEP,
};

const OPERATORS: Operators = {
  ...Object.fromEntries(
    Object.entries(SUPPORTED).map(([name, entry]) => [
      name,
      { ...entry, run: (source) => entry.run(new NodeTest(source)) } satisfies Operator,
    ]),
  ),
  ...Object.fromEntries(Object.entries(UNSUPPORTED).map(([name, unsupported]) => [name, { unsupported }])),
};

/** ONNX's own tests of single operators: a suite for each operator. */
export const onnxNode: Reference = {
  folder: FOLDER,
  doc: "ONNX's node tests: one file a test",
  support: supportOf(FOLDER, OPERATORS),
  suites(path) {
    const files = filesOf(path, ".json").map((file) => ({ name: stemOf(file), file }));
    const read = files.flatMap(({ name, file }) => readable(name, file));
    const operators = [...new Set(read.map(({ test }) => test.operator))].sort();
    const known = operators.map((operator) =>
      operatorSuite(FOLDER, operator, OPERATORS, () =>
        read.filter(({ test }) => test.operator === operator).flatMap(casesOfTest),
      ),
    );
    // A file that cannot be read has no operator to be found under: what is wrong with it is told where it is run.
    const unread = files.filter(({ name }) => !read.some((one) => one.name === name));
    return [...known, ...unread.map(({ name, file }) => unreadable(name, file))];
  },
};

interface NamedTest {
  readonly name: string;
  readonly test: NodeFile;
}

function readable(name: string, file: string): readonly NamedTest[] {
  try {
    return [{ name, test: new NodeFile(file) }];
  } catch (error) {
    if (error instanceof InputError) return [];
    throw error;
  }
}

function casesOfTest({ name, test }: NamedTest) {
  const sets = test.sets();
  return sets.map((source, i) => ({ name: sets.length === 1 ? name : `${name}/${i}`, source }));
}

const unreadable = (name: string, file: string): Suite => ({
  name: `${FOLDER}/${name}`,
  cases() {
    new NodeFile(file);
    return [];
  },
});
