import type { Settings } from "../arch/fields.ts";
import { ceilDiv } from "../fixed/round.ts";
import { multiplierRate, type Product, slotOf, streamedCycles } from "./array.ts";
import { dataflowOf, SIDES, type Side } from "./dataflows.ts";

/**
 * The cycles of a product on an array that skips zeros, in each lane: an estimate, for it depends on data.
 *
 * A slot is what the array takes at once, the same `t` cycles for all of its multipliers: under `weight-stationary` and `dot`
 * the rows' terms of one vector, for the outputs of a fold; under `input-stationary` those of one output, for the
 * vectors of a fold; under `output-stationary` one step of the sums of a fold. It is skipped if all its weights are
 * zero (`mac.zeroSkip` weights, both) or all its activations are (activations, both), and takes no cycle then:
 * a flag for each slot beside its operands, OR trees over what is stored, and a feeder that passes over set flags. Zero is
 * the code 0, not the value. Folds are loaded, filled, drained and emptied as ever, and single multipliers are never skipped.
 *
 * @param weights  codes [m][k]
 * @param vectors  codes [n][k][lanes]
 */
export function zeroSkippedCycles(
  p: Product,
  weights: ArrayLike<number>,
  vectors: ArrayLike<number>,
  lanes: number,
  arch: Settings,
): readonly number[] {
  const tile = slotOf(p, arch);
  const { cycles: t } = multiplierRate(p.weightBits, p.activationBits, arch);
  const tiles = { m: ceilDiv(p.m, tile.m), k: ceilDiv(p.k, tile.k), n: ceilDiv(p.n, tile.n) };
  const kind = arch["mac.zeroSkip"];
  const none = (of: "m" | "n", copies: number) =>
    new Array<boolean>(tiles[of] * tiles.k * copies).fill(false);
  const noWeights = kind === "activations" ? none("m", 1) : zeroTiles(weights, p.m, p.k, 1, tile.m, tile.k);
  const noVectors =
    kind === "weights" ? none("n", lanes) : zeroTiles(vectors, p.n, p.k, lanes, tile.n, tile.k);
  const { streams: streamed } = dataflowOf(arch);
  const [outer, inner] = SIDES.filter((side) => side !== streamed) as [Side, Side];
  const at: Record<Side, number> = { m: 0, k: 0, n: 0 };
  return Array.from({ length: lanes }, (_, lane) => {
    const folds: number[] = [];
    for (at[outer] = 0; at[outer] < tiles[outer]; at[outer]++) {
      for (at[inner] = 0; at[inner] < tiles[inner]; at[inner]++) {
        let slots = 0;
        for (at[streamed] = 0; at[streamed] < tiles[streamed]; at[streamed]++) {
          const isSkipped =
            noWeights[at.m * tiles.k + at.k]! || noVectors[(at.n * tiles.k + at.k) * lanes + lane]!;
          if (!isSkipped) slots++;
        }
        folds.push(slots * t);
      }
    }
    return streamedCycles(folds, arch);
  });
}

/** Of codes [high][wide][lanes], cut into tiles [high / tileHigh][wide / tileWide], whether all of a tile's are zero in a lane. */
function zeroTiles(
  codes: ArrayLike<number>,
  high: number,
  wide: number,
  lanes: number,
  tileHigh: number,
  tileWide: number,
): readonly boolean[] {
  const across = ceilDiv(wide, tileWide);
  const zero = new Array<boolean>(ceilDiv(high, tileHigh) * across * lanes).fill(true);
  for (let i = 0, index = 0, row = 0, rows = 0; i < high; i++, rows++) {
    if (rows === tileHigh) {
      rows = 0;
      row++;
    }
    for (let j = 0, column = 0, columns = 0; j < wide; j++, columns++) {
      if (columns === tileWide) {
        columns = 0;
        column++;
      }
      const to = (row * across + column) * lanes;
      for (let lane = 0; lane < lanes; lane++) if (codes[index++] !== 0) zero[to + lane] = false;
    }
  }
  return zero;
}
