import type * as functions from "../../src/isa/ops/functions.ts";
import type { mirrored } from "../../src/isa/ops/mirrored.ts";
import { mirroredBlock } from "../../src/isa/tables.ts";
import { mirroredSigmoid } from "../../src/pwl/mirrored.ts";
import { pick, within } from "../isa/random.ts";
import { exactDoublingHigh, exactRoundingDivide, exactRoundShift, exactSaturate } from "../support/exact.ts";
import type { Definition } from "./op-definitions.ts";
import type { Lane } from "./op-lane.ts";
import { magnitude, putLanes, putScale, range } from "./op-memory.ts";

/** The published integer functions a second time, formula by formula, in unbounded integers. */

type Of<D extends { readonly fields: object }> = Definition<{ readonly [K in keyof D["fields"]]: number }>;

const big = BigInt;
const least = (a: bigint, b: bigint): bigint => (a < b ? a : b);
const most = (a: bigint, b: bigint): bigint => (a > b ? a : b);
const absolute = (x: bigint): bigint => most(x, -x);

/** gemmlowp's fixed-point numbers of one word width. */
class Word {
  readonly bits: number;
  readonly top: bigint;

  constructor(bits: number) {
    this.bits = bits;
    this.top = 2n ** big(bits - 1) - 1n;
  }

  /** A constant of 31 fraction bits, in this word. */
  constant(c: bigint): bigint {
    return exactRoundingDivide(c, 32 - this.bits);
  }

  multiply(a: bigint, b: bigint): bigint {
    if (this.bits === 32) return exactDoublingHigh(a, b);
    return least(exactRoundShift(a * b, 15, "half-up"), this.top);
  }

  /** The same value with fewer integer bits, at the nearest end where it does not fit. */
  rescale(x: bigint, integerBits: number): bigint {
    return exactSaturate(x * 2n ** big(integerBits), this.bits, true);
  }

  /** exp(q), -1/4 <= q < 0. */
  #expOfQuarter(q: bigint): bigint {
    const x = q + 2n ** big(this.bits - 4);
    const x2 = this.multiply(x, x);
    const x3 = this.multiply(x2, x);
    const x4 = this.multiply(x2, x2);
    const inner = this.multiply(exactRoundingDivide(x4, 2) + x3, this.constant(715827883n)) + x2;
    const eighth = this.constant(1895147668n);
    return least(eighth + this.multiply(eighth, x + exactRoundingDivide(inner, 1)), this.top);
  }

  /** exp(a), a <= 0. */
  exp(a: bigint, integerBits: number): bigint {
    const fraction = this.bits - 1 - integerBits;
    if (a === 0n) return this.top;
    if (a < -32n * 2n ** big(fraction)) return 0n;
    const quarter = 2n ** big(fraction - 2);
    const q = (((a % quarter) + quarter) % quarter) - quarter;
    const factors = [1672461947n, 1302514674n, 790015084n, 290630308n, 39332535n, 720401n, 242n];
    return factors.reduce(
      (r, c, i) => {
        const isTaken = i - 2 < integerBits && ((q - a) / (quarter * 2n ** big(i))) % 2n === 1n;
        return isTaken ? this.multiply(r, this.constant(c)) : r;
      },
      this.#expOfQuarter(this.rescale(q, integerBits)),
    );
  }

  /** 2 / (1 + x), two integer bits, 0 <= x <= 1. */
  twiceReciprocal(x: bigint): bigint {
    const half = (x + this.top + 1n) / 2n;
    let y = this.constant(1515870810n) + this.multiply(half, this.constant(-1010580540n));
    for (let step = 0; step < 3; step++) {
      const missing = 2n ** big(this.bits - 3) - this.multiply(half, y);
      y += this.rescale(this.multiply(y, missing), 2);
    }
    return y;
  }

  logistic(x: bigint, integerBits: number): bigint {
    if (x === 0n) return 2n ** big(this.bits - 2);
    const upper = this.rescale(this.twiceReciprocal(this.exp(-absolute(x), integerBits)), 1);
    return x > 0n ? upper : this.top - upper;
  }

  tanh(x: bigint, integerBits: number): bigint {
    if (x === 0n) return 0n;
    const ratio = this.twiceReciprocal(this.exp(-absolute(x), integerBits + 1));
    const upper = this.rescale(ratio - 2n ** big(this.bits - 3), 2);
    return x > 0n ? upper : -upper;
  }
}

const W32 = new Word(32);

/** Zeros before the leading one of 32 bits. */
const leadingZeros = (v: bigint): number => 32 - v.toString(2).length;

interface Mantissa {
  readonly mantissa: bigint;
  readonly exponent: number;
}

