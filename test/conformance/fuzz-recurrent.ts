import fc from "fast-check";
import { activationGrid } from "../../src/kernels/define.ts";
import { exactLstm } from "../../src/kernels/lstm/exact.ts";
import { lowerLstm } from "../../src/kernels/lstm/lower.ts";
import { matricesOf, quantizeLstm } from "../../src/kernels/lstm/quantize.ts";
import { gateCount, type LstmParams, lstmSequence, peepholeBlocks } from "../../src/kernels/lstm/real.ts";
import { widenLstm } from "../../src/kernels/lstm/widen.ts";
import { exactMogrifier } from "../../src/kernels/mogrifier/exact.ts";
import { uniformRounds } from "../../src/kernels/mogrifier/index.ts";
import { lowerMogrifier } from "../../src/kernels/mogrifier/lower.ts";
import { productsOf, type QMogrifier, quantizeMogrifier } from "../../src/kernels/mogrifier/quantize.ts";
import { type Mogrified, mogrify } from "../../src/kernels/mogrifier/real.ts";
import { widenMogrifier } from "../../src/kernels/mogrifier/widen.ts";
import { exactRnn } from "../../src/kernels/rnn/exact.ts";
import { lowerRnn } from "../../src/kernels/rnn/lower.ts";
import { hiddenGrid, quantizeRnn, matricesOf as rnnMatrices } from "../../src/kernels/rnn/quantize.ts";
import { type RnnParams, rnnSequence } from "../../src/kernels/rnn/real.ts";
import { widenRnn } from "../../src/kernels/rnn/widen.ts";
import {
  joined,
  partsOf,
  uniform,
  uniformMatrix,
  uniformNorm,
  uniformVectors,
} from "../../src/kernels/samples.ts";
import { family, kernelOf, limits, sized, upTo } from "./fuzz-kernels.ts";

/** The recurrent shapes that are fuzzed, and the kernel of each. */

export const lstm = family({
  name: "lstm",
  shape: fc.record({
    ...{ parts: fc.array(upTo(10), { minLength: 1, maxLength: 2 }), size: upTo(14), steps: upTo(9) },
    whole: fc.boolean(),
    ...{ normX: fc.boolean(), normH: fc.boolean(), normC: fc.boolean(), normGates: fc.boolean() },
    ...{
      bias: fc.boolean(),
      coupled: fc.boolean(),
      capped: fc.boolean(),
      peepholes: fc.boolean(),
      reverse: fc.boolean(),
    },
    kind: fc.constantFrom("layer" as const, "mad" as const),
    normScope: fc.constantFrom("gate" as const, "all" as const),
    clip: fc.constantFrom(0, 0.5, 3),
    projected: fc.nat(6),
    limit: limits,
  }),
  recipe: (_, recipe) => ({
    ...recipe,
    ...(recipe.gate_curve === "gemmlowp"
      ? { gate_format: "q3.12", cell_bits: 16, norm_bits: 16 }
      : { cell_bits: recipe.cell_bits ?? 12 }),
  }),
  kernel(shape, rng) {
    const { whole, steps, coupled, capped, reverse, normScope, clip, limit } = shape;
    const [hidden, projected] = [sized(shape.size, whole), sized(shape.projected, whole)];
    const widths = shape.parts.map((part) => sized(part, whole));
    const input = widths.reduce((all, width) => all + width);
    const gates = gateCount(coupled) * hidden;
    const outputs = projected === 0 ? hidden : projected;
    const normOf = (n: number) => uniformNorm(rng, shape.kind, n);
    const cell: LstmParams = {
      ...{ input, hidden, forgetBias: 1, normScope, coupled, capped },
      weightX: uniformMatrix(rng, gates, input),
      weightH: uniformMatrix(rng, gates, outputs),
      ...(shape.bias && { bias: uniform(rng, gates) }),
      ...(shape.normX && { normX: normOf(gates) }),
      ...(shape.normH && { normH: normOf(gates) }),
      ...(shape.normGates && { normGates: normOf(gates) }),
      ...(shape.normC && { normC: normOf(hidden) }),
      ...(shape.peepholes && { peepholes: uniform(rng, peepholeBlocks(coupled).length * hidden) }),
      ...(clip > 0 && { clip }),
      ...(projected > 0 && { projection: { weight: uniformMatrix(rng, outputs, hidden) } }),
    };
    return kernelOf((random) => widths.map((width) => uniformVectors(random, width, steps, limit)), {
      real: (_, inputs, tap) => lstmSequence(cell, joined(inputs), reverse, tap),
      quantize: (_, inputs, ranges, numerics) =>
        quantizeLstm(
          cell,
          partsOf(cell.weightX, widths, inputs),
          ranges,
          activationGrid(ranges.of("hidden"), numerics),
          numerics,
        ),
      widen: widenLstm,
      outputGrid: (q) => q.hidden,
      matrices: matricesOf,
      exact: (q, inputs, arch) => exactLstm(q, inputs, reverse, arch),
      lower: (q, b, inputs) => lowerLstm(b, q, inputs, reverse),
    });
  },
});

