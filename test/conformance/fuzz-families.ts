import fc from "fast-check";
import { exactActivation } from "../../src/kernels/activation/exact.ts";
import { lowerActivation } from "../../src/kernels/activation/lower.ts";
import { inputGridOf, quantizeActivation } from "../../src/kernels/activation/quantize.ts";
import { widenActivation } from "../../src/kernels/activation/widen.ts";
import { exactAttend, exactKey } from "../../src/kernels/attention/exact.ts";
import { lowerAttend, lowerKeys } from "../../src/kernels/attention/lower.ts";
import { quantizeAttention } from "../../src/kernels/attention/quantize.ts";
import { attend, keys } from "../../src/kernels/attention/real.ts";
import { widenAttention } from "../../src/kernels/attention/widen.ts";
import { bytesOf, plus } from "../../src/kernels/builder.ts";
import { activationGrid } from "../../src/kernels/define.ts";
import { exactDotAttention } from "../../src/kernels/dot-attention/exact.ts";
import { lowerDotAttention } from "../../src/kernels/dot-attention/lower.ts";
import { quantizeDotAttention } from "../../src/kernels/dot-attention/quantize.ts";
import { attendByDots, usualScale } from "../../src/kernels/dot-attention/real.ts";
import { widenDotAttention } from "../../src/kernels/dot-attention/widen.ts";
import {
  exactLookup,
  exactProduct,
  exactSum,
  lowerProduct,
  lowerSum,
  quantizeProduct,
  quantizeSum,
  widenProduct,
  widenSum,
} from "../../src/kernels/elementwise.ts";
import { exactLinear } from "../../src/kernels/linear/exact.ts";
import { lowerLinear, lowerLinearPwl } from "../../src/kernels/linear/lower.ts";
import { quantizeLinear } from "../../src/kernels/linear/quantize.ts";
import { linear as realLinear } from "../../src/kernels/linear/real.ts";
import { widenLinear } from "../../src/kernels/linear/widen.ts";
import { exactNorm } from "../../src/kernels/norm/exact.ts";
import { lowerNorm } from "../../src/kernels/norm/lower.ts";
import { quantizeNorm } from "../../src/kernels/norm/quantize.ts";
import { normBlocks } from "../../src/kernels/norm/real.ts";
import { widenNorm } from "../../src/kernels/norm/widen.ts";
import {
  joined,
  partsOf,
  uniform,
  uniformMatrix,
  uniformNorm,
  uniformVectors,
} from "../../src/kernels/samples.ts";
import { exactSoftmax } from "../../src/kernels/softmax/exact.ts";
import { lowerSoftmax } from "../../src/kernels/softmax/lower.ts";
import { quantizeSoftmax } from "../../src/kernels/softmax/quantize.ts";
import { softmax as realSoftmax } from "../../src/kernels/softmax/real.ts";
import { widenSoftmax } from "../../src/kernels/softmax/widen.ts";
import { CURVES, type CurveName } from "../../src/pwl/curves.ts";
import { affineGrid, bipolarGrid, symmetricGrid } from "../../src/quant/grid.ts";
import { powersOfTwo } from "../../src/quant/numerics.ts";
import { tableFor } from "../../src/quant/tables.ts";
import { type Family, family, kernelOf, limits, sized, upTo } from "./fuzz-kernels.ts";
import { lstm, mogrifier, rnn } from "./fuzz-recurrent.ts";

/** The shapes that are fuzzed, and the kernel of each. */

