import { defineOp, sizeOf } from "../define.ts";

export const affine = defineOp<{ readonly factor: number; readonly offset: number }>({
  name: "affine",
  doc: "y = factor x + offset, both constants",
  shape: ([x]) => x!,
  forward({ inputs: [x], settings, out }, { engine: { kernels } }) {
    kernels.affine(x!.at, out.at, sizeOf(out), settings.factor, settings.offset);
  },
  backward({ inputs: [x], settings, out }, { engine: { kernels } }) {
    kernels.move(out.gradient, 0, x!.gradient, 0, 1, sizeOf(out), settings.factor, 1);
  },
});

export const sigmoid = defineOp<Record<string, never>>({
  name: "sigmoid",
  doc: "y = 1 / (1 + e^-x)",
  shape: ([x]) => x!,
  forward({ inputs: [x], out }, { engine: { kernels } }) {
    kernels.sigmoid(x!.at, out.at, sizeOf(out));
  },
  backward({ inputs: [x], out }, { engine: { kernels } }) {
    kernels.sigmoidBack(out.at, out.gradient, x!.gradient, sizeOf(out));
  },
});

export const tanh = defineOp<Record<string, never>>({
  name: "tanh",
  doc: "y = tanh x",
  shape: ([x]) => x!,
  forward({ inputs: [x], out }, { engine: { kernels } }) {
    kernels.tanh(x!.at, out.at, sizeOf(out));
  },
  backward({ inputs: [x], out }, { engine: { kernels } }) {
    kernels.tanhBack(out.at, out.gradient, x!.gradient, sizeOf(out));
  },
});

export const sum = defineOp<Record<string, never>>({
  name: "sum",
  doc: "y = the sum of all elements of x, taken in double precision",
  shape: () => ({ rows: 1, columns: 1 }),
  forward({ inputs: [x], out }, { engine }) {
    engine.floats(out.at, 1)[0] = engine.kernels.sum(x!.at, sizeOf(x!));
  },
  backward({ inputs: [x], out }, { engine: { kernels } }) {
    // A step of 0 reads the one gradient for each element.
    kernels.move(out.gradient, 0, x!.gradient, 1, sizeOf(x!), 1, 1, 1);
  },
});
