import type { ArchSpec } from "../arch/spec.ts";
import { hashOf } from "../base/hash.ts";
import { maxOf, minOf } from "../fixed/format.ts";
import { decode, encodeAll, type Grid } from "../fixed/real.ts";
import type { Issued, Shown } from "../isa/program.ts";
import { type QLinear, realWeights } from "../kernels/linear/quantize.ts";
import { Legal } from "../machine/legal.ts";
import { Machine, type Observer } from "../machine/machine.ts";
import { runnableOf, type Stage } from "../model/job.ts";
import type { Model } from "../model/model.ts";
import type { Tensor as StoredTensor } from "../model/safetensors.ts";
import type { Ranges } from "../quant/grid.ts";
import type { Recipe as Arithmetic } from "../quant/recipe.ts";
import type { Backend } from "../simd/load.ts";
import { sizeOf, type Tensor, type Within } from "./define.ts";
import type { Engine } from "./engine.ts";
import { type ParameterSpec, Parameters } from "./parameters.ts";
import type { Lead } from "./tape.ts";
import type { Recipe } from "./trainer.ts";

/** How a model becomes integers, and what computes with them. */
interface Target {
  readonly recipe: Arithmetic;
  readonly arch: ArchSpec;
}

/** The rows of one turn of one site, in a tape's memory. */
interface Block {
  readonly at: number;
  readonly columns: number;
  readonly within: { lo: number; hi: number };
}

/**
 * The forward pass of a tape by a machine that runs the compiled model: not an imitation of its arithmetic, but that itself. A
 * lane of the machine is a row of each step. What the programs show at a site, one vector after the other, fills what the tape
 * took at that site, one block of `batch` rows after the other.
 */
export class MachineLead implements Lead {
  readonly #engine: Engine;
  readonly #batch: number;
  readonly #taken = new Map<string, Block[]>();
  readonly #filled = new Map<string, number>();

  constructor(engine: Engine, batch: number) {
    this.#engine = engine;
    this.#batch = batch;
  }

  take(site: string, { rows, columns, at }: Tensor): Within {
    const blocks = this.#taken.get(site) ?? [];
    const within = { lo: Number.NEGATIVE_INFINITY, hi: Number.POSITIVE_INFINITY };
    for (let row = 0; row < rows; row += this.#batch)
      blocks.push({ at: at + 4 * row * columns, columns, within });
    this.#taken.set(site, blocks);
    return within;
  }

  /** Who watches the programs of one forward pass, from the first to the last. */
  watch({ state }: Machine): Observer {
    this.#filled.clear();
    return {
      before() {},
      after: ({ shows }: Issued) => {
        for (const shown of shows ?? []) this.#fill(shown, state);
      },
    };
  }

  /** @throws Error unless every block was filled: the programs are not those that the tape is made for */
  expectFilled(): void {
    for (const [site, blocks] of this.#taken) {
      const filled = this.#filled.get(site) ?? 0;
      if (filled !== blocks.length)
        throw new Error(`the machine showed ${filled} vectors at ${site}, not ${blocks.length}`);
    }
  }

  #fill({ site, at, length, count, grid }: Shown, state: Machine["state"]): void {
    const blocks = this.#taken.get(site);
    if (blocks === undefined) return;
    const first = this.#filled.get(site) ?? 0;
    this.#filled.set(site, first + count);
    const codes = state.view("activation", grid.format.bits, at, length * count);
    for (let v = 0; v < count; v++) {
      const block = blocks[first + v];
      if (block === undefined) continue; // expectFilled tells
      if (block.columns !== length)
        throw new Error(`the machine shows ${length} codes at ${site}, not ${block.columns}`);
      Object.assign(block.within, reachOf(grid));
      this.#decode(codes, v * length, state.lanes, block, grid);
    }
  }

  #decode(
    codes: ArrayLike<number>,
    from: number,
    lanes: number,
    { at, columns }: Block,
    { scale, zero }: Grid,
  ): void {
    const batch = this.#batch;
    const values = this.#engine.floats(at, batch * columns);
    for (let i = 0; i < columns; i++) {
      const row = (from + i) * lanes;
      for (let lane = 0; lane < batch; lane++)
        values[lane * columns + i] = scale * (codes[row + lane]! - zero);
    }
  }
}

