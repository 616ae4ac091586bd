import type { Settings } from "../../src/arch/fields.ts";
import { multiplierRate, type Product } from "../../src/isa/array.ts";

/** What an array gave, and in how many cycles: until its last multiplier is done. */
export interface Worked {
  readonly cycles: number;
  /** [n][m] */
  readonly sums: readonly (readonly number[])[];
}

interface Array2 {
  readonly rows: number;
  readonly columns: number;
  /** Products that a multiplier takes at once, and the cycles that it takes them for. */
  readonly s: number;
  readonly t: number;
  readonly isOverlapped: boolean;
}

/** An operand on its way: the fold that it belongs to, and the how manieth of it that it is. */
interface Operand {
  readonly fold: number;
  readonly e: number;
}

type Codes = readonly (readonly number[])[];

const grid = <T>({ rows, columns }: Array2, value: T): T[][] =>
  Array.from({ length: rows }, () => new Array<T>(columns).fill(value));

const parts = (whole: number, side: number): number => {
  let count = 0;
  for (let from = 0; from < whole; from += side) count++;
  return count;
};

/** Products of `s` terms from `from` on; beyond the end there are zeros. */
function dot(
  a: readonly number[] | undefined,
  b: readonly number[] | undefined,
  from: number,
  s: number,
): number {
  let sum = 0;
  for (let i = from; i < from + s; i++) sum += (a?.[i] ?? 0) * (b?.[i] ?? 0);
  return sum;
}

/** Lets the operands of a fold into the array: one every `t` cycles. */
class Feeder {
  fold = -1;
  #entered: number;
  #wait = 0;
  readonly #count: number;
  readonly #t: number;

  constructor(count: number, t: number) {
    this.#count = count;
    this.#entered = count;
    this.#t = t;
  }

  get isDone(): boolean {
    return this.#entered === this.#count && this.#wait === 0;
  }

  begin(): void {
    this.fold++;
    this.#entered = 0;
  }

