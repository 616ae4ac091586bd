import type { Settings } from "../../arch/fields.ts";
import type { ArchSpec } from "../../arch/spec.ts";
import { InputError } from "../../base/errors.ts";
import { decode, encodeAll } from "../../fixed/real.ts";
import { Floats } from "../../kernels/floats.ts";
import type { Mapping, Site } from "../../kernels/mapping.ts";
import type { Tap } from "../../kernels/tensors.ts";
import { equalize } from "../../onnx/equalize.ts";
import { execute } from "../../onnx/execute.ts";
import { trimmed } from "../../onnx/graph.ts";
import { elementsIn, type Tensor, tensorOf } from "../../onnx/tensor.ts";
import type { Ranges } from "../../quant/grid.ts";
import type { Numerics } from "../../quant/numerics.ts";
import type { Input, Job } from "../job.ts";
import type { State } from "./define.ts";
import { kindNamed } from "./kinds/table.ts";
import { compileNetwork, sitesOf } from "./lower.ts";
import { observeNetwork } from "./observe.ts";
import { joined } from "./order.ts";
import type { Parts } from "./parts.ts";
import { type Plan, planOf, runExact } from "./plan.ts";
import { type QNetwork, quantizeNetwork } from "./quantize.ts";

/** Values of a graph's inputs, by name. */
type Frame = Readonly<Record<string, Tensor>>;

/** What a network is run on: a frame after the other, states carried over. Plain data. */
export interface Frames {
  /** Which of the graphs fits it. */
  readonly size: number;
  readonly frames: readonly Frame[];
}

/** Parts in which every value goes by its own name. */
interface Known extends Required<Pick<Parts, "machine" | "outputs">>, Pick<Parts, "front" | "back"> {
  readonly states: readonly State[];
  /** Values that the machine gives to the host: outputs that are no states, and what the host computes with. */
  readonly given: readonly string[];
}

/** What each quantized network was made by: it knows the graph, for inputs of any size. */
const makers = new WeakMap<QNetwork, Network>();

/** The network that a quantized one was made by. */
export const networkOf = (q: QNetwork): Network => makers.get(q)!;

/** An imported network with all that makes integers and programs of it. */
export class Network {
  readonly states: readonly State[];
  readonly #partsAt: (size: number) => Parts;
  readonly #plans = new WeakMap<QNetwork, Map<number, Plan>>();
  readonly #parts = new Map<number, Known>();

  /**
   * @param partsAt  the graph for inputs of a size, the same constants at every size
   * @param states   by public names
   */
  constructor(partsAt: (size: number) => Parts, states: readonly State[] = []) {
    this.#partsAt = partsAt;
    this.states = states;
  }

  /** @throws InputError where states are not at the ends of the machine's part, or the host would need one */
  partsAt(size: number): Known {
    const known = this.#parts.get(size) ?? knownOf(this.#partsAt(size), this.states);
    this.#parts.set(size, known);
    return known;
  }

  /** The same network by weights whose ranges are level from layer to layer on the machine. */
  equalized(): Network {
    return new Network((size) => {
      const parts = this.#partsAt(size);
      return { ...parts, machine: equalize(parts.machine).graph };
    }, this.states);
  }

  /** Outputs in real numbers, frame by frame, those that are no states one behind the other. */
  reference({ size, frames }: Frames, tap?: Tap): number[] {
    const parts = this.partsAt(size);
    let held = zeroStates(parts);
    return frames.flatMap((frame) => {
      const inputs = machineInputs(parts, frame);
      const results = observeNetwork(parts.machine, new Map([...inputs, ...held]), tap);
      held = new Map(parts.states.map(({ input, output }) => [input, results.get(output)!]));
      return behind(parts, frame, inputs, results);
    });
  }

  /** @param size  of any graph: they differ in sizes alone */
  quantize(size: number, ranges: Ranges, numerics: Numerics): QNetwork {
    const { machine, states } = this.partsAt(size);
    const q = quantizeNetwork(machine, ranges, numerics, states);
    makers.set(q, this);
    return q;
  }

  inputOf(q: QNetwork, { size, frames }: Frames): Input {
    const parts = this.partsAt(size);
    const { machine } = parts;
    const inputs = frames.map((frame) => machineInputs(parts, frame));
    const names = machine.inputs.map(({ name }) => name).filter((name) => !isStateOf(parts, name));
    const codes = inputs.flatMap((values) =>
      names.map((name) => encodeAll(Float64Array.from(values.get(name)!.data), q.grids[name]!)),
    );
    return {
      ...{ size, codes: Int16Array.from(joined(codes)) },
      keep: (given, turn) => {
        const i = turn - 1;
        return behind(parts, frames[i]!, inputs[i]!, decoded(q, parts, given));
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
        const state = parts.states.findIndex(({ input }) => input === name);
        if (state !== -1) return held[state];
        return encodeAll(Float64Array.from(inputs.get(name)!.data), q.grids[name]!);
      });
      const { outputs, states } = runExact(plan, codes, arch);
      held = states;
      const given = outputs.flatMap((some) => [...some]);
      return behind(parts, frame, inputs, decoded(q, parts, given));
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
    const parts = this.partsAt(size);
    return resultsOf(parts).flatMap((value) => {
      const shape = (parts.machine.types.get(value) ?? parts.back?.types.get(value))!
        .shape as readonly number[];
      return new Array<number>(elementsIn(shape.slice(0, -1))).fill(shape.at(-1) ?? 1);
    });
  }

