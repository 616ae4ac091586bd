import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { InputError } from "../base/errors.ts";
import { writeWhole } from "../base/files.ts";
import { readText } from "../base/yaml.ts";
import { readSafetensors, type Tensor } from "../model/safetensors.ts";
import { safetensorsOf } from "../model/safetensors-writer.ts";
import type { Parameters } from "./parameters.ts";

/** What a training is to go on from, beside arrays. Dropout is a function of seed and step, so no generator has a state. */
const progress = z.strictObject({
  /** Digest of what may not differ between the run that wrote it and the one that goes on. */
  task: z.string(),
  /** Steps that are done. */
  step: z.int().min(0),
  /** Sum of the losses of the steps of the epoch that is under way. */
  lossSum: z.number(),
  /** Of each epoch that is over: mean training loss, and validation loss. */
  training: z.array(z.number()),
  validation: z.array(z.number()),
});

export type TrainingProgress = z.infer<typeof progress>;

const stateFile = z.strictObject({ ...progress.shape, tensors: z.string() });

/** Arrays of a checkpoint beside the parameters: states carried over, and the best weights so far. */
export type Extras = ReadonlyMap<string, Tensor>;

const PLANES = ["value", "first", "second"] as const;

/** Where a training keeps what it needs to go on. */
export class Checkpoint {
  readonly #folder: string;
  readonly #path: string;

  constructor(folder: string) {
    this.#folder = folder;
    this.#path = join(folder, "checkpoint.json");
  }

  /** Whether there is one. */
  exists(): boolean {
    return existsSync(this.#path);
  }

  /** Written whole or not at all: the state, written last, names its arrays; those of the state before go only then. */
  write(state: TrainingProgress, parameters: Parameters, extras: Extras): void {
    const old = this.exists() ? this.#read().tensors : undefined;
    const tensors = `checkpoint-${state.step}.safetensors`;
    const all = new Map(extras);
    for (const { name, shape } of parameters.specs) {
      for (const plane of PLANES) {
        all.set(`${plane}/${name}`, { dtype: "F32", shape, data: parameters.values(name, plane) });
      }
    }
    writeWhole(join(this.#folder, tensors), safetensorsOf(all));
    writeWhole(this.#path, `${JSON.stringify({ ...state, tensors }, undefined, 2)}\n`);
    if (old !== undefined && old !== tensors) rmSync(join(this.#folder, old), { force: true });
  }

  /**
   * Fills the parameters and their moments; gives the rest.
   * @throws InputError where files are damaged or belong to another task
   */
  restore(
    task: string,
    parameters: Parameters,
  ): { readonly state: TrainingProgress; readonly extras: Extras } {
    const { tensors, ...state } = this.#read();
    if (state.task !== task) {
      throw new InputError(this.#path, "was written by a training of another recipe, seed or length");
    }
    const path = join(this.#folder, tensors);
    const all = readSafetensors(path);
    for (const plane of PLANES) parameters.fill(plane, path, (name) => all.get(`${plane}/${name}`));
    return {
      state,
      extras: new Map([...all].filter(([name]) => !PLANES.some((p) => name.startsWith(`${p}/`)))),
    };
  }

  #read(): z.infer<typeof stateFile> {
    let json: unknown;
    try {
      json = JSON.parse(readText(this.#path));
    } catch (error) {
      if (error instanceof SyntaxError) throw new InputError(this.#path, `is not JSON: ${error.message}`);
      throw error;
    }
    const parsed = stateFile.safeParse(json);
    if (parsed.success) return parsed.data;
    const problems = parsed.error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`);
    throw new InputError(this.#path, problems.join("; "));
  }
}
