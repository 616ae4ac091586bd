import { exactActivation } from "../../../kernels/activation/exact.ts";
import { lowerActivation } from "../../../kernels/activation/lower.ts";
import { type QActivation, quantizeActivation } from "../../../kernels/activation/quantize.ts";
import { widenActivation } from "../../../kernels/activation/widen.ts";
import type { CurveName } from "../../../pwl/curves.ts";
import { tableFor } from "../../../quant/tables.ts";
import { kind } from "../define.ts";
import type { Operation } from "../operation.ts";

/** Curves that a recipe may have computed without a table, or whose results need no range. */
const NAMED: Readonly<Record<string, CurveName>> = { Sigmoid: "sigmoid", Tanh: "tanh", Gelu: "gelu" };

/** The function of one number that a node is, a power with a constant exponent among them. */
function functionOf(op: Operation): ((x: number) => number) | undefined {
  const { op: record } = op.node;
  if (record.curve !== undefined) return record.curve(op.call);
  const exponent = op.name === "Pow" ? op.constant(1) : undefined;
  return exponent?.data.length === 1 ? (x) => x ** exponent.data[0]! : undefined;
}

/** A function of every element, by a table. */
export const curve = kind<QActivation>({
  name: "curve",
  ops: [
    ..."LeakyRelu ThresholdedRelu Elu Selu HardSigmoid HardSwish Sigmoid Tanh Softplus Softsign Mish".split(
      " ",
    ),
    ..."Gelu Silu Erf Exp Log Sqrt Reciprocal Sin Cos Pow Abs".split(" "),
  ],
  refusal: (op) =>
    op.isActive(0) && (functionOf(op) !== undefined || op.name === "Abs")
      ? undefined
      : "is no function of one number",
  observe(_op, [x], tap) {
    tap("input", Float64Array.from(x!.data), "lookedUp");
  },
  quantize(op, { inputs: [input], outputs: [output], ranges, numerics }) {
    const name = NAMED[op.name];
    if (name !== undefined) return quantizeActivation(name, input!, ranges, numerics);
    const f = functionOf(op) ?? Math.abs;
    const table = tableFor(
      "activation",
      { f, symmetry: undefined },
      input!,
      output!,
      numerics,
      ranges.lookupsOf("input"),
    );
    return { kind: "curve", input: input!, output: output!, curve: { kind: "pwl", table } };
  },
  outputs: ({ output }) => [output],
  widen: widenActivation,
  place: (q, _op, [order]) => ({
    inputs: [{ order: order! }],
    outputs: [{ order: order! }],
    exact: ([x], arch) => [exactActivation(q, x!, arch)],
    lower: (b, [x], [y]) => lowerActivation(b, q, x!, y!),
  }),
});
