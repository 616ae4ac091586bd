import type { Data } from "../dtype.ts";
import { type Dim, type Shape, type Tensor, UNKNOWN, type ValueType } from "../tensor.ts";
import { ACTIVATIONS } from "./curves.ts";
import { type Attribute, type Call, int, type Op, real, reals, text, texts, unified } from "./define.ts";

/** A function of a gate, its parameters bound and its argument clipped. */
type Gate = (x: number) => number;

/** What a step of one cell and one sequence of the batch sees. */
interface Step {
  readonly hidden: number;
  /** W x and the biases of W, and of R where `bias` holds none, in blocks of `hidden`. */
  readonly sums: Float64Array;
  /** R [gates hidden][hidden] from `at` on. */
  readonly weights: { readonly data: Data; readonly at: number };
  /** The biases of R that are not in `sums`; absent where all are. */
  readonly bias?: Float64Array | undefined;
  readonly peepholes?: { readonly data: Data; readonly at: number } | undefined;
  readonly gates: readonly Gate[];
  /** h, and c where there is one; replaced by the next. */
  readonly state: readonly Float64Array[];
}

/** Row `row` of R times a state. */
function recur({ hidden, weights }: Step, row: number, h: Float64Array): number {
  let sum = 0;
  for (let k = 0, at = weights.at + row * hidden; k < hidden; k++, at++) sum += weights.data[at]! * h[k]!;
  return sum;
}

/** A kind of cell. */
interface Cell {
  readonly name: string;
  readonly gates: number;
  /** Functions where none are named, one for each that a direction has. */
  readonly activations: readonly string[];
  /** How many of them `clip` bounds the arguments of. The cell on its way to h is not bounded: so does onnxruntime. */
  readonly clipped: number;
  /** States carried from step to step: h alone, or h and c. */
  readonly states: 1 | 2;
  readonly attribute: readonly Attribute[];
  /** Whether the step adds R's biases by itself. */
  ownBias(call: Call): boolean;
  step(call: Call, step: Step): void;
}

function stepRnn(_call: Call, step: Step): void {
  const [h] = step.state;
  h!.set(step.sums.map((sum, j) => step.gates[0]!(sum + recur(step, j, h!))));
}

/** z, r and the candidate; the reset comes before the product with R, or after it where `linear_before_reset` is set. */
function stepGru(_call: Call, step: Step): void {
  const { hidden, sums, bias, state, gates } = step;
  const [h] = state as [Float64Array];
  const [f, g] = gates as [Gate, Gate];
  const gate = (block: number, j: number) =>
    f(sums[block * hidden + j]! + recur(step, block * hidden + j, h));
  const z = h.map((_, j) => gate(0, j));
  const r = h.map((_, j) => gate(1, j));
  const reset = h.map((value, j) => r[j]! * value);
  const next = h.map((old, j) => {
    const row = 2 * hidden + j;
    const from = bias ? r[j]! * (recur(step, row, h) + bias[row]!) : recur(step, row, reset);
    return (1 - z[j]!) * g(sums[row]! + from) + z[j]! * old;
  });
  h.set(next);
}

/** i, o, f and the candidate, in ONNX's order; of the peepholes i, o, f. */
function stepLstm(call: Call, step: Step): void {
  const { hidden, sums, peepholes, state, gates } = step;
  const [h, c] = state as [Float64Array, Float64Array];
  const [f, g, out] = gates as [Gate, Gate, Gate];
  const isCoupled = call.int("input_forget") !== 0;
  const peep = (block: number, j: number) =>
    peepholes ? peepholes.data[peepholes.at + block * hidden + j]! : 0;
  const all = sums.map((sum, row) => sum + recur(step, row, h));
  for (let j = 0; j < hidden; j++) {
    const i = f(all[j]! + peep(0, j) * c[j]!);
    const forget = isCoupled ? 1 - i : f(all[2 * hidden + j]! + peep(2, j) * c[j]!);
    const cell = forget * c[j]! + i * g(all[3 * hidden + j]!);
    const o = f(all[hidden + j]! + peep(1, j) * cell);
    [h[j], c[j]] = [o * out(cell), cell];
  }
}

