import seedrandom from "seedrandom";
import type { ArchSpec } from "../../src/arch/spec.ts";
import { type Computation, compile } from "../../src/kernels/compile.ts";
import { lowerLinear } from "../../src/kernels/linear/lower.ts";
import type { QLinear } from "../../src/kernels/linear/quantize.ts";
import { lowerLstm } from "../../src/kernels/lstm/lower.ts";
import { type QLstm, quantizeLstm } from "../../src/kernels/lstm/quantize.ts";
import type { Mapping, Site } from "../../src/kernels/mapping.ts";
import { uniformMatrix } from "../../src/kernels/samples.ts";
import type { Mappable } from "../../src/mapper/search.ts";
import type { QG2p } from "../../src/model/g2p/quantize.ts";
import { affineGrid, bipolarGrid, Ranges } from "../../src/quant/grid.ts";
import { makeRecipe } from "../../src/quant/recipe.ts";

/** A computation by itself, and where the array multiplies in it. */
export interface Layer {
  readonly name: string;
  readonly sites: readonly Site[];
  readonly computation: Computation;
}

export const mappableOf = ({ sites, computation }: Layer, arch: ArchSpec): Mappable => ({
  sites,
  lower: (mapping: Mapping) => [{ program: compile(arch, computation, mapping).run, times: 1 }],
});

const matricesOf = (sites: readonly Site[]) => sites.flatMap(({ matrices }) => matrices);

export function productLayer(name: string, q: QLinear, vectors: number): Layer {
  const sites = [{ name, vectors, matrices: q.parts.map(({ weights }) => weights) }];
  return {
    ...{ name, sites },
    computation: {
      inputs: q.parts.map(({ weights, input }) => ({ grid: input, length: weights.columns, count: vectors })),
      matrices: matricesOf(sites),
      lower(b, inputs) {
        const output = b.map.tensor(q.output, q.rows, vectors);
        lowerLinear(b, q, inputs, output);
        return [output];
      },
    },
  };
}

export function lstmLayer(name: string, q: QLstm, steps: number, reverse: boolean): Layer {
  const matrices = ({ parts }: QLinear) => parts.map(({ weights }) => weights);
  const sites: Site[] = [
    { name: `${name}.h`, vectors: 1, matrices: matrices(q.productH) },
    ...(q.projection ? [{ name: `${name}.projection`, vectors: 1, matrices: matrices(q.projection) }] : []),
    { name: `${name}.x`, vectors: steps, matrices: matrices(q.productX), isRecurrent: true },
  ];
  return {
    ...{ name, sites },
    computation: {
      inputs: q.productX.parts.map(({ weights, input }) => ({
        ...{ grid: input, length: weights.columns, count: steps },
      })),
      matrices: matricesOf(sites),
      lower: (b, inputs) => [lowerLstm(b, q, inputs, reverse)],
    },
  };
}

/** Every layer of the model, on a word of so many letters. */
export const g2pLayers = (q: QG2p, letters: number): Layer[] => [
  lstmLayer("encoder.forward", q.forward, letters, false),
  lstmLayer("encoder.backward", q.backward, letters, true),
  lstmLayer("decoder", q.decoder, 1, false),
  productLayer("attention.key", q.attention.key, letters),
  productLayer("attention.query", q.attention.query, 1),
  productLayer("attention.score", q.attention.score, letters),
  productLayer("bridge", q.bridge, 1),
  productLayer("output", q.output, 1),
];

/** A plain cell of any size with 8-bit weights, ranges as a trained one has them. */
export function plainLstm(size: number, arch: ArchSpec): QLstm {
  const rng = seedrandom(`an LSTM of ${size}`);
  const ranges = new Ranges();
  const sites = ["product.x", "product.h", "gates", "cell"];
  for (const site of sites) ranges.observe(site, [-4, 4]);
  const grid = affineGrid({ lo: -1, hi: 1 }, 8, false);
  const weight = () => uniformMatrix(rng, 4 * size, size, 1 / 16);
  const cell = { input: size, hidden: size, weightX: weight(), weightH: weight() };
  return quantizeLstm(
    { ...cell, forgetBias: 1, normScope: "gate" },
    [{ weight: cell.weightX, grid }],
    ranges,
    bipolarGrid(8, false),
    { recipe: makeRecipe({ cell_bits: 12 }), arch: arch.settings },
  );
}