  planAt(q: QNetwork, size: number): Plan {
    const plans = this.#plans.get(q) ?? new Map<number, Plan>();
    this.#plans.set(q, plans);
    const { machine, states, given } = this.partsAt(size);
    const plan = plans.get(size) ?? planOf(q, machine, given, states);
    plans.set(size, plan);
    return plan;
  }
}

function knownOf({ front, machine, back, outputs = machine.outputs }: Parts, named: readonly State[]): Known {
  const states = named.map(({ input, output }) => {
    const value = [...outputs, ...machine.outputs].find(({ name }) => name === output)?.value;
    const isGiven = machine.outputs.some((one) => one.value === value);
    const odd = machine.inputs.some(({ name }) => name === input) ? (isGiven ? undefined : output) : input;
    if (value === undefined || odd !== undefined)
      throw new InputError(machine.file, `state ${odd ?? output} is not at the ends of the machine's part`);
    if (back?.inputs.some(({ name }) => name === input))
      throw new InputError(
        machine.file,
        `the host needs state ${input} behind the machine's part, which keeps it`,
      );
    return { input, output: value };
  });
  const values = [...new Set(machine.outputs.map(({ value }) => value))];
  const known = { machine, outputs, states, given: [], ...(front && { front }), ...(back && { back }) };
  const wanted = new Set([...resultsOf(known), ...(back?.inputs.map(({ name }) => name) ?? [])]);
  return {
    ...known,
    machine: trimmed({ ...machine, outputs: values.map((value) => ({ name: value, value })) }),
    given: values.filter((value) => wanted.has(value)),
  };
}

const isStateOf = ({ states }: Known, value: string): boolean =>
  states.some(({ input, output }) => value === input || value === output);

/** Values that are the model's outputs and no states, in their order. */
const resultsOf = (parts: Known): string[] =>
  parts.outputs.map(({ value }) => value).filter((value) => !isStateOf(parts, value));

/** Real values of the codes that the machine gives. */
function decoded(
  q: QNetwork,
  { machine, given }: Known,
  codes: readonly number[],
): ReadonlyMap<string, Tensor> {
  let at = 0;
  return new Map(
    given.map((value) => {
      const shape = machine.types.get(value)!.shape as readonly number[];
      const some = codes.slice(at, at + elementsIn(shape));
      at += some.length;
      const grid = q.grids[value]!;
      const reals = some.map((code) => decode(code, grid));
      return [value, tensorOf("float32", shape, reals)];
    }),
  );
}

/** What the host makes of the machine's results: the model's outputs that are no states. */
function behind(
  parts: Known,
  frame: Frame,
  inputs: ReadonlyMap<string, Tensor>,
  results: ReadonlyMap<string, Tensor>,
): number[] {
  const { back } = parts;
  const known = new Map([...Object.entries(frame), ...inputs, ...results]);
  if (back !== undefined) {
    const more = execute(back, new Map(back.inputs.map(({ name }) => [name, known.get(name)!])));
    for (const { name, value } of back.outputs) known.set(value, more.get(name)!);
  }
  return resultsOf(parts).flatMap((value) => Array.from(known.get(value)!.data));
}

/** What the host brings to the machine of a frame. */
function machineInputs({ front, machine }: Known, frame: Frame): ReadonlyMap<string, Tensor> {
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

const zeroStates = ({ machine, states }: Known): ReadonlyMap<string, Tensor> =>
  new Map(
    states.map(({ input }) => {
      const { dtype, shape } = machine.inputs.find(({ name }) => name === input)!;
      const sizes = shape as readonly number[];
      return [input, tensorOf(dtype, sizes, new Float64Array(elementsIn(sizes)))];
    }),
  );

/** A network in floats of so many bits, for timing. */
export function widenNetwork(q: QNetwork, bits: number): QNetwork {
  const { grids, steps } = q;
  const floats = new Floats(bits);
  const wide: QNetwork = {
    grids: Object.fromEntries(Object.entries(grids).map(([name, grid]) => [name, floats.grid(grid)])),
    steps: steps.map((step) => ({
      ...step,
      q: kindNamed(step.kind).widen(step.q, floats),
      // Floats are of one grid.
      rescales: step.rescales.map(() => null),
    })),
  };
  makers.set(wide, networkOf(q));
  return wide;
}
