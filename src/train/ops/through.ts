import { defineOp, sizeOf, type Within } from "../define.ts";

/** Not of the table: its values are none of x, so that no difference has its gradient. */
export const through = defineOp<Within>({
  name: "through",
  doc: "y is x on a grid, as somebody else computed it; the gradient is 1 where x is within the grid's range, 0 elsewhere",
  shape: ([x]) => x!,
  forward() {},
  backward({ inputs: [x], settings: { lo, hi }, out }, { engine: { kernels } }) {
    kernels.passWithin(x!.at, out.gradient, x!.gradient, sizeOf(out), lo, hi);
  },
});
