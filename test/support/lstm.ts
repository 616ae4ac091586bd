import type { ArchSpec } from "../../src/arch/spec.ts";
import { fetch } from "../../src/isa/ops/dma.ts";
import type { Program } from "../../src/isa/program.ts";
import { ActivationMap, Builder } from "../../src/kernels/builder.ts";
import { activationGrid } from "../../src/kernels/define.ts";
import { lowerZero } from "../../src/kernels/elementwise.ts";
import { ImageBuilder } from "../../src/kernels/image.ts";
import { lowerInput, lowerRecurrence } from "../../src/kernels/lstm/lower.ts";
import { matricesOf, quantizeLstm } from "../../src/kernels/lstm/quantize.ts";
import { type LstmParams, lstmSequence } from "../../src/kernels/lstm/real.ts";
import { Residency } from "../../src/kernels/residency.ts";
import { Ranges } from "../../src/quant/grid.ts";
import { makeRecipe } from "../../src/quant/recipe.ts";

export interface LstmShape {
  readonly input: number;
  readonly hidden: number;
}

/** Some LSTM: its weights mean nothing, a program's time does not depend on them. */
function someLstm({ input, hidden }: LstmShape): LstmParams {
  const matrix = (rows: number, columns: number) => ({
    rows,
    columns,
    data: Float32Array.from({ length: rows * columns }, (_, i) => ((i * 7919) % 255) / 1280 - 0.1),
  });
  return {
    ...{ input, hidden, forgetBias: 1, normScope: "gate", coupled: false },
    weightX: matrix(4 * hidden, input),
    weightH: matrix(4 * hidden, hidden),
  };
}

/**
 * An LSTM that reads `steps` vectors from the data region, in one loop, and keeps its state in activation SRAM: what
 * of its weights fits stays in weight SRAM, the rest is streamed in every step.
 */
export function lstmOverTime(arch: ArchSpec, shape: LstmShape): (steps: number) => Program {
  const params = someLstm(shape);
  const numerics = { recipe: makeRecipe(), arch: arch.settings };
  const xs = [0, 1].map((t) => Float64Array.from({ length: shape.input }, (_, i) => Math.sin(i + t)));
  const ranges = new Ranges();
  lstmSequence(params, xs, false, (site, values) => ranges.observe(site, values));
  const grid = activationGrid({ lo: -1, hi: 1 }, numerics);
  const hidden = activationGrid(ranges.of("hidden"), numerics);
  const q = quantizeLstm(params, [{ weight: params.weightX, grid }], ranges, hidden, numerics);
  return (steps) => {
    const image = new ImageBuilder(arch);
    const weights = new Residency(arch, image, matricesOf(q));
    const b = new Builder(image, weights, new ActivationMap(arch), arch);
    const x = b.map.tensor(grid, shape.input);
    const h = b.map.tensor(hidden, shape.hidden);
    const c = b.map.tensor(q.cell, shape.hidden);
    for (const tensor of [h, c]) lowerZero(b, tensor);
    const { bits } = grid.format;
    b.loop(steps, [(shape.input * bits) / 8], (indexed) => {
      b.emit(fetch, { dst: x.at, src: indexed(0, 0), n: shape.input, bits });
      b.scratch(() => lowerRecurrence(b, q, lowerInput(b, q, [x], 1), h, c, h));
    });
    return b.finish(`${steps} steps`);
  };
}
