import { floorLog2, roundReal, toFloat32 } from "../../fixed/real.ts";
import { float32Scale, quantizedMultiplier, reducedMultiplier } from "../../fixed/scale.ts";
import { codeTableOf, elementaryCurveOf, mirroredCurveOf } from "../../kernels/activation/reference.ts";
import { fixedSoftmaxOf, tableSoftmaxOf } from "../../kernels/softmax/reference.ts";
import { casesOf, exact, filesOf, type Operators, operatorSuite, stemOf, supportOf } from "../files.ts";
import { DOUBLE, FLOAT32, PLAIN, SINGLE, WIDE } from "../machines.ts";
import { activation, softmax } from "../operators/curve.ts";
import { addJoint, addLifted, multiply, rescale } from "../operators/elementwise.ts";
import { batchMatmul, fullyConnected } from "../operators/product.ts";
import type { Source } from "../source.ts";
import type { Reference } from "../suite.ts";
import { compareCodes, compareReals, type Verdict } from "../verdict.ts";
import { fullLstm } from "./tflite-lstm.ts";

/** A multiplier of TensorFlow Lite: `{ mult, shift }` below a key of `p`. */
const multiplierOf = (p: Source, key: string): readonly [number, number] => [
  p.at(key).integer("mult"),
  p.at(key).integer("shift"),
];

/** The factor of float32 requantization, each step of it rounded to float32. */
const float32Factor = (p: Source, ...scales: readonly string[]): number => {
  const [first, ...rest] = scales.map((key) => toFloat32(p.number(key)));
  const product = rest.slice(0, -1).reduce((x, scale) => toFloat32(x * scale), first!);
  return toFloat32(product / rest.at(-1)!);
};

const doubled = (p: Source, key: string) => quantizedMultiplier(...multiplierOf(p, key));
const reduced = (p: Source, key: string) => reducedMultiplier(...multiplierOf(p, key));

/** Operands of a fully connected layer: x [M][K], w [C][K], b [C] or null. */
function layerOf(c: Source, bits: { readonly x: number; readonly w: number; readonly y: number }) {
  const p = c.at("p");
  const [m, k, n] = ["M", "K", "C"].map((key) => p.integer(key)) as [number, number, number];
  return {
    ...{ m, k, n },
    x: { codes: c.codes("x", m * k), bits: bits.x, zero: p.integer("z1") },
    w: { codes: c.codes("w", n * k), bits: bits.w, zero: p.integer("z2") },
    ...(c.has("b") ? { bias: c.codes("b", n) } : {}),
    result: { bits: bits.y, zero: p.integer("zo") },
  };
}

const INT8 = { x: 8, w: 8, y: 8 };

function matmulOf(c: Source, bits: number) {
  const p = c.at("p");
  const [m, k, n] = ["M", "K", "C"].map((key) => p.integer(key)) as [number, number, number];
  return {
    ...{ m, k, n },
    batches: [{ x: c.codes("x", m * k), w: c.codes("w", k * n) }],
    x: { bits, zero: p.integer("z1") },
    w: { bits, zero: p.integer("z2") },
    result: { bits, zero: p.integer("zo") },
  };
}

function pairOf(c: Source, bits: number) {
  const p = c.at("p");
  const a = c.codes("x1");
  return {
    a: { codes: a, bits, zero: p.integer("z1") },
    b: { codes: c.codes("x2", a.length), bits, zero: p.integer("z2") },
    result: { bits, zero: p.integer("zo") },
  };
}

const y = (c: Source, got: readonly number[]): Verdict => compareCodes("y", got, c.codes("y"));

/** Bits that the larger multiplier of XNNPACK's sum has, its leading one not counted. */
const JOINT_BITS = 20;

/** XNNPACK's sum: both factors as integers over one power of two, which gives the larger of them 21 bits. */
function jointScales(p: Source) {
  const factor = (key: string) => float32Factor(p, key, "so");
  const [a, b] = [factor("s1"), factor("s2")];
  const shift = JOINT_BITS - floorLog2(Math.max(a, b));
  const whole = (x: number) => roundReal(x * 2 ** shift, "half-even");
  return { multipliers: { a: whole(a), b: whole(b) }, shift };
}

/** XNNPACK's int8 to int8: a multiplier with 8 fraction bits. */
const FRACTION_BITS = 8;

const signed16 = (p: Source) => ({ multiplier: p.integer("mult"), shift: p.integer("shift") });

function fixedSoftmax(c: Source, outputBits: number): number[] {
  const p = c.at("p");
  const q = fixedSoftmaxOf({
    ...{ multiplier: p.integer("mult"), leftShift: p.integer("left_shift"), diffMin: p.integer("diff_min") },
    outputBits,
  });
  return softmax(DOUBLE, q, c.codes("x"), 1);
}

/** One table entry for each code, made in floating point. */
function codeTable(c: Source, curve: "sigmoid" | "tanh" | "gelu"): Verdict {
  const p = c.at("p");
  const q = codeTableOf(
    {
      ...{ curve, inputScale: p.number("si"), inputZero: p.integer("zi") },
      ...{ outputScale: p.number("so"), outputZero: p.integer("zo") },
    },
    DOUBLE.settings,
  );
  return y(c, activation(DOUBLE, q, c.codes("x")));
}

function interpolated(c: Source, curve: "sigmoid" | "tanh"): Verdict {
  const p = c.at("p");
  const q = mirroredCurveOf(curve, p.integer("input_multiplier"), p.integer("input_shift"));
  return y(c, activation(DOUBLE, q, c.codes("x")));
}

