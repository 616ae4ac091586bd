import { defineOp, expectShape } from "../define.ts";
import { flag } from "../kernels.ts";

interface CellSettings {
  readonly forgetBias: number;
  /** The input gate is at most what the forget gate leaves (Melis et al. 2020). */
  readonly capped: boolean;
}

/** Inputs: the gates' sums [n][4 m], in blocks i, f, g, o, and the old cell [n][m]. */
export const cell = defineOp<CellSettings>({
  name: "cell",
  doc: "c' = s(f + forgetBias) c + open tanh(g), open = s(i), or min(s(i), 1 - s(f)) where capped",
  shape([gates, c]) {
    expectShape("cell", "the gates", gates!, { rows: c!.rows, columns: 4 * c!.columns });
    return c!;
  },
  saves: ([, c]) => 3 * c!.rows * c!.columns,
  forward({ inputs: [gates, c], settings, out, saved }, { engine: { kernels } }) {
    const { forgetBias, capped } = settings;
    kernels.cell(gates!.at, c!.at, out.at, saved, out.rows, out.columns, forgetBias, flag(capped));
  },
  backward({ inputs: [gates, c], settings: { capped }, out, saved }, { engine: { kernels } }) {
    const { rows, columns, gradient } = out;
    kernels.cellBack(c!.at, saved, gradient, gates!.gradient, c!.gradient, rows, columns, flag(capped));
  },
});

/** Inputs: the gates' sums [n][4 m], and the new cell [n][m], normalized where the model does so. */
export const expose = defineOp<Record<string, never>>({
  name: "expose",
  doc: "h = s(o) tanh(c), o the last block of the gates",
  shape([gates, c]) {
    expectShape("expose", "the gates", gates!, { rows: c!.rows, columns: 4 * c!.columns });
    return c!;
  },
  saves: ([, c]) => 2 * c!.rows * c!.columns,
  forward({ inputs: [gates, c], out, saved }, { engine: { kernels } }) {
    kernels.expose(gates!.at, c!.at, out.at, saved, out.rows, out.columns);
  },
  backward({ inputs: [gates, c], out, saved }, { engine: { kernels } }) {
    kernels.exposeBack(saved, out.gradient, gates!.gradient, c!.gradient, out.rows, out.columns);
  },
});
