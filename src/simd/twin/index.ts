import type { Kernels } from "../kernels.ts";
import type { Twin } from "./access.ts";
import { gather, pwl } from "./lookups.ts";
import { foldAccumulators, laneMatmul, matmul } from "./products.ts";
import { divide, normalize, rowScale } from "./quotients.ts";
import { argmax, reduce } from "./reductions.ts";
import { add, affine, maximum, minimum, multiply, requant, rescale } from "./scaling.ts";

const TWINS: { readonly [Name in keyof Kernels]: Twin<Name> } = {
  matmul,
  laneMatmul,
  foldAccumulators,
  requant,
  rescale,
  add,
  multiply,
  minimum,
  maximum,
  affine,
  reduce,
  normalize,
  divide,
  rowScale,
  pwl,
  gather,
  argmax,
};

/** The kernels as plain loops over the arithmetic of `fixed`: the fallback, and what the SIMD ones are held against. */
export function twinKernels(memory: WebAssembly.Memory): Kernels {
  const bound = Object.entries(TWINS).map(([name, run]) => [
    name,
    (run as (...args: unknown[]) => void).bind(undefined, memory),
  ]);
  return Object.fromEntries(bound) as Kernels;
}