/** Q3.12 */
const INTEGER_BITS = 3;
const elementary = (c: Source, curve: "sigmoid" | "tanh"): Verdict =>
  y(c, activation(DOUBLE, elementaryCurveOf(curve, INTEGER_BITS), c.codes("x")));

const OPERATORS: Operators = {
  lstm_s8_full: exact("LSTM", "int8, int16 cell: layer norm, CIFG, projection, clip", fullLstm),
  softmax_s8: exact("softmax", "int8", (c) => y(c, fixedSoftmax(c, 8))),
  softmax_s8_s16: {
    // The runtime's own is a float table and a float division.
    ...{ operation: "softmax", format: "int8 to int16", agreement: "within 1 LSB" },
    run: (c) => compareReals("y", fixedSoftmax(c, 16), c.codes("y"), 1),
  },
  softmax_s16: exact("softmax", "int16", (c) =>
    y(c, softmax(DOUBLE, tableSoftmaxOf(signed16(c.at("p")), DOUBLE.settings), c.codes("x"), 1)),
  ),
  logistic_s8: exact("sigmoid", "int8", (c) => codeTable(c, "sigmoid")),
  tanh_s8: exact("tanh", "int8", (c) => codeTable(c, "tanh")),
  gelu_s8: exact("GELU", "int8", (c) => codeTable(c, "gelu")),
  logistic_s16_any: exact("sigmoid", "int16, any scale", (c) => interpolated(c, "sigmoid")),
  tanh_s16_any: exact("tanh", "int16, any scale", (c) => interpolated(c, "tanh")),
  logistic_s16_q3_12: exact("sigmoid", "int16, Q3.12", (c) => elementary(c, "sigmoid")),
  tanh_s16_q3_12: exact("tanh", "int16, Q3.12", (c) => elementary(c, "tanh")),
  fully_connected_s8_single: exact("fully connected", "int8, single rounding", (c) =>
    y(c, fullyConnected(SINGLE, { ...layerOf(c, INT8), scales: [doubled(c.at("p"), "q")] })),
  ),
  fully_connected_s8_fp32: exact("fully connected", "int8, float32 requantization", (c) => {
    const scales = [float32Scale(float32Factor(c.at("p"), "s1", "s2", "so"))];
    return y(c, fullyConnected(FLOAT32, { ...layerOf(c, INT8), scales }));
  }),
  fully_connected_s16: exact("fully connected", "int16 x int8", (c) =>
    y(c, fullyConnected(WIDE, { ...layerOf(c, { x: 16, w: 8, y: 16 }), scales: [reduced(c.at("p"), "q")] })),
  ),
  batch_matmul_s8: exact("batch matmul", "int8", (c) =>
    y(c, batchMatmul(SINGLE, { ...matmulOf(c, 8), scale: doubled(c.at("p"), "q") })),
  ),
  batch_matmul_s16: exact("batch matmul", "int16", (c) =>
    y(c, batchMatmul(WIDE, { ...matmulOf(c, 16), scale: reduced(c.at("p"), "q") })),
  ),
  add_s8_xnnpack: exact("add", "int8, XNNPACK", (c) =>
    y(c, addJoint(PLAIN, { ...pairOf(c, 8), ...jointScales(c.at("p")) })),
  ),
  add_s16: exact("add", "int16", (c) => {
    const p = c.at("p");
    const scales = { a: doubled(p, "q1"), b: doubled(p, "q2"), out: doubled(p, "qo") };
    return y(c, addLifted(DOUBLE, { ...pairOf(c, 16), left: p.integer("left_shift"), scales }));
  }),
  mul_s8_xnnpack: exact("multiply", "int8, float32 requantization", (c) => {
    const scale = float32Scale(float32Factor(c.at("p"), "s1", "s2", "so"));
    return y(c, multiply(FLOAT32, { ...pairOf(c, 8), scale }));
  }),
  mul_s16: exact("multiply", "int16", (c) =>
    y(c, multiply(DOUBLE, { ...pairOf(c, 16), scale: doubled(c.at("p"), "q") })),
  ),
  quantize_s16_s8: exact("requantize", "int16 to int8", (c) => {
    const p = c.at("p");
    const x = { codes: c.codes("x"), bits: 16, zero: p.integer("zi") };
    return y(c, rescale(DOUBLE, x, doubled(p, "q"), { bits: 8, zero: p.integer("zo") }));
  }),
  quantize_s8_s8_xnnpack: exact("requantize", "int8 to int8, XNNPACK", (c) => {
    const p = c.at("p");
    const multiplier = roundReal(float32Factor(p, "si", "so") * 2 ** FRACTION_BITS, "half-even");
    const x = { codes: c.codes("x"), bits: 8, zero: p.integer("zi") };
    return y(c, rescale(PLAIN, x, { multiplier, shift: FRACTION_BITS }, { bits: 8, zero: p.integer("zo") }));
  }),
};

/** Outputs of TensorFlow Lite's own runtime: kernels of the reference, ruy and XNNPACK. */
export const tflite: Reference = {
  folder: "tflite",
  doc: "TensorFlow Lite's runtime: one file an operator",
  support: supportOf("tflite", OPERATORS),
  suites: (path) =>
    filesOf(path, ".json").map((file) =>
      operatorSuite("tflite", stemOf(file), OPERATORS, () => casesOf(file)),
    ),
};