const linear = family({
  name: "linear",
  shape: fc.record({
    outputs: upTo(40),
    parts: fc.array(upTo(24), { minLength: 1, maxLength: 3 }),
    whole: fc.boolean(),
    count: upTo(9),
    biased: fc.boolean(),
    bent: fc.boolean(),
    limit: limits,
  }),
  kernel({ outputs, parts, whole, count, biased, bent, limit }, rng) {
    const rows = sized(outputs, whole);
    const widths = parts.map((part) => sized(part, whole));
    const columns = widths.reduce((sum, width) => sum + width);
    const weight = uniformMatrix(rng, rows, columns);
    const layer = { weight, ...(biased && { bias: uniform(rng, rows, limit) }) };
    return kernelOf(
      (random) => widths.map((width) => uniformVectors(random, width, count, limit * random())),
      {
        real: (_, inputs, tap) =>
          joined(inputs).map((x) => {
            const y = realLinear(layer, x, tap);
            tap?.("tanh", y, "lookedUp");
            return y;
          }),
        quantize(_, inputs, ranges, numerics) {
          const { activation_bits: bits, weight_bits } = numerics.recipe;
          const powers = powersOfTwo(numerics);
          const range = ranges.of("output");
          const between = bent ? symmetricGrid(range, bits, powers) : affineGrid(range, bits, powers);
          const output = bipolarGrid(bits, powers);
          const table = bent
            ? tableFor("activation", CURVES.tanh, between, output, numerics, ranges.lookupsOf("tanh"))
            : undefined;
          const parts = partsOf(weight, widths, inputs);
          return { layer: quantizeLinear(parts, layer.bias, between, weight_bits, numerics), table };
        },
        widen: ({ layer, table }, floats) => ({
          layer: widenLinear(layer, floats),
          table: table && floats.table(table),
        }),
        outputGrid: ({ layer: { output }, table }) =>
          table === undefined ? output : { format: table.out, scale: 1, zero: 0 },
        matrices: ({ layer: { parts } }) => parts.map(({ weights }) => weights),
        exact: (q, inputs, arch) =>
          inputs[0]!.map((_, t) => {
            const parts = inputs.map((part) => part[t]!);
            const y = exactLinear(q.layer, parts, arch);
            return q.table === undefined ? y : exactLookup(q.table, y, arch);
          }),
        lower(q, b, inputs) {
          const grid = q.table === undefined ? q.layer.output : { format: q.table.out, scale: 1, zero: 0 };
          const output = b.map.tensor(grid, rows, count);
          if (q.table === undefined) lowerLinear(b, q.layer, inputs, output);
          else lowerLinearPwl(b, q.layer, q.table, inputs, output);
          return output;
        },
      },
    );
  },
});

const pairs = { length: upTo(60), count: upTo(6), aLimit: limits, bLimit: limits };
const drawPair =
  (length: number, counts: readonly [number, number], limit: readonly [number, number]) =>
  (random: () => number) =>
    counts.map((count, i) => uniformVectors(random, length, count, limit[i]));

const sum = family({
  name: "sum",
  shape: fc.record({ ...pairs, repeats: fc.boolean(), sign: fc.constantFrom(1 as const, -1 as const) }),
  kernel({ length, count, repeats, sign, aLimit, bLimit }) {
    const draw = drawPair(length, [count, repeats ? 1 : count], [aLimit, bLimit]);
    return kernelOf(draw, {
      real: (_, [a, b], tap) =>
        a!.map((x, t) => {
          const y = x.map((value, i) => value + sign * b![repeats ? 0 : t]![i]!);
          tap?.("output", y);
          return y;
        }),
      quantize: (_, [a, b], ranges, numerics) =>
        quantizeSum(a!, b!, activationGrid(ranges.of("output"), numerics), numerics),
      widen: widenSum,
      outputGrid: ({ output }) => output,
      exact: (q, [a, b], arch) => a!.map((x, t) => exactSum(q, x, b![repeats ? 0 : t]!, sign, arch)),
      lower(q, b, [left, right]) {
        const output = b.map.tensor(q.output, length, count);
        lowerSum(b, q, left!, right!, output, sign);
        return output;
      },
    });
  },
});

const product = family({
  name: "product",
  shape: fc.record(pairs),
  kernel: ({ length, count, aLimit, bLimit }) =>
    kernelOf(drawPair(length, [count, count], [aLimit, bLimit]), {
      real: (_, [a, b], tap) =>
        a!.map((x, t) => {
          const y = x.map((value, i) => value * b![t]![i]!);
          tap?.("output", y);
          return y;
        }),
      quantize: (_, [a, b], ranges, numerics) =>
        quantizeProduct(a!, b!, activationGrid(ranges.of("output"), numerics), numerics),
      widen: widenProduct,
      outputGrid: ({ output }) => output,
      exact: (q, [a, b], arch) => a!.map((x, t) => exactProduct(q, x, b![t]!, arch)),
      lower(q, b, [left, right]) {
        const output = b.map.tensor(q.output, length, count);
        lowerProduct(b, q, left!, right!, output);
        return output;
      },
    }),
});