/** What rounds to a code without being cut. */
const reachOf = (grid: Grid): Within => ({
  lo: decode(minOf(grid.format), grid) - grid.scale / 2,
  hi: decode(maxOf(grid.format), grid) + grid.scale / 2,
});

/** A model whose ranges no longer move, and what it will run on. */
export interface Frozen<P, Q> {
  readonly model: Model<P, unknown, Q>;
  readonly ranges: Ranges;
  readonly target: Target;
}

/** Identity of all that the integers depend on beside the weights. */
export const hashOfTarget = ({ ranges, target: { recipe, arch } }: Frozen<unknown, unknown>): string =>
  hashOf({ ranges: ranges.toJSON(), recipe, arch: arch.settings });

/** A float model: where fine-tuning begins, and the teacher where it has one. */
export interface Start {
  readonly weights: ReadonlyMap<string, StoredTensor>;
  /** Their file. */
  readonly where: string;
}

/** The parameters of a float model. @throws InputError for weights that are not of these */
export function begunFrom(
  engine: Engine,
  specs: readonly ParameterSpec[],
  { weights, where }: Start,
): Parameters {
  const parameters = new Parameters(engine, specs, 0);
  parameters.load(weights, where);
  return parameters;
}

/** What decides a fine-tuning, beside what is fine-tuned. */
export interface Tuning extends Recipe {
  /** Rows of a step: lanes of the machine. */
  readonly batch: number;
  /** The float model's share of the targets, 0 … 1. */
  readonly distill: number;
  /** Steps from one validation to the next: what counts as an epoch. */
  readonly stretch: number;
  /** How much of the validation data is read each time. */
  readonly validationWords: number;
}

/** The weights of one moment, loaded into a machine. */
export interface Session {
  readonly machine: Machine;
  /** The stages of the one size that it was compiled for, by name. */
  readonly stages: ReadonlyMap<string, Stage>;
  /** Gives the parameters back their own values: until then they are what the machine's codes stand for. */
  readonly close: () => void;
}

/** Programs found legal. */
const known = new Map<string, boolean>();

/**
 * Quantizes the parameters as they are, compiles the model for inputs of one size, and loads it.
 *
 * @param layersOf  by the names of parameters, where their codes are
 * @param backend   of no session that is still open: a memory for each step would be more than the garbage collector keeps up with
 * @throws InputError where the model does not fit the machine
 */
export function sessionOf<P, Q>(
  { model, ranges, target: { recipe, arch } }: Frozen<P, Q>,
  parameters: Parameters,
  layersOf: (quantized: Q) => readonly (readonly [string, QLinear])[],
  { size, lanes, backend }: { readonly size: number; readonly lanes: number; readonly backend: Backend },
): Session {
  const params = model.load("the weights in training", parameters.tensors());
  const quantized = model.quantize(params, ranges, { recipe, arch: arch.settings });
  const job = model.compile(quantized, arch, [size]);
  const legal = Legal.of(arch, runnableOf(job), known);
  const machine = new Machine(legal, { lanes, backend });
  machine.run(job.load);
  const codes = layersOf(quantized).map(([name, layer]) => [name, realWeights(layer).data] as const);
  return {
    machine,
    stages: new Map(job.stages.get(size)!.map((stage) => [stage.name, stage])),
    close: parameters.lend(new Map(codes)),
  };
}

/** Sets a part of a stage's state, lane by lane, from the rows of a tensor. */
export function setState(machine: Machine, stage: Stage, name: string, engine: Engine, from: Tensor): void {
  const { at, grid } = stage.state![name]!;
  const values = engine.floats(from.at, sizeOf(from));
  for (let lane = 0; lane < from.rows; lane++) {
    const codes = encodeAll(values.subarray(lane * from.columns, (lane + 1) * from.columns), grid);
    machine.state.write("activation", grid.format.bits, at as number, codes, lane);
  }
}
