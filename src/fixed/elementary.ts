import { roundingDivideByPowerOfTwo, roundingDoublingHighMultiply } from "./requant.ts";

/**
 * exp, 1/(1 + x), the logistic function and tanh by integer multiplications and shifts: a Taylor
 * polynomial and a product of constants for the first, Newton's division for the second, and the other
 * two made of these. The arithmetic is gemmlowp's, to the bit (fixedpoint/fixedpoint.h).
 *
 * Qi.f is i integer and f fraction bits beside the sign. Q0 has no 1: its largest code stands for it.
 */

/** The arithmetic of one word width. Constants of 16 bits are those of 32 bits rounded. */
interface Word {
  readonly bits: 16 | 32;
  /** The largest code; 1 in Q0. */
  readonly top: number;
  /** Doubling high multiply: of formats with i and j integer bits, one with i + j. */
  readonly multiply: (a: number, b: number) => number;
  /** exp(-1/8) and 1/3, in Q0. */
  readonly expEighth: number;
  readonly third: number;
  /** exp(-2^k) for k = -2 … 4, in Q0. */
  readonly expPowers: readonly number[];
  /** 48/17 and -32/17, in Q2: the line nearest to 1/h over h = 1/2 … 1. */
  readonly lineBase: number;
  readonly lineSlope: number;
}

const WORD32: Word = {
  bits: 32,
  top: 2 ** 31 - 1,
  multiply: roundingDoublingHighMultiply,
  expEighth: 1895147668,
  third: 715827883,
  expPowers: [1672461947, 1302514674, 790015084, 290630308, 39332535, 720401, 242],
  lineBase: 1515870810,
  lineSlope: -1010580540,
};

const narrow = (constant: number): number => roundingDivideByPowerOfTwo(constant, 16);

const WORD16: Word = {
  bits: 16,
  top: 2 ** 15 - 1,
  multiply: roundingDoublingHighMultiply16,
  expEighth: narrow(WORD32.expEighth),
  third: narrow(WORD32.third),
  expPowers: WORD32.expPowers.map(narrow),
  lineBase: narrow(WORD32.lineBase),
  lineSlope: narrow(WORD32.lineSlope),
};

/** The most integer bits that an argument may have. */
const MAX_INTEGER_BITS = 6;

/**
 * High half of twice the product of two 16-bit integers: a · b / 2^15, ties up. The one product that
 * does not fit, of -2^15 with itself, gives 2^15 - 1.
 */
export function roundingDoublingHighMultiply16(a: number, b: number): number {
  const high = (a * b + 0x4000) >> 15;
  return high === 0x8000 ? 0x7fff : high;
}

/**
 * exp(x) for x <= 0. Q5.26 in 32 bits to Q0.31. Error below 2^-22.
 *
 * @param x  integer in -2^31 … 0; RangeError otherwise
 */
export function expNegative(x: number): number {
  if (!(x <= 0 && x >= -(2 ** 31))) throw new RangeError(`${x} is not a negative argument of 32 bits`);
  return expOf(x, 5, WORD32);
}

/**
 * 1 / (1 + x) for 0 <= x <= 1. Q0.31 to Q0.31. Error below 2^-28.
 *
 * @param x  integer in 0 … 2^31 - 1; RangeError otherwise
 */
export function reciprocalOnePlus(x: number): number {
  if (!(x >= 0 && x < 2 ** 31)) throw new RangeError(`${x} is not a positive argument of 32 bits`);
  return liftTo(twiceReciprocal(x, WORD32), 2, WORD32);
}

/**
 * 1 / (1 + exp(-x)). A word with `integerBits` integer bits to one with none. Error below 6.8 · 2^-15 in
 * 16 bits, 2^-23 in 32.
 *
 * @param x            integer of `bits` bits
 * @param integerBits  integer in 0 … 6; RangeError otherwise
 */
