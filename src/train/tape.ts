import { type Ids, type Node, type Op, type Run, sizeOf, type Tensor, type Within } from "./define.ts";
import type { Engine } from "./engine.ts";
import { through } from "./ops/through.ts";

/** Whoever has values of his own for what a tape computes: a machine, that has the integers in its place. */
export interface Lead {
  /** The tensor will hold the lead's values before `forward`. @returns the grid that they are on, once they are there */
  take(site: string, tensor: Tensor): Within;
}

/**
 * A graph of operations that is built once, with all of its memory, and run as often as one likes: `forward` in the order
 * in which operations were applied, `backward` in the reverse.
 */
export class Tape {
  readonly engine: Engine;
  readonly lead: Lead | undefined;
  readonly #uses: { forward(run: Run): void; backward(run: Run): void }[] = [];
  readonly #own: Tensor[] = [];

  /** @param lead  without one, what `applyAt` gives is what `apply` gives */
  constructor(engine: Engine, lead?: Lead) {
    this.engine = engine;
    this.lead = lead;
  }

  /** A tensor of zeros; to be filled by its user or, in whole or in rows, as the `out` of operations. */
  tensor(rows: number, columns: number): Tensor {
    const at = this.engine.allocate(rows * columns);
    const made = { rows, columns, at, gradient: this.engine.allocate(rows * columns) };
    this.#own.push(made);
    return made;
  }

  ids(n: number): Ids {
    return { at: this.engine.allocate(n), n };
  }

  /** Applies an operation; its result is a new tensor or, where given, `out`. @throws RangeError where shapes do not fit */
  apply<S>(op: Op<S>, inputs: readonly Tensor[], settings: S, out?: Tensor): Tensor {
    const shape = op.shape(inputs, settings);
    const result = out ?? this.tensor(shape.rows, shape.columns);
    if (result.rows !== shape.rows || result.columns !== shape.columns) {
      throw new RangeError(
        `${op.name}: gives [${shape.rows}][${shape.columns}], not [${result.rows}][${result.columns}]`,
      );
    }
    const saved = this.engine.allocate(op.saves?.(inputs, settings) ?? 0);
    const node: Node<S> = { inputs, settings, out: result, saved };
    this.#uses.push({ forward: (run) => op.forward(node, run), backward: (run) => op.backward(node, run) });
    return result;
  }

  /**
   * The same at a site of the model, as its real-valued runs call it: what follows sees the values that the lead has there,
   * and the gradient goes straight through to the operation's own result.
   */
  applyAt<S>(site: string, op: Op<S>, inputs: readonly Tensor[], settings: S, out?: Tensor): Tensor {
    if (this.lead === undefined) return this.apply(op, inputs, settings, out);
    const own = this.apply(op, inputs, settings);
    const led = out ?? this.tensor(own.rows, own.columns);
    return this.apply(through, [own], this.lead.take(site, led), led);
  }

  forward(run: Run): void {
    for (const use of this.#uses) use.forward(run);
  }

  /**
   * Gradients of the single number `loss`, after `forward` with the same run. Those of the tape's own tensors are
   * overwritten, those of others (parameters) added to.
   */
  backward(loss: Tensor, run: Run): void {
    for (const own of this.#own) this.engine.floats(own.gradient, sizeOf(own)).fill(0);
    this.engine.floats(loss.gradient, 1)[0] = 1;
    for (let i = this.#uses.length - 1; i >= 0; i--) this.#uses[i]!.backward(run);
  }
}

/** Rows from … from + count of a tensor, in place. */
export function rowsOf({ rows, columns, at, gradient }: Tensor, from: number, count: number): Tensor {
  if (from < 0 || from + count > rows)
    throw new RangeError(`rows ${from} … ${from + count} of a tensor of ${rows}`);
  const skipped = 4 * from * columns;
  return { rows: count, columns, at: at + skipped, gradient: gradient + skipped };
}

/** The same elements in other rows. */
export function viewOf({ rows, columns, at, gradient }: Tensor, newRows: number, newColumns: number): Tensor {
  if (newRows * newColumns !== rows * columns) {
    throw new RangeError(`[${rows}][${columns}] has not the elements of [${newRows}][${newColumns}]`);
  }
  return { rows: newRows, columns: newColumns, at, gradient };
}
