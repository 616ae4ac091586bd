import { bench, describe } from "vitest";
import { REQUANT_ROUNDINGS } from "../src/fixed/requant.ts";
import { matmulScratchBytes, NO_MIRROR, PWL_SCRATCH_BYTES } from "../src/simd/kernels.ts";
import { loadKernels } from "../src/simd/load.ts";
import { Heap } from "../src/simd/memory.ts";

// Rates follow from the work that a call does: divide it by the mean time.
const [M, K, LANES] = [384, 288, 64];
const MACS = M * K * LANES;
const ELEMENTS = 384;
const COUNT = ELEMENTS * LANES;
const PIECES = 16;

/** `n` elements of a container, a fixed pattern of codes. */
function filled(heap: Heap, bytes: number, n: number): number {
  const at = heap.allocate(bytes * n);
  const view = bytes === 1 ? heap.int8(at, n) : bytes === 2 ? heap.int16(at, n) : heap.int32(at, n);
  for (let i = 0; i < n; i++) view[i] = i * 0x9e37 + 11;
  return at;
}

function constant(heap: Heap, n: number, value: number): number {
  const at = heap.allocate(4 * n);
  heap.int32(at, n).fill(value);
  return at;
}

for (const bytes of [1, 2] as const) {
  for (const accBytes of [4, 8] as const) {
    describe(`matmul int${8 * bytes}, ${accBytes}-byte accumulators: ${MACS / 1e6} MMAC`, () => {
      for (const name of ["simd", "twin"] as const) {
        const { memory, kernels } = loadKernels(name);
        const heap = new Heap(memory);
        const w = filled(heap, bytes, M * K);
        const x = filled(heap, bytes, K * LANES);
        const acc = heap.allocate(accBytes * M * LANES);
        const scratch = heap.allocate(matmulScratchBytes(K, LANES, M));
        bench(name, () => kernels.matmul(w, bytes, K, x, bytes, acc, accBytes, M, K, LANES, 0, scratch));
      }
    });
  }
}

for (const mode of ["half-away", "tflite-double", "float32"] as const) {
  const rounding = REQUANT_ROUNDINGS.indexOf(mode);
  const bits = mode === "float32" ? 23 : 30;
  describe(`requant, ${mode}: ${COUNT / 1e3} thousand elements`, () => {
    for (const name of ["simd", "twin"] as const) {
      const { memory, kernels } = loadKernels(name);
      const heap = new Heap(memory);
      const acc = filled(heap, 4, COUNT);
      const out = heap.allocate(COUNT);
      const bias = constant(heap, ELEMENTS, 1000);
      const multiplier = constant(heap, ELEMENTS, 2 ** bits + 12_345);
      const shift = constant(heap, ELEMENTS, bits + 25);
      const sat = heap.allocate(4 * LANES);
      const tail = [bias, multiplier, shift, 3, -128, 127, rounding, sat] as const;
      bench(name, () => kernels.requant(acc, 4, out, 1, ELEMENTS, LANES, ...tail));
    }
  });
}

describe(`add int16: ${COUNT / 1e3} thousand elements`, () => {
  for (const name of ["simd", "twin"] as const) {
    const { memory, kernels } = loadKernels(name);
    const heap = new Heap(memory);
    const [a, b] = [filled(heap, 2, COUNT), filled(heap, 2, COUNT)];
    const out = heap.allocate(2 * COUNT);
    const sat = heap.allocate(4 * LANES);
    const left = [a, 2, 0, 20_000, 16] as const;
    const right = [b, 2, 0, 30_000, 16, ELEMENTS, 1] as const;
    bench(name, () => kernels.add(...left, ...right, out, 2, ELEMENTS, LANES, 0, -32_768, 32_767, 0, sat));
  }
});

