import seedrandom from "seedrandom";
import { InputError } from "../base/errors.ts";
import type { Tensor as StoredTensor } from "../model/safetensors.ts";
import type { Tensor } from "./define.ts";
import type { Engine } from "./engine.ts";

/** What a parameter is before training. */
type Initial = { readonly constant: number } | { readonly uniform: number };

/** A parameter of a model; vectors are tensors of one row. */
export interface ParameterSpec {
  readonly name: string;
  readonly shape: readonly [number] | readonly [number, number];
  /** A constant, or evenly drawn from ± uniform. */
  readonly initial: Initial;
}

const PLANES = ["value", "gradient", "first", "second"] as const;
/** Of each parameter: itself, the loss's gradient in it, and Adam's two moments. */
type Plane = (typeof PLANES)[number];

/** The parameters of a model, side by side in each plane, so that an optimizer sees one array. */
export class Parameters {
  /** Floats of a plane. */
  readonly size: number;
  readonly specs: readonly ParameterSpec[];
  readonly #engine: Engine;
  readonly #planes: Readonly<Record<Plane, number>>;
  readonly #offsets = new Map<string, number>();

  /** Draws the initial values: a function of `seed` and of each parameter's name and shape. */
  constructor(engine: Engine, specs: readonly ParameterSpec[], seed: number) {
    this.#engine = engine;
    this.specs = specs;
    let size = 0;
    for (const { name, shape } of specs) {
      this.#offsets.set(name, 4 * size);
      size += paddedTo4(countOf(shape));
    }
    this.size = size;
    this.#planes = {
      value: engine.allocate(size),
      gradient: engine.allocate(size),
      first: engine.allocate(size),
      second: engine.allocate(size),
    };
    for (const spec of specs) fill(this.values(spec.name, "value"), spec, seed);
  }

  plane(plane: Plane): number {
    return this.#planes[plane];
  }

  /** @throws RangeError where the model has no such parameter */
  tensor(name: string): Tensor {
    const { shape } = this.#specOf(name);
    const offset = this.#offsets.get(name)!;
    const [rows, columns] = shape.length === 1 ? [1, shape[0]] : shape;
    return { rows, columns, at: this.#planes.value + offset, gradient: this.#planes.gradient + offset };
  }

  /** A parameter's part of a plane; valid until the engine allocates. */
  values(name: string, plane: Plane): Float32Array {
    const { shape } = this.#specOf(name);
    return this.#engine.floats(this.#planes[plane] + this.#offsets.get(name)!, countOf(shape));
  }

  /** The values of a file's tensors. @throws InputError naming `where`, their file, for every one that is missing or of another shape */
  load(tensors: ReadonlyMap<string, StoredTensor>, where: string): void {
    this.fill("value", where, (name) => tensors.get(name));
  }

  /** Copies of all values by name, as a file keeps them. */
  tensors(): ReadonlyMap<string, StoredTensor> {
    return new Map(
      this.specs.map(({ name, shape }) => [
        name,
        { dtype: "F32", shape, data: this.values(name, "value").slice() },
      ]),
    );
  }

  /** Puts other values in the place of some, for forward and backward to see. @returns what puts the own ones back */
  lend(others: ReadonlyMap<string, ArrayLike<number>>): () => void {
    const own = new Map([...others.keys()].map((name) => [name, this.values(name, "value").slice()]));
    const set = (values: ReadonlyMap<string, ArrayLike<number>>): void => {
      for (const [name, some] of values) this.values(name, "value").set(some);
    };
    set(others);
    return () => set(own);
  }

  clearGradients(): void {
    this.#engine.floats(this.#planes.gradient, this.size).fill(0);
  }

  /**
   * Sets a plane from arrays by name; `where` is their file.
   * @throws InputError naming every array that is missing or of another shape
   */
  fill(plane: Plane, where: string, given: (name: string) => Shaped | undefined): void {
    const problems: string[] = [];
    for (const { name, shape } of this.specs) {
      const found = given(name);
      if (found?.shape.join() === shape.join()) this.values(name, plane).set(found.data);
      else
        problems.push(
          `${name}: ${found ? `shape [${found.shape.join(", ")}]` : "missing"}, not [${shape.join(", ")}]`,
        );
    }
    if (problems.length > 0) throw new InputError(where, problems.join("; "));
  }

  #specOf(name: string): ParameterSpec {
    const spec = this.specs.find((one) => one.name === name);
    if (spec === undefined) throw new RangeError(`${name} is no parameter of this model`);
    return spec;
  }
}

interface Shaped {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

const countOf = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);
const paddedTo4 = (n: number): number => n + ((4 - (n % 4)) % 4);

function fill(values: Float32Array, { name, initial }: ParameterSpec, seed: number): void {
  if ("constant" in initial) {
    values.fill(initial.constant);
    return;
  }
  const random = seedrandom(`${seed}/${name}`);
  for (let i = 0; i < values.length; i++) values[i] = initial.uniform * (2 * random() - 1);
}
