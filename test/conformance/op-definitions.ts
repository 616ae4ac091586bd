import type { Settings } from "../../src/arch/fields.ts";
import type { Span } from "../../src/isa/define.ts";
import type { MachineState } from "../../src/isa/state.ts";
import type { OpName, ops } from "../../src/isa/table.ts";
import { alignmentOf, channelBlock, gainBlock } from "../../src/isa/tables.ts";
import { pick, within } from "../isa/random.ts";
import { EXACT_ROUNDINGS, exactDivide, exactRoundShift, exactSaturate } from "../support/exact.ts";
import { CONVERSIONS } from "./convert-definitions.ts";
import { FUNCTION_DEFINITIONS } from "./function-definitions.ts";
import { SEGMENT_BYTES, SEGMENT_WIDTHS } from "./op-bench.ts";
import type { Lane, Pieces } from "./op-lane.ts";
import { magnitude, putChannels, putLanes, putPieces, putScale, range } from "./op-memory.ts";

type RecordOf<N extends OpName> = Extract<(typeof ops)[number], { readonly name: N }>;
export type OperandsOf<N extends OpName> = { readonly [K in keyof RecordOf<N>["fields"]]: number };

/** What an operation is to do, said a second time: from its doc string, in unbounded integers. */
export interface Definition<X> {
  /** The codes of each of its written spans, in their order. */
  readonly results: (x: X, lane: Lane) => readonly (readonly bigint[])[];
  /** Puts operands in memory that keep what the operation asks of them; codes are random otherwise. */
  readonly prepare?: (x: X, s: MachineState, rng: () => number) => void;
  /** Operands that random ones would hardly hit. */
  readonly given?: (rng: () => number, arch: Settings) => Readonly<Record<string, number>>;
  /** Where codes lie that move as bytes. */
  readonly codes?: (span: Span, x: X) => Span;
}

const sumOf = (terms: readonly bigint[]): bigint => terms.reduce((a, b) => a + b, 0n);
const big = BigInt;

/** Products that the array adds up before the accumulator sees them. */
function depthOf(k: number, weightBits: number, activationBits: number, arch: Settings): number {
  if (arch["mac.dataflow"] === "output-stationary") return k;
  const parts = (native: number, bits: number): number => {
    let n = 1;
    while (arch["mac.multiplier"] === "fused" && native % (2 * n) === 0 && native / (2 * n) >= bits) n *= 2;
    return n;
  };
  return (
    arch["mac.rows"] *
    parts(arch["mac.weightBits"], weightBits) *
    parts(arch["mac.activationBits"], activationBits)
  );
}

/** A sum of products, pass by pass. */
function passes(lane: Lane, start: bigint, terms: readonly bigint[], depth: number): bigint {
  let acc = start;
  for (let from = 0; from < terms.length; from += depth)
    acc = lane.accumulate(acc + sumOf(terms.slice(from, from + depth)));
  return acc;
}

interface Load {
  readonly dst: number;
  readonly src: number;
  readonly bytes: number;
}

/** The width of the segment that an address of the image lies in. */
const widthAt = (src: number): number => SEGMENT_WIDTHS[Math.floor(src / SEGMENT_BYTES)]!;

const load: Definition<Load> = {
  given(rng) {
    const segment = within(rng, 0, SEGMENT_WIDTHS.length - 1);
    const step = alignmentOf(SEGMENT_WIDTHS[segment]!);
    const steps = SEGMENT_BYTES / step;
    const first = within(rng, 0, steps - 1);
    return {
      src: segment * SEGMENT_BYTES + first * step,
      dst: step * within(rng, 0, 20),
      bytes: step * within(rng, 1, steps - first),
    };
  },
  codes: (span, { src }) => ({ ...span, bits: widthAt(src), count: (span.count * 8) / widthAt(src) }),
  results: ({ src, bytes }, lane) => [lane.read("dram", widthAt(src), src, (bytes * 8) / widthAt(src))],
};

const move = (from: "data" | "activation"): Definition<OperandsOf<"fetch">> => ({
  results: ({ src, n, bits }, lane) => [lane.read(from, bits, src, n)],
});

