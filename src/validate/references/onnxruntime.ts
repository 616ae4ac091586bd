import { toFloat32 } from "../../fixed/real.ts";
import { floorDiv } from "../../fixed/round.ts";
import { usualScale } from "../../kernels/dot-attention/real.ts";
import { CURVES } from "../../pwl/curves.ts";
import {
  casesOf,
  filesOf,
  type Operator,
  type Operators,
  operatorSuite,
  stemOf,
  supportOf,
} from "../files.ts";
import { codeOf, dynamicQuantizeLinear, quantizeLinear } from "../operators/border.ts";
import { codesGrid, quantizedSoftmax, softmaxOf } from "../operators/bounded.ts";
import { dotAttention } from "../operators/bounded-attention.ts";
import { lstmBound } from "../operators/bounded-lstm.ts";
import { layerNorm } from "../operators/bounded-norm.ts";
import {
  batchesOf,
  codesAt,
  elementsIn,
  type IntegerType,
  matmulInteger,
  offMachine,
  onMachine,
  type Quantized,
  qlinearAdd,
  qlinearMatmul,
  qlinearMul,
  scalesAt,
  shapeAt,
  TYPES,
  tabulated,
  typeAt,
  UINT8,
  zeroAt,
} from "../operators/onnx.ts";
import { lstmBatch, lstmParams } from "../operators/onnx-lstm.ts";
import type { Source } from "../source.ts";
import type { Reference } from "../suite.ts";
import { allOf, compareCodes, compareReals, type Verdict } from "../verdict.ts";

const FOLDER = "onnxruntime";

/** An input's place, its shape, and as many elements as that says. */
function inputOf(c: Source, name: string) {
  const tensor = c.at("in").at(name);
  const shape = shapeAt(tensor, "shape");
  return { tensor, shape, count: elementsIn(shape) };
}

const realsOf = (c: Source, name: string): readonly number[] => {
  const { tensor, count } = inputOf(c, name);
  return tensor.reals("data", count);
};

/** An input's codes; its zero point is the parameter `<name>z`. */
function quantized(c: Source, name: string): Quantized {
  const { tensor, shape, count } = inputOf(c, name);
  const type = typeAt(tensor, "type");
  const codes = codesAt(tensor, "data", type, count);
  return { type, shape, codes, zero: zeroAt(c.at("p"), `${name}z`, type) };
}

/** A parameter that is a scale. */
function scaleOf(c: Source, name: string): number {
  const p = c.at("p");
  const scale = toFloat32(p.number(name));
  return scale > 0 ? scale : p.at(name).refuse(`${scale} is no scale`);
}

/** The result has the first operand's type. */
const targetOf = (c: Source, type: IntegerType) => ({ type, zero: zeroAt(c.at("p"), "yz", type) });

const expectCodes = (c: Source, name: string, got: readonly number[]): Verdict =>
  compareCodes(name, got, c.at("out").codes(name));

const expectReals = (c: Source, name: string, got: ArrayLike<number>, bound: number): Verdict =>
  compareReals(name, got, c.at("out").reals(name), bound);

function product(c: Source) {
  const [a, b] = [quantized(c, "a"), quantized(c, "b")];
  const batches = batchesOf(a.shape, b.shape) ?? c.at("in").refuse("shapes of a and b do not fit each other");
  return { a, b, batches };
}

function pair(c: Source) {
  const [a, b] = [quantized(c, "a"), quantized(c, "b")];
  if (a.codes.length !== b.codes.length) c.at("in").refuse("a and b differ in length");
  return { a, b, y: targetOf(c, a.type) };
}

/** as bs / ys, each step in float32. */
const productFactor = (c: Source): number =>
  toFloat32(toFloat32(scaleOf(c, "as") * scaleOf(c, "bs")) / scaleOf(c, "ys"));

const matmulIntegerOf = (c: Source): Verdict => {
  const { a, b, batches } = product(c);
  return expectCodes(c, "y", matmulInteger(a, b, batches));
};

const qlinearMatmulOf = (c: Source): Verdict => {
  const { a, b, batches } = product(c);
  return expectCodes(c, "y", qlinearMatmul(a, b, batches, productFactor(c), targetOf(c, a.type)));
};

