import { type ArchSpec, hashArch } from "../arch/spec.ts";
import { InputError } from "../base/errors.ts";
import { hashOf } from "../base/hash.ts";
import type { Program } from "../isa/program.ts";
import { type ArrayShape, BASELINES, type BaselineName, equalAreaShape } from "../machine/area.ts";
import { BASELINE_BITS, baselineMachine } from "../machine/baseline.ts";
import { time } from "../machine/timing.ts";
import { type Job, modelBytes } from "../model/job.ts";
import type { Compile } from "./mapped.ts";

/** How often inputs of a size ran each of its stages. */
export interface Runs {
  readonly size: number;
  readonly turns: readonly number[];
}

/** What the same job costs in floats, on equal terms. */
export interface FloatCost extends ArrayShape {
  /** Loading tables and resident weights, once. */
  readonly loadCycles: number;
  /** Everything after the load, for as many invocations as the integer job's. */
  readonly warmCycles: number;
  /** Weights, embeddings, biases and tables as the machine loads them. */
  readonly modelBytes: number;
  readonly residentWeightBytes: number;
  /** Memories that had to grow to hold the wider values, by the factor that they grew by. */
  readonly grown: Readonly<Partial<Record<Memory, number>>>;
}

/** An array of as many elements as the integer machine's, and one of the area of its MACs. */
export type FloatCosts = {
  readonly [K in BaselineName]: { readonly equalArray: FloatCost; readonly equalArea: FloatCost };
};

const MEMORIES = ["weight", "activation", "table"] as const;
type Memory = (typeof MEMORIES)[number];

/** A compiled float model, on a machine whose memories hold it. */
interface FloatJob {
  readonly machine: ArchSpec;
  readonly job: Job;
  readonly grown: FloatCost["grown"];
}

/** Cycles of a job's programs. */
interface FloatCycles {
  readonly load: number;
  /** Of each size's stages. */
  readonly stages: ReadonlyMap<number, readonly number[]>;
}

/** Compiled and timed float models by what they depend on. They are never forgotten: a process meets a handful. */
const jobs = new Map<string, FloatJob>();
const timed = new Map<string, FloatCycles>();

/**
 * The float counterparts of a model: the program of the integer model with operands of 32 or 16 bits, compiled
 * anew, so that what stays on chip is decided at that width. A pure function of the model's shape and the machine.
 */
export class FloatModels<Q> {
  readonly #compile: Compile<Q>;
  readonly #models: Readonly<Record<BaselineName, { readonly model: Q; readonly key: string }>>;

  /**
   * @param widen     the model of a width
   * @param compiled  identity of what `compile` goes by beside the model's shape and the machine: which model, sizes of inputs, mapper
   */
  constructor(widen: (bits: number) => Q, compile: Compile<Q>, compiled: unknown) {
    const widened = (float: BaselineName) => {
      const model = widen(BASELINE_BITS[float]);
      return { model, key: hashOf([float, shapeOf(model), compiled]) };
    };
    this.#compile = compile;
    this.#models = { fp32: widened("fp32"), fp16: widened("fp16") };
  }

  /** The cost of these runs beside a machine: the same program on an array of each of the two sizes. */
  costs(arch: ArchSpec, runs: readonly Runs[]): FloatCosts {
    const costs = BASELINES.map((float) => {
      const machine = baselineMachine(arch, float);
      const key = hashOf([this.#models[float].key, hashArch(machine)]);
      const compiled = recall(jobs, key, () => this.#fit(float, machine));
      const shape = { rows: arch.settings["mac.rows"], columns: arch.settings["mac.columns"] };
      const equalArray = costOf(compiled, key, shape, runs);
      const equalArea = costOf(compiled, key, equalAreaShape(arch.settings, float), runs);
      return [float, { equalArray, equalArea }] as const;
    });
    return Object.fromEntries(costs) as FloatCosts;
  }

  /** Compiles; a memory that is too small for the wider values is doubled until it is not. */
  #fit(float: BaselineName, wanted: ArchSpec): FloatJob {
    const grown: Partial<Record<Memory, number>> = {};
    for (let machine = wanted; ; ) {
      try {
        return { machine, job: this.#compile(this.#models[float].model, machine), grown };
      } catch (error) {
        const memory = MEMORIES.find((one) => error instanceof InputError && error.key === `${one}.bytes`);
        if (memory === undefined) throw error;
        grown[memory] = 2 * (grown[memory] ?? 1);
        const field = `${memory}.bytes` as const;
        machine = { ...machine, settings: { ...machine.settings, [field]: 2 * machine.settings[field] } };
      }
    }
  }
}

function costOf(compiled: FloatJob, key: string, shape: ArrayShape, runs: readonly Runs[]): FloatCost {
  const { job, grown } = compiled;
  const { load, stages } = recall(timed, hashOf([key, shape]), () => cyclesOf(compiled, shape));
  let warmCycles = 0;
  for (const { size, turns } of runs) {
    for (const [s, cycles] of stages.get(size)!.entries()) warmCycles += turns[s]! * cycles;
  }
  const { residentWeightBytes } = job;
  return {
    ...shape,
    loadCycles: load,
    warmCycles,
    modelBytes: modelBytes(job.image),
    residentWeightBytes,
    grown,
  };
}

function recall<K, T>(known: Map<K, T>, key: K, make: () => T): T {
  let value = known.get(key);
  if (value === undefined) {
    value = make();
    known.set(key, value);
  }
  return value;
}

function cyclesOf({ machine, job }: FloatJob, { rows, columns }: ArrayShape): FloatCycles {
  const arch = { ...machine, settings: { ...machine.settings, "mac.rows": rows, "mac.columns": columns } };
  const cycles = (program: Program): number => time(program, arch).cycles;
  const stages = [...job.stages].map(
    ([size, some]) => [size, some.map(({ program }) => cycles(program))] as const,
  );
  return { load: cycles(job.load), stages: new Map(stages) };
}

/** A widened model's identity: of an array, its length and which one it is. */
const shapeOf = (model: unknown): string =>
  JSON.stringify(model, (_, value) => (ArrayBuffer.isView(value) ? arrayOf(value) : value));

const arrayOf = (array: ArrayBufferView): readonly number[] => {
  const { length, 0: first } = array as Int32Array | Float64Array;
  return [length, first ?? 0];
};
