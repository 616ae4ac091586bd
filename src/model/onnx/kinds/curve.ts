import { exactActivation } from "../../../kernels/activation/exact.ts";
import { lowerActivation } from "../../../kernels/activation/lower.ts";
import { type QActivation, quantizeActivation } from "../../../kernels/activation/quantize.ts";
import { widenActivation } from "../../../kernels/activation/widen.ts";
import type { CurveName } from "../../../pwl/curves.ts";
import { tableFor } from "../../../quant/tables.ts";
import { kind } from "../define.ts";
import type { Operation } from "../operation.ts";

/** The curve of a node that a recipe may have computed without a table, or whose results need no range. */
function namedOf({ name, call }: Operation): CurveName | undefined {
  if (name === "Sigmoid") return "sigmoid";
  if (name === "Tanh") return "tanh";
  // The polynomial is one of the error function.
  return name === "Gelu" && call.text("approximate") === "none" ? "gelu" : undefined;
}

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
  observe(op, [x], tap) {
    const input = Float64Array.from(x!.data);
    tap("input", input, "lookedUp");
    if (namedOf(op) === "gelu") tap("output", input.map(functionOf(op)!));
  },
  quantize(op, { inputs: [input], outputs: [output], ranges, numerics }) {
    const name = namedOf(op);
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