const activation = family({
  name: "activation",
  shape: fc.record({
    curve: fc.constantFrom<CurveName>("sigmoid", "tanh", "exp", "gelu"),
    ...{ length: upTo(60), count: upTo(6), limit: limits },
  }),
  kernel: ({ curve, length, count, limit }) =>
    kernelOf((random) => [uniformVectors(random, length, count, limit)], {
      real: (_, [xs], tap) =>
        xs!.map((x) => {
          tap?.("input", x, "lookedUp");
          const y = x.map(CURVES[curve].f);
          tap?.("output", y);
          return y;
        }),
      inputGrid: (_, range, numerics) =>
        inputGridOf(curve, range, numerics) ?? activationGrid(range, numerics),
      quantize: (_, [input], ranges, numerics) => quantizeActivation(curve, input!, ranges, numerics),
      widen: widenActivation,
      outputGrid: ({ output }) => output,
      exact: (q, [xs], arch) => xs!.map((x) => exactActivation(q, x, arch)),
      lower(q, b, [input]) {
        const output = b.map.tensor(q.output, length, count);
        lowerActivation(b, q, input!, output);
        return output;
      },
    }),
});

const norm = family({
  name: "norm",
  shape: fc.record({
    kind: fc.constantFrom("layer" as const, "mad" as const),
    ...{ n: upTo(40), groups: upTo(4), count: upTo(6), limit: limits, gain: limits, whole: fc.boolean() },
  }),
  kernel({ kind, n, groups, count, limit, gain, whole }, rng) {
    const length = sized(n, whole) * groups;
    const params = uniformNorm(rng, kind, length, gain);
    return kernelOf((random) => [uniformVectors(random, length, count, limit)], {
      real: (_, [xs], tap) => xs!.map((x) => normBlocks(params, x, groups, tap)),
      inputGrid: (_, range, numerics) => activationGrid(range, numerics, numerics.recipe.product_bits),
      quantize(_, [input], ranges, numerics) {
        const output = affineGrid(ranges.of("output"), numerics.recipe.norm_bits, powersOfTwo(numerics));
        return quantizeNorm(params, input!, ranges, groups, output, numerics);
      },
      widen: widenNorm,
      outputGrid: ({ output }) => output,
      exact: (q, [xs], arch) => xs!.map((x) => exactNorm(q, x, arch)),
      lower(q, b, [input]) {
        const output = b.map.tensor(q.output, length, count);
        lowerNorm(b, q, input!, output);
        return output;
      },
    });
  },
});

const softmax = family({
  name: "softmax",
  shape: fc.record({ n: upTo(60), count: upTo(6), limit: limits, whole: fc.boolean() }),
  kernel({ n, count, limit, whole }) {
    const length = sized(n, whole);
    return kernelOf((random) => [uniformVectors(random, length, count, limit)], {
      real: (_, [xs], tap) => xs!.map((x) => realSoftmax(x, tap)),
      inputGrid: (_, range, numerics) => activationGrid(range, numerics, numerics.recipe.score_bits),
      quantize: (_, [input], ranges, numerics) =>
        quantizeSoftmax(input!, numerics, ranges.lookupsOf("below")),
      widen: widenSoftmax,
      outputGrid: ({ output }) => output,
      exact: (q, [xs], arch) => xs!.map((x) => exactSoftmax(q, x, arch)),
      lower(q, b, [input]) {
        const output = b.map.tensor(q.output, length, count);
        lowerSoftmax(b, q, input!, output);
        return output;
      },
    });
  },
});

