import type { Settings } from "../../arch/fields.ts";
import { minOf, signed } from "../../fixed/format.ts";
import { ceilDiv } from "../../fixed/round.ts";
import { matmulScratchBytes } from "../../simd/kernels.ts";
import { arrayCost, arrayLatency, type Product, passLength } from "../array.ts";
import { streamCycles } from "../cost.ts";
import { address, count, defineOp, flag, type Span, width } from "../define.ts";
import { codesAt } from "../state.ts";
import { zeroSkippedCycles } from "../zero-skip.ts";

interface Operand {
  readonly w: number;
  readonly x: number;
  readonly acc: number;
  readonly m: number;
  readonly k: number;
  readonly n: number;
  readonly wBits: number;
  readonly xBits: number;
  readonly keep: number;
}

/** The same as formulas have it. */
const PRODUCT = "(m, k, n, wBits, xBits)";

const productOf = (x: Operand): Product => ({ ...x, weightBits: x.wBits, activationBits: x.xBits });

function operands(x: Operand, arch: Settings): { readonly weights: Span; readonly vectors: Span } {
  const { weightPasses, vectorPasses } = arrayCost(productOf(x), arch);
  return {
    weights: { space: "weight", from: x.w, bits: x.wBits, count: x.m * x.k, passes: weightPasses },
    vectors: { space: "activation", from: x.x, bits: x.xBits, count: x.n * x.k, passes: vectorPasses },
  };
}

/** What the operands need to pass, zeros among them or not. */
function memoryCycles(x: Operand, arch: Settings): number {
  const { weights, vectors } = operands(x, arch);
  const weightBytes = ceilDiv(x.m * x.k * x.wBits, 8) * (weights.passes ?? 1);
  return Math.max(
    ceilDiv(weightBytes, arch["weight.bytesPerCycle"]),
    streamCycles({ reads: [vectors], writes: [] }, arch),
  );
}

export const matmul = defineOp({
  name: "matmul",
  code: 0x10,
  doc: "acc[n][m] (+)= sum over k of w[m][k] * x[n][k]; weights from weight SRAM, raw codes",
  fields: {
    w: address("weight", "weights [m][k]"),
    x: address("activation", "vectors [n][k]"),
    acc: address("acc", "accumulators [n][m]"),
    m: count("outputs"),
    k: count("terms of a sum"),
    n: count("vectors"),
    wBits: width(16, "weight width"),
    xBits: width(16, "activation width"),
    keep: flag("1 adds to the accumulators, 0 starts from zero"),
  },

  reads(x, arch) {
    const { weights, vectors } = operands(x, arch);
    const sums: Span = { space: "acc", from: x.acc, bits: arch["acc.bits"], count: x.m * x.n };
    return x.keep === 1 ? [weights, vectors, sums] : [weights, vectors];
  },
  writes: (x, arch) => [{ space: "acc", from: x.acc, bits: arch["acc.bits"], count: x.m * x.n }],

  run(x, s) {
    // Without a way to overflow, the order of summation is free and one pass does; otherwise each array pass
    // ends in the accumulator's range, as in hardware.
    const pass = s.accContainer === 4 ? x.k : passLength(productOf(x), s.arch);
    const scratch = s.scratch("matmul", matmulScratchBytes(pass, s.lanes, x.m));
    const w = s.pointer("weight", x.wBits, x.w);
    const wSize = s.container("weight", x.wBits) as 1 | 2;
    const xSize = s.container("activation", x.xBits) as 1 | 2;
    const bits = s.arch["acc.bits"];
    for (let column = 0; column < x.n; column++) {
      const acc = s.pointer("acc", bits, x.acc + column * x.m);
      const vector = s.pointer("activation", x.xBits, x.x) + column * x.k * xSize * s.lanes;
      for (let from = 0; from < x.k; from += pass) {
        const depth = Math.min(pass, x.k - from);
        const keep = from > 0 || x.keep === 1 ? 1 : 0;
        s.kernels.matmul(
          w + from * wSize,
          wSize,
          x.k,
          vector + from * xSize * s.lanes,
          xSize,
          acc,
          s.accContainer,
          x.m,
          depth,
          s.lanes,
          keep,
          scratch,
        );
        if (s.accContainer === 8) {
          const saturating = s.arch["acc.overflow"] === "saturate" ? 1 : 0;
          s.kernels.foldAccumulators(acc, 8, x.m, s.lanes, bits, saturating, s.overflows);
        }
      }
    }
  },

  skipped(x, s) {
    const least = memoryCycles(x, s.arch);
    const beats = Math.max(arrayCost(productOf(x), s.arch).cycles, least);
    const weights = s.read("weight", x.wBits, x.w, x.m * x.k);
    const vectors = codesAt(s, x.xBits, s.pointer("activation", x.xBits, x.x), x.n * x.k * s.lanes);
    const cycles = zeroSkippedCycles(productOf(x), weights, vectors, s.lanes, s.arch);
    return cycles.map((left) => beats - Math.max(left, least));
  },

  stages(x, arch) {
    const beats = Math.max(arrayCost(productOf(x), arch).cycles, memoryCycles(x, arch));
    return [{ unit: "mac", beats, latency: arrayLatency(arch) }];
  },
  cost: [
    {
      unit: "mac",
      beats: `max(array${PRODUCT}, ceil(packed(m * k, wBits) * weightPasses${PRODUCT} / weight.bytesPerCycle), stream)`,
      latency: "arrayLatency",
    },
  ],
  passes: { w: `weightPasses${PRODUCT}`, x: `vectorPasses${PRODUCT}` },
  work: (x) => ({ macs: { count: x.m * x.k * x.n, weightBits: x.wBits, activationBits: x.xBits } }),
  accumulates: (x) => ({
    keep: x.keep === 1,
    largest: minOf(signed(x.wBits)) * minOf(signed(x.xBits)) * x.k,
  }),
});