  /** A cycle's operand, if it is one's turn. */
  step(): Operand | undefined {
    const isTurn = this.#entered < this.#count && this.#wait === 0;
    const operand = isTurn ? { fold: this.fold, e: this.#entered++ } : undefined;
    if (isTurn) this.#wait = this.#t;
    if (this.#wait > 0) this.#wait--;
    return operand;
  }
}

/**
 * A systolic array cycle by cycle that holds `held` [h][k], its terms along the rows, while `streamed` [e][k] passes from
 * left to right and sums go down, a register each. @returns sums [e][h]
 */
function stationary(held: Codes, streamed: Codes, k: number, array: Array2): Worked {
  const { rows, columns, s, t, isOverlapped } = array;
  const deep = parts(k, rows * s);
  const folds = deep * parts(held.length, columns);
  const sums = streamed.map(() => new Array<number>(held.length).fill(0));
  const feeder = new Feeder(streamed.length, t);
  let entry: (Operand | undefined)[] = new Array(rows).fill(undefined);
  let arriving = grid<Operand | undefined>(array, undefined);
  const jobs = grid<(Operand & { left: number }) | undefined>(array, undefined);
  const out = grid(array, 0);
  let loaded = 0;
  let cycles = 0;
  for (let done = 0; done < folds * streamed.length; cycles++) {
    const inside = [...entry.slice(0, -1), ...arriving.flatMap((row) => row.slice(0, -1)), ...jobs.flat()];
    const mayLoad = isOverlapped || (feeder.isDone && inside.every((one) => one === undefined));
    if (feeder.isDone && loaded === rows && mayLoad) {
      feeder.begin();
      loaded = 0;
    }
    // A row a cycle, into registers behind those in use.
    if (feeder.fold + 1 < folds && loaded < rows && (isOverlapped || feeder.isDone) && mayLoad) loaded++;
    entry = [feeder.step(), ...entry.slice(0, -1)];
    arriving = arriving.map((row, r) => [entry[r], ...row.slice(0, -1)]);
    for (let r = rows - 1; r >= 0; r--) {
      for (let c = 0; c < columns; c++) {
        const operand = arriving[r]![c];
        if (operand !== undefined) {
          if (jobs[r]![c] !== undefined) throw new Error(`multiplier ${r}, ${c} is given work in its work`);
          jobs[r]![c] = { ...operand, left: t };
        }
        const job = jobs[r]![c];
        if (job === undefined || --job.left > 0) continue;
        jobs[r]![c] = undefined;
        const [block, depth] = [Math.floor(job.fold / deep), job.fold % deep];
        const h = block * columns + c;
        const product = dot(held[h], streamed[job.e], (depth * rows + r) * s, s);
        out[r]![c] = (r > 0 ? out[r - 1]![c]! : 0) + product;
        if (r < rows - 1) continue;
        if (h < held.length) sums[job.e]![h]! += out[r]![c]!;
        if (c === columns - 1) done++;
      }
    }
  }
  return { cycles, sums };
}

/**
 * A systolic array cycle by cycle in which sums stay: `across` [h][k] passes from left to right, a row each, and `down`
 * [v][k] from above, a column each. @returns sums [h][v]
 */
function resident(across: Codes, down: Codes, k: number, array: Array2): Worked {
  const { rows, columns, s, t, isOverlapped } = array;
  const wide = parts(down.length, columns);
  const folds = parts(across.length, rows) * wide;
  const steps = parts(k, s);
  const sums = across.map(() => new Array<number>(down.length).fill(0));
  const feeder = new Feeder(steps, t);
  let left: (Operand | undefined)[] = new Array(rows).fill(undefined);
  let above: (Operand | undefined)[] = new Array(columns).fill(undefined);
  let fromLeft = grid<Operand | undefined>(array, undefined);
  let fromAbove = grid<Operand | undefined>(array, undefined);
  const jobs = grid<(Operand & { left: number }) | undefined>(array, undefined);
  const acc = grid(array, 0);
  /** Rows that the sums of the fold before have moved down and out. */
  let emptied = rows;
  let cycles = 0;
  for (let done = 0; done < folds; cycles++) {
    const inside = [...left.slice(0, -1), ...fromLeft.flatMap((row) => row.slice(0, -1)), ...jobs.flat()];
    const mayBegin = isOverlapped ? emptied >= rows : inside.every((one) => one === undefined);
    if (feeder.isDone && feeder.fold + 1 < folds && mayBegin) {
      feeder.begin();
      emptied = 0;
    }
    emptied++;
    const operand = feeder.step();
    left = [operand, ...left.slice(0, -1)];
    above = [operand, ...above.slice(0, -1)];
    fromLeft = fromLeft.map((row, r) => [left[r], ...row.slice(0, -1)]);
    fromAbove = [[...above], ...fromAbove.slice(0, -1)];
    for (let r = 0; r < rows; r++) {
      for (let c = 0; c < columns; c++) {
        const [a, b] = [fromLeft[r]![c], fromAbove[r]![c]];
        if (a !== b) throw new Error(`multiplier ${r}, ${c} is given operands that do not belong together`);
        if (a !== undefined) {
          if (jobs[r]![c] !== undefined) throw new Error(`multiplier ${r}, ${c} is given work in its work`);
          jobs[r]![c] = { ...a, left: t };
        }
        const job = jobs[r]![c];
        if (job === undefined || --job.left > 0) continue;
        jobs[r]![c] = undefined;
        const [h, v] = [Math.floor(job.fold / wide) * rows + r, (job.fold % wide) * columns + c];
        acc[r]![c]! += dot(across[h], down[v], job.e * s, s);
        if (job.e < steps - 1) continue;
        if (h < across.length && v < down.length) sums[h]![v] = acc[r]![c]!;
        acc[r]![c] = 0;
        if (r === rows - 1 && c === columns - 1) done++;
      }
    }
  }
  return { cycles, sums };
}

/** Adder trees cycle by cycle: one over the rows for each column, all fed with the terms of one vector. */
function trees(weights: Codes, vectors: Codes, k: number, { rows, columns, s, t }: Array2): Worked {
  const sums = vectors.map(() => new Array<number>(weights.length).fill(0));
  let cycles = 0;
  for (let block = 0; block < weights.length; block += columns) {
    for (let from = 0; from < k; from += rows * s) {
      for (const [j, vector] of vectors.entries()) {
        for (let step = 0; step < t; step++) cycles++;
        for (let m = block; m < Math.min(weights.length, block + columns); m++)
          sums[j]![m]! += dot(weights[m], vector, from, rows * s);
      }
    }
  }
  return { cycles, sums };
}

const transposed = (codes: Codes): number[][] => codes[0]!.map((_, i) => codes.map((row) => row[i]!));

/** The product of `weights` [m][k] and `vectors` [n][k] by an array of multipliers that are stepped cycle by cycle. */
export function worked(p: Product, weights: Codes, vectors: Codes, arch: Settings): Worked {
  const { products: s, cycles: t } = multiplierRate(p.weightBits, p.activationBits, arch);
  const [rows, columns] = [arch["mac.rows"], arch["mac.columns"]];
  const array = { rows, columns, s, t, isOverlapped: arch["mac.preload"] === "overlapped" };
  const turned = ({ cycles, sums }: Worked) => ({ cycles, sums: transposed(sums) });
  switch (arch["mac.dataflow"]) {
    case "weight-stationary":
      return stationary(weights, vectors, p.k, array);
    case "input-stationary":
      return turned(stationary(vectors, weights, p.k, array));
    case "output-stationary":
      return arch["mac.outputs"] === "rows"
        ? turned(resident(weights, vectors, p.k, array))
        : resident(vectors, weights, p.k, array);
    case "dot":
      return trees(weights, vectors, p.k, array);
  }
}
