import { InputError } from "../base/errors.ts";
import { hashOf } from "../base/hash.ts";
import { roundReal } from "../fixed/real.ts";
import { floorDiv } from "../fixed/round.ts";
import type { Tensor as StoredTensor } from "../model/safetensors.ts";
import { Checkpoint, type TrainingProgress } from "./checkpoint.ts";
import { type Run, sizeOf, type Tensor } from "./define.ts";
import type { Engine } from "./engine.ts";
import { type AdamSettings, adamStep } from "./optimizer.ts";
import type { Parameters } from "./parameters.ts";
import { type RateSettings, rateAt } from "./schedule.ts";

/** What decides a training, beside the model, its data and the seed. */
export interface Recipe {
  readonly doc: string;
  /** Passes over the data, fractions too. */
  readonly epochs: number;
  readonly rate: RateSettings;
  readonly adam: AdamSettings;
}

/** A model with the data that it learns from. Everything it does is a function of both and of the seed. */
export interface Subject {
  readonly recipe: Recipe;
  readonly seed: number;
  /** Digest of whatever else decides a training. */
  readonly data: string;
  readonly engine: Engine;
  readonly parameters: Parameters;
  readonly stepsPerEpoch: number;
  /** What a step leaves to the next one of its epoch beside the parameters, by the names it has in a checkpoint. */
  readonly carried: readonly (readonly [string, Tensor])[];
  /** To be called before the first step of an epoch (from 0), and when one is resumed. */
  start(epoch: number): void;
  /** Adds the gradients of a step of the epoch (from 0) to the parameters' cleared ones. @returns the mean loss, in nats */
  step(index: number, run: Run): number;
  /** The mean loss on the validation data, in nats. */
  validate(): number;
  /** What weights are worth, each figure by its name. @throws InputError naming `where` for tensors that do not fit */
  measure(weights: ReadonlyMap<string, StoredTensor>, where: string): Readonly<Record<string, number>>;
}

export interface Training {
  /** Where the training is kept, if it is to outlive the process. */
  readonly checkpoints?: {
    readonly folder: string;
    /** Whether to go on from the folder's, if there is one. */
    readonly resume: boolean;
    /** Steps from one to the next, beside one at the end of each epoch. */
    readonly every: number;
  };
  readonly onProgress?: (done: number, total: number, label: string) => void;
}

export interface Outcome {
  /** The weights of the epoch with the least validation loss. */
  readonly weights: ReadonlyMap<string, StoredTensor>;
  /** Perplexities of each epoch: while it trained (with dropout), and on the validation data after it. */
  readonly epochs: readonly { readonly training: number; readonly validation: number }[];
}

/** Perplexity of a mean loss in nats. */
export const perplexity = (loss: number): number => Math.exp(loss);

/** Trains by Adam; the same bytes wherever it was interrupted and resumed. */
export const train = (subject: Subject, training: Training): Outcome => new Trainer(subject, training).run();

const BEST = "best/";

class Trainer {
  readonly #subject: Subject;
  readonly #training: Training;
  readonly #checkpoint: Checkpoint | undefined;
  readonly #steps: number;
  #state: TrainingProgress;
  #best = new Map<string, StoredTensor>();

  constructor(subject: Subject, training: Training) {
    const { recipe, seed, data, stepsPerEpoch } = subject;
    this.#subject = subject;
    this.#training = training;
    this.#checkpoint = training.checkpoints && new Checkpoint(training.checkpoints.folder);
    this.#steps = roundReal(recipe.epochs * stepsPerEpoch, "ceiling");
    const task = hashOf({ recipe, seed, data });
    this.#state = { task, step: 0, lossSum: 0, training: [], validation: [] };
  }

