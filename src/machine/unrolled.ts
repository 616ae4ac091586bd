import { type Issued, type Program, unroll } from "../isa/program.ts";

/** A program's instructions as issued, the one list that function and clock read. */
export interface Unrolled {
  readonly issued: readonly Issued[];
  /** Operands that are issued more than once: those of instructions in a loop that moves none of their addresses. */
  readonly repeated: ReadonlySet<Issued["x"]>;
}

const known = new WeakMap<Program, Unrolled>();

/** `unroll`, remembered for as long as the program lives: it is the same on every architecture. */
export function unrolled(program: Program): Unrolled {
  const held = known.get(program);
  if (held !== undefined) return held;
  const issued = unroll(program);
  const seen = new Set<Issued["x"]>();
  const repeated = new Set<Issued["x"]>();
  for (const { x } of issued) (seen.has(x) ? repeated : seen).add(x);
  known.set(program, { issued, repeated });
  return { issued, repeated };
}