const CELLS: readonly Cell[] = [
  {
    ...{ name: "RNN", gates: 1, activations: ["Tanh"], clipped: 1, states: 1, attribute: [] },
    ...{ ownBias: () => false, step: stepRnn },
  },
  {
    ...{ name: "GRU", gates: 3, activations: ["Sigmoid", "Tanh"], clipped: 2, states: 1 },
    attribute: [int("linear_before_reset", 0)],
    ...{ ownBias: (call) => call.int("linear_before_reset") !== 0, step: stepGru },
  },
  {
    ...{ name: "LSTM", gates: 4, activations: ["Sigmoid", "Tanh", "Tanh"], clipped: 2, states: 2 },
    attribute: [int("input_forget", 0)],
    ...{ ownBias: () => false, step: stepLstm },
  },
];

/** X, W, R, B, sequence_lens, initial_h; of an LSTM initial_c and P too. */
const [X, W, R, B, LENGTHS, H, C, P] = [0, 1, 2, 3, 4, 5, 6, 7] as const;

interface Sizes {
  readonly steps: Dim;
  readonly batch: Dim;
  readonly input: Dim;
  readonly directions: number;
  readonly hidden: Dim;
}

const isBatchFirst = (call: Call): boolean => call.opset >= 14 && call.int("layout") !== 0;

/** The sizes, every input held against them. */
function sizesOf(call: Call, cell: Cell): Sizes {
  const x = call.shape(X) ?? [UNKNOWN, UNKNOWN, UNKNOWN];
  if (x.length !== 3) call.refuse(`takes X of 3 dimensions, not [${x.join(", ")}]`);
  const [first, second, input] = x as [Dim, Dim, Dim];
  const [steps, batch] = isBatchFirst(call) ? [second, first] : [first, second];
  const directions = call.text("direction") === "bidirectional" ? 2 : 1;
  const hidden = call.given("hidden_size") ? call.int("hidden_size") : (call.shape(R)?.[2] ?? UNKNOWN);
  const rows = (n: number): Dim => (typeof hidden === "number" ? n * hidden : UNKNOWN);
  const state = isBatchFirst(call) ? [batch, directions, hidden] : [directions, batch, hidden];
  const wanted: readonly (readonly [number, Shape])[] = [
    [W, [directions, rows(cell.gates), input]],
    [R, [directions, rows(cell.gates), hidden]],
    [B, [directions, rows(2 * cell.gates)]],
    ...[[LENGTHS, [batch]] as const, [H, state] as const, [C, state] as const],
    [P, [directions, rows(3)]],
  ];
  for (const [i, shape] of wanted) {
    const given = call.has(i) ? call.shape(i) : undefined;
    if (given !== undefined && !fits(given, shape))
      call.refuse(`input ${i} of [${given.join(", ")}] where [${shape.join(", ")}] is needed`);
  }
  return { steps, batch, input, directions, hidden };
}

const fits = (given: Shape, wanted: Shape): boolean =>
  given.length === wanted.length && given.every((size, i) => unified(size, wanted[i]!) !== undefined);

/** The functions of one direction's gates: parameters are taken from the lists by those that have some, in order. */
function gatesOf(call: Call, cell: Cell, directions: number): readonly (readonly Gate[])[] {
  const each = cell.activations.length;
  const names =
    call.texts("activations") ?? Array.from({ length: directions }, () => cell.activations).flat();
  if (names.length !== each * directions)
    call.refuse(`${names.length} activations where ${each * directions} are needed`);
  const [alphas, betas] = [call.list("activation_alpha") ?? [], call.list("activation_beta") ?? []].map(
    (list) => [...list],
  );
  const clip = call.given("clip") ? call.real("clip") : Infinity;
  const bound = names.map((name, i): Gate => {
    const known = name.toLowerCase();
    const found = Object.hasOwn(ACTIVATIONS, known)
      ? ACTIVATIONS[known]!
      : call.refuse(`${name} is no activation`);
    const alpha = found.alpha === undefined ? 0 : (alphas!.shift() ?? found.alpha);
    const beta = found.beta === undefined ? 0 : (betas!.shift() ?? found.beta);
    const most = i % each < cell.clipped ? clip : Infinity;
    return (x) => found.of(Math.min(most, Math.max(-most, x)), alpha, beta);
  });
  return Array.from({ length: directions }, (_, d) => bound.slice(d * each, (d + 1) * each));
}

/** W x and the biases for one input vector, in blocks of `hidden`. */
function inputSums(x: Tensor, from: number, w: Tensor, at: number, bias: Float64Array): Float64Array {
  const input = w.shape[2]!;
  return bias.map((start, row) => {
    let sum = start;
    for (let k = 0, j = at + row * input; k < input; k++, j++) sum += w.data[j]! * x.data[from + k]!;
    return sum;
  });
}

