import type { Engine } from "./engine.ts";

/** An array of the tape, row-major, and the gradient of the loss in it: byte offsets into the engine's memory. */
export interface Tensor {
  readonly rows: number;
  readonly columns: number;
  readonly at: number;
  readonly gradient: number;
}

/** Whole numbers, which have no gradient: int32 at a byte offset. */
export interface Ids {
  readonly at: number;
  readonly n: number;
}

/** The least and the greatest value that a grid can hold. */
export interface Within {
  readonly lo: number;
  readonly hi: number;
}

export const sizeOf = ({ rows, columns }: Shape): number => rows * columns;

type Shape = Pick<Tensor, "rows" | "columns">;

/** One use of an operation. */
export interface Node<S> {
  readonly inputs: readonly Tensor[];
  readonly settings: S;
  readonly out: Tensor;
  /** Byte offset of what the operation keeps from forward to backward. */
  readonly saved: number;
}

/** What a run has beside the tensors. */
export interface Run {
  readonly engine: Engine;
  /** Whether dropout drops. */
  readonly training: boolean;
  /** Of dropout: any whole number below 2^32. */
  readonly seed: number;
  /** Number of the optimizer's step. */
  readonly step: number;
}

/**
 * An operation of the tape is one record: its meaning, its shape, its gradient. Operations overwrite `out` and what they
 * saved, and add to the gradients of their inputs: an input may be read twice, and an output may be rows of a greater tensor.
 */
export interface Op<S> {
  readonly name: string;
  /** The formula, in one line. */
  readonly doc: string;
  /** The output's shape. @throws RangeError where the inputs do not fit */
  shape(inputs: readonly Tensor[], settings: S): Shape;
  /** Floats kept from forward to backward; none where absent. */
  saves?(inputs: readonly Tensor[], settings: S): number;
  forward(node: Node<S>, run: Run): void;
  backward(node: Node<S>, run: Run): void;
}

export const defineOp = <S>(op: Op<S>): Op<S> => op;

/** @throws RangeError naming the operation */
export function expectShape(op: string, what: string, { rows, columns }: Shape, wanted: Shape): void {
  if (rows !== wanted.rows || columns !== wanted.columns) {
    throw new RangeError(`${op}: ${what} is [${rows}][${columns}], not [${wanted.rows}][${wanted.columns}]`);
  }
}
