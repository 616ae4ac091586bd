import type { ArchSpec } from "../../arch/spec.ts";
import { lowerLstm } from "../../kernels/lstm/lower.ts";
import { matricesOf, type QLstm } from "../../kernels/lstm/quantize.ts";
import { execute } from "../bench.ts";

/** The order of a batch of sequences in memory. */
export interface Sequences {
  readonly steps: number;
  readonly batch: number;
  /** [steps][batch][features], otherwise [batch][steps][features]. */
  readonly timeMajor: boolean;
}

/** An LSTM over a batch of sequences, each a lane of the machine. Inputs and results in the order given. */
export function runLstm(arch: ArchSpec, q: QLstm, x: ArrayLike<number>, order: Sequences): number[] {
  const { steps, batch } = order;
  const input = q.productX.parts[0]!.input;
  const features = q.productX.parts[0]!.weights.columns;
  const lanes = execute(
    arch,
    {
      inputs: [{ grid: input, length: features, count: steps }],
      matrices: matricesOf(q),
      lower: (b, inputs) => [lowerLstm(b, q, inputs, false)],
    },
    Array.from({ length: batch }, (_, lane) => [gather(x, order, lane, features)]),
  );
  return scatter(
    lanes.map(([y]) => y!),
    order,
    q.outputSize,
  );
}

/** Where a step's features begin. */
const rowAt = ({ steps, batch, timeMajor }: Sequences, step: number, lane: number): number =>
  timeMajor ? step * batch + lane : lane * steps + step;

function gather(x: ArrayLike<number>, order: Sequences, lane: number, features: number): number[] {
  return Array.from({ length: order.steps }, (_, step) =>
    Array.from({ length: features }, (_, k) => x[rowAt(order, step, lane) * features + k]!),
  ).flat();
}

function scatter(lanes: readonly (readonly number[])[], order: Sequences, features: number): number[] {
  const y = new Array<number>(lanes.length * order.steps * features);
  for (const [lane, codes] of lanes.entries()) {
    for (const [i, code] of codes.entries()) {
      const k = i % features;
      y[rowAt(order, (i - k) / features, lane) * features + k] = code;
    }
  }
  return y;
}
