import { defineOp, expectShape, type Ids, type Tensor } from "../define.ts";

export const softmax = defineOp<Record<string, never>>({
  name: "softmax",
  doc: "y_j = e^x_j / sum e^x, over each row",
  shape: ([x]) => x!,
  forward({ inputs: [x], out }, { engine: { kernels } }) {
    kernels.softmax(x!.at, out.at, out.rows, out.columns);
  },
  backward({ inputs: [x], out }, { engine: { kernels } }) {
    kernels.softmaxBack(out.at, out.gradient, x!.gradient, out.rows, out.columns);
  },
});

interface CrossEntropySettings {
  /** The class of each row; must be a column, which is not checked. */
  readonly targets: Ids;
  /** Share of the target that is spread evenly over all classes, 0 … 1. */
  readonly smoothing: number;
}

/** Input logits [n][classes], output [n][1] in nats. */
export const crossEntropy = defineOp<CrossEntropySettings>({
  name: "crossEntropy",
  doc: "y = log sum e^x - (1 - smoothing) x_target - smoothing mean x, over each row",
  shape([x], { targets }) {
    if (targets.n !== x!.rows) throw new RangeError(`crossEntropy: ${targets.n} targets of ${x!.rows} rows`);
    return { rows: x!.rows, columns: 1 };
  },
  saves: ([x]) => x!.rows,
  forward({ inputs: [x], settings: { targets, smoothing }, out, saved }, { engine: { kernels } }) {
    kernels.crossEntropy(x!.at, targets.at, out.at, saved, x!.rows, x!.columns, smoothing);
  },
  backward({ inputs: [x], settings: { targets, smoothing }, out, saved }, { engine: { kernels } }) {
    const { rows, columns, gradient } = x!;
    kernels.crossEntropyBack(x!.at, targets.at, out.gradient, saved, gradient, rows, columns, smoothing);
  },
});

/** Input logits [n][classes], output [n][1] in nats. `teacher` are shares of each class, rows that sum to 1; it gets no gradient. */
export const distill = defineOp<{ readonly teacher: Tensor }>({
  name: "distill",
  doc: "y = log sum e^x - sum of p x, p the teacher's shares, over each row (Hinton et al. 2015)",
  shape([x], { teacher }) {
    expectShape("distill", "the teacher", teacher, x!);
    return { rows: x!.rows, columns: 1 };
  },
  saves: ([x]) => x!.rows,
  forward({ inputs: [x], settings: { teacher }, out, saved }, { engine: { kernels } }) {
    kernels.distill(x!.at, teacher.at, out.at, saved, x!.rows, x!.columns);
  },
  backward({ inputs: [x], settings: { teacher }, out, saved }, { engine: { kernels } }) {
    const { rows, columns, gradient } = x!;
    kernels.distillBack(x!.at, teacher.at, out.gradient, saved, gradient, rows, columns);
  },
});
