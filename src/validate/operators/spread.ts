import type { ArchSpec } from "../../arch/spec.ts";
import { ceilDiv } from "../../fixed/round.ts";
import type { Builder, Tensor } from "../../kernels/builder.ts";
import { codesOf, execute } from "../bench.ts";

/** Lanes that a machine computes for one inference as for all of them. */
const LANES = 16;

/** Codes of an operand, `each` of them to an element. */
export interface Elements {
  readonly codes: ArrayLike<number>;
  readonly bits: number;
  readonly each?: number;
}

/**
 * The result of every element, which depends on no other. Elements are spread over the machine's lanes.
 *
 * @param lower  emits the instructions for `n` elements and gives their results, one to an element
 */
export function spread(
  arch: ArchSpec,
  operands: readonly Elements[],
  lower: (b: Builder, operands: readonly Tensor[], n: number) => Tensor,
): number[] {
  const [{ codes: first, each: per = 1 }] = operands as readonly [Elements];
  const total = first.length / per;
  const n = ceilDiv(total, LANES);
  // Behind the last element the last lanes repeat it.
  const lanes = Array.from({ length: LANES }, (_, lane) =>
    operands.map(({ codes, each = 1 }) =>
      Array.from({ length: n * each }, (_, i) => {
        const part = i % each;
        return codes[Math.min(lane * n * each + i, (total - 1) * each + part)]!;
      }),
    ),
  );
  const results = execute(
    arch,
    {
      inputs: operands.map(({ bits, each = 1 }) => ({ grid: codesOf(bits), length: each, count: n })),
      lower: (b, tensors) => [lower(b, tensors, n)],
    },
    lanes,
  );
  return results.flatMap(([y]) => y!).slice(0, total);
}
