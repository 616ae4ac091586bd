import { decodeAll, encodeAll, type Grid } from "../../fixed/real.ts";
import { type Builder, rowOf, type Tensor } from "../../kernels/builder.ts";
import type { Weights } from "../../kernels/image.ts";
import { affineGrid } from "../../quant/grid.ts";
import { execute } from "../bench.ts";
import { FINE, FINE_RECIPE, rangeOf } from "./bounded.ts";

/** Layers whose state is h, over the reals, as the machine has them. */

/** What one inference reads: vectors in the order in which they are read, and h before them. */
export interface Sequence {
  readonly xs: readonly Float64Array[];
  readonly start: Float64Array;
}

/** The grid of what sequences read. */
export const inputGridOf = (sequences: readonly Sequence[]): Grid =>
  affineGrid(
    rangeOf(sequences.flatMap(({ xs }) => xs.flatMap((x) => [...x]))),
    FINE_RECIPE.activation_bits,
    false,
  );

/** A quantized layer, and how it is lowered. */
interface Layer {
  readonly input: Grid;
  readonly hidden: Grid;
  readonly matrices: readonly Weights[];
  /** Of what is kept beside h and begins as it does. */
  readonly states: readonly Grid[];
  /** The input's share of every step. */
  prepare(b: Builder, xs: Tensor): Tensor;
  step(b: Builder, fromX: Tensor, h: Tensor, next: Tensor, states: readonly Tensor[]): void;
}

/** h after every vector of sequences of one length, a lane of the machine each. */
export function hiddenOf(layer: Layer, sequences: readonly Sequence[]): Float64Array[][] {
  const { input, hidden, states } = layer;
  const [{ xs, start }] = sequences as readonly [Sequence];
  const [steps, n] = [xs.length, start.length];
  const results = execute(
    FINE,
    {
      inputs: [
        { grid: input, length: xs[0]!.length, count: steps },
        ...[hidden, ...states].map((grid) => ({ grid, length: n, count: 1 })),
      ],
      matrices: layer.matrices,
      lower(b, [x, h0, ...kept]) {
        const hs = b.map.tensor(hidden, n, steps);
        const fromX = layer.prepare(b, x!);
        for (let t = 0; t < steps; t++)
          layer.step(b, rowOf(fromX, t), t === 0 ? h0! : rowOf(hs, t - 1), rowOf(hs, t), kept);
        return [hs];
      },
    },
    sequences.map((one) => [
      encodeAll(
        one.xs.flatMap((x) => [...x]),
        input,
      ),
      ...[hidden, ...states].map((grid) => encodeAll(one.start, grid)),
    ]),
  );
  return results.map(([hs]) =>
    Array.from({ length: steps }, (_, t) => decodeAll(hs!.slice(t * n, (t + 1) * n), hidden)),
  );
}
