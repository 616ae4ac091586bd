import type { Tensor } from "../define.ts";
import type { ParameterSpec, Parameters } from "../parameters.ts";
import { OPS } from "../table.ts";
import { rowsOf, type Tape } from "../tape.ts";

/** A layer of LSTM cells, as `kernels/lstm` computes it: gates in blocks i, f, g, o. */
export interface LstmConfig {
  readonly input: number;
  readonly hidden: number;
  /** Over the 4 hidden sums of each product together, and over the cell on its way to h; "none" has a bias instead. */
  readonly norm: "layer" | "mad" | "none";
  readonly forgetBias: number;
  readonly capped: boolean;
  /** Rounds in which x and h gate each other before the cell (Melis et al. 2020), by products of this rank. */
  readonly mogrifier?: { readonly rounds: number; readonly rank: number };
}

const EPSILON = 1e-5;
const NONE = {};

/** The parameters of a layer, under `prefix`. */
export function lstmParameters(prefix: string, config: LstmConfig): ParameterSpec[] {
  const { input, hidden, norm, mogrifier } = config;
  const gates = 4 * hidden;
  const uniform = hidden ** -0.5;
  return [
    { name: `${prefix}.weight_x`, shape: [gates, input], initial: { uniform } },
    { name: `${prefix}.weight_h`, shape: [gates, hidden], initial: { uniform } },
    ...(norm === "none"
      ? [{ name: `${prefix}.bias`, shape: [gates] as const, initial: { constant: 0 } }]
      : [
          ...normParameters(`${prefix}.norm_x`, gates),
          ...normParameters(`${prefix}.norm_h`, gates),
          ...normParameters(`${prefix}.norm_c`, hidden),
        ]),
    ...Array.from({ length: mogrifier?.rounds ?? 0 }, (_, round) =>
      roundParameters(`${prefix}.mogrifier.${round + 1}`, config, round),
    ).flat(),
  ];
}

const normParameters = (prefix: string, n: number): ParameterSpec[] => [
  { name: `${prefix}.gain`, shape: [n], initial: { constant: 1 } },
  { name: `${prefix}.shift`, shape: [n], initial: { constant: 0 } },
];

/** Round 0 gates x by h, round 1 h by x, and so on. */
function roundParameters(
  prefix: string,
  { input, hidden, mogrifier }: LstmConfig,
  round: number,
): ParameterSpec[] {
  const [to, from] = round % 2 === 0 ? [input, hidden] : [hidden, input];
  const { rank } = mogrifier!;
  return [
    { name: `${prefix}.down`, shape: [rank, from], initial: { uniform: from ** -0.5 } },
    { name: `${prefix}.up`, shape: [to, rank], initial: { uniform: rank ** -0.5 } },
    { name: `${prefix}.bias`, shape: [to], initial: { constant: 0 } },
  ];
}

export interface LstmState {
  readonly h: Tensor; // [batch][hidden]
  readonly c: Tensor; // [batch][hidden]
}

/**
 * The layer over time.
 * @param xs  [steps * batch][input], a step's rows together
 * @param hs  [steps * batch][hidden], filled with every h
 * @param reverse  whether time runs from the last step to the first
 * @returns the state after the last step that was taken
 */
