import type { ArchSpec } from "../../src/arch/spec.ts";
import type { Grid } from "../../src/fixed/real.ts";
import type { Builder, Tensor } from "../../src/kernels/builder.ts";
import { expectSameInts } from "../support/ints.ts";
import { Bench, compile, flat } from "./harness.ts";

/** A kernel of one operand whose integers are given, rather than quantized from floats. */
export interface Given {
  readonly input: Grid;
  readonly output: Grid;
  exact(row: Int32Array): Int32Array;
  lower(b: Builder, input: Tensor, output: Tensor): void;
}

/** What machine and plain loops, which must agree, make of these rows. */
export function bothOf(given: Given, rows: readonly (readonly number[])[], arch: ArchSpec): number[] {
  const { input, output } = given;
  const codes = rows.map((row) => Int32Array.from(row));
  const q = {
    ...{ inputs: [input], output, matrices: [] },
    exact: ([xs]: readonly (readonly Int32Array[])[]) => xs!.map((x) => given.exact(x)),
    lower(b: Builder, [tensor]: readonly Tensor[]): Tensor {
      const result = b.map.tensor(output, tensor!.length, tensor!.count);
      given.lower(b, tensor!, result);
      return result;
    },
  };
  const got = new Bench(compile({ q, arch, codes: [[codes]] }), arch, 1).run([[codes]]).codes[0]!;
  expectSameInts(got, flat(q.exact([codes])), arch.name);
  return [...got];
}
