import type { Settings } from "../../arch/fields.ts";
import type { ArchSpec } from "../../arch/spec.ts";
import { decode, encodeAll } from "../../fixed/real.ts";
import { Floats } from "../../kernels/floats.ts";
import type { Mapping, Site } from "../../kernels/mapping.ts";
import type { Tap } from "../../kernels/tensors.ts";
import { equalize } from "../../onnx/equalize.ts";
import { execute } from "../../onnx/execute.ts";
import { type Graph, trimmed } from "../../onnx/graph.ts";
import { elementsIn, type Tensor, tensorOf } from "../../onnx/tensor.ts";
import type { Ranges } from "../../quant/grid.ts";
import type { Numerics } from "../../quant/numerics.ts";
import type { Input, Job } from "../job.ts";
import type { State } from "./define.ts";
import { kindNamed } from "./kinds/table.ts";
import { compileNetwork, sitesOf } from "./lower.ts";
import { observeNetwork } from "./observe.ts";
import type { Parts } from "./parts.ts";
import { type Plan, planOf, runExact } from "./plan.ts";
import { type QNetwork, quantizeNetwork } from "./quantize.ts";

/** Values of a graph's inputs, by name. */
export type Frame = Readonly<Record<string, Tensor>>;

/** What a network is run on: a frame after the other, states carried over. Plain data. */
export interface Frames {
  /** Which of the graphs fits it. */
  readonly size: number;
  readonly frames: readonly Frame[];
}

/** An imported network with all that makes integers and programs of it. */
export class Network {
  readonly states: readonly State[];
  readonly #partsAt: (size: number) => Parts;
  readonly #plans = new WeakMap<QNetwork, Map<number, Plan>>();
  readonly #parts = new Map<number, Parts>();

  /** @param partsAt  the graph for inputs of a size, the same constants at every size */
  constructor(partsAt: (size: number) => Parts, states: readonly State[] = []) {
    this.#partsAt = partsAt;
    this.states = states;
  }

  partsAt(size: number): Parts {
    const known = this.#parts.get(size);
    if (known !== undefined) return known;
    const parts = this.#partsAt(size);
    const made = { ...parts, machine: trimmed(parts.machine) };
    this.#parts.set(size, made);
    return made;
  }

  /** The same network by weights whose ranges are level from layer to layer on the machine. */
  equalized(): Network {
    const level = ({ machine, ...hosted }: Parts): Parts => ({ ...hosted, machine: equalize(machine).graph });
    return new Network((size) => level(this.partsAt(size)), this.states);
  }

  /** Outputs in real numbers, frame by frame, those that are no states one behind the other. */
  reference({ size, frames }: Frames, tap?: Tap): number[] {
    const parts = this.partsAt(size);
    let held = zeroStates(parts.machine, this.states);
    return frames.flatMap((frame) => {
      const inputs = machineInputs(parts, frame);
      const results = observeNetwork(parts.machine, new Map([...inputs, ...held]), tap);
      held = new Map(this.states.map(({ input, output }) => [input, results.get(output)!]));
      return this.#behind(parts, frame, inputs, results);
    });
  }

  /** @param size  of any graph: they differ in sizes alone */
  quantize(size: number, ranges: Ranges, numerics: Numerics): QNetwork {
    return quantizeNetwork(this.partsAt(size).machine, ranges, numerics, this.states);
  }

  inputOf(q: QNetwork, { size, frames }: Frames): Input {
    const parts = this.partsAt(size);
    const { machine } = parts;
    const inputs = frames.map((frame) => machineInputs(parts, frame));
    const names = machine.inputs.map(({ name }) => name).filter((name) => !this.#isState(name));
    const codes = inputs.flatMap((values) =>
      names.map((name) => encodeAll(Float64Array.from(values.get(name)!.data), q.grids[name]!)),
    );
    const all = new Int16Array(codes.reduce((sum, { length }) => sum + length, 0));
    let at = 0;
    for (const some of codes) {
      all.set(some, at);
      at += some.length;
    }
    return {
      ...{ size, codes: all },
      keep: (given, turn) => {
        const i = turn - 1;
        return this.#behind(parts, frames[i]!, inputs[i]!, this.#decoded(q, machine, given));
      },
    };
  }

  /** By plain loops over integers: the truth that the machine is held to. */
  exact(q: QNetwork, { size, frames }: Frames, arch: Settings): number[] {
    const parts = this.partsAt(size);
    const { machine } = parts;
    const plan = this.planAt(q, size);
    let held: readonly Int32Array[] = [];
    return frames.flatMap((frame) => {
      const inputs = machineInputs(parts, frame);
      const codes = machine.inputs.map(({ name }) => {
        const state = this.states.findIndex(({ input }) => input === name);
        if (state !== -1) return held[state];
        return encodeAll(Float64Array.from(inputs.get(name)!.data), q.grids[name]!);
      });
      const { outputs, states } = runExact(plan, codes, arch);
      held = states;
      const given = outputs.flatMap((some) => [...some]);
      return this.#behind(parts, frame, inputs, this.#decoded(q, machine, given));
    });
  }

  sites(q: QNetwork, size: number): Site[] {
    return sitesOf(this.planAt(q, size));
  }

  compile(q: QNetwork, arch: ArchSpec, sizes: readonly number[], mapping?: Mapping): Job {
    return compileNetwork(new Map(sizes.map((size) => [size, this.planAt(q, size)])), arch, mapping);
  }

  /** Lengths of the vectors that a frame gives: of each output those along its last axis. */
  widthsAt(size: number): number[] {
    return this.#outputsOf(this.partsAt(size)).flatMap(({ shape }) =>
      new Array<number>(elementsIn(shape.slice(0, -1))).fill(shape.at(-1) ?? 1),
    );
  }