  run(): Outcome {
    const subject = this.#subject;
    const { checkpoints, onProgress } = this.#training;
    if (checkpoints?.resume && this.#checkpoint!.exists()) this.#resume(this.#checkpoint!);
    while (this.#state.step < this.#steps) {
      const index = this.#state.step % subject.stepsPerEpoch;
      if (index === 0) subject.start(floorDiv(this.#state.step, subject.stepsPerEpoch));
      this.#step(index);
      const { step } = this.#state;
      const isOver = index === subject.stepsPerEpoch - 1 || step === this.#steps;
      if (isOver) this.#endEpoch();
      if (checkpoints && (isOver || step % checkpoints.every === 0)) this.#save();
      onProgress?.(step, this.#steps, this.#label());
    }
    const epochs = this.#state.training.map((loss, i) => ({
      training: perplexity(loss),
      validation: perplexity(this.#state.validation[i]!),
    }));
    return { weights: this.#best, epochs };
  }

  #step(index: number): void {
    const { engine, parameters, recipe, seed } = this.#subject;
    const step = this.#state.step + 1;
    parameters.clearGradients();
    const loss = this.#subject.step(index, { engine, training: true, seed, step });
    const { validation } = this.#state;
    adamStep(
      engine,
      parameters,
      recipe.adam,
      rateAt(recipe.rate, { step, steps: this.#steps, validation }),
      step,
    );
    this.#state = { ...this.#state, step, lossSum: this.#state.lossSum + loss };
  }

  #endEpoch(): void {
    const { lossSum, training, validation } = this.#state;
    const loss = this.#subject.validate();
    if (validation.every((earlier) => loss < earlier)) this.#keepBest();
    this.#state = {
      ...this.#state,
      lossSum: 0,
      training: [...training, lossSum / this.#stepsSince()],
      validation: [...validation, loss],
    };
  }

  #keepBest(): void {
    const { parameters } = this.#subject;
    for (const { name, shape } of parameters.specs) {
      this.#best.set(name, { dtype: "F32", shape, data: parameters.values(name, "value").slice() });
    }
  }

  #save(): void {
    const extras = new Map<string, StoredTensor>();
    for (const [name, tensor] of this.#best) extras.set(`${BEST}${name}`, tensor);
    for (const [name, part] of this.#subject.carried) {
      const data = this.#subject.engine.floats(part.at, sizeOf(part));
      extras.set(name, { dtype: "F32", shape: [part.rows, part.columns], data });
    }
    this.#checkpoint!.write(this.#state, this.#subject.parameters, extras);
  }

  #resume(checkpoint: Checkpoint): void {
    const { state, extras } = checkpoint.restore(this.#state.task, this.#subject.parameters);
    this.#state = state;
    for (const [name, tensor] of extras) {
      if (name.startsWith(BEST)) this.#best.set(name.slice(BEST.length), tensor);
    }
    this.#subject.start(floorDiv(state.step, this.#subject.stepsPerEpoch));
    for (const [name, part] of this.#subject.carried) {
      const found = extras.get(name);
      if (found?.data.length !== sizeOf(part)) {
        throw new InputError(
          this.#training.checkpoints!.folder,
          `its checkpoint has no ${name} of this model`,
        );
      }
      this.#subject.engine.floats(part.at, sizeOf(part)).set(found.data);
    }
  }

  /** Steps since the last validation. */
  #stepsSince(): number {
    return this.#state.step - this.#state.training.length * this.#subject.stepsPerEpoch;
  }

  #label(): string {
    const { lossSum, training, validation } = this.#state;
    const since = validation.length * this.#subject.stepsPerEpoch < this.#state.step ? this.#stepsSince() : 0;
    const loss = since > 0 ? lossSum / since : training.at(-1)!;
    const best =
      validation.length > 0 ? `, validation ${perplexity(Math.min(...validation)).toFixed(2)}` : "";
    const epoch = validation.length + (since > 0 ? 1 : 0);
    return `epoch ${epoch}, perplexity: training ${perplexity(loss).toFixed(2)}${best}`;
  }
}
