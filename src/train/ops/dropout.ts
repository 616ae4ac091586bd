import { defineOp, sizeOf } from "../define.ts";

interface DropoutSettings {
  /** Probability of an element to be dropped, 0 … 1, 1 excluded. */
  readonly rate: number;
  /** Tells the masks of one run apart. */
  readonly site: number;
  /** Rows that share no mask: row r has the mask of row r mod `rows`. The batch, for one mask over all time steps. */
  readonly rows: number;
}

export const dropout = defineOp<DropoutSettings>({
  name: "dropout",
  doc: "y = x times a mask of 0 and 1 / (1 - rate), drawn from (seed, step, site), of 1 outside training; masks repeat every `rows` rows",
  shape([x], { rows }) {
    if (x!.rows % rows !== 0) throw new RangeError(`dropout: ${rows} rows do not divide ${x!.rows}`);
    return x!;
  },
  saves: ([x], { rows }) => rows * x!.columns,
  forward({ inputs: [x], settings, out, saved }, { engine: { kernels }, training, seed, step }) {
    const { rate, site, rows } = settings;
    const n = rows * out.columns;
    kernels.dropoutMask(saved, n, training ? rate : 0, seed, step, site);
    for (let at = 0; at < 4 * sizeOf(out); at += 4 * n) {
      kernels.multiply(x!.at + at, saved, n, 1, out.at + at, 1, n, 0);
    }
  },
  backward({ inputs: [x], settings: { rows }, out, saved }, { engine: { kernels } }) {
    const n = rows * out.columns;
    for (let at = 0; at < 4 * sizeOf(out); at += 4 * n) {
      kernels.multiply(out.gradient + at, saved, n, 1, x!.gradient + at, 1, n, 1);
    }
  },
});
