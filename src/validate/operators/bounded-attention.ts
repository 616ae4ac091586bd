import { decodeAll, encodeAll } from "../../fixed/real.ts";
import { lowerDotAttention } from "../../kernels/dot-attention/lower.ts";
import { quantizeDotAttention } from "../../kernels/dot-attention/quantize.ts";
import { attendByDots, type DotAttentionParams } from "../../kernels/dot-attention/real.ts";
import { affineGrid, Ranges } from "../../quant/grid.ts";
import { execute } from "../bench.ts";
import { FINE, FINE_RECIPE, numericsOf, rangeOf } from "./bounded.ts";

type Vectors = readonly Float64Array[];

/** Queries [m][k], keys [n][k] and values [n][v]. */
interface Head {
  readonly queries: Vectors;
  readonly keys: Vectors;
  readonly values: Vectors;
}

/** Contexts [m][v] of each head, and how far they may be off. */
interface Attended {
  readonly contexts: readonly Vectors[];
  readonly bound: number;
}

const flat = (vectors: Vectors): number[] => vectors.flatMap((vector) => [...vector]);

/** Attention by dot products of heads of one shape, a lane of the machine each. */
export function dotAttention(params: DotAttentionParams, heads: readonly Head[]): Attended {
  const bits = FINE_RECIPE.activation_bits;
  const gridOf = (part: (head: Head) => Vectors) =>
    affineGrid(rangeOf(heads.flatMap((head) => flat(part(head)))), bits, false);
  const [query, key, value] = [
    gridOf(({ queries }) => queries),
    gridOf(({ keys }) => keys),
    gridOf(({ values }) => values),
  ];
  const ranges = new Ranges();
  for (const { queries, keys, values } of heads)
    attendByDots(params, queries, keys, values, (site, seen) => ranges.observe(site, seen));
  const context = affineGrid(ranges.of("context"), bits, false);
  const q = quantizeDotAttention(params, { query, key, value }, context, ranges, numericsOf());
  const [{ queries, keys, values }] = heads as readonly [Head];
  const length = values[0]!.length;
  const results = execute(
    FINE,
    {
      inputs: [
        { grid: query, length: queries[0]!.length, count: queries.length },
        { grid: key, length: keys[0]!.length, count: keys.length },
        { grid: value, length, count: values.length },
      ],
      lower(b, [ofQueries, ofKeys, ofValues]) {
        const contexts = b.map.tensor(context, length, queries.length);
        lowerDotAttention(b, q, { queries: ofQueries!, keys: ofKeys!, values: ofValues! }, contexts);
        return [contexts];
      },
    },
    heads.map((head) => [
      encodeAll(flat(head.queries), query),
      encodeAll(flat(head.keys), key),
      encodeAll(flat(head.values), value),
    ]),
  );
  const contexts = results.map(([codes]) =>
    queries.map((_, j) => decodeAll(codes!.slice(j * length, (j + 1) * length), context)),
  );
  return { contexts, bound: boundOf(params, heads, ranges) };
}

/**
 * In parts of 2^-16: a score of k products up to S together is off by S for its query, for its key and for its own grid, and chords of
 * a 512th of the scores' span lie above exp by h^2 / 8 of its value. What exponentials are off so by moves weights by twice that, all
 * together. n exponentials are rounded, each for itself and in their sum, and their weights again: 3 n. Weights move a context by as
 * much of the largest value, which is rounded, as the context is.
 */
function boundOf({ scale }: DotAttentionParams, heads: readonly Head[], ranges: Ranges): number {
  const largest = (part: (head: Head) => Vectors) => {
    const { lo, hi } = rangeOf(heads.flatMap((head) => flat(part(head))));
    return Math.max(-lo, hi);
  };
  const [{ keys }] = heads as readonly [Head];
  const score = scale * keys[0]!.length * largest(({ queries }) => queries) * largest((head) => head.keys);
  const { lo, hi } = ranges.of("score");
  const chord = (Math.max(hi, 0) - Math.min(lo, 0)) / FINE_RECIPE.pwl_pieces;
  const weights = 2 * (3 * score * 2 ** -16 + chord ** 2 / 8) + 3 * keys.length * 2 ** -16;
  return largest(({ values }) => values) * (weights + 2 * 2 ** -16);
}
