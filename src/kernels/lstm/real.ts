import { addTo, type LinearParams, linear, product } from "../linear/real.ts";
import { type NormParams, norm, normBlocks } from "../norm/real.ts";
import { inSteps } from "../steps.ts";
import { expectLength, type Matrix, prefixed, type Tap } from "../tensors.ts";

/**
 * One LSTM cell, docs/method.md, section 2. The rows of the weights, of the bias and of the gate norms are blocks of
 * `hidden`, one for each gate, in the order i, f, g, o (the candidate g is the papers' j); a coupled cell has no i, and
 * its three blocks are f, g, o. `outputs` is the length of h: `hidden`, or the rows of the projection.
 */
export interface LstmParams {
  readonly input: number;
  readonly hidden: number;
  readonly weightX: Matrix; // [gates hidden][input]
  readonly weightH: Matrix; // [gates hidden][outputs]
  readonly bias?: Float64Array; // [gates hidden]
  /** Added to the forget gate's pre-activation after everything else. */
  readonly forgetBias: number;
  readonly normX?: NormParams; // [gates hidden], of Wx x
  readonly normH?: NormParams; // [gates hidden], of Wh h
  /** Of the sum of both, TensorFlow Lite's place for it; always over each gate's block, biases stay outside. */
  readonly normGates?: NormParams; // [gates hidden]
  readonly normC?: NormParams; // [hidden], of the new cell, on its way to h only
  /** Whether normX and normH take mean and deviation over each gate's block or over all of them together. */
  readonly normScope: "gate" | "all";
  /** Whether the input gate is what the forget gate leaves, i = 1 - f (CIFG). */
  readonly coupled?: boolean;
  /** Whether an input gate of its own is at most that, min(i, 1 - f) (Melis et al. 2020); nothing to a coupled one. */
  readonly capped?: boolean;
  /** Diagonal weights of the cell in the gates' sums (Gers and Schmidhuber): i, f see the old cell, o the new one. */
  readonly peepholes?: Float64Array; // [3 hidden]: i, f, o; [2 hidden] where coupled: f, o
  /** The new cell is kept within ± clip. */
  readonly clip?: number;
  /** From sigmoid(o) tanh(c) to h. */
  readonly projection?: LinearParams; // [outputs][hidden]
}

/** What a cell carries from step to step. */
export interface LstmState {
  readonly h: Float64Array; // [outputs], each in [-1, 1] where nothing is projected
  readonly c: Float64Array; // [hidden]
}

/** Which block of rows belongs to which gate. */
export interface GateBlocks {
  /** Absent where the gate is coupled to the forget gate. */
  readonly input?: number;
  readonly forget: number;
  readonly candidate: number;
  readonly output: number;
}

const COUPLED: GateBlocks = { forget: 0, candidate: 1, output: 2 };
const FREE: GateBlocks = { input: 0, forget: 1, candidate: 2, output: 3 };

export const blocksOf = (coupled: boolean): GateBlocks => (coupled ? COUPLED : FREE);

/** Blocks of rows that a cell has. */
export const gateCount = (coupled: boolean): number => blocksOf(coupled).output + 1;

/** The gates that see the cell, in the order of their peepholes: the last sees the new cell. */
export const peepholeBlocks = (coupled: boolean): readonly number[] => {
  const { input, forget, output } = blocksOf(coupled);
  return input === undefined ? [forget, output] : [input, forget, output];
};

/** The length of h. */
export const outputSize = ({ hidden, projection }: LstmParams): number => projection?.weight.rows ?? hidden;

/** The state before the first input: zeros. */
export const zeroState = (p: LstmParams): LstmState => ({
  h: new Float64Array(outputSize(p)),
  c: new Float64Array(p.hidden),
});

/**
 * One step of the cell over the reals. With N the identity where a norm is absent:
 *
 *     [i f g o] = N(N(Wx x; normX) + N(Wh h; normH) + peepholes; normGates) + bias
 *     c' = clip(sigmoid(f + forgetBias) c + open tanh(g)), open = sigmoid(i) as far as coupled and capped leave it
 *     h' = project(sigmoid(o) tanh(N(c'; normC)))
 *
 * Sites: `input.x`, `input.h`, `input.projection` (averaged: what the matrices multiply); `product.x`, `product.h`; `norm.x`, `norm.h`, `norm.gates`, `norm.c` (results) and, under each of them, the
 * inner sites of the norm kernel (`norm.x.normalized` and so on); `sum` (what normGates reads); `gates` (all blocks,
 * biases included), and what each curve looks up, `gates.sigmoid`, `gates.tanh`, `cell.tanh`; `cell`; `shown` (what is
 * projected); `hidden`.
 *
 * @throws RangeError where lengths do not fit
 */