  /** What comes out, in this order: outputs of the machine that the host does not read, then the host's. */
  #outputsOf({ machine, back }: Parts): { readonly name: string; readonly shape: readonly number[] }[] {
    const read = new Set(back?.inputs.map(({ name }) => name));
    const given = (graph: Graph) =>
      graph.outputs.map(({ name, value }) => ({
        name,
        shape: graph.types.get(value)!.shape as readonly number[],
      }));
    const own = given(machine).filter(({ name }) => !read.has(name));
    return [...own, ...(back ? given(back) : [])].filter(({ name }) => !this.#isState(name));
  }

  planAt(q: QNetwork, size: number): Plan {
    const plans = this.#plans.get(q) ?? new Map<number, Plan>();
    this.#plans.set(q, plans);
    const plan = plans.get(size) ?? planOf(q, this.partsAt(size).machine, this.states);
    plans.set(size, plan);
    return plan;
  }

  #isState(name: string): boolean {
    return this.states.some(({ input, output }) => name === input || name === output);
  }

  /** Real values of the codes of the outputs that are no states. */
  #decoded(q: QNetwork, { outputs, types }: Graph, codes: readonly number[]): ReadonlyMap<string, Tensor> {
    let at = 0;
    return new Map(
      outputs
        .filter(({ name }) => !this.#isState(name))
        .map(({ name, value }) => {
          const shape = types.get(value)!.shape as readonly number[];
          const some = codes.slice(at, at + elementsIn(shape));
          at += some.length;
          const grid = q.grids[value]!;
          return [
            name,
            tensorOf(
              "float32",
              shape,
              some.map((code) => decode(code, grid)),
            ),
          ];
        }),
    );
  }

  /** What the host makes of the machine's results: the graph's outputs that are no states. */
  #behind(
    parts: Parts,
    frame: Frame,
    inputs: ReadonlyMap<string, Tensor>,
    results: ReadonlyMap<string, Tensor>,
  ): number[] {
    const { back } = parts;
    const known = new Map([...Object.entries(frame), ...inputs, ...results]);
    const more =
      back === undefined
        ? new Map<string, Tensor>()
        : execute(back, new Map(back.inputs.map(({ name }) => [name, known.get(name)!])));
    return this.#outputsOf(parts).flatMap(({ name }) =>
      Array.from((more.get(name) ?? results.get(name)!).data),
    );
  }
}

/** What the host brings to the machine of a frame. */
function machineInputs({ front, machine }: Parts, frame: Frame): ReadonlyMap<string, Tensor> {
  const given = new Map(Object.entries(frame));
  const made =
    front === undefined
      ? new Map<string, Tensor>()
      : execute(front, new Map(front.inputs.map(({ name }) => [name, given.get(name)!])));
  return new Map(
    machine.inputs.flatMap(({ name }) => {
      const value = made.get(name) ?? given.get(name);
      return value === undefined ? [] : [[name, value] as const];
    }),
  );
}

const zeroStates = ({ inputs }: Graph, states: readonly State[]): ReadonlyMap<string, Tensor> =>
  new Map(
    states.map(({ input }) => {
      const { dtype, shape } = inputs.find(({ name }) => name === input)!;
      const sizes = shape as readonly number[];
      return [input, tensorOf(dtype, sizes, new Float64Array(elementsIn(sizes)))];
    }),
  );

/** A network in floats of so many bits, for timing. */
export function widenNetwork({ grids, steps }: QNetwork, bits: number): QNetwork {
  const floats = new Floats(bits);
  return {
    grids: Object.fromEntries(Object.entries(grids).map(([name, grid]) => [name, floats.grid(grid)])),
    steps: steps.map((step) => ({
      ...step,
      q: kindNamed(step.kind).widen(step.q, floats),
      // Floats are of one grid.
      rescales: step.rescales.map(() => null),
    })),
  };
}
