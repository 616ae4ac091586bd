import type { Ids, Op, Tensor } from "../../src/train/define.ts";
import { OPS } from "../../src/train/table.ts";
import type { Tape } from "../../src/train/tape.ts";

/** Shapes of inputs, and the operation applied to them. Sizes are no multiples of four, so that rims are covered. */
export interface Sample {
  readonly what: string;
  readonly inputs: readonly (readonly [number, number])[];
  /** Whether its slope jumps somewhere, as that of |x| does. */
  readonly kinks?: boolean;
  apply(tape: Tape, inputs: readonly Tensor[]): Tensor;
}

const plain = (what: string, op: Op<Record<string, never>>, ...inputs: Sample["inputs"]): Sample => ({
  what,
  inputs,
  apply: (tape, tensors) => tape.apply(op, tensors, {}),
});

const having = <S>(what: string, op: Op<S>, settings: S, ...inputs: Sample["inputs"]): Sample => ({
  what,
  inputs,
  apply: (tape, tensors) => tape.apply(op, tensors, settings),
});

function idsOf(tape: Tape, values: readonly number[]): Ids {
  const ids = tape.ids(values.length);
  tape.engine.ints(ids.at, ids.n).set(values);
  return ids;
}

const norms = (["layer", "mad"] as const).flatMap((kind) =>
  [1, 3].map((spans) => ({
    ...having(`${kind}, spans ${spans}`, OPS.norm, { kind, spans, epsilon: 1e-5 }, [3, 15], [1, 15], [1, 15]),
    kinks: kind === "mad",
  })),
);

const cells = [false, true].map((capped) => ({
  ...having(capped ? "capped" : "free", OPS.cell, { forgetBias: 1, capped }, [3, 20], [3, 5]),
  kinks: capped,
}));

/** For every operation of the table, uses of it; the compiler asks for those of a new one. */
export const SAMPLES: Readonly<Record<keyof typeof OPS, readonly Sample[]>> = {
  linear: [
    plain("with a bias", OPS.linear, [5, 7], [9, 7], [1, 9]),
    plain("without", OPS.linear, [1, 3], [4, 3]),
    plain("whole panels", OPS.linear, [8, 16], [16, 16]),
  ],
  add: [
    plain("same shape", OPS.add, [3, 5], [3, 5]),
    plain("a row", OPS.add, [3, 5], [1, 5]),
    plain("a column", OPS.add, [3, 5], [3, 1]),
    plain("a number", OPS.add, [3, 5], [1, 1]),
    plain("rows that repeat", OPS.add, [6, 5], [2, 5]),
    plain("a column that repeats", OPS.add, [6, 5], [2, 1]),
  ],
  multiply: [
    plain("same shape", OPS.multiply, [3, 5], [3, 5]),
    plain("a row", OPS.multiply, [3, 5], [1, 5]),
    plain("a column", OPS.multiply, [3, 5], [3, 1]),
    plain("a number", OPS.multiply, [3, 5], [1, 1]),
    plain("rows that repeat", OPS.multiply, [6, 5], [2, 5]),
    plain("a column that repeats", OPS.multiply, [6, 5], [2, 1]),
  ],
  affine: [having("2 x - 1", OPS.affine, { factor: 2, offset: -1 }, [3, 5])],
  sigmoid: [plain("", OPS.sigmoid, [3, 5])],
  tanh: [plain("", OPS.tanh, [3, 5])],
  softmax: [plain("", OPS.softmax, [3, 7])],
  crossEntropy: [0, 0.1].map((smoothing) => ({
    what: `smoothing ${smoothing}`,
    inputs: [[3, 7]],
    apply: (tape, inputs) =>
      tape.apply(OPS.crossEntropy, inputs, { targets: idsOf(tape, [6, 0, 3]), smoothing }),
  })),
  distill: [
    {
      what: "shares of a teacher",
      inputs: [[3, 7]],
      apply: (tape, inputs) => {
        const teacher = tape.tensor(3, 7);
        for (const [row, shares] of [
          [0.5, 0.25, 0, 0, 0, 0.125, 0.125],
          [0, 0, 0, 1, 0, 0, 0],
          Array(7).fill(1 / 7),
        ].entries())
          tape.engine.floats(teacher.at + 4 * 7 * row, 7).set(shares);
        return tape.apply(OPS.distill, inputs, { teacher });
      },
    },
  ],
  norm: norms,
  cell: cells,
  expose: [plain("", OPS.expose, [3, 20], [3, 5])],
  gather: [
    {
      what: "a row twice",
      inputs: [[4, 5]],
      apply: (tape, inputs) => tape.apply(OPS.gather, inputs, { ids: idsOf(tape, [2, 0, 2]) }),
    },
  ],
  dropout: [
    having("a mask for each row", OPS.dropout, { rate: 0.4, site: 1, rows: 6 }, [6, 5]),
    having("one for all steps", OPS.dropout, { rate: 0.4, site: 1, rows: 2 }, [6, 5]),
  ],
  concatenate: [plain("three", OPS.concatenate, [3, 5], [3, 1], [3, 4])],
  slice: [having("the middle", OPS.slice, { from: 2, columns: 3 }, [3, 7])],
  transpose: [plain("", OPS.transpose, [3, 5])],
  fold: [having("three steps of two", OPS.fold, { rows: 2 }, [6, 5])],
  sum: [plain("", OPS.sum, [3, 5])],
};