function reciprocal(v: bigint): Mantissa {
  let lead = most(v, 1n);
  let dropped = 0;
  for (; lead >= 2n ** 32n; dropped++) lead /= 2n;
  const zeros = leadingZeros(lead);
  const mantissa = W32.rescale(W32.twiceReciprocal(lead * 2n ** big(zeros) - 2n ** 31n), 1);
  return { mantissa, exponent: 62 - zeros + dropped };
}

function inverseRoot(value: bigint): Mantissa {
  if (value <= 1n) return { mantissa: W32.top, exponent: 31 };
  let v = value;
  let s = 11;
  for (; v >= 2n ** 29n; s++) v /= 4n;
  const k = Math.floor((leadingZeros(v) - 1) / 2) - 1;
  s -= k;
  v *= 4n ** big(k);
  let x = 2n ** 28n;
  for (let step = 0; step < 5; step++) {
    const x3 = W32.rescale(W32.multiply(W32.multiply(x, x), x), 6);
    const half = exactRoundingDivide(v / 2n, 1);
    x = W32.rescale(W32.multiply(3n * 2n ** 27n, x) - W32.multiply(half, x3), 3);
  }
  x = W32.multiply(x, 1518500250n);
  return s < 0 ? { mantissa: x * 2n ** big(-s), exponent: 31 } : { mantissa: x, exponent: 31 + s };
}

interface Rows {
  readonly a: number;
  readonly b: number;
  readonly aBits: number;
  readonly groups: number;
  readonly n: number;
}

function differences(x: Rows, lane: Lane): bigint[] {
  const b = lane.activations(32, x.b, x.groups);
  return lane.activations(x.aBits, x.a, x.groups * x.n).map((code, i) => code - b[Math.floor(i / x.n)]!);
}

/** What is taken off a row: any code of it, or any word at all. */
const putTaken = (x: Rows, s: Parameters<typeof putLanes>[0], rng: () => number): void =>
  putLanes(s, 32, x.b, x.groups, () => {
    const half = 2 ** (x.aBits - 1);
    return pick(rng, [half - 1, within(rng, -half, half - 1), within(rng, -1, 1) * magnitude(rng, 31)]);
  });

const elementary = (
  of: (word: Word, x: bigint, integerBits: number) => bigint,
): Of<typeof functions.tanh> => ({
  given: (rng) => ({ bits: pick(rng, [16, 32]) }),
  prepare: (x, s, rng) =>
    putLanes(s, x.bits, x.src, x.n, () => {
      const any = magnitude(rng, x.bits - 1);
      return pick(rng, [any, -any, -any - 1]);
    }),
  results: (x, lane) => [
    lane.activations(x.bits, x.src, x.n).map((code) => of(new Word(x.bits), code, x.integerBits)),
  ],
});

const newton = (of: (v: bigint) => Mantissa): Of<typeof functions.rsqrtByNewton> => ({
  prepare: (x, s, rng) => putLanes(s, 48, x.src, x.n, () => magnitude(rng, 47) - (rng() < 0.1 ? 2 ** 20 : 0)),
  results(x, lane) {
    const values = lane.activations(48, x.src, x.n).map(of);
    return [values.map(({ mantissa }) => mantissa), values.map(({ exponent }) => big(exponent))];
  },
});

/** The value at d on lines between the entries, as the height of 16 fraction bits and `bits` more. */
function height(entries: readonly bigint[], d: bigint, bits: bigint, flat: bigint): bigint {
  const a = absolute(d);
  const step = 2n ** bits;
  const u = a / step;
  if (u >= 255n) return flat * step;
  const [from, to] = [entries[Number(u)]!, entries[Number(u) + 1]!];
  return from * step + (a % step) * (to - from);
}

const floored = (x: bigint, shift: number): bigint => exactRoundShift(x, shift, "floor");

const sigmoidAt = (entries: readonly bigint[], d: bigint): bigint => {
  const r = height(entries, d, 9n, 2n * 0x7fffn);
  return floored(d >= 0n ? r + 512n : 2n ** 25n - r + 511n, 10);
};

const tanhAt = (entries: readonly bigint[], d: bigint): bigint => {
  const r = height(entries, d, 8n, 0xffffn);
  return floored(d >= 0n ? r - 2n ** 23n + 128n : -r + 2n ** 23n + 127n, 8);
};

/** On entries that rise by 1, many results lie halfway. */
const TIES = { factor: 128, shift: 0, inBits: 9 };

