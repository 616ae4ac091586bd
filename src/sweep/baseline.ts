import { type ArchSpec, hashArch } from "../arch/spec.ts";
import { InputError } from "../base/errors.ts";
import { hashOf } from "../base/hash.ts";
import { Recent } from "../base/recent.ts";
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

/** The same job in floats, on equal terms. */
interface FloatJob extends ArrayShape {
  /** Loading tables and resident weights, once. */
  readonly loadCycles: number;
  /** Weights, embeddings, biases and tables as the machine loads them. */
  readonly modelBytes: number;
  readonly residentWeightBytes: number;
  /** Memories that had to grow to hold the wider values, by the factor that they grew by. */
  readonly grown: Readonly<Partial<Record<Memory, number>>>;
}

/** Before it is known how often its stages run. */
interface FloatTiming extends FloatJob {
  /** Cycles of each size's stages. */
  readonly stages: readonly (readonly [size: number, cycles: readonly number[]])[];
}

export interface FloatCost extends FloatJob {
  /** Everything after the load, for as many invocations as the integer job's. */
  readonly warmCycles: number;
}

/** On an array of as many elements as the integer machine's, and on one of the area of its MACs. */
interface OnArrays<T> {
  readonly equalArray: T;
  readonly equalArea: T;
}
export type FloatTimings = Readonly<Record<BaselineName, OnArrays<FloatTiming>>>;
export type FloatCosts = Readonly<Record<BaselineName, OnArrays<FloatCost>>>;

/** What so many runs cost. */
export function floatCosts(timings: FloatTimings, runs: readonly Runs[]): FloatCosts {
  const costs = BASELINES.map((float) => {
    const { equalArray, equalArea } = timings[float];
    return [float, { equalArray: costOf(equalArray, runs), equalArea: costOf(equalArea, runs) }] as const;
  });
  return Object.fromEntries(costs) as FloatCosts;
}

function costOf({ stages, ...job }: FloatTiming, runs: readonly Runs[]): FloatCost {
  const cyclesOf = new Map(stages);
  let warmCycles = 0;
  for (const { size, turns } of runs) {
    for (const [s, cycles] of cyclesOf.get(size)!.entries()) warmCycles += turns[s]! * cycles;
  }
  return { ...job, warmCycles };
}

const MEMORIES = ["weight", "activation", "table"] as const;
type Memory = (typeof MEMORIES)[number];

/** A compiled float model, on a machine whose memories hold it. */
interface Fitted {
  readonly machine: ArchSpec;
  readonly job: Job;
  readonly grown: FloatJob["grown"];
}

/** Compiled and timed float models by what they depend on: recipes of other widths, and machines of other roundings, share them. */
const jobs = new Recent<Fitted>(8);
const timed = new Recent<FloatTiming>(2000);

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

  /** The same program beside a machine, on an array of each of the two sizes. */
  timings(arch: ArchSpec): FloatTimings {
    const timings = BASELINES.map((float) => {
      const machine = baselineMachine(arch, float);
      const key = hashOf([this.#models[float].key, hashArch(machine)]);
      const on = (shape: ArrayShape) =>
        timed.recall(hashOf([key, shape]), () =>
          timingOf(
            jobs.recall(key, () => this.#fit(float, machine)),
            shape,
          ),
        );
      const shape = { rows: arch.settings["mac.rows"], columns: arch.settings["mac.columns"] };
      return [float, { equalArray: on(shape), equalArea: on(equalAreaShape(arch.settings, float)) }] as const;
    });
    return Object.fromEntries(timings) as FloatTimings;
  }

  /** Compiles; a memory that is too small for the wider values is doubled until it is not. */
  #fit(float: BaselineName, wanted: ArchSpec): Fitted {
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

function timingOf({ machine, job, grown }: Fitted, shape: ArrayShape): FloatTiming {
  const size = { "mac.rows": shape.rows, "mac.columns": shape.columns };
  const arch = { ...machine, settings: { ...machine.settings, ...size } };
  const cycles = (program: Program): number => time(program, arch).cycles;
  const { residentWeightBytes } = job;
  return {
    ...{ rows: shape.rows, columns: shape.columns },
    loadCycles: cycles(job.load),
    stages: [...job.stages].map(([size, some]) => [size, some.map(({ program }) => cycles(program))]),
    modelBytes: modelBytes(job.image),
    residentWeightBytes,
    grown,
  };
}

/** A widened model's identity: of an array, its length and which one it is. */
const shapeOf = (model: unknown): string =>
  JSON.stringify(model, (_, value) => (ArrayBuffer.isView(value) ? arrayOf(value) : value));

const arrayOf = (array: ArrayBufferView): readonly number[] => {
  const { length, 0: first } = array as Int32Array | Float64Array;
  return [length, first ?? 0];
};
