import { ceilDiv } from "../fixed/round.ts";

const BITS_PER_DIGIT = 4;

/**
 * Codes as Verilog's `$readmemh` reads them: one a line, lowest address first, in two's complement of `bits` bits,
 * sign-extended to whole hexadecimal digits. The first line is a comment that says so.
 *
 * @param bits  2 … 48
 * @throws RangeError for a code that does not fit `bits` bits
 */
export function toHex(codes: ArrayLike<number>, bits: number): string {
  const digits = ceilDiv(bits, BITS_PER_DIGIT);
  const span = 2 ** (BITS_PER_DIGIT * digits);
  const limit = 2 ** (bits - 1);
  const lines = [`// ${codes.length} codes of ${bits} bits, two's complement`];
  for (let i = 0; i < codes.length; i++) {
    const code = codes[i]!;
    if (!Number.isInteger(code) || code < -limit || code >= limit)
      throw new RangeError(`code ${i}: ${code} is no code of ${bits} bits`);
    lines.push((code < 0 ? code + span : code).toString(16).padStart(digits, "0"));
  }
  return `${lines.join("\n")}\n`;
}
