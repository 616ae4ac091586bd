import { roundReal } from "../../fixed/real.ts";
import { argmax } from "../../kernels/argmax/real.ts";
import { convolve } from "../../kernels/conv/real.ts";
import { addTo, product } from "../../kernels/linear/real.ts";
import { maxPool } from "../../kernels/pool/real.ts";
import { prefixed, type Tap } from "../../kernels/tensors.ts";
import type { Line } from "../lines/lines.ts";
import { sigmoid, tanh } from "./arithmetic.ts";
import { type CodedCell, type CodedLayer, STEPS } from "./network.ts";
import { codesOf, framesOf, stepsOf } from "./pixels.ts";
import type { TesseractParams } from "./weights.ts";

/** The cell state is kept within ± this. */
export const CLIP = 100;

/**
 * Reads a line by the format's own arithmetic: activations are codes of 8 bits in steps of 1 / STEPS, sums of products are exact integers,
 * curves come from its tables and cells are real numbers (double precision here, single in Tesseract). Around the line there are
 * zeros, where Tesseract has noise. Sites: `conv` (what the pool leaves of the sums, looked up) and `conv.input`, `column.*` and
 * `pass.0.*` and so on (the LSTM kernel's), `logits` and `logits.input`.
 *
 * @returns the code point of the best character in each frame, 0 where that is none
 */
export function runReal(p: TesseractParams, line: Line, tap?: Tap): number[] {
  let sequence = columnsOf(p, line, tap);
  for (const [i, { cell, reverse }] of p.passes.entries()) {
    const inner = prefixed(tap, `pass.${i}`);
    let state = startOf(cell);
    const order = reverse ? sequence.toReversed() : sequence;
    const hs = order.map((x) => {
      state = step(cell, x, state, inner);
      return state.h;
    });
    sequence = reverse ? hs.reverse() : hs;
  }
  const [across] = p.pool.window;
  return sequence.slice(0, framesOf(line, across)).map((h) => {
    tap?.("logits.input", h.map(realCode), "averaged");
    const logits = realOf(p.output, sumsOf(p.output, h));
    tap?.("logits", logits);
    return p.alphabet[argmax(logits)]!;
  });
}

/** What the first LSTM makes of each column of pooled pixels: codes. */
function columnsOf(p: TesseractParams, line: Line, tap?: Tap): Float64Array[] {
  const { convShape, pool, column } = p;
  const [across, down] = pool.window;
  const inner = prefixed(tap, "column");
  const codes = codesOf(line, across);
  return Array.from({ length: stepsOf(line, across) }, (_, t) => {
    const sums = convolve(
      { shape: convShape, weight: p.conv.weight, bias: p.conv.biases },
      windowAt(p, codes, t),
      tap && ((site, values, as) => site === "input" && tap("conv.input", values.map(realCode), as)),
    );
    // The tables rise, so that the largest sum of a window has the largest tanh, as has its code.
    const pooled = maxPool(
      pool,
      sums.map((acc) => realOf(p.conv, acc)),
    );
    let state = startOf(column);
    for (let y = 0; y < convShape.width / down; y++) {
      tap?.("conv", pooled[y]!, "lookedUp");
      state = step(
        column,
        pooled[y]!.map((x) => codeOf(tanh(x))),
        state,
        inner,
      );
    }
    return state.h;
  });
}

/** The pixels of step t with those on either side, zeros where there are none. */
function windowAt({ convShape, pool }: TesseractParams, codes: Int16Array, t: number): Float64Array[] {
  const { height, width, kernel } = convShape;
  const first = t * pool.window[0] - (kernel[0] - 1) / 2;
  return Array.from({ length: height * width }, (_, i) => Float64Array.of(codes[first * width + i] ?? 0));
}

interface State {
  /** Codes. */
  readonly h: Float64Array;
  readonly c: Float64Array;
}

const startOf = ({ hidden }: CodedCell): State => ({
  h: new Float64Array(hidden),
  c: new Float64Array(hidden),
});

function step(p: CodedCell, x: Float64Array, { h, c }: State, tap?: Tap): State {
  const n = p.hidden;
  tap?.("input.x", x.map(realCode), "averaged");
  tap?.("input.h", h.map(realCode), "averaged");
  const fromX = product(p.weightX, x);
  const fromH = product(p.weightH, h);
  tap?.("product.x", realOf(p, fromX));
  tap?.("product.h", realOf(p, fromH));
  addTo(fromX, fromH);
  addTo(fromX, p.biases);
  const gates = realOf(p, fromX);
  const [input, forget, candidate, output] = [0, 1, 2, 3].map((k) => gates.subarray(k * n, (k + 1) * n));
  if (tap) {
    tap("gates", gates);
    for (const gate of [input, forget, output]) tap("gates.sigmoid", gate!, "lookedUp");
    tap("gates.tanh", candidate!, "lookedUp");
  }
  const next = c.map((value, k) => {
    const sum = value * sigmoid(forget![k]!) + tanh(candidate![k]!) * sigmoid(input![k]!);
    return Math.max(-CLIP, Math.min(CLIP, sum));
  });
  tap?.("cell", next);
  tap?.("cell.tanh", next, "lookedUp");
  const shown = next.map((value, k) => codeOf(tanh(value) * sigmoid(output![k]!)));
  tap?.("hidden", shown.map(realCode));
  return { h: shown, c: next };
}

/** What an activation's code stands for. */
const realCode = (code: number): number => code / STEPS;

/** The nearest code, ties away from zero. */
const codeOf = (x: number): number => roundReal(STEPS * x, "half-away");

function sumsOf({ weight, biases }: CodedLayer, x: Float64Array): Float64Array {
  const sums = product(weight, x);
  addTo(sums, biases);
  return sums;
}

/** What sums of products stand for. */
const realOf = ({ scales }: Pick<CodedLayer, "scales">, sums: Float64Array): Float64Array =>
  sums.map((sum, r) => (sum * scales[r]!) / STEPS);