const qlinearMulOf = (c: Source): Verdict => {
  const { a, b, y } = pair(c);
  // The runtime adds the zero point in float32 before it rounds, so a result next to a tie may be one code off.
  return expectReals(c, "y", qlinearMul(a, b, productFactor(c), y), 1);
};

const qlinearAddOf = (c: Source): Verdict => {
  const { a, b, y } = pair(c);
  const factors = { a: scaleOf(c, "as") / scaleOf(c, "ys"), b: scaleOf(c, "bs") / scaleOf(c, "ys") };
  return expectReals(c, "y", qlinearAdd(a, b, factors, y), 1);
};

function qlinearSigmoidOf(c: Source): Verdict {
  const x = quantized(c, "x");
  const [xs, ys] = [scaleOf(c, "xs"), scaleOf(c, "ys")];
  const y = targetOf(c, x.type);
  const f = (code: number) =>
    codeOf(toFloat32(CURVES.sigmoid.f(toFloat32(xs * (code - x.zero)))), ys, y.zero, y.type);
  return expectCodes(c, "y", tabulated(x, y, f));
}

/** Rows of the last axis. */
function qlinearSoftmaxOf(c: Source): Verdict {
  const x = quantized(c, "x");
  const y = targetOf(c, x.type);
  const n = x.shape.at(-1)!;
  const codes = onMachine(x.codes, x.type);
  const rows = Array.from({ length: codes.length / n }, (_, i) => codes.slice(i * n, (i + 1) * n));
  const grid = (scale: number, zero: number) => codesGrid(x.type.bits, scale, zero - x.type.offset);
  const q = quantizedSoftmax(grid(scaleOf(c, "xs"), x.zero), grid(scaleOf(c, "ys"), y.zero));
  return expectReals(c, "y", offMachine(softmaxOf(q, rows).flat(), y.type), 1);
}

function quantizeLinearOf(c: Source, type: IntegerType): Verdict {
  const steps = { scales: [scaleOf(c, "s")], zeros: [zeroAt(c.at("p"), "z", type)], type };
  return expectCodes(
    c,
    "y",
    quantizeLinear(realsOf(c, "x"), steps, () => 0),
  );
}

function dynamicQuantizeLinearOf(c: Source): Verdict {
  const { y, scale, zero } = dynamicQuantizeLinear(realsOf(c, "x"), UINT8);
  const out = c.at("out");
  return allOf([
    expectCodes(c, "y", y),
    compareCodes("s", [scale], scalesAt(out, "s", 1)),
    expectCodes(c, "z", [zero]),
  ]);
}

function layerNormOf(c: Source): Verdict {
  const p = c.at("p");
  const n = p.integer("n");
  const x = realsOf(c, "x");
  if (x.length % n !== 0) c.at("in").at("x").refuse(`${x.length} elements are no rows of ${n}`);
  const normed = layerNorm({
    rows: Array.from({ length: floorDiv(x.length, n) }, (_, i) =>
      Float64Array.from(x.slice(i * n, (i + 1) * n)),
    ),
    gain: Float64Array.from(p.reals("g", n)),
    shift: Float64Array.from(p.reals("b", n)),
    epsilon: p.number("eps"),
  });
  const got = normed.y.flatMap((row) => [...row]);
  return expectReals(c, "y", got, normed.bounds.y);
}

/** x [S][1][I], one sequence. */
function lstmOf(c: Source): Verdict {
  const p = c.at("p");
  const [hidden, input, steps] = [p.integer("H"), p.integer("I"), p.integer("S")];
  const params = lstmParams({
    ...{ input, hidden },
    w: p.reals("w", 4 * hidden * input),
    r: p.reals("r", 4 * hidden * hidden),
    b: p.reals("b", 8 * hidden),
  });
  const x = c
    .at("in")
    .at("x")
    .reals("data", steps * input);
  const xs = Array.from({ length: steps }, (_, t) => Float64Array.from(x.slice(t * input, (t + 1) * input)));
  const [run] = lstmBatch(params, [{ xs }], false);
  const got = run!.hs.flatMap((h) => [...h]);
  return expectReals(c, "y", got, lstmBound(steps));
}

