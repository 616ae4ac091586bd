import { defineOp, expectShape, sizeOf, type Tensor } from "../define.ts";

/** How b is read for a: in `blocks` passes over as many rows of a, with these strides. */
interface Reading {
  readonly blocks: number;
  readonly row: number;
  readonly column: number;
}

/** Rows of b repeat, the last after them the first; a single column is read for every column. */
function readingOf(op: string, a: Tensor, b: Tensor): Reading {
  const columns = b.columns === 1 ? 1 : a.columns;
  const column = columns === 1 ? 0 : 1;
  const blocks = a.rows / b.rows;
  const rows = Number.isInteger(blocks) ? b.rows : a.rows;
  expectShape(op, "the second operand", b, { rows, columns });
  return b.rows === 1 ? { blocks: 1, row: 0, column } : { blocks, row: columns, column };
}

/** Inputs a [n][m] and b, [r][m] or [r][1], r a divisor of n. */
export const add = defineOp<Record<string, never>>({
  name: "add",
  doc: "y = a + b; the rows of b repeat, and so does a single column",
  shape([a, b]) {
    readingOf("add", a!, b!);
    return a!;
  },
  forward({ inputs: [a, b], out }, { engine: { kernels } }) {
    const { blocks, row, column } = readingOf("add", a!, b!);
    const rows = out.rows / blocks;
    const bytes = 4 * rows * out.columns;
    for (let at = 0; at < blocks * bytes; at += bytes) {
      kernels.add(a!.at + at, b!.at, row, column, out.at + at, rows, out.columns);
    }
  },
  backward({ inputs: [a, b], out }, { engine: { kernels } }) {
    const { blocks, row, column } = readingOf("add", a!, b!);
    const rows = out.rows / blocks;
    const bytes = 4 * rows * out.columns;
    kernels.move(out.gradient, 0, a!.gradient, 0, 1, sizeOf(out), 1, 1);
    for (let at = 0; at < blocks * bytes; at += bytes) {
      kernels.reduceInto(out.gradient + at, 0, b!.gradient, row, column, rows, out.columns);
    }
  },
});

/** Inputs as in `add`. */
export const multiply = defineOp<Record<string, never>>({
  name: "multiply",
  doc: "y = a b elementwise; the rows of b repeat, and so does a single column",
  shape([a, b]) {
    readingOf("multiply", a!, b!);
    return a!;
  },
  forward({ inputs: [a, b], out }, { engine: { kernels } }) {
    const { blocks, row, column } = readingOf("multiply", a!, b!);
    const rows = out.rows / blocks;
    const bytes = 4 * rows * out.columns;
    for (let at = 0; at < blocks * bytes; at += bytes) {
      kernels.multiply(a!.at + at, b!.at, row, column, out.at + at, rows, out.columns, 0);
    }
  },
  backward({ inputs: [a, b], out }, { engine: { kernels } }) {
    const { blocks, row, column } = readingOf("multiply", a!, b!);
    const rows = out.rows / blocks;
    const bytes = 4 * rows * out.columns;
    for (let at = 0; at < blocks * bytes; at += bytes) {
      const g = out.gradient + at;
      kernels.multiply(g, b!.at, row, column, a!.gradient + at, rows, out.columns, 1);
      kernels.reduceInto(g, a!.at + at, b!.gradient, row, column, rows, out.columns);
    }
  },
});
