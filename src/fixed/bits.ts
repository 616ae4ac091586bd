/**
 * Fields of an instruction word: unsigned, packed without gaps, the first in the lowest bits.
 * Words are wider than doubles are exact, so here and only here integers are BigInt.
 */

/** An unsigned value and the width it is given. */
interface BitField {
  readonly value: number | bigint;
  readonly bits: number;
}

/** The word that holds the fields. RangeError where a value is not an integer in 0 … 2^bits - 1. */
export function packBits(fields: readonly BitField[]): bigint {
  let word = 0n;
  let at = 0n;
  for (const { value, bits } of fields) {
    const width = checkedWidth(bits);
    if (typeof value === "number" && !Number.isSafeInteger(value)) {
      throw new RangeError(`${value} is not a safe integer`);
    }
    const code = BigInt(value);
    if (code < 0n || code >> width !== 0n)
      throw new RangeError(`${value} does not fit ${bits} bits unsigned`);
    word |= code << at;
    at += width;
  }
  return word;
}

/**
 * The fields of a word, lowest first, each of at most 53 bits. Bits above the last field are not read.
 * RangeError for a wider field or a negative word.
 */
export function unpackBits(word: bigint, widths: readonly number[]): number[] {
  if (word < 0n) throw new RangeError(`${word} is not an unsigned word`);
  let rest = word;
  return widths.map((bits) => {
    const width = checkedWidth(bits);
    if (bits > 53) throw new RangeError(`a field of ${bits} bits is wider than a number holds exactly`);
    const code = BigInt.asUintN(bits, rest);
    rest >>= width;
    return Number(code);
  });
}

function checkedWidth(bits: number): bigint {
  if (!Number.isSafeInteger(bits) || bits < 0) throw new RangeError(`a field cannot be ${bits} bits wide`);
  return BigInt(bits);
}
