import { type LstmParams, type LstmState, outputSize } from "../../kernels/lstm/real.ts";
import { lstm, type Run } from "./bounded-lstm.ts";
import { inBatches } from "./onnx-recurrent.ts";

/** ONNX has the gates in the order i, o, f, c and the peepholes in the order i, o, f; the kernel has i, f, g, o. */
const GATES = [0, 2, 3, 1];
const PEEPHOLES = [0, 2, 1];

/** One direction's constants as ONNX lays them out. */
export interface Direction {
  readonly input: number;
  readonly hidden: number;
  readonly w: ArrayLike<number>; // [4 hidden][input]
  readonly r: ArrayLike<number>; // [4 hidden][hidden]
  /** Biases of W, then of R, which add. */
  readonly b?: ArrayLike<number>; // [8 hidden]
  readonly p?: ArrayLike<number>; // [3 hidden]
}

/** Blocks of `size` numbers in another order. */
const reordered = (values: ArrayLike<number>, size: number, order: readonly number[]): Float64Array =>
  Float64Array.from({ length: size * order.length }, (_, i) => {
    const within = i % size;
    return values[order[(i - within) / size]! * size + within]!;
  });

export function lstmParams({ input, hidden, w, r, b, p }: Direction): LstmParams {
  const matrix = (values: ArrayLike<number>, columns: number) => ({
    ...{ rows: 4 * hidden, columns },
    data: reordered(values, hidden * columns, GATES),
  });
  const sums = b && Array.from({ length: 4 * hidden }, (_, i) => b[i]! + b[i + 4 * hidden]!);
  return {
    ...{ input, hidden, forgetBias: 0, normScope: "gate" },
    weightX: matrix(w, input),
    weightH: matrix(r, hidden),
    ...(sums && { bias: reordered(sums, hidden, GATES) }),
    ...(p && { peepholes: reordered(p, hidden, PEEPHOLES) }),
  };
}

/** A sequence of the batch: one vector or more, in the order of time. */
export interface Element {
  readonly xs: readonly Float64Array[];
  readonly start?: LstmState;
}

/** Every sequence in one direction, such as have one length together; its hs are in the order of time again. */
export function lstmBatch(params: LstmParams, batch: readonly Element[], reverse: boolean): Run[] {
  const zero = { h: new Float64Array(outputSize(params)), c: new Float64Array(params.hidden) };
  const runs = inBatches(batch, reverse, (sequences) =>
    lstm(
      params,
      sequences.map(({ xs, start = zero }) => ({ xs, start })),
    ),
  );
  return reverse ? runs.map(({ hs, c }) => ({ hs: hs.toReversed(), c })) : runs;
}
