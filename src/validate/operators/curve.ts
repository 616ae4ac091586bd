import type { ArchSpec } from "../../arch/spec.ts";
import { lowerActivation } from "../../kernels/activation/lower.ts";
import type { QActivation } from "../../kernels/activation/quantize.ts";
import { lowerSoftmax } from "../../kernels/softmax/lower.ts";
import type { QSoftmax } from "../../kernels/softmax/quantize.ts";
import { execute } from "../bench.ts";

/** A curve of every element. */
export function activation(arch: ArchSpec, q: QActivation, x: ArrayLike<number>): number[] {
  const n = x.length;
  const [lane] = execute(
    arch,
    {
      inputs: [{ grid: q.input, length: n, count: 1 }],
      lower(b, [tensor]) {
        const output = b.map.tensor(q.output, n);
        lowerActivation(b, q, tensor!, output);
        return [output];
      },
    },
    [[x]],
  );
  return lane![0]!;
}

/** Softmax of every row of x [rows][n]. */
export function softmax(arch: ArchSpec, q: QSoftmax, x: ArrayLike<number>, rows: number): number[] {
  const n = x.length / rows;
  const [lane] = execute(
    arch,
    {
      inputs: [{ grid: q.input, length: n, count: rows }],
      lower(b, [scores]) {
        const output = b.map.tensor(q.output, n, rows);
        lowerSoftmax(b, q, scores!, output);
        return [output];
      },
    },
    [[x]],
  );
  return lane![0]!;
}
