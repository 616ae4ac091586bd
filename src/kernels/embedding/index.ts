import seedrandom from "seedrandom";
import { roundReal } from "../../fixed/real.ts";
import { affineGrid, Ranges } from "../../quant/grid.ts";
import { powersOfTwo } from "../../quant/numerics.ts";
import { activationGrid, defineKernel, INDEX_GRID, type SampleOf } from "../define.ts";
import { uniformMatrix } from "../samples.ts";
import type { Matrix } from "../tensors.ts";
import { exactEmbedding } from "./exact.ts";
import { lowerEmbedding } from "./lower.ts";
import { type QEmbedding, quantizeEmbedding } from "./quantize.ts";
import { embedding as realEmbedding } from "./real.ts";
import { widenEmbedding } from "./widen.ts";

interface Params {
  readonly table: Matrix;
  /** The range that the output's grid must cover beside the table's, as where rows are concatenated with something. */
  readonly beside?: number;
}

function sample(name: string, table: Matrix, count: number, beside?: number): SampleOf<Params> {
  return {
    name,
    params: { table, ...(beside !== undefined && { beside }) },
    draw: (rng) => [
      Array.from({ length: count }, () => Float64Array.of(roundReal(rng() * table.rows, "floor"))),
    ],
  };
}

const rng = seedrandom("embedding");

export const embedding = defineKernel<Params, QEmbedding>({
  name: "embedding",
  doc: "a row of a table, brought to the grid of what it is used with",
  bound: {
    rms: 0.4,
    most: 0.75,
    reason: "half an LSB as stored, and where the grids differ half a finer one",
  },
  samples: [
    sample("rows as stored", uniformMatrix(rng, 6, 5), 3),
    sample("one row", uniformMatrix(rng, 1, 7), 1),
    sample("onto a wider grid", uniformMatrix(rng, 9, 3), 4, 2),
    {
      ...sample("4 bits onto a wider grid", uniformMatrix(rng, 5, 6), 3, 4),
      recipe: { embedding_bits: 4 },
      bound: { rms: 1.5, most: 2.7, reason: "a stored code has four of the output's LSBs" },
    },
  ],
  real: ({ table }, [indices]) => indices!.map(([index]) => realEmbedding(table, index!)),
  inputGrid: () => INDEX_GRID,
  quantize: ({ table, beside }, _inputs, _ranges, numerics) => {
    const ranges = new Ranges();
    ranges.observe("table", table.data);
    const stored = affineGrid(ranges.of("table"), numerics.recipe.embedding_bits, powersOfTwo(numerics));
    if (beside !== undefined) ranges.observe("table", [-beside, beside]);
    return quantizeEmbedding(table, stored, activationGrid(ranges.of("table"), numerics), numerics);
  },
  widen: widenEmbedding,
  outputGrid: ({ output }) => output,
  exact: (q, [indices], arch) => indices!.map(([index]) => exactEmbedding(q, index!, arch)),
  lower: (q, b, [indices]) => {
    const output = b.map.tensor(q.output, q.columns, indices!.count);
    const at = b.image.weights(q.codes, q.stored.format.bits);
    lowerEmbedding(b, { q, at }, indices!.at, output);
    return output;
  },
});