const attention = family({
  name: "attention",
  shape: fc.record({
    ...{ hidden: upTo(12), memoryLength: upTo(24), innerLength: upTo(12), entries: upTo(20), limit: limits },
    whole: fc.boolean(),
  }),
  kernel({ hidden, memoryLength, innerLength, entries, limit, whole }, rng) {
    const [memory, inner] = [sized(memoryLength, whole), sized(innerLength, whole)];
    const p = {
      key: { weight: uniformMatrix(rng, inner, memory), bias: uniform(rng, inner) },
      query: uniformMatrix(rng, inner, hidden),
      v: uniform(rng, inner, limit),
    };
    const draw = (random: () => number) => [
      uniformVectors(random, hidden, 1),
      uniformVectors(random, memory, entries),
    ];
    return kernelOf(draw, {
      real(_, [queries, entriesOf], tap) {
        const made = entriesOf!.map((entry) => keys(p, entry));
        for (const key of made) tap?.("keys", key);
        return [attend(p, queries![0]!, made, entriesOf!, tap).context];
      },
      quantize(_, [query, entry], ranges, numerics) {
        const context = activationGrid(ranges.of("context"), numerics, numerics.recipe.context_bits);
        return quantizeAttention(p, query!, entry!, context, ranges, numerics);
      },
      widen: widenAttention,
      outputGrid: ({ context }) => context.output,
      matrices: ({ query, score, key }) =>
        [query, score, key].flatMap(({ parts }) => parts.map(({ weights }) => weights)),
      exact(q, [queries, entriesOf], arch) {
        const made = entriesOf!.map((entry) => exactKey(q, entry, arch));
        return [exactAttend(q, queries![0]!, made, entriesOf!, arch)];
      },
      lower(q, b, [query, stored]) {
        const made = b.map.tensor(q.key.output, inner, entries);
        const context = b.map.tensor(q.context.output, memory);
        lowerKeys(b, q, stored!, made);
        lowerAttend(b, q, query!, made, stored!, context);
        return context;
      },
    });
  },
});

/** Rows of longer ones, from code `from` on: a head among others. */
const sliced = <T extends Float64Array | Int32Array>(rows: readonly T[], from: number, length: number): T[] =>
  rows.map((row) => row.subarray(from, from + length) as T);

const dotAttention = family({
  name: "dot-attention",
  shape: fc.record({
    ...{ queries: upTo(6), entries: upTo(20), innerLength: upTo(12), valueLength: upTo(24), limit: limits },
    ...{ before: fc.constantFrom(0, 0, 8), after: fc.constantFrom(0, 0, 8, 16), whole: fc.boolean() },
  }),
  kernel({ queries, entries, innerLength, valueLength, limit, before, after, whole }, rng) {
    const [inner, value] = [sized(innerLength, whole), sized(valueLength, whole)];
    const rowOf = (length: number) => before + length + after;
    const p = { scale: (0.1 + rng()) * usualScale(inner) };
    const draw = (random: () => number) => [
      uniformVectors(random, rowOf(inner), queries, limit),
      uniformVectors(random, rowOf(inner), entries),
      uniformVectors(random, rowOf(value), entries),
    ];
    const lengths = [inner, inner, value];
    const parts = <T extends Float64Array | Int32Array>(inputs: readonly (readonly T[])[]) =>
      inputs.map((rows, i) => sliced(rows, before, lengths[i]!));
    return kernelOf(draw, {
      real(_, inputs, tap) {
        const [q, k, v] = parts(inputs);
        return attendByDots(p, q!, k!, v!, tap);
      },
      quantize(_, [query, key, stored], ranges, numerics) {
        const context = activationGrid(ranges.of("context"), numerics, numerics.recipe.context_bits);
        return quantizeDotAttention(
          p,
          { query: query!, key: key!, value: stored! },
          context,
          ranges,
          numerics,
        );
      },
      widen: widenDotAttention,
      outputGrid: ({ context }) => context.output,
      exact(q, inputs, arch) {
        const [ofQueries, ofKeys, ofValues] = parts(inputs);
        return exactDotAttention(q, ofQueries!, ofKeys!, ofValues!, arch);
      },
      lower(q, b, inputs) {
        const [ofQueries, ofKeys, ofValues] = inputs.map((tensor, i) => ({
          ...{ ...tensor, length: lengths[i]!, row: tensor.length },
          at: plus(tensor.at, bytesOf(tensor, before)),
        }));
        const contexts = b.map.tensor(q.context.output, value, queries);
        lowerDotAttention(b, q, { queries: ofQueries!, keys: ofKeys!, values: ofValues! }, contexts);
        return contexts;
      },
    });
  },
});

export const families: readonly Family[] = [
  ...[linear, sum, product, activation, norm, softmax, attention, dotAttention, lstm, rnn, mogrifier],
];
