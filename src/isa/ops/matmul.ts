import type { Settings } from "../../arch/fields.ts";
import { minOf, signed } from "../../fixed/format.ts";
import { ceilDiv } from "../../fixed/round.ts";
import { matmulScratchBytes } from "../../simd/kernels.ts";
import { arrayCost, arrayLatency, type Product, passLength } from "../array.ts";
import { streamCycles } from "../cost.ts";
import { address, count, defineOp, flag, type Span, width } from "../define.ts";

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

const productOf = (x: Operand): Product => ({ ...x, weightBits: x.wBits, activationBits: x.xBits });

function operands(x: Operand, arch: Settings): { readonly weights: Span; readonly vectors: Span } {
  const { weightPasses, vectorPasses } = arrayCost(productOf(x), arch);
  return {
    weights: { space: "weight", from: x.w, bits: x.wBits, count: x.m * x.k, passes: weightPasses },
    vectors: { space: "activation", from: x.x, bits: x.xBits, count: x.n * x.k, passes: vectorPasses },
  };
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

  stages(x, arch) {
    const { weights, vectors } = operands(x, arch);
    const { cycles } = arrayCost(productOf(x), arch);
    const weightBytes = ceilDiv(x.m * x.k * x.wBits, 8) * (weights.passes ?? 1);
    const beats = Math.max(
      cycles,
      ceilDiv(weightBytes, arch["weight.bytesPerCycle"]),
      streamCycles({ reads: [vectors], writes: [] }, arch),
    );
    return [{ unit: "mac", beats, latency: arrayLatency(arch) }];
  },
  work: (x) => ({ macs: { count: x.m * x.k * x.n, weightBits: x.wBits, activationBits: x.xBits } }),
  accumulates: (x) => ({
    keep: x.keep === 1,
    largest: minOf(signed(x.wBits)) * minOf(signed(x.xBits)) * x.k,
  }),
});
