import { widenConv } from "../../kernels/conv/widen.ts";
import { Floats } from "../../kernels/floats.ts";
import { widenLinear } from "../../kernels/linear/widen.ts";
import { widenLstm } from "../../kernels/lstm/widen.ts";
import type { QSilero } from "./quantize.ts";

/** The model in floats of so many bits, for timing. */
export function widenSilero({ input, convs, cell, output }: QSilero, bits: number): QSilero {
  const floats = new Floats(bits);
  return {
    input: floats.grid(input),
    convs: convs.map((conv) => widenConv(conv, floats)),
    cell: widenLstm(cell, floats),
    output: widenLinear(output, floats),
  };
}
