import { argmax } from "../../isa/ops/reduce.ts";
import type { Address, Builder, Tensor } from "../builder.ts";

/** The index of the first largest code, 16 bits, at `dst`. */
export function lowerArgmax(b: Builder, input: Tensor, dst: Address): void {
  b.emit(argmax, { dst, a: input.at, n: input.length, aBits: input.grid.format.bits });
}
