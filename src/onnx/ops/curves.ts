import { erf, CURVES as TABULATED } from "../../pwl/curves.ts";
import { type Attribute, type Call, type Op, real, text } from "./define.ts";

/** A function of one real number: what a PWL table would hold. */
interface Curve {
  readonly name: string;
  readonly from?: number;
  readonly attributes?: readonly Attribute[];
  /** The function, its attributes read. */
  readonly of: (call: Call) => (x: number) => number;
}

export const sigmoid = TABULATED.sigmoid.f;
const softplus = TABULATED.softplus.f;
const hardSigmoid = (x: number, alpha: number, beta: number): number =>
  Math.min(1, Math.max(0, alpha * x + beta));
const elu = (x: number, alpha: number): number => (x < 0 ? alpha * Math.expm1(x) : x);
const geluErf = TABULATED.gelu.f;
const geluTanh = (x: number): number =>
  (x / 2) * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)));

const CURVES: readonly Curve[] = [
  { name: "Relu", of: () => (x) => Math.max(x, 0) },
  {
    ...{ name: "LeakyRelu", attributes: [real("alpha", 0.01)] },
    of: (call) => {
      const alpha = call.real("alpha");
      return (x) => (x < 0 ? alpha * x : x);
    },
  },
  {
    ...{ name: "ThresholdedRelu", from: 10, attributes: [real("alpha", 1)] },
    of: (call) => {
      const alpha = call.real("alpha");
      return (x) => (x > alpha ? x : 0);
    },
  },
  {
    ...{ name: "Elu", attributes: [real("alpha", 1)] },
    of: (call) => {
      const alpha = call.real("alpha");
      return (x) => elu(x, alpha);
    },
  },
  {
    ...{
      name: "Selu",
      attributes: [real("alpha", 1.6732631921768188), real("gamma", 1.0507010221481323)],
    },
    of: (call) => {
      const [alpha, gamma] = [call.real("alpha"), call.real("gamma")];
      return (x) => gamma * elu(x, alpha);
    },
  },
  {
    ...{ name: "HardSigmoid", attributes: [real("alpha", 0.2), real("beta", 0.5)] },
    of: (call) => {
      const [alpha, beta] = [call.real("alpha"), call.real("beta")];
      return (x) => hardSigmoid(x, alpha, beta);
    },
  },
  { name: "HardSwish", from: 14, of: () => TABULATED["hard-swish"].f },
  { name: "Sigmoid", of: () => sigmoid },
  { name: "Tanh", of: () => Math.tanh },
  { name: "Softplus", of: () => softplus },
  { name: "Softsign", of: () => (x) => x / (1 + Math.abs(x)) },
  { name: "Mish", from: 18, of: () => (x) => x * Math.tanh(softplus(x)) },
  {
    ...{ name: "Gelu", from: 20, attributes: [text("approximate", "none", { choices: ["none", "tanh"] })] },
    of: (call) => (call.text("approximate") === "tanh" ? geluTanh : geluErf),
  },
  { name: "Erf", from: 9, of: () => erf },
  { name: "Exp", of: () => Math.exp },
  { name: "Log", of: () => Math.log },
  { name: "Sqrt", of: () => Math.sqrt },
  { name: "Reciprocal", of: () => (x) => 1 / x },
  { name: "Sin", of: () => Math.sin },
  { name: "Cos", of: () => Math.cos },
];

const curve = ({ of, ...record }: Curve): Op => ({
  ...{ ...record, target: "curve", inputs: [1, 1] },
  infer: (call) => [{ dtype: call.dtype(0), shape: call.shape(0) }],
  curve: of,
  compute(call, [x], [y]) {
    const f = of(call);
    for (let i = 0; i < y!.data.length; i++) y!.data[i] = f(x!.data[i]!);
  },
});

/** Parameters of a recurrent operator's activation, in ONNX's order, and their defaults. */
interface Activation {
  readonly of: (x: number, alpha: number, beta: number) => number;
  readonly alpha?: number;
  readonly beta?: number;
}

/** Functions that LSTM, GRU and RNN may name for their gates, in small letters. */
export const ACTIVATIONS: Readonly<Record<string, Activation>> = {
  sigmoid: { of: sigmoid },
  tanh: { of: Math.tanh },
  relu: { of: (x) => Math.max(x, 0) },
  affine: { of: (x, alpha, beta) => alpha * x + beta, alpha: 1, beta: 0 },
  leakyrelu: { of: (x, alpha) => (x < 0 ? alpha * x : x), alpha: 0.01 },
  thresholdedrelu: { of: (x, alpha) => (x > alpha ? x : 0), alpha: 1 },
  scaledtanh: { of: (x, alpha, beta) => alpha * Math.tanh(beta * x), alpha: 1, beta: 1 },
  hardsigmoid: { of: hardSigmoid, alpha: 0.2, beta: 0.5 },
  elu: { of: elu, alpha: 1 },
  softsign: { of: (x) => x / (1 + Math.abs(x)) },
  softplus: { of: softplus },
};

export const CURVE_OPS: readonly Op[] = CURVES.map(curve);
