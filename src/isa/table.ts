import type { OpDef } from "./define.ts";
import { clamp, convert } from "./ops/convert.ts";
import { fetch, gather, loadTable, loadWeight, store } from "./ops/dma.ts";
import {
  exp,
  gelu,
  logistic,
  polynomialExponential,
  reciprocalByNewton,
  rsqrtByNewton,
  tanh,
} from "./ops/functions.ts";
import { lanemul } from "./ops/lanemul.ts";
import { matmul } from "./ops/matmul.ts";
import { mirrored } from "./ops/mirrored.ts";
import { move } from "./ops/move.ts";
import { pwl, reciprocal, rsqrt } from "./ops/pwl.ts";
import {
  argmax,
  center,
  div,
  isqrt,
  max,
  normalize,
  rowscale,
  sum,
  sumabs,
  sumsq,
  variance,
} from "./ops/reduce.ts";
import { requant, requantpwl } from "./ops/requant.ts";
import { average, moments } from "./ops/statistics.ts";
import { add, affine, fill, larger, min, mul, rescale, sub } from "./ops/vector.ts";

/** The instruction set. Adding an operation is a record in ops/ and a name here. */
export const ops = [
  ...[loadWeight, loadTable, fetch, store, gather],
  ...[matmul, lanemul],
  ...[requant, requantpwl],
  ...[pwl, rsqrt, reciprocal],
  ...[add, sub, mul, min, larger, affine, rescale, fill, move],
  ...[convert, clamp, rowscale, moments, average],
  ...[sum, sumsq, sumabs, max, argmax, variance, isqrt, center, normalize, div],
  ...[exp, logistic, tanh, reciprocalByNewton, rsqrtByNewton, mirrored, polynomialExponential, gelu],
] as const satisfies readonly OpDef[];

export type OpName = (typeof ops)[number]["name"];

export const byName: ReadonlyMap<string, OpDef> = indexBy((def) => def.name);
export const byCode: ReadonlyMap<number, OpDef> = indexBy((def) => def.code);

function indexBy<K>(key: (def: OpDef) => K): ReadonlyMap<K, OpDef> {
  const map = new Map<K, OpDef>();
  for (const def of ops as readonly OpDef[]) {
    const clash = map.get(key(def));
    if (clash) throw new Error(`${def.name} and ${clash.name} share ${String(key(def))}`);
    map.set(key(def), def);
  }
  return map;
}