export const rnn = family({
  name: "rnn",
  shape: fc.record({
    ...{ parts: fc.array(upTo(10), { minLength: 1, maxLength: 2 }), size: upTo(14), steps: upTo(9) },
    ...{ whole: fc.boolean(), bias: fc.boolean(), reverse: fc.boolean(), limit: limits },
    activation: fc.constantFrom("tanh" as const, "relu" as const),
  }),
  recipe: (_, recipe) => ({
    ...recipe,
    ...(recipe.gate_curve === "gemmlowp" && { gate_format: "q3.12" }),
  }),
  kernel({ whole, steps, size, parts, bias, reverse, activation, limit }, rng) {
    const hidden = sized(size, whole);
    const widths = parts.map((part) => sized(part, whole));
    const input = widths.reduce((all, width) => all + width);
    const layer: RnnParams = {
      ...{ input, hidden, activation },
      weightX: uniformMatrix(rng, hidden, input),
      weightH: uniformMatrix(rng, hidden, hidden, 1 / Math.sqrt(hidden)),
      ...(bias && { bias: uniform(rng, hidden) }),
    };
    return kernelOf((random) => widths.map((width) => uniformVectors(random, width, steps, limit)), {
      real: (_, inputs, tap) => rnnSequence(layer, joined(inputs), reverse, tap),
      quantize(_, inputs, ranges, numerics) {
        const gridOfH = hiddenGrid(layer, ranges, numerics);
        return quantizeRnn(layer, partsOf(layer.weightX, widths, inputs), ranges, gridOfH, numerics);
      },
      widen: widenRnn,
      outputGrid: (q) => q.hidden,
      matrices: rnnMatrices,
      exact: (q, inputs, arch) => exactRnn(q, inputs, reverse, arch),
      lower: (q, b, inputs) => lowerRnn(b, q, inputs, reverse),
    });
  },
});

export const mogrifier = family({
  name: "mogrifier",
  shape: fc.record({
    ...{ x: upTo(24), h: upTo(24), rank: upTo(10), rounds: fc.nat(6), count: upTo(4), limit: limits },
    ...{ whole: fc.boolean(), isX: fc.boolean() },
  }),
  recipe: (_, recipe) => ({
    ...recipe,
    ...(recipe.gate_curve === "gemmlowp" && { gate_format: "q3.12" }),
  }),
  kernel({ whole, count, limit, isX, ...shape }, rng) {
    const [x, h, rank] = [shape.x, shape.h, shape.rank].map((n) => sized(n, whole)) as [
      number,
      number,
      number,
    ];
    const rounds = uniformRounds(rng, { x, h, rank, rounds: shape.rounds });
    const one = <T>(both: Mogrified<T>): T => (isX ? both.x : both.h);
    const draw = (random: () => number) => [
      uniformVectors(random, x, count, limit),
      uniformVectors(random, h, count),
    ];
    return kernelOf<QMogrifier>(draw, {
      real: (_, [xs, hs], tap) => xs!.map((vector, t) => one(mogrify(rounds, vector, hs![t]!, tap))),
      quantize: (_, [xGrid, hGrid], ranges, numerics) =>
        quantizeMogrifier(rounds, { x: xGrid!, h: hGrid! }, ranges, numerics),
      widen: widenMogrifier,
      outputGrid: ({ output }) => one(output),
      matrices: (q) => productsOf(q).flatMap(({ parts }) => parts.map(({ weights }) => weights)),
      exact: (q, [xs, hs], arch) =>
        xs!.map((codes, t) => one(exactMogrifier(q, { x: codes, h: hs![t]! }, arch))),
      lower: (q, b, [xTensor, hTensor]) => one(lowerMogrifier(b, q, { x: xTensor!, h: hTensor! })),
    });
  },
});
