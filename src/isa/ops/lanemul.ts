import type { Settings } from "../../arch/fields.ts";
import { arrayCost, arrayLatency, passLength } from "../array.ts";
import { streamCycles } from "../cost.ts";
import { address, count, defineOp, reach, type Span, width, zeroPoint } from "../define.ts";

interface Operand {
  readonly a: number;
  readonly x: number;
  readonly m: number;
  readonly k: number;
  readonly aBits: number;
  readonly xBits: number;
}

/** The same as formulas have it. */
const PRODUCT = "(m, k, 1, aBits, xBits)";

const productOf = (x: Operand) => ({ m: x.m, k: x.k, n: 1, weightBits: x.aBits, activationBits: x.xBits });

function operands(x: Operand, arch: Settings): readonly [Span, Span] {
  const { weightPasses, vectorPasses } = arrayCost(productOf(x), arch);
  return [
    { space: "activation", from: x.a, bits: x.aBits, count: x.m * x.k, passes: weightPasses },
    { space: "activation", from: x.x, bits: x.xBits, count: x.k, passes: vectorPasses },
  ];
}

/**
 * A product of two activations: attention's context, a sum of memory rows weighted by alpha. Zero points are
 * taken off as operands enter the array, as there are no weights to fold them into.
 */
export const lanemul = defineOp({
  name: "lanemul",
  code: 0x11,
  doc: "acc[m] = sum over k of (x[k] - xZero) * (a[k][m] - aZero); both operands from activation SRAM",
  fields: {
    a: address("activation", "matrix [k][m]"),
    x: address("activation", "vector [k]"),
    acc: address("acc", "accumulators [m]"),
    m: count("outputs"),
    k: count("terms of a sum"),
    aBits: width(16, "width of the matrix"),
    xBits: width(16, "width of the vector"),
    aZero: zeroPoint("zero point of the matrix", "aBits"),
    xZero: zeroPoint("zero point of the vector", "xBits"),
  },
  reads: operands,
  writes: (x, arch) => [{ space: "acc", from: x.acc, bits: arch["acc.bits"], count: x.m }],

  run(x, s) {
    const bits = s.arch["acc.bits"];
    const acc = s.pointer("acc", bits, x.acc);
    const a = s.pointer("activation", x.aBits, x.a);
    const vector = s.pointer("activation", x.xBits, x.x);
    const aSize = s.container("activation", x.aBits) as 1 | 2;
    const xSize = s.container("activation", x.xBits) as 1 | 2;
    // As in matmul: where sums may overflow, each pass of the array ends in the accumulator's range.
    const pass = s.accContainer === 4 ? x.k : passLength(productOf(x), s.arch);
    for (let from = 0; from < x.k; from += pass) {
      s.kernels.laneMatmul(
        a + from * x.m * aSize * s.lanes,
        aSize,
        x.m,
        x.aZero,
        vector + from * xSize * s.lanes,
        xSize,
        x.xZero,
        acc,
        s.accContainer,
        x.m,
        Math.min(pass, x.k - from),
        s.lanes,
        from > 0 ? 1 : 0,
      );
      if (s.accContainer === 8) {
        const saturating = s.arch["acc.overflow"] === "saturate" ? 1 : 0;
        s.kernels.foldAccumulators(acc, 8, x.m, s.lanes, bits, saturating, s.overflows);
      }
    }
  },

  stages(x, arch) {
    const { cycles } = arrayCost(productOf(x), arch);
    return [
      {
        unit: "mac",
        beats: Math.max(cycles, streamCycles({ reads: operands(x, arch), writes: [] }, arch)),
        latency: arrayLatency(arch),
      },
    ];
  },
  cost: [{ unit: "mac", beats: `max(array${PRODUCT}, stream)`, latency: "arrayLatency" }],
  passes: { a: `weightPasses${PRODUCT}`, x: `vectorPasses${PRODUCT}` },
  work: (x) => ({ macs: { count: x.m * x.k, weightBits: x.aBits, activationBits: x.xBits } }),
  accumulates: (x) => ({ keep: false, largest: reach(x.aBits, x.aZero) * reach(x.xBits, x.xZero) * x.k }),
});
