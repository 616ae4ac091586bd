import { CURVES } from "../../pwl/curves.ts";
import { broadcastStrides, elementsIn, offsetsOf, type Shape } from "../tensor.ts";
import { sigmoid } from "./curves.ts";
import { broadcast, type Call, countOf, int, like, type Op, real, unified } from "./define.ts";
import { multiply } from "./matmul.ts";

/** Operators that no file has: groups of nodes are replaced by them. */

/** x sigmoid(x). */
export const silu: Op = {
  ...{ name: "Silu", target: "curve", inputs: [1, 1] },
  infer: (call) => like(call, call.shape(0)),
  curve: () => CURVES.silu.f,
  compute(_call, [x], [y]) {
    for (let i = 0; i < y!.data.length; i++) y!.data[i] = CURVES.silu.f(x!.data[i]!);
  },
};

/** x W + b over the last dimension: W [k, n], b of n elements. */
export const linear: Op = {
  ...{ name: "Linear", target: "matrix product", inputs: [3, 3] },
  infer(call) {
    const [x, w] = [call.shape(0), call.shape(1)];
    return like(call, x && w && [...x.slice(0, -1), w[1]!]);
  },
  compute(_call, [x, w, b], [y]) {
    const [k, n] = w!.shape as [number, number];
    const m = x!.data.length / k;
    const sums = new Float64Array(m * n);
    const [left, right] = [x!, w!].map(({ data }, i) => ({ data, at: 0, row: i === 0 ? k : n, column: 1 }));
    multiply(left!, right!, { m, k, n }, sums, 0);
    for (let i = 0; i < sums.length; i++) y!.data[i] = sums[i]! + b!.data[i % n]!;
  },
  macs: (call, [y]) => countOf(y!) * call.concrete(1)[0]!,
};

/** Sizes of Q [..., m, k], K [..., n, k] or [..., k, n], V [..., n, v]; what is before them broadcasts. */
function attentionOf(call: Call) {
  const [q, k, v] = [call.shape(0), call.shape(1), call.shape(2)];
  if (q === undefined || k === undefined || v === undefined) return undefined;
  const turned = call.int("transK") !== 0;
  const [m, inner] = q.slice(-2) as [Shape[number], Shape[number]];
  const [n, other] = (turned ? k.slice(-2) : k.slice(-2).toReversed()) as [Shape[number], Shape[number]];
  const [rows, width] = v.slice(-2) as [Shape[number], Shape[number]];
  if (unified(inner, other) === undefined || unified(n, rows) === undefined)
    call.refuse(`Q of [${q}], K of [${k}] and V of [${v}] do not multiply`);
  const outer = broadcast(call, q.slice(0, -2), k.slice(0, -2), v.slice(0, -2))!;
  return { outer, m, k: inner, n, v: width, turned };
}

/** softmax(scale Q K' + mask) V: heads are among the outer dimensions. */
export const attention: Op = {
  ...{
    name: "SoftmaxAttention",
    target: "softmax",
    inputs: [3, 4],
    attributes: [real("scale", 1), int("transK", 1)],
  },
  infer(call) {
    const sizes = attentionOf(call);
    return like(call, sizes && [...sizes.outer, sizes.m, sizes.v]);
  },
  compute(call, [q, k, v, mask], [y]) {
    const { turned, outer, ...open } = attentionOf(call)!;
    const batches = outer as readonly number[];
    const size = open as { m: number; k: number; n: number; v: number };
    const starts = (shape: readonly number[]) => {
      const strides = broadcastStrides(shape.slice(0, -2), batches);
      return offsetsOf(
        batches,
        strides.map((stride) => stride * elementsIn(shape.slice(-2))),
      );
    };
    const [qs, ks, vs] = [starts(q!.shape), starts(k!.shape), starts(v!.shape)];
    const masked =
      mask &&
      offsetsOf([...batches, size.m, size.n], broadcastStrides(mask.shape, [...batches, size.m, size.n]));
    const scores = new Float64Array(size.m * size.n);
    for (let batch = 0; batch < elementsIn(batches); batch++) {
      const keys = { data: k!.data, at: ks[batch]!, row: turned ? 1 : size.n, column: turned ? size.k : 1 };
      multiply({ data: q!.data, at: qs[batch]!, row: size.k, column: 1 }, keys, size, scores, 0);
      for (let i = 0; i < scores.length; i++) {
        const added = masked === undefined ? 0 : mask!.data[masked[batch * scores.length + i]!]!;
        scores[i] = call.real("scale") * scores[i]! + added;
      }
      for (let row = 0; row < size.m; row++) normalize(scores.subarray(row * size.n, (row + 1) * size.n));
      const left = { data: scores, at: 0, row: size.n, column: 1 };
      const values = { data: v!.data, at: vs[batch]!, row: size.v, column: 1 };
      multiply(left, values, { m: size.m, k: size.n, n: size.v }, y!.data, batch * size.m * size.v);
    }
  },
  macs(call) {
    const { outer, m, k, n, v } = attentionOf(call)!;
    return elementsIn([...outer, m, n] as number[]) * ((k as number) + (v as number));
  },
};

/** A softmax in place. */
function normalize(line: Float64Array): void {
  let most = -Infinity;
  for (const x of line) most = Math.max(most, x);
  let sum = 0;
  for (let i = 0; i < line.length; i++) {
    line[i] = Math.exp(line[i]! - most);
    sum += line[i]!;
  }
  for (let i = 0; i < line.length; i++) line[i]! /= sum;
}

/** x [batch, input], h and c [batch, hidden], W [4 hidden, input], R [4 hidden, hidden], B [4 hidden]; blocks i, f, g, o. */
const [X, H, C, W, R, B] = [0, 1, 2, 3, 4, 5] as const;

/** One step of an LSTM that was written as products, gates and element-wise operations: gives h and c. */
export const lstmStep: Op = {
  ...{ name: "LstmStep", target: "recurrent", inputs: [6, 6], outputs: [2, 2] },
  infer(call) {
    const type = { dtype: call.dtype(X), shape: call.shape(C) };
    return [type, type];
  },
  compute(_call, x, y) {
    const [batch, hidden] = x[C]!.shape as [number, number];
    const input = x[W]!.shape[1]!;
    const sums = new Float64Array(4 * hidden);
    for (let b = 0; b < batch; b++) {
      for (let row = 0; row < 4 * hidden; row++) {
        let sum = x[B]!.data[row]!;
        for (let k = 0; k < input; k++) sum += x[W]!.data[row * input + k]! * x[X]!.data[b * input + k]!;
        for (let k = 0; k < hidden; k++) sum += x[R]!.data[row * hidden + k]! * x[H]!.data[b * hidden + k]!;
        sums[row] = sum;
      }
      for (let j = 0; j < hidden; j++) {
        const [i, f, g, o] = [0, 1, 2, 3].map((gate) => sums[gate * hidden + j]!) as [
          number,
          number,
          number,
          number,
        ];
        const cell = sigmoid(f) * x[C]!.data[b * hidden + j]! + sigmoid(i) * Math.tanh(g);
        y[0]!.data[b * hidden + j] = sigmoid(o) * Math.tanh(cell);
        y[1]!.data[b * hidden + j] = cell;
      }
    }
  },
  macs(call) {
    const [batch, hidden] = call.concrete(C) as [number, number];
    return batch * hidden * (4 * (call.concrete(W)[1]! + hidden) + 3);
  },
};
