import { defineOp, expectShape, sizeOf } from "../define.ts";
import { flag } from "../kernels.ts";

/** Any number of inputs with as many rows. Rows need no operation: they are written in place. */
export const concatenate = defineOp<Record<string, never>>({
  name: "concatenate",
  doc: "y = [x1 x2 …], side by side",
  shape(inputs) {
    const { rows } = inputs[0]!;
    for (const x of inputs) expectShape("concatenate", "an input", x, { rows, columns: x.columns });
    return { rows, columns: inputs.reduce((n, { columns }) => n + columns, 0) };
  },
  forward({ inputs, out }, { engine: { kernels } }) {
    let at = out.at;
    for (const x of inputs) {
      kernels.move(x.at, x.columns, at, out.columns, x.rows, x.columns, 1, 0);
      at += 4 * x.columns;
    }
  },
  backward({ inputs, out }, { engine: { kernels } }) {
    let at = out.gradient;
    for (const x of inputs) {
      kernels.move(at, out.columns, x.gradient, x.columns, x.rows, x.columns, 1, 1);
      at += 4 * x.columns;
    }
  },
});

export const slice = defineOp<{ readonly from: number; readonly columns: number }>({
  name: "slice",
  doc: "y = `columns` columns of x, beginning with `from`",
  shape([x], { from, columns }) {
    if (from < 0 || from + columns > x!.columns) {
      throw new RangeError(`slice: columns ${from} … ${from + columns} of ${x!.columns}`);
    }
    return { rows: x!.rows, columns };
  },
  forward({ inputs: [x], settings: { from }, out }, { engine: { kernels } }) {
    kernels.move(x!.at + 4 * from, x!.columns, out.at, out.columns, out.rows, out.columns, 1, 0);
  },
  backward({ inputs: [x], settings: { from }, out }, { engine: { kernels } }) {
    const to = x!.gradient + 4 * from;
    kernels.move(out.gradient, out.columns, to, x!.columns, out.rows, out.columns, 1, 1);
  },
});

export const transpose = defineOp<Record<string, never>>({
  name: "transpose",
  doc: "y_ji = x_ij",
  shape: ([x]) => ({ rows: x!.columns, columns: x!.rows }),
  forward({ inputs: [x], out }, { engine: { kernels } }) {
    for (let i = 0; i < x!.rows; i++) {
      const row = 4 * i * x!.columns;
      kernels.move(x!.at + row, 1, out.at + 4 * i, out.columns, x!.columns, 1, 1, 0);
    }
  },
  backward({ inputs: [x], out }, { engine: { kernels } }) {
    for (let i = 0; i < x!.rows; i++) {
      const row = 4 * i * x!.columns;
      kernels.move(out.gradient + 4 * i, out.columns, x!.gradient + row, 1, x!.columns, 1, 1, 1);
    }
  },
});

export const fold = defineOp<{ readonly rows: number }>({
  name: "fold",
  doc: "y_i = x_i + x_(i + rows) + x_(i + 2 rows) + …: the sum over time steps of a batch of `rows`",
  shape([x], { rows }) {
    if (x!.rows % rows !== 0) throw new RangeError(`fold: ${rows} rows do not divide ${x!.rows}`);
    return { rows, columns: x!.columns };
  },
  forward({ inputs: [x], out }, { engine: { kernels } }) {
    const n = sizeOf(out);
    for (let at = 0; at < 4 * sizeOf(x!); at += 4 * n) {
      kernels.move(x!.at + at, 0, out.at, 0, 1, n, 1, flag(at > 0));
    }
  },
  backward({ inputs: [x], out }, { engine: { kernels } }) {
    const n = sizeOf(out);
    for (let at = 0; at < 4 * sizeOf(x!); at += 4 * n) {
      kernels.move(out.gradient, 0, x!.gradient + at, 0, 1, n, 1, 1);
    }
  },
});