const sum = (sign: bigint): Definition<OperandsOf<"add">> => ({
  prepare({ aScale, bScale, aBits, bBits, bits }, s, rng) {
    putScale(s, aScale, rng, Math.max(aBits, 18), bits, true);
    putScale(s, bScale, rng, Math.max(bBits, 18), bits, true);
  },
  results(x, lane) {
    const a = lane.activations(x.aBits, x.a, x.n);
    const b = lane.activations(x.bBits, x.b, x.period);
    const [aScale, bScale] = [lane.scale(x.aScale), lane.scale(x.bScale)];
    const ys = a.map((value, i) => {
      const left = lane.requantize(value - big(x.aZero), aScale);
      const right = lane.requantize(b[i % x.period]! - big(x.bZero), bScale);
      return lane.saturate(left + sign * right + big(x.zero), x.bits);
    });
    return [ys];
  },
});

const reduction = (of: (codes: readonly bigint[]) => bigint): Definition<OperandsOf<"sum">> => ({
  results: (x, lane) => [
    range(x.groups).map((g) => {
      const row = lane.activations(x.aBits, x.a, x.groups * x.n).slice(g * x.n, (g + 1) * x.n);
      return of(row.map((code) => code - big(x.aZero)));
    }),
  ],
});

const magnitudeOf = (x: bigint): bigint => (x < 0n ? -x : x);
const largest = (xs: readonly bigint[]): bigint => [...xs].sort((a, b) => Number(a - b)).at(-1)!;

/** x as mantissa and exponent: the mantissa's top bit at `top`, or one above it where the exponent must be even. */
function normalized(
  x: bigint,
  top: number,
  even: boolean,
): { readonly mantissa: bigint; readonly exponent: number } {
  let exponent = x.toString(2).length - 1 - top;
  if (even && exponent % 2 !== 0) exponent--;
  const mantissa = exponent >= 0 ? x / 2n ** big(exponent) : x * 2n ** big(-exponent);
  return { mantissa, exponent };
}

/** Codes of mantissas are 16-bit numbers without sign, stored 2^15 lower. */
const LIFT = 2n ** 15n;
const MANTISSAS = { inBits: 16, bits: 16, mirrored: 0 };

/** A table that the unit can hold, which few of all tables are. */
const heldWhole = (rng: () => number, arch: Settings) => ({
  slopeBits: within(rng, 2, arch["pwl.slopeBits"]),
  fraction: pick(rng, [0, within(rng, 0, Math.min(15, arch["pwl.offsetFraction"]))]),
});
const held = (rng: () => number, arch: Settings) => ({
  ...heldWhole(rng, arch),
  mirrored: arch["pwl.symmetry"] === "point" ? within(rng, 0, 1) : 0,
});

const mantissa = (
  top: number,
  even: boolean,
  exponentOf: (exponent: number) => number,
): Definition<OperandsOf<"rsqrt">> => ({
  given: heldWhole,
  prepare(x, s, rng) {
    putPieces({ ...x, ...MANTISSAS }, s, rng);
    putLanes(s, 48, x.src, x.n, () => magnitude(rng, 47) - (rng() < 0.1 ? 2 ** 20 : 0));
  },
  results(x, lane) {
    const stored = lane.pieces({ ...x, ...MANTISSAS });
    const table: Pieces = {
      ...stored,
      knots: stored.knots.map((knot) => knot + LIFT),
      bases: stored.bases.map((base) => base + LIFT * 2n ** big(x.fraction)),
    };
    const values = lane
      .activations(48, x.src, x.n)
      .map((value) => normalized(value < 1n ? 1n : value, top, even));
    return [
      values.map((value) => exactSaturate(lane.line(value.mantissa, table), 16, false)),
      values.map(({ exponent }) => big(exponentOf(exponent))),
    ];
  },
});

function requantized(x: OperandsOf<"requant">, lane: Lane): bigint[] {
  const { arrays } = channelBlock(x.m, x.perChannel === 1, lane.arch);
  const biases = lane.table(x.scales, arrays.bias);
  const scales = lane.scales(x.scales, arrays);
  return lane.read("acc", lane.arch["acc.bits"], x.acc, x.m * x.n).map((acc, i) => {
    const scale = scales[x.perChannel === 1 ? i % x.m : 0]!;
    return lane.saturate(lane.requantize(acc + biases[i % x.m]!, scale, "requant") + big(x.zero), x.bits);
  });
}