/** The definitions of src/isa/ops/functions.ts and mirrored.ts. */
export const FUNCTION_DEFINITIONS: {
  readonly exp: Of<typeof functions.exp>;
  readonly logistic: Of<typeof functions.logistic>;
  readonly tanh: Of<typeof functions.tanh>;
  readonly "reciprocal.newton": Of<typeof functions.reciprocalByNewton>;
  readonly "rsqrt.newton": Of<typeof functions.rsqrtByNewton>;
  readonly mirrored: Of<typeof mirrored>;
  readonly "exp.poly": Of<typeof functions.polynomialExponential>;
  readonly "gelu.poly": Of<typeof functions.gelu>;
} = {
  exp: {
    given: (rng) => ({
      limit: pick(rng, [-(2 ** 31), -magnitude(rng, 17), -magnitude(rng, 9), within(rng, -1, 1)]),
    }),
    prepare(x, s, rng) {
      putTaken(x, s, rng);
      putScale(s, x.scale, rng, x.aBits + 1, 32);
    },
    results(x, lane) {
      const scale = lane.scale(x.scale);
      const ys = differences(x, lane).map((far) => {
        const difference = exactSaturate(far, 32, true);
        if (difference < big(x.limit)) return 0n;
        const scaled = exactSaturate(lane.requantize(difference, scale), 32, true);
        return W32.exp(least(scaled, 0n), 5);
      });
      return [ys];
    },
  },

  logistic: elementary((word, x, integerBits) => word.logistic(x, integerBits)),
  tanh: elementary((word, x, integerBits) => word.tanh(x, integerBits)),

  "reciprocal.newton": newton(reciprocal),
  "rsqrt.newton": newton(inverseRoot),

  mirrored: {
    given(rng) {
      const any = { factor: pick(rng, [3, 3 * 2 ** within(rng, 0, 8), 1 + magnitude(rng, 19)]) };
      return pick<Readonly<Record<string, number>>>(rng, [any, any, TIES]);
    },
    prepare(x, s, rng) {
      const { offset, bits, count } = mirroredBlock().arrays.entry;
      const put = (entries: ArrayLike<number>) =>
        s.write(
          "table",
          bits,
          x.table + offset,
          Array.from(entries, (entry) => entry - 2 ** 15),
        );
      if (x.factor === TIES.factor) put(range(count).map((i) => 2 ** 15 + i));
      else if (rng() < 0.7) put(mirroredSigmoid()); // and otherwise any codes, of which some are saturated
    },
    results(x, lane) {
      const entries = lane.table(x.table, mirroredBlock().arrays.entry).map((code) => code + 2n ** 15n);
      const ys = lane.activations(x.inBits, x.src, x.n).map((code) => {
        const d = exactRoundShift(code * big(x.factor), x.shift, "half-up");
        return lane.saturate(x.odd === 1 ? tanhAt(entries, d) : sigmoidAt(entries, d), 16);
      });
      return [ys];
    },
  },

  "exp.poly": {
    given(rng) {
      // 0.3585 (p + 1.353)² + 0.344 on a grid of 1 / n, or anything.
      const n = 2 ** within(rng, 1, 9);
      const at = (real: number, unit: number) => Math.max(1, Math.round(real * unit));
      const grid = { log2: at(Math.LN2, n), ca: 1, cb: at(1.353, n), cc: at(0.344 / 0.3585, n * n) };
      return pick<Readonly<Record<string, number>>>(rng, [grid, { ...grid, ca: 1 + magnitude(rng, 14) }, {}]);
    },
    prepare: putTaken,
    results(x, lane) {
      const lowest = 1n - 2n ** big(x.aBits);
      const ys = differences(x, lane).map((difference) => {
        const t = most(least(difference, 0n), lowest);
        const z = least(-t / big(x.log2), 31n);
        const p = t + z * big(x.log2);
        const y = big(x.ca) * (p + big(x.cb)) ** 2n + big(x.cc);
        return lane.saturate(floored(y, Number(z)), 32);
      });
      return [ys];
    },
  },

  "gelu.poly": {
    given(rng) {
      const bend = 1 + magnitude(rng, 12);
      return pick<Readonly<Record<string, number>>>(rng, [
        { cb: bend, one: Math.round(1.106 * bend * bend) },
        {},
      ]);
    },
    results(x, lane) {
      const ys = lane.activations(x.aBits, x.src, x.n).map((code) => {
        const value = code - big(x.aZero);
        const q = least(absolute(value), big(x.cb));
        const sign = value > 0n ? 1n : value < 0n ? -1n : 0n;
        const erf = sign * (big(x.one) - (q - big(x.cb)) ** 2n);
        return lane.saturate(value * floored(big(x.one) + erf, 1), 32);
      });
      return [ys];
    },
  },
};