describe(`multiply int16: ${COUNT / 1e3} thousand elements`, () => {
  for (const name of ["simd", "twin"] as const) {
    const { memory, kernels } = loadKernels(name);
    const heap = new Heap(memory);
    const [a, b] = [filled(heap, 2, COUNT), filled(heap, 2, COUNT)];
    const out = heap.allocate(2 * COUNT);
    const sat = heap.allocate(4 * LANES);
    const inputs = [a, 2, 0, b, 2, 0, ELEMENTS] as const;
    bench(name, () =>
      kernels.multiply(...inputs, out, 2, ELEMENTS, LANES, 1, 15, 0, -32_768, 32_767, 0, sat),
    );
  }
});

for (const drop of [0, 10]) {
  describe(`affine int16, drop ${drop}: ${COUNT / 1e3} thousand elements`, () => {
    for (const name of ["simd", "twin"] as const) {
      const { memory, kernels } = loadKernels(name);
      const heap = new Heap(memory);
      const a = filled(heap, 2, COUNT);
      const gain = constant(heap, ELEMENTS, 12_345);
      const bias = heap.allocate(8 * ELEMENTS);
      const out = heap.allocate(2 * COUNT);
      const sat = heap.allocate(4 * LANES);
      const [m, s] = drop === 0 ? [40_000, 30] : [2 ** 30 + 1, 35];
      const inputs = [a, 2, 0, gain, bias, ELEMENTS, drop] as const;
      bench(name, () => kernels.affine(...inputs, out, 2, ELEMENTS, LANES, m, s, 0, -32_768, 32_767, 0, sat));
    }
  });
}

describe(`rowScale int16: ${COUNT / 1e3} thousand elements`, () => {
  for (const name of ["simd", "twin"] as const) {
    const { memory, kernels } = loadKernels(name);
    const heap = new Heap(memory);
    const a = filled(heap, 2, COUNT);
    const mantissa = constant(heap, LANES, 2 ** 30 + 1);
    const shift = constant(heap, LANES, 31);
    const out = heap.allocate(2 * COUNT);
    const sat = heap.allocate(4 * LANES);
    const inputs = [a, 2, 0, mantissa, shift, 1, ELEMENTS, LANES] as const;
    bench(name, () => kernels.rowScale(...inputs, out, 2, 0, -32_768, 32_767, 0, sat));
  }
});

/** Shifts of the pieces, fraction bits of the offsets, and whether half of the codes are mirrored. */
const TABLES = {
  plain: { shifts: 12, fraction: 0, inSum: NO_MIRROR },
  "offsets with fractions": { shifts: 12, fraction: 8, inSum: NO_MIRROR },
  "shifts for each piece": { shifts: 27, fraction: 0, inSum: NO_MIRROR },
  mirrored: { shifts: 12, fraction: 0, inSum: 0 },
};

for (const bytes of [1, 2] as const) {
  for (const [what, { shifts, fraction, inSum }] of Object.entries(TABLES)) {
    describe(`pwl int${8 * bytes}, ${PIECES} pieces, ${what}: ${COUNT / 1e3} thousand elements`, () => {
      for (const name of ["simd", "twin"] as const) {
        const { memory, kernels } = loadKernels(name);
        const heap = new Heap(memory);
        const a = filled(heap, bytes, COUNT);
        const out = heap.allocate(bytes * COUNT);
        const knots = heap.allocate(4 * PIECES);
        const span = 2 ** (8 * bytes);
        heap.int32(knots, PIECES).set(Array.from({ length: PIECES }, (_, i) => (i / PIECES - 0.5) * span));
        const base = constant(heap, PIECES, 5);
        const slope = constant(heap, PIECES, 1000);
        const shift = constant(heap, PIECES, 12);
        heap.int32(shift, PIECES)[0] = shifts;
        const sat = heap.allocate(4 * LANES);
        const scratch = heap.allocate(PWL_SCRATCH_BYTES);
        const lines = [PIECES, knots, base, slope, shift, fraction, inSum, 0] as const;
        const tail = [-span / 2, span / 2 - 1, 0, sat, scratch] as const;
        bench(name, () => kernels.pwl(a, bytes, out, bytes, ELEMENTS, LANES, ...lines, ...tail));
      }
    });
  }
}