/** Every operation's definition: the compiler sees that none is missing. */
export const DEFINITIONS: { readonly [N in OpName]: Definition<OperandsOf<N>> } = {
  ...FUNCTION_DEFINITIONS,

  "load.weight": load,
  "load.table": load,
  fetch: move("data"),
  store: move("activation"),

  gather: {
    prepare: (x, s, rng) => putLanes(s, 16, x.index, 1, () => within(rng, -2, x.rows + 1)),
    results(x, lane) {
      const index = Number(lane.activations(16, x.index, 1)[0]);
      const row = Math.min(Math.max(index, 0), x.rows - 1);
      return [lane.read("dram", x.bits, x.src, x.rows * x.n).slice(row * x.n, (row + 1) * x.n)];
    },
  },

  matmul: {
    results(x, lane) {
      const w = lane.read("weight", x.wBits, x.w, x.m * x.k);
      const vectors = lane.activations(x.xBits, x.x, x.n * x.k);
      const held = x.keep === 1 ? lane.read("acc", lane.arch["acc.bits"], x.acc, x.n * x.m) : [];
      const depth = depthOf(x.k, x.wBits, x.xBits, lane.arch);
      const sums = range(x.n * x.m).map((at) => {
        const [row, m] = [Math.floor(at / x.m), at % x.m];
        const terms = range(x.k).map((k) => w[m * x.k + k]! * vectors[row * x.k + k]!);
        return passes(lane, held[at] ?? 0n, terms, depth);
      });
      return [sums];
    },
  },

  lanemul: {
    results(x, lane) {
      const a = lane.activations(x.aBits, x.a, x.k * x.m);
      const vector = lane.activations(x.xBits, x.x, x.k);
      const depth = depthOf(x.k, x.aBits, x.xBits, lane.arch);
      const sums = range(x.m).map((m) => {
        const terms = range(x.k).map((k) => (vector[k]! - big(x.xZero)) * (a[k * x.m + m]! - big(x.aZero)));
        return passes(lane, 0n, terms, depth);
      });
      return [sums];
    },
  },

  requant: {
    prepare: (x, s, rng) => putChannels(x, s, rng, x.bits),
    results: (x, lane) => [requantized(x, lane)],
  },

  "requant.pwl": {
    given: held,
    prepare(x, s, rng) {
      putChannels(x, s, rng, x.midBits);
      putPieces({ ...x, inBits: x.midBits }, s, rng);
    },
    results(x, lane) {
      const mid = requantized({ ...x, bits: x.midBits, zero: x.midZero }, lane);
      const table = lane.pieces({ ...x, inBits: x.midBits });
      return [mid.map((code) => lane.lookup(code, table, x.bits))];
    },
  },

  pwl: {
    given: held,
    prepare: putPieces,
    results(x, lane) {
      const table = lane.pieces(x);
      return [lane.activations(x.inBits, x.src, x.n).map((code) => lane.lookup(code, table, x.bits))];
    },
  },

  // 1/sqrt: 15 fraction bits of the result, 7 for the root of 2^14, half of the even exponent.
  rsqrt: mantissa(14, true, (exponent) => 15 + 7 + exponent / 2),
  // 1/x: 15 fraction bits of the result, 15 of the mantissa.
  reciprocal: mantissa(15, false, (exponent) => 15 + 15 + exponent),

  add: sum(1n),
  sub: sum(-1n),

  mul: {
    prepare: (x, s, rng) => putScale(s, x.scale, rng, x.aBits + x.bBits, x.bits),
    results(x, lane) {
      const b = lane.activations(x.bBits, x.b, x.period);
      const scale = lane.scale(x.scale);
      const ys = lane.activations(x.aBits, x.a, x.n).map((a, i) => {
        const product = (a - big(x.aZero)) * (b[i % x.period]! - big(x.bZero));
        return lane.saturate(lane.requantize(product, scale) + big(x.zero), x.bits);
      });
      return [ys];
    },
  },

  affine: {
    prepare: (x, s, rng) => putScale(s, x.scale, rng, x.aBits + x.gainBits - x.drop, x.bits),
    results(x, lane) {
      const { gain, bias } = gainBlock(x.period, x.gainBits).arrays;
      const [gains, biases] = [lane.table(x.gains, gain), lane.table(x.gains, bias)];
      const scale = lane.scale(x.scale);
      const ys = lane.activations(x.aBits, x.a, x.n).map((a, i) => {
        const sum = (a - big(x.aZero)) * gains[i % x.period]! + biases[i % x.period]!;
        const inner = exactRoundShift(sum, x.drop, "half-away");
        return lane.saturate(lane.requantize(inner, scale) + big(x.zero), x.bits);
      });
      return [ys];
    },
  },

  rescale: {
    prepare: (x, s, rng) => putScale(s, x.scale, rng, x.aBits, x.bits),
    results(x, lane) {
      const scale = lane.scale(x.scale);
      const a = lane.activations(x.aBits, x.a, x.n);
      return [
        a.map((code) => lane.saturate(lane.requantize(code - big(x.aZero), scale) + big(x.zero), x.bits)),
      ];
    },
  },

  ...CONVERSIONS,

  fill: { results: ({ n, value }) => [range(n).map(() => big(value))] },

  sum: reduction(sumOf),
  sumsq: reduction((xs) => sumOf(xs.map((x) => x * x))),
  sumabs: reduction((xs) => sumOf(xs.map(magnitudeOf))),
  max: reduction(largest),

  argmax: {
    results(x, lane) {
      const a = lane.activations(x.aBits, x.a, x.n);
      return [[big(a.indexOf(largest(a)))]];
    },
  },

  variance: {
    prepare(x, s, rng) {
      putLanes(s, 32, x.sums, x.groups, () => within(rng, -1, 1) * magnitude(rng, 31));
      putLanes(s, 48, x.squares, x.groups, () => magnitude(rng, 47));
    },
    results(x, lane) {
      const sums = lane.activations(32, x.sums, x.groups);
      const squares = lane.activations(48, x.squares, x.groups);
      return [
        squares.map((square, g) => {
          const spread = big(x.n) * square - sums[g]! * sums[g]!;
          return exactSaturate(largest([spread, 0n]) + big(x.epsilon), 48, true);
        }),
      ];
    },
  },

  isqrt: {
    prepare: (x, s, rng) =>
      putLanes(s, 48, x.a, x.groups, () => {
        const root = magnitude(rng, 23);
        return pick(rng, [root ** 2, root ** 2 - 1, root ** 2 + 1, magnitude(rng, 47)]);
      }),
    results: (x, lane) => [lane.activations(48, x.a, x.groups).map(exactRoot)],
  },

  center: {
    results(x, lane) {
      const sums = lane.activations(32, x.sums, x.groups);
      const a = lane.activations(x.aBits, x.a, x.groups * x.n);
      return [a.map((code, i) => lane.saturate(big(x.factor) * code - sums[Math.floor(i / x.n)]!, 32))];
    },
  },

  normalize: {
    prepare(x, s, rng) {
      putLanes(s, 32, x.sums, x.groups, () => within(rng, -1, 1) * magnitude(rng, 20));
      putLanes(s, 32, x.mantissa, x.groups, () => magnitude(rng, 16));
      putLanes(s, 32, x.exponent, x.groups, () =>
        pick(rng, [within(rng, 0, x.point), within(rng, x.point, x.point + 62), within(rng, 15, 30)]),
      );
    },
    results(x, lane) {
      const [sums, mantissas, exponents] = [x.sums, x.mantissa, x.exponent].map((at) =>
        lane.activations(32, at, x.groups),
      );
      const ys = lane.activations(x.aBits, x.a, x.groups * x.n).map((code, i) => {
        const g = Math.floor(i / x.n);
        const product = (big(x.factor) * code - sums![g]!) * mantissas![g]!;
        const shift = Math.max(0, Number(exponents![g]!) - x.point);
        return lane.saturate(exactRoundShift(product, shift, lane.rounding) + big(x.zero), x.bits);
      });
      return [ys];
    },
  },

  div: {
    prepare: (x, s, rng) =>
      putLanes(s, x.bBits, x.b, x.groups, () => magnitude(rng, x.bBits - 1) - (rng() < 0.1 ? 1000 : 0)),
    results(x, lane) {
      const b = lane.activations(x.bBits, x.b, x.groups);
      const ys = lane.activations(x.aBits, x.a, x.groups * x.n).map((code, i) => {
        const divisor = largest([b[Math.floor(i / x.n)]!, 1n]) * 2n ** big(x.shift);
        const quotient = exactDivide(
          (code - big(x.aZero)) * big(x.factor),
          divisor,
          EXACT_ROUNDINGS[x.rounding]!,
        );
        return lane.saturate(quotient + big(x.zero), x.bits);
      });
      return [ys];
    },
  },
};

/** The largest r with r² <= x, a bit at a time from the top. */
function exactRoot(x: bigint): bigint {
  let root = 0n;
  for (let bit = 24n; bit >= 0n; bit--) {
    const next = root + 2n ** bit;
    if (next * next <= x) root = next;
  }
  return root;
}
