import { defineOp, expectShape } from "../define.ts";

/** Inputs x [n][in], weight [out][in] and, where there is one, bias [1][out]. */
export const linear = defineOp<Record<string, never>>({
  name: "linear",
  doc: "y = x W^T + b",
  shape([x, w, bias]) {
    expectShape("linear", "the weight", w!, { rows: w!.rows, columns: x!.columns });
    if (bias) expectShape("linear", "the bias", bias, { rows: 1, columns: w!.rows });
    return { rows: x!.rows, columns: w!.rows };
  },
  forward({ inputs: [x, w, bias], out }, { engine }) {
    const { kernels, scratch } = engine;
    const [m, n, k] = [x!.rows, w!.rows, x!.columns];
    kernels.product(x!.at, k, 1, w!.at, 1, k, out.at, n, m, n, k, 0, scratch);
    if (bias) kernels.add(out.at, bias.at, 0, 1, out.at, m, n);
  },
  backward({ inputs: [x, w, bias], out }, { engine }) {
    const { kernels, scratch } = engine;
    const [m, n, k] = [x!.rows, w!.rows, x!.columns];
    kernels.product(out.gradient, n, 1, w!.at, k, 1, x!.gradient, k, m, k, n, 1, scratch);
    kernels.product(out.gradient, 1, n, x!.at, k, 1, w!.gradient, k, n, k, m, 1, scratch);
    if (bias) kernels.reduceInto(out.gradient, 0, bias.gradient, 0, 1, m, n);
  },
});