export function logistic(x: number, integerBits: number, bits: 16 | 32): number {
  const word = checkedWord(x, integerBits, bits);
  if (x === 0) return (word.top + 1) / 2;
  const positive = liftTo(twiceReciprocal(expOf(x < 0 ? x : -x, integerBits, word), word), 2, word);
  return x > 0 ? positive : word.top - positive;
}

/**
 * tanh(x). A word with `integerBits` integer bits to one with none. Error below 12.1 · 2^-15 in 16 bits,
 * 2^-22 in 32.
 *
 * @param x            integer of `bits` bits
 * @param integerBits  integer in 0 … 6; RangeError otherwise
 */
export function tanh(x: number, integerBits: number, bits: 16 | 32): number {
  const word = checkedWord(x, integerBits, bits);
  if (x === 0) return 0;
  // (1 - e) / (1 + e) with e = exp(-2 |x|) is 2 / (1 + e) - 1; doubling only moves the point.
  const e = expOf(x < 0 ? x : -x, integerBits + 1, word);
  const magnitude = liftTo(twiceReciprocal(e, word) - (word.top + 1) / 4, 4, word);
  // 0 - 0 is +0, where -0 would be negative zero.
  return x > 0 ? magnitude : 0 - magnitude;
}

function checkedWord(x: number, integerBits: number, bits: 16 | 32): Word {
  const word = bits === 16 ? WORD16 : WORD32;
  if (!(x >= -word.top - 1 && x <= word.top)) throw new RangeError(`${x} is not an argument of ${bits} bits`);
  if (!Number.isInteger(integerBits) || integerBits < 0 || integerBits > MAX_INTEGER_BITS) {
    throw new RangeError(`an argument has 0 … ${MAX_INTEGER_BITS} integer bits, not ${integerBits}`);
  }
  return word;
}

/** exp(x) for x <= 0 with `integerBits` integer bits, in Q0. */
function expOf(x: number, integerBits: number, word: Word): number {
  if (x === 0) return word.top;
  const fraction = word.bits - 1 - integerBits;
  if (integerBits > 5 && x < -32 << fraction) return 0;
  const quarter = 1 << (fraction - 2);
  // x = q - rest, q from -1/4 below 0, rest a sum of powers of two from 1/4 up.
  const q = (x & (quarter - 1)) - quarter;
  const rest = q - x;
  const { multiply, expPowers } = word;
  let result = expOfQuarter(liftTo(q, 1 << integerBits, word), word);
  const powers = Math.min(integerBits + 2, expPowers.length);
  for (let k = 0; k < powers; k++) {
    if (rest & (quarter << k)) result = multiply(result, expPowers[k]!);
  }
  return result;
}

/** exp(q) for -1/4 <= q < 0, both Q0: five terms around -1/8. */
function expOfQuarter(q: number, word: Word): number {
  const { multiply, expEighth, third } = word;
  const x = q + (word.top + 1) / 8;
  const x2 = multiply(x, x);
  const x3 = multiply(x2, x);
  const x4 = multiply(x2, x2);
  const high = multiply(roundingDivideByPowerOfTwo(x4, 2) + x3, third) + x2;
  const sum = expEighth + multiply(expEighth, x + roundingDivideByPowerOfTwo(high, 1));
  return Math.min(sum, word.top);
}

/** 2 / (1 + x) for 0 <= x <= 1, Q0 to Q2: Newton's steps on 1 / h for the half sum h = (1 + x) / 2. */
function twiceReciprocal(x: number, word: Word): number {
  const { multiply, lineBase, lineSlope } = word;
  const quarter = (word.top + 1) / 4;
  const h = (x >> 1) + 2 * quarter;
  let y = lineBase + multiply(h, lineSlope);
  for (let step = 0; step < 3; step++) y += liftTo(multiply(y, quarter - multiply(h, y)), 4, word);
  return y;
}

/** x · factor, at the nearest end where the word does not hold it. */
function liftTo(x: number, factor: number, word: Word): number {
  return Math.min(Math.max(x * factor, -word.top - 1), word.top);
}
