import { addTo, product } from "../linear/real.ts";
import { type NormParams, norm, normBlocks } from "../norm/real.ts";
import { expectLength, type Matrix, prefixed, type Tap } from "../tensors.ts";

/**
 * One LSTM cell, docs/method.md, section 2. The rows of the weights, of the bias and of the gate norms are four blocks of
 * `hidden`, in the order i, f, g, o (the candidate g is the papers' j).
 */
export interface LstmParams {
  readonly input: number;
  readonly hidden: number;
  readonly weightX: Matrix; // [4 hidden][input]
  readonly weightH: Matrix; // [4 hidden][hidden]
  readonly bias?: Float64Array; // [4 hidden]
  /** Added to the forget gate's pre-activation after everything else. */
  readonly forgetBias: number;
  readonly normX?: NormParams; // [4 hidden], of Wx x
  readonly normH?: NormParams; // [4 hidden], of Wh h
  readonly normC?: NormParams; // [hidden], of the new cell, on its way to h only
  /** Whether normX and normH take mean and deviation over each gate's block or over all four together. */
  readonly normScope: "gate" | "all";
}

/** What a cell carries from step to step. */
export interface LstmState {
  readonly h: Float64Array; // [hidden], each in [-1, 1]
  readonly c: Float64Array; // [hidden]
}

const GATES = 4;

/** The state before the first input: zeros. */
export const zeroState = (p: LstmParams): LstmState => ({
  h: new Float64Array(p.hidden),
  c: new Float64Array(p.hidden),
});

/**
 * One step of the cell over the reals. With N the identity where a norm is absent:
 *
 *     [i f g o] = N(Wx x; normX) + N(Wh h; normH) + bias
 *     c' = sigmoid(f + forgetBias) c + sigmoid(i) tanh(g)
 *     h' = sigmoid(o) tanh(N(c'; normC))
 *
 * Sites: `product.x`, `product.h`; `norm.x`, `norm.h`, `norm.c` (results) and, under each of them, the inner sites
 * of the norm kernel (`norm.x.normalized` and so on); `gates` (all four blocks, biases included); `cell`; `hidden`.
 *
 * @throws RangeError where lengths do not fit
 */
export function lstmCell(p: LstmParams, x: Float64Array, state: LstmState, tap?: Tap): LstmState {
  const gates = preactivations(p, x, state.h, tap);
  const n = p.hidden;
  expectLength("an LSTM's cell", state.c, n);
  const c = new Float64Array(n);
  for (let k = 0; k < n; k++) {
    const candidate = sigmoid(gates[k]!) * Math.tanh(gates[2 * n + k]!);
    c[k] = sigmoid(gates[n + k]!) * state.c[k]! + candidate;
  }
  tap?.("cell", c);
  const shown = p.normC ? norm(p.normC, c, normTap(tap, "norm.c")) : c;
  const h = new Float64Array(n);
  for (let k = 0; k < n; k++) h[k] = sigmoid(gates[3 * n + k]!) * Math.tanh(shown[k]!);
  tap?.("hidden", h);
  return { h, c };
}

/**
 * The cell run over a sequence from the zero state. Element t of the result is h after reading `xs[t]`, so a
 * `reverse` run, which reads from the last to the first, ends at element 0.
 */
export function lstmSequence(
  p: LstmParams,
  xs: readonly Float64Array[],
  reverse: boolean,
  tap?: Tap,
): Float64Array[] {
  const order = reverse ? xs.toReversed() : xs;
  const hs: Float64Array[] = [];
  let state = zeroState(p);
  for (const x of order) {
    state = lstmCell(p, x, state, tap);
    hs.push(state.h);
  }
  return reverse ? hs.reverse() : hs;
}

function preactivations(p: LstmParams, x: Float64Array, h: Float64Array, tap?: Tap): Float64Array {
  const fromX = product(p.weightX, x);
  expectLength("an LSTM's product", fromX, GATES * p.hidden);
  tap?.("product.x", fromX);
  const fromH = product(p.weightH, h);
  tap?.("product.h", fromH);
  const blocks = p.normScope === "gate" ? GATES : 1;
  const gates = p.normX ? normBlocks(p.normX, fromX, blocks, normTap(tap, "norm.x")) : fromX.slice();
  addTo(gates, p.normH ? normBlocks(p.normH, fromH, blocks, normTap(tap, "norm.h")) : fromH);
  if (p.bias) addTo(gates, p.bias);
  for (let k = p.hidden; k < 2 * p.hidden; k++) gates[k]! += p.forgetBias;
  tap?.("gates", gates);
  return gates;
}

/** A norm's result is the site itself; what happens inside the norm lies under it. */
function normTap(tap: Tap | undefined, site: string): Tap | undefined {
  const inner = prefixed(tap, site);
  return tap && ((s, values) => (s === "output" ? tap(site, values) : inner?.(s, values)));
}

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));