/** q [1][heads][Sq][d], k and v [1][heads][Sk][d], scaled by 1/sqrt(d). */
function attentionOf(c: Source): Verdict {
  const p = c.at("p");
  const [count, d] = [p.integer("heads"), p.integer("d")];
  const vectorsOf = (name: string, length: number) => {
    const data = c
      .at("in")
      .at(name)
      .reals("data", count * length * d);
    return (head: number) =>
      Array.from({ length }, (_, t) => {
        const at = (head * length + t) * d;
        return Float64Array.from(data.slice(at, at + d));
      });
  };
  const [queries, keys, values] = [
    vectorsOf("q", p.integer("Sq")),
    vectorsOf("k", p.integer("Sk")),
    vectorsOf("v", p.integer("Sk")),
  ];
  const heads = Array.from({ length: count }, (_, i) => ({
    ...{ queries: queries!(i), keys: keys!(i), values: values!(i) },
  }));
  const { contexts, bound } = dotAttention({ scale: usualScale(d) }, heads);
  const got = contexts.flatMap((vectors) => vectors.flatMap((vector) => [...vector]));
  return expectReals(c, "y", got, bound);
}

/** An operator for each of the types that its files are named after. */
const each = (
  name: string,
  suffixes: readonly string[],
  about: (suffix: string) => Omit<Operator, "operation"> & { readonly operation?: string },
): Operators =>
  Object.fromEntries(
    suffixes.map((suffix) => [`${name}_${suffix}`, { operation: name, ...about(suffix) } as Operator]),
  );

const BYTES = ["u8", "i8"];
const PAIRS = BYTES.flatMap((a) => BYTES.map((b) => `${a}_${b}`));
const EXACT = "bit-exact";
const NEAREST = "within 1 code";

const OPERATORS: Operators = {
  ...each("matmulinteger", PAIRS, (pairOf) => ({
    ...{ operation: "MatMulInteger", format: pairOf.replace("_", " x "), agreement: EXACT },
    run: matmulIntegerOf,
  })),
  ...each("qlinearmatmul", PAIRS, (pairOf) => ({
    ...{ operation: "QLinearMatMul", format: pairOf.replace("_", " x "), agreement: EXACT },
    run: qlinearMatmulOf,
  })),
  ...each("qlinearmul", BYTES, (format) => ({
    ...{ operation: "QLinearMul", format, agreement: NEAREST },
    run: qlinearMulOf,
  })),
  ...each("qlinearadd", BYTES, (format) => ({
    ...{ operation: "QLinearAdd", format, agreement: NEAREST },
    run: qlinearAddOf,
  })),
  ...each("qlinearsigmoid", BYTES, (format) => ({
    ...{ operation: "QLinearSigmoid", format, agreement: EXACT },
    run: qlinearSigmoidOf,
  })),
  ...each("qlinearsoftmax", BYTES, (format) => ({
    ...{ operation: "QLinearSoftmax", format, agreement: NEAREST },
    run: qlinearSoftmaxOf,
  })),
  ...each("quantizelinear", [...BYTES, "u16", "i16"], (format) => ({
    ...{ operation: "QuantizeLinear", format, agreement: `${EXACT} (border)` },
    run: (c) => quantizeLinearOf(c, TYPES[format]!),
  })),
  dynamicquantizelinear: {
    ...{ operation: "DynamicQuantizeLinear", format: "u8", agreement: `${EXACT} (border)` },
    run: dynamicQuantizeLinearOf,
  },
  layernorm_f32: {
    ...{ operation: "layer norm", format: "16 bits for float32" },
    agreement: "within the rounding of its 16-bit codes",
    run: layerNormOf,
  },
  lstm_f32: {
    ...{ operation: "LSTM", format: "16 bits for float32", agreement: "within 2^-12 a step" },
    run: lstmOf,
  },
  attention_f32: {
    ...{
      operation: "attention by dot products",
      format: "16 bits for float32",
      agreement: "within the rounding of its 16-bit codes",
    },
    run: attentionOf,
  },
  dynamicquantizelstm: {
    unsupported: "scales that follow the range of each activation at run time: the machine's are constants",
  },
  qattention_u8: {
    unsupported: "its softmax and its products with v are float32 between integer projections",
  },
};

/** Outputs of ONNX Runtime. */
export const onnxruntime: Reference = {
  folder: FOLDER,
  doc: "ONNX Runtime: one file an operator and its types",
  support: supportOf(FOLDER, OPERATORS),
  suites: (path) =>
    filesOf(path, ".json").map((file) => operatorSuite(FOLDER, stemOf(file), OPERATORS, () => casesOf(file))),
};
