import type { Mantissa } from "../../fixed/newton.ts";
import type { MachineState } from "../state.ts";
import { WIDE_BITS, WORD_BITS } from "../widths.ts";

/** Operands of an operation that gives each of `n` wide values as a mantissa and an exponent, both words. */
interface Operands {
  readonly dst: number;
  readonly exponent: number;
  readonly src: number;
  readonly n: number;
}

/** Computes mantissa and exponent of every value, in all lanes. */
export function runMantissas(x: Operands, s: MachineState, evaluate: (value: number) => Mantissa): void {
  const elements = x.n * s.lanes;
  // Pointers may grow the memory, so all of them come before the views.
  const [mantissa, exponent] = [x.dst, x.exponent].map((at) => s.pointer("activation", WORD_BITS, at));
  const values = s.heap.float64(s.pointer("activation", WIDE_BITS, x.src), elements);
  const mantissas = s.heap.int32(mantissa!, elements);
  const exponents = s.heap.int32(exponent!, elements);
  for (let i = 0; i < elements; i++) {
    const result = evaluate(values[i]!);
    mantissas[i] = result.mantissa;
    exponents[i] = result.exponent;
  }
}
