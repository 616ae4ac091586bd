import { floorDiv } from "../../fixed/round.ts";
import { type Builder, bytesOf, plus, type Tensor } from "../builder.ts";
import { lowerLaneProduct } from "../lane-product.ts";
import { wholeBytes } from "../linear/lower.ts";
import { lowerMove } from "../move.ts";
import { lowerSoftmax } from "../softmax/lower.ts";
import { eachVector, type Rows, rowBytes } from "../vectors.ts";
import type { QDotAttention } from "./quantize.ts";

/** What one head reads: a query, a key or a value is a part of a token's row where heads lie side by side. */
interface Head {
  readonly queries: Rows; // [m][k]
  readonly keys: Rows; // [n][k]
  readonly values: Rows; // [n][v]
}

/** The columns of a matrix [k][m] from `first` on, as many as there is room for in half of the accumulators. */
interface Columns {
  readonly first: number;
  readonly matrix: Tensor;
}

/** The context of each query, which is one vector of `contexts`: also a part of a token's row. */
export function lowerDotAttention(b: Builder, q: QDotAttention, head: Head, contexts: Rows): void {
  const { keys, values } = head;
  b.scratch(() => {
    const turned = b.label("keys", () => lowerKeys(b, keys));
    const columns = b.label("values", () => lowerValues(b, values));
    const scores = b.map.tensor(q.score.output, keys.count);
    const weights = b.map.tensor(q.softmax.output, keys.count);
    eachVector(b, head.queries, contexts, (query, context) => {
      b.label("scores", () => lowerProducts(b, q.score, turned, query, scores, 0));
      b.show("score", scores);
      b.label("softmax", () => lowerSoftmax(b, q.softmax, scores, weights));
      b.show("softmax.output", weights);
      b.label("context", () => lowerProducts(b, q.context, columns, weights, context, 1));
      b.show("context", context);
    });
  });
}

/** A vector times all columns, block by block through both halves of the accumulators; `turn` says which comes first. */
function lowerProducts(
  b: Builder,
  q: QDotAttention["score"],
  blocks: readonly Columns[],
  vector: Tensor,
  output: Tensor,
  turn: number,
): void {
  const half = halfOf(b);
  for (const [i, { first, matrix }] of blocks.entries()) {
    const part = { ...output, at: plus(output.at, bytesOf(output, first)), length: matrix.length };
    lowerLaneProduct(b, q, matrix, vector, part, ((i + turn) % 2) * half);
  }
}

/** Keys [n][k] as columns [k][n]: transposed once for all queries. */
function lowerKeys(b: Builder, keys: Rows): readonly Columns[] {
  return blocksOf(b, keys.count).map(({ first, length }) => {
    const from = { ...keys, at: plus(keys.at, first * rowBytes(keys)) };
    if (keys.count === 1) return { first, matrix: { ...from, length: 1, count: keys.length } };
    const matrix = b.map.tensor(keys.grid, length, keys.length);
    lowerMove(b, from, matrix, {
      ...{ rows: length, columns: keys.length, fromRow: keys.row ?? keys.length },
      ...{ toRow: 1, toColumn: length },
    });
    return { first, matrix };
  });
}

/** Values [n][v] as columns: where they are, or moved together where something lies between them. */
function lowerValues(b: Builder, values: Rows): readonly Columns[] {
  const row = values.row ?? values.length;
  return blocksOf(b, values.length).map(({ first, length }) => {
    const from = { ...values, at: plus(values.at, bytesOf(values, first)), length };
    if (length === row || values.count === 1) return { first, matrix: from };
    const matrix = b.map.tensor(values.grid, length, values.count);
    lowerMove(b, from, matrix, { rows: values.count, columns: length, fromRow: row });
    return { first, matrix };
  });
}

const halfOf = (b: Builder): number => floorDiv(b.settings["acc.entries"], 2);

/** `columns` in blocks that half of the accumulators hold and that begin on whole bytes. */
function blocksOf(
  b: Builder,
  columns: number,
): readonly { readonly first: number; readonly length: number }[] {
  const most = Math.min(columns, wholeBytes(halfOf(b)));
  const count = floorDiv(columns - 1, most) + 1;
  return Array.from({ length: count }, (_, i) => ({
    first: i * most,
    length: Math.min(most, columns - i * most),
  }));
}
