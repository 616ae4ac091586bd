import { defineOp, expectShape } from "../define.ts";
import { flag } from "../kernels.ts";

interface NormSettings {
  readonly kind: "layer" | "mad";
  /** Equal parts of a row, each with a mean and a deviation of its own. */
  readonly spans: number;
  readonly epsilon: number;
}

/** Inputs x [n][m], gain [1][m], shift [1][m]. */
export const norm = defineOp<NormSettings>({
  name: "norm",
  doc: "y = (x - mean) / d * gain + shift; layer: d = sqrt(variance + epsilon), mad: d = max(mean |x - mean|, epsilon)",
  shape([x, gain, shift], { spans }) {
    const { columns } = x!;
    if (columns % spans !== 0) throw new RangeError(`norm: ${spans} spans do not divide ${columns} columns`);
    expectShape("norm", "the gain", gain!, { rows: 1, columns });
    expectShape("norm", "the shift", shift!, { rows: 1, columns });
    return x!;
  },
  saves: ([x], { spans }) => 2 * x!.rows * spans,
  forward({ inputs: [x, gain, shift], settings, out, saved }, { engine: { kernels } }) {
    const { kind, spans, epsilon } = settings;
    const span = out.columns / spans;
    kernels.norm(
      x!.at,
      gain!.at,
      shift!.at,
      out.at,
      saved,
      out.rows,
      spans,
      span,
      flag(kind === "mad"),
      epsilon,
    );
  },
  backward({ inputs: [x, gain, shift], settings, out, saved }, { engine: { kernels } }) {
    const { kind, spans } = settings;
    kernels.normBack(
      x!.at,
      gain!.at,
      saved,
      out.gradient,
      x!.gradient,
      gain!.gradient,
      shift!.gradient,
      out.rows,
      spans,
      out.columns / spans,
      flag(kind === "mad"),
    );
  },
});