/** Biases of W and of R of one direction; R's of the candidate only, where a step adds it by itself. */
function biasesOf(b: Tensor | undefined, direction: number, rows: number, own: boolean, hidden: number) {
  const part = (block: number, row: number) => b?.data[(2 * direction + block) * rows + row] ?? 0;
  const stays = (row: number) => own && row >= rows - hidden;
  return {
    sums: Float64Array.from({ length: rows }, (_, row) => part(0, row) + (stays(row) ? 0 : part(1, row))),
    bias: own ? Float64Array.from({ length: rows }, (_, row) => part(1, row)) : undefined,
  };
}

function compute(call: Call, cell: Cell, x: readonly (Tensor | undefined)[], y: readonly Tensor[]): void {
  const { steps, batch, input, directions, hidden } = sizesOf(call, cell) as Record<keyof Sizes, number>;
  const isFirst = isBatchFirst(call);
  const gates = gatesOf(call, cell, directions);
  const isReverse = call.text("direction") === "reverse";
  const rows = cell.gates * hidden;
  // Where sequence b's vector for step t, and its state of direction d, begin.
  const xAt = (t: number, b: number) => (isFirst ? b * steps + t : t * batch + b) * input;
  const yAt = (t: number, b: number, d: number) =>
    (isFirst ? (b * steps + t) * directions + d : (t * directions + d) * batch + b) * hidden;
  const stateAt = (b: number, d: number) => (isFirst ? b * directions + d : d * batch + b) * hidden;
  for (let d = 0; d < directions; d++) {
    const own = cell.ownBias(call);
    const { sums, bias } = biasesOf(x[B], d, rows, own, hidden);
    const weights = { data: x[R]!.data, at: d * rows * hidden };
    const peepholes = x[P] && { data: x[P].data, at: 3 * d * hidden };
    for (let b = 0; b < batch; b++) {
      const state = [H, C].slice(0, cell.states).map((i) => {
        const from = stateAt(b, d);
        return x[i] ? Float64Array.from(x[i].data.subarray(from, from + hidden)) : new Float64Array(hidden);
      });
      const length = Math.min(steps, Math.max(0, x[LENGTHS]?.data[b] ?? steps));
      for (let k = 0; k < length; k++) {
        const t = isReverse || d === 1 ? length - 1 - k : k;
        const now = inputSums(x[X]!, xAt(t, b), x[W]!, d * rows * input, sums);
        cell.step(call, { hidden, sums: now, weights, bias, peepholes, gates: gates[d]!, state });
        y[0]?.data.set(state[0]!, yAt(t, b, d));
      }
      for (const [i, values] of state.entries()) y[1 + i]?.data.set(values, stateAt(b, d));
    }
  }
}

const recurrent = (cell: Cell): Op => ({
  ...{
    name: cell.name,
    target: "recurrent",
    inputs: [3, 4 + 2 * cell.states],
    outputs: [0, 1 + cell.states],
  },
  attributes: [
    ...[texts("activations"), reals("activation_alpha"), reals("activation_beta"), real("clip")],
    text("direction", "forward", { choices: ["forward", "reverse", "bidirectional"] }),
    ...[int("hidden_size"), int("layout", 0, { from: 14 }), ...cell.attribute],
  ],
  infer(call) {
    const dtype = call.sameType(X, W, R, B, H, ...(cell.states === 2 ? [C, P] : []));
    const { steps, batch, directions, hidden } = sizesOf(call, cell);
    gatesOf(call, cell, directions);
    const isFirst = isBatchFirst(call);
    const state = { dtype, shape: isFirst ? [batch, directions, hidden] : [directions, batch, hidden] };
    const all = isFirst ? [batch, steps, directions, hidden] : [steps, directions, batch, hidden];
    return [{ dtype, shape: all }, state, state] satisfies ValueType[];
  },
  compute: (call, x, y) => compute(call, cell, x, y),
  macs(call) {
    const { steps, batch, input, directions, hidden } = sizesOf(call, cell) as Record<keyof Sizes, number>;
    const element = cell.states === 2 ? 3 : cell.gates - 1;
    return steps * batch * directions * hidden * (cell.gates * (input + hidden) + element);
  },
});

export const RECURRENT: readonly Op[] = CELLS.map(recurrent);