export function lstmCell(p: LstmParams, x: Float64Array, state: LstmState, tap?: Tap): LstmState {
  expectLength("an LSTM's cell", state.c, p.hidden);
  const coupled = p.coupled ?? false;
  const sums = summedProducts(p, x, state.h, tap);
  let gates: Float64Array;
  let c: Float64Array;
  if (p.peepholes) {
    const blocks = peepholeBlocks(coupled);
    expectLength("an LSTM's peepholes", p.peepholes, blocks.length * p.hidden);
    for (const [k, block] of blocks.slice(0, -1).entries()) peep(p, sums, k, block, state.c);
    c = nextCell(p, finished(p, sums), state.c);
    peep(p, sums, blocks.length - 1, blocks.at(-1)!, c);
    gates = finished(p, sums, tap);
  } else {
    gates = finished(p, sums, tap);
    c = nextCell(p, gates, state.c);
  }
  tap?.("cell", c);
  const bent = p.normC ? norm(p.normC, c, normTap(tap, "norm.c")) : c;
  tap?.("cell.tanh", bent, "lookedUp");
  const from = blocksOf(coupled).output * p.hidden;
  const shown = bent.map((value, k) => sigmoid(gates[from + k]!) * Math.tanh(value));
  if (p.projection) {
    tap?.("shown", shown);
    tap?.("input.projection", shown, "averaged");
  }
  const h = p.projection ? linear(p.projection, shown) : shown;
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
  let state = zeroState(p);
  return inSteps(xs, reverse, (x) => {
    state = lstmCell(p, x, state, tap);
    return state.h;
  });
}

/** N(Wx x; normX) + N(Wh h; normH). */
function summedProducts(p: LstmParams, x: Float64Array, h: Float64Array, tap?: Tap): Float64Array {
  const count = gateCount(p.coupled ?? false);
  tap?.("input.x", x, "averaged");
  const fromX = product(p.weightX, x);
  expectLength("an LSTM's product", fromX, count * p.hidden);
  tap?.("product.x", fromX);
  tap?.("input.h", h, "averaged");
  const fromH = product(p.weightH, h);
  tap?.("product.h", fromH);
  const blocks = p.normScope === "gate" ? count : 1;
  const sums = p.normX ? normBlocks(p.normX, fromX, blocks, normTap(tap, "norm.x")) : fromX.slice();
  addTo(sums, p.normH ? normBlocks(p.normH, fromH, blocks, normTap(tap, "norm.h")) : fromH);
  return sums;
}

/** Adds peephole `k` times the cell to a gate's block of the sums. */
function peep(
  { hidden, peepholes }: LstmParams,
  sums: Float64Array,
  k: number,
  block: number,
  c: Float64Array,
) {
  for (let n = 0; n < hidden; n++) sums[block * hidden + n]! += peepholes![k * hidden + n]! * c[n]!;
}

/** From the sums to the pre-activations: the norm of the gates, and the biases. */
function finished(p: LstmParams, sums: Float64Array, tap?: Tap): Float64Array {
  const coupled = p.coupled ?? false;
  if (p.normGates) tap?.("sum", sums);
  const gates = p.normGates
    ? normBlocks(p.normGates, sums, gateCount(coupled), normTap(tap, "norm.gates"))
    : sums.slice();
  if (p.bias) addTo(gates, p.bias);
  const from = blocksOf(coupled).forget * p.hidden;
  for (let k = from; k < from + p.hidden; k++) gates[k]! += p.forgetBias;
  if (tap) showGates(gates, p, tap);
  return gates;
}

function showGates(gates: Float64Array, { hidden, coupled = false }: LstmParams, tap: Tap): void {
  const from = blocksOf(coupled).candidate * hidden;
  tap("gates", gates);
  tap("gates.sigmoid", gates.subarray(0, from), "lookedUp");
  tap("gates.tanh", gates.subarray(from, from + hidden), "lookedUp");
  tap("gates.sigmoid", gates.subarray(from + hidden), "lookedUp");
}

function nextCell(p: LstmParams, gates: Float64Array, c: Float64Array): Float64Array {
  const { hidden: n, clip = Number.POSITIVE_INFINITY, capped = false } = p;
  const { input, forget, candidate } = blocksOf(p.coupled ?? false);
  return c.map((value, k) => {
    const kept = sigmoid(gates[forget * n + k]!);
    const own = input === undefined ? 1 - kept : sigmoid(gates[input * n + k]!);
    const open = capped ? Math.min(own, 1 - kept) : own;
    const next = kept * value + open * Math.tanh(gates[candidate * n + k]!);
    return Math.max(-clip, Math.min(clip, next));
  });
}

/** A norm's result is the site itself; what happens inside the norm lies under it. */
function normTap(tap: Tap | undefined, site: string): Tap | undefined {
  const inner = prefixed(tap, site);
  return tap && ((s, values) => (s === "output" ? tap(site, values) : inner?.(s, values)));
}

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));