export function lstmLayer(
  tape: Tape,
  parameters: Parameters,
  prefix: string,
  config: LstmConfig,
  { xs, hs, start, reverse }: { xs: Tensor; hs: Tensor; start: LstmState; reverse: boolean },
): LstmState {
  const batch = start.h.rows;
  const steps = Array.from({ length: xs.rows / batch }, (_, t) => t * batch);
  const forget = tape.lead && forgetBiasOf(tape, config);
  const sumsOf = productsOf(tape, parameters, prefix, config, forget);
  const atCell = forget ? { ...config, forgetBias: 0 } : config;
  // Without rounds no x depends on an h: one product serves all steps.
  const all = config.mogrifier ? undefined : sumsOf("x", xs);
  let { h, c } = start;
  for (const at of reverse ? steps.toReversed() : steps) {
    let x = rowsOf(xs, at, batch);
    let old = h;
    if (config.mogrifier) ({ x, h: old } = mogrify(tape, parameters, prefix, config.mogrifier.rounds, x, h));
    const fromX = all ? rowsOf(all, at, batch) : sumsOf("x", x);
    const gates = tape.applyAt(`${prefix}.gates`, OPS.add, [fromX, sumsOf("h", old)], NONE);
    c = tape.applyAt(`${prefix}.cell`, OPS.cell, [gates, c], atCell);
    const shown = normed(tape, parameters, prefix, "c", config, c);
    h = tape.applyAt(`${prefix}.hidden`, OPS.expose, [gates, shown], NONE, rowsOf(hs, at, batch));
  }
  return { h, c };
}

/** A machine adds the forget gate's bias where it first adds anyway: in the row that W_x x is shifted by. */
function forgetBiasOf({ engine }: Tape, { hidden, forgetBias }: LstmConfig): Tensor {
  const row = { rows: 1, columns: 4 * hidden };
  const made = { ...row, at: engine.allocate(row.columns), gradient: engine.allocate(row.columns) };
  engine.floats(made.at, row.columns).fill(forgetBias, hidden, 2 * hidden);
  return made;
}

/** W_x x or W_h h, normalized; without norms, the bias is in the former. What is `added` is in the former too. */
function productsOf(
  tape: Tape,
  parameters: Parameters,
  prefix: string,
  config: LstmConfig,
  added: Tensor | undefined,
) {
  const row = (name: string): Tensor => {
    const own = parameters.tensor(`${prefix}.${name}`);
    return added ? tape.apply(OPS.add, [own, added], NONE) : own;
  };
  const last = config.norm === "none" ? row("bias") : row("norm_x.shift");
  return (of: "x" | "h", operand: Tensor): Tensor => {
    const inputs = [operand, parameters.tensor(`${prefix}.weight_${of}`)];
    if (of === "x" && config.norm === "none") inputs.push(last);
    const products = tape.applyAt(`${prefix}.product.${of}`, OPS.linear, inputs, NONE);
    const shift = of === "x" ? last : undefined;
    return normed(tape, parameters, prefix, of, config, products, shift);
  };
}

function normed(
  tape: Tape,
  parameters: Parameters,
  prefix: string,
  of: "x" | "h" | "c",
  { norm }: LstmConfig,
  x: Tensor,
  otherShift?: Tensor,
): Tensor {
  if (norm === "none") return x;
  const part = (name: string): Tensor => parameters.tensor(`${prefix}.norm_${of}.${name}`);
  const settings = { kind: norm, spans: 1, epsilon: EPSILON };
  const inputs = [x, part("gain"), otherShift ?? part("shift")];
  return tape.applyAt(`${prefix}.norm.${of}`, OPS.norm, inputs, settings);
}

function mogrify(
  tape: Tape,
  parameters: Parameters,
  prefix: string,
  rounds: number,
  x: Tensor,
  h: Tensor,
): { x: Tensor; h: Tensor } {
  let [gated, gate] = [x, h];
  for (let round = 1; round <= rounds; round++) {
    const site = `${prefix}.mogrifier.${round}`;
    const part = (name: string): Tensor => parameters.tensor(`${site}.${name}`);
    const low = tape.applyAt(`${site}.low`, OPS.linear, [gate, part("down")], NONE);
    const sums = tape.apply(OPS.linear, [low, part("up"), part("bias")], NONE);
    const open = tape.apply(OPS.affine, [tape.apply(OPS.sigmoid, [sums], NONE)], { factor: 2, offset: 0 });
    [gated, gate] = [gate, tape.applyAt(`${site}.gated`, OPS.multiply, [gated, open], NONE)];
  }
  return rounds % 2 === 0 ? { x: gated, h: gate } : { x: gate, h: gated };
}
