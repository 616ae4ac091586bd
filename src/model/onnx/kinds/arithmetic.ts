import {
  exactGain,
  exactProduct,
  exactSum,
  lowerGain,
  lowerProduct,
  lowerSum,
  type QGain,
  type QProduct,
  type QSum,
  quantizeProduct,
  quantizeSum,
  widenGain,
  widenProduct,
  widenSum,
} from "../../../kernels/elementwise.ts";
import { quantizeGain } from "../../../kernels/gain.ts";
import { broadcastStrides, offsetsOf, type Tensor } from "../../../onnx/tensor.ts";
import { kind, type Order, type Wanted } from "../define.ts";
import type { Operation } from "../operation.ts";
import { periodOf, repeated, rowMajor } from "../order.ts";

/** Arithmetic of two values, or of a value and a constant, element by element. */

/** The order of the operand that is as large as the result. */
function orderOf(op: Operation, naturals: readonly Order[]): Order {
  const { length } = op.resultShape;
  const i = op.active.findIndex((at) => op.shape(at).join() === op.resultShape.join());
  return i === -1 ? rowMajor(length) : naturals[i]!;
}

/** Operands repeated over the result; an instruction repeats its second one by itself. */
const spread = (op: Operation, order: Order): Wanted[] =>
  op.active.map((_, i) => ({ order, over: op.resultShape, ...(i === 1 && { isPart: true }) }));

/** Two values. */
const isOfTwo = (op: Operation): string | undefined =>
  op.active.length === 2 ? undefined : "is no operation of two values";

/** The sum of two values, or their difference. */
export const sum = kind<QSum & { readonly sign: 1 | -1 }>({
  name: "sum",
  ops: ["Add", "Sub"],
  saturates: true,
  refusal: isOfTwo,
  quantize: (op, { inputs: [a, b], outputs: [output], numerics }) => ({
    ...quantizeSum(a!, b!, output!, numerics),
    sign: op.name === "Add" ? 1 : -1,
  }),
  outputs: ({ output }) => [output],
  widen: (q, floats) => ({ ...widenSum(q, floats), sign: q.sign }),
  place(q, op, naturals) {
    const order = orderOf(op, naturals);
    return {
      inputs: spread(op, order),
      outputs: [{ order }],
      exact: ([a, b], arch) => [exactSum(q, a!, b!, q.sign, arch)],
      lower: (b, [left, right], [y]) => lowerSum(b, q, left!, right!, y!, q.sign),
    };
  },
});

/** The product of two values. */
export const product = kind<QProduct>({
  name: "product",
  ops: ["Mul"],
  saturates: true,
  refusal: isOfTwo,
  quantize: (_op, { inputs: [a, b], outputs: [output], numerics }) =>
    quantizeProduct(a!, b!, output!, numerics),
  outputs: ({ output }) => [output],
  widen: widenProduct,
  place(q, op, naturals) {
    const order = orderOf(op, naturals);
    return {
      inputs: spread(op, order),
      outputs: [{ order }],
      exact: ([a, b], arch) => [exactProduct(q, a!, repeated(b!, a!.length), arch)],
      lower: (b, [left, right], [y]) => lowerProduct(b, q, left!, right!, y!),
    };
  },
});

/** Elements of a constant, spread over the result, in the order of memory, as often as they have to be said. */
function alongside(tensor: Tensor, shape: readonly number[], order: Order): Float64Array {
  const strides = broadcastStrides(tensor.shape, shape);
  const at = offsetsOf(
    order.map((axis) => shape[axis]!),
    order.map((axis) => strides[axis]!),
  );
  const period = periodOf(at);
  return Float64Array.from(at.subarray(0, period), (offset) => tensor.data[offset]!);
}

/** What is done to a value by a constant: x gain + shift. */
function affineOf(op: Operation, constant: Float64Array) {
  const [value] = op.active;
  const ones = constant.map(() => 1);
  const zeros = constant.map(() => 0);
  switch (op.name) {
    case "Mul":
      return { gain: constant, shift: zeros };
    case "Div":
      return { gain: constant.map((c) => 1 / c), shift: zeros };
    case "Sub":
      return value === 0
        ? { gain: ones, shift: constant.map((c) => -c) }
        : { gain: constant.map(() => -1), shift: constant };
    case "Neg":
      return { gain: constant.map(() => -1), shift: zeros };
    default:
      return { gain: ones, shift: constant };
  }
}

/** A constant is spread when sizes are known, so the constant itself is what is quantized: its gains and shifts, element for element. */
export const gain = kind<QGain>({
  name: "gain",
  ops: ["Add", "Sub", "Mul", "Div", "Neg"],
  saturates: true,
  refusal(op) {
    if (op.active.length !== 1) return "is no operation of a value and a constant";
    if (op.name === "Div" && op.isActive(1)) return "divides by a value";
    return undefined;
  },
  quantize(op, { inputs: [a], outputs: [output], numerics }) {
    const constant = constantOf(op);
    return quantizeGain(affineOf(op, Float64Array.from(constant.data)), a!, output!, numerics);
  },
  outputs: ({ output }) => [output],
  widen: widenGain,
  place(all, op, naturals) {
    const order = orderOf(op, naturals);
    const constant = constantOf(op);
    const places = { ...constant, data: Int32Array.from(constant.data.keys()) };
    const at = alongside(places, op.resultShape, order);
    const q: QGain = {
      ...all,
      gains: Int32Array.from(at, (i) => all.gains[i]!),
      biases: at.map((i) => all.biases[i]!),
    };
    return {
      inputs: spread(op, order),
      outputs: [{ order }],
      exact: ([x], arch) => [exactGain(q, x!, arch)],
      lower: (b, [x], [y]) => lowerGain(b, q, x!, y!),
    };
  },
});

const ZERO: Tensor = { dtype: "float32", shape: [], data: Float32Array.of(0) };

const constantOf = (op: Operation): Tensor => op.constant(op.active[0] === 0 ? 1 : 0) ?? ZERO;
