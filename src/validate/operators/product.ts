import type { ArchSpec } from "../../arch/spec.ts";
import type { Scale } from "../../fixed/requant.ts";
import { clamp } from "../../isa/ops/convert.ts";
import { lanemul } from "../../isa/ops/lanemul.ts";
import { requant } from "../../isa/ops/requant.ts";
import { type Builder, rowOf, type Tensor } from "../../kernels/builder.ts";
import { lowerLinear } from "../../kernels/linear/lower.ts";
import type { QLinear } from "../../kernels/linear/quantize.ts";
import { codesOf, execute } from "../bench.ts";

/** Codes of an operand, and the code that stands for 0. */
export interface Codes {
  readonly codes: ArrayLike<number>;
  readonly bits: number;
  readonly zero: number;
}

/** Where a result goes: its width, its zero point, and the activation range it is clamped to, where there is one. */
export interface Result {
  readonly bits: number;
  readonly zero: number;
  readonly range?: readonly [lo: number, hi: number];
}

/** y[M][N] = x[M][K] · w[N][K] + bias[N], zero points taken off, requantized. */
export interface FullyConnected {
  readonly m: number;
  readonly k: number;
  readonly n: number;
  readonly x: Codes;
  readonly w: Codes;
  readonly bias?: ArrayLike<number>;
  /** One for all outputs, or one for each. */
  readonly scales: readonly Scale[];
  readonly result: Result;
}

/** A layer with constant weights, as the kernel `linear` lowers it. */
export function fullyConnected(arch: ArchSpec, op: FullyConnected): number[] {
  const { m, k, n, x, result } = op;
  const weights = lessZero(op.w);
  // The array multiplies raw activation codes: what their zero point adds is in the bias.
  const bias = Float64Array.from({ length: n }, (_, row) => {
    let sum = 0;
    for (let i = 0; i < k; i++) sum += weights.codes[row * k + i]!;
    return (op.bias?.[row] ?? 0) - x.zero * sum;
  });
  const input = codesOf(x.bits, x.zero);
  const q: QLinear = {
    rows: n,
    parts: [{ weights: { rows: n, columns: k, ...weights }, input }],
    bias,
    scales: op.scales,
    output: codesOf(result.bits, result.zero),
  };
  const [lane] = execute(
    arch,
    {
      inputs: [{ grid: input, length: k, count: m }],
      matrices: q.parts.map((part) => part.weights),
      lower(b, [vectors]) {
        const output = b.map.tensor(q.output, n, m);
        lowerLinear(b, q, [vectors!], output);
        return [clamped(b, output, result)];
      },
    },
    [[x.codes]],
  );
  return lane![0]!;
}

/** Weights less their zero point: one bit wider where they have one, as the multiplier's operand then is. */
export function lessZero({ codes, bits, zero }: Codes) {
  if (zero === 0) return { codes: Int32Array.from(codes), bits };
  return { codes: Int32Array.from(codes, (code) => code - zero), bits: bits + 1 };
}

/** y[b][M][N] = x[b][M][K] · w[b][K][N], both of them activations. */
export interface BatchMatmul {
  readonly m: number;
  readonly k: number;
  readonly n: number;
  /** A product for each: a batch is a lane of the machine. */
  readonly batches: readonly { readonly x: ArrayLike<number>; readonly w: ArrayLike<number> }[];
  readonly x: Omit<Codes, "codes">;
  readonly w: Omit<Codes, "codes">;
  readonly scale: Scale;
  readonly result: Result;
}

export function batchMatmul(arch: ArchSpec, op: BatchMatmul): number[] {
  const { m, k, n, x, w, result } = op;
  const operand = ({ bits, zero }: Omit<Codes, "codes">) => codesOf(bits, zero);
  const lanes = execute(
    arch,
    {
      inputs: [
        { grid: operand(x), length: k, count: m },
        { grid: operand(w), length: n, count: k },
      ],
      lower(b, [vectors, matrix]) {
        const output = b.map.tensor(codesOf(result.bits, result.zero), n, m);
        const scales = b.image.channels(new Array<number>(n).fill(0), [op.scale]);
        for (let row = 0; row < m; row++) {
          // Rows take turns in the accumulators, so that one is requantized while the next is summed.
          const acc = (row % 2) * n;
          b.emit(lanemul, {
            ...{ a: matrix!.at, x: rowOf(vectors!, row).at, acc, m: n, k },
            ...{ aBits: w.bits, xBits: x.bits, aZero: w.zero, xZero: x.zero },
          });
          b.emit(requant, {
            ...{ dst: rowOf(output, row).at, acc, m: n, n: 1, scales, perChannel: 0 },
            ...{ bits: result.bits, zero: result.zero },
          });
        }
        return [clamped(b, output, result)];
      },
    },
    op.batches.map((batch) => [batch.x, batch.w]),
  );
  return lanes.flatMap(([y]) => y!);
}

/** The tensor within the result's range, where it has one narrower than its width. */
export function clamped(b: Builder, tensor: Tensor, { bits, range }: Result): Tensor {
  if (range === undefined) return tensor;
  const [lo, hi] = range;
  const n = tensor.length * tensor.count;
  b.emit(clamp, { dst: tensor.at, a: tensor.at, n, bits, lo, hi });
  return tensor;
}
