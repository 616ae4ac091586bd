import seedrandom from "seedrandom";
import type { Settings } from "../../src/arch/fields.ts";
import type { ArchSpec } from "../../src/arch/spec.ts";
import { decode, decodeAll } from "../../src/fixed/real.ts";
import { biasBits } from "../../src/isa/tables.ts";
import { type Compiled, type Computation, compile as compileAlone } from "../../src/kernels/compile.ts";
import {
  type Codes,
  encodeInputs,
  type Quantized,
  type Reals,
  type Sample,
} from "../../src/kernels/define.ts";
import { Machine } from "../../src/machine/machine.ts";
import { makeRecipe, type Recipe } from "../../src/quant/recipe.ts";
import { expectSameInts } from "../support/ints.ts";

/** The lanes that inputs are drawn for. */
const LANES = 64;

/** A sample with inputs for every lane, in integers for one machine, and what plain loops make of them. */
export interface Case {
  readonly sample: Sample;
  readonly arch: ArchSpec;
  readonly q: Quantized;
  readonly codes: readonly (readonly Codes[])[]; // [LANES][arguments]
  exact(lane: number): Codes;
  /** Over the real values that the input codes stand for. */
  real(lane: number): Reals;
}

const quantized = new Map<string, Pick<Case, "q" | "codes">>();

/** The sample on the machine; `changes` go on top of the sample's own recipe. */
export function caseOf(kernel: string, sample: Sample, arch: ArchSpec, changes: Partial<Recipe> = {}): Case {
  const { q, codes } = quantizedOf(kernel, sample, arch.settings, changes);
  const exact = new Map<number, Codes>();
  return {
    ...{ sample, arch, q, codes },
    exact(lane) {
      const known = exact.get(lane) ?? q.exact(codes[lane]!, arch.settings);
      exact.set(lane, known);
      return known;
    },
    real: (lane) =>
      sample.real(codes[lane]!.map((vectors, i) => vectors.map((x) => decodeAll(x, q.inputs[i]!)))),
  };
}

/** Made once for all machines that are the same to quantization: it takes longer than anything that is done with it. */
function quantizedOf(kernel: string, sample: Sample, arch: Settings, changes: Partial<Recipe>) {
  const numerics = [
    arch["requant.kind"],
    arch["requant.multiplierBits"],
    arch["vector.multiplierBits"],
    arch["pwl.slopeBits"],
    biasBits(arch),
  ];
  const key = JSON.stringify([kernel, sample.name, numerics, changes]);
  const known = quantized.get(key);
  if (known !== undefined) return known;
  const rng = seedrandom(`${kernel}: ${sample.name}`);
  const batch = Array.from({ length: LANES }, () => sample.draw(rng));
  const q = sample.quantize(batch, { recipe: makeRecipe({ ...sample.recipe, ...changes }), arch });
  const made = { q, codes: batch.map((inputs) => encodeInputs(inputs, q.inputs)) };
  quantized.set(key, made);
  return made;
}

/** The sample as a computation of inputs of the shapes of its own. */
export const computationOf = ({ q, codes }: Pick<Case, "q" | "codes">): Computation => ({
  inputs: q.inputs.map((grid, i) => ({
    ...{ grid, length: codes[0]![i]![0]!.length, count: codes[0]![i]!.length },
  })),
  matrices: q.matrices,
  lower: (b, tensors) => [q.lower(b, tensors)],
});

/** The sample as two programs: weights and tables, then one inference. */
export const compile = (one: Pick<Case, "q" | "codes" | "arch">): Compiled =>
  compileAlone(one.arch, computationOf(one));

export interface Result {
  readonly codes: readonly (readonly number[])[]; // [lanes][all codes of the output]
  readonly saturations: readonly number[];
  readonly overflows: readonly number[];
}

/** A machine with the compiled sample loaded, on which it can be run again and again. */
export class Bench {
  readonly #compiled: Compiled;
  readonly #machine: Machine;

  constructor(compiled: Compiled, arch: ArchSpec, lanes: number, backend: "simd" | "twin" = "simd") {
    const { image, load, run, dataBytes } = compiled;
    this.#compiled = compiled;
    this.#machine = Machine.of(arch, { image, programs: [load, run], lanes, dataBytes, backend });
    this.#machine.run(load);
    this.#machine.takeCounts();
  }

  /** Each lane of the machine with inputs of its own, the first of `codes`. */
  run(codes: Case["codes"]): Result {
    const machine = this.#machine;
    const { inputs, outputs, run } = this.#compiled;
    for (let lane = 0; lane < machine.lanes; lane++) {
      for (const [i, { address, bits }] of inputs.entries()) {
        machine.writeData(bits, address, flat(codes[lane]![i]!), lane);
      }
    }
    machine.run(run);
    const { saturations, overflows } = machine.takeCounts();
    const { address, bits, length, count } = outputs[0]!;
    const read = (_: unknown, lane: number) => machine.readData(bits, address, length * count, lane);
    return {
      codes: Array.from({ length: machine.lanes }, read),
      saturations: [...saturations],
      overflows: [...overflows],
    };
  }
}

/** All codes of a sequence, one vector behind the other. */
export const flat = (vectors: Codes): number[] => vectors.flatMap((codes) => [...codes]);

/** Every lane that ran has, bit for bit, what the plain loops have. */
export function expectExact({ codes }: Result, { exact }: Pick<Case, "exact">): void {
  for (const [lane, got] of codes.entries()) expectSameInts(got, flat(exact(lane)), `lane ${lane}`);
}

/** How far the integers are from real arithmetic over the first lanes, in output LSBs. */
export function distanceOf({ q, exact, real }: Case, lanes: number) {
  let squares = 0;
  let count = 0;
  let most = 0;
  for (let lane = 0; lane < lanes; lane++) {
    const wanted = real(lane).flatMap((vector) => [...vector]);
    for (const [i, code] of flat(exact(lane)).entries()) {
      const miss = Math.abs(decode(code, q.output) - wanted[i]!) / q.output.scale;
      squares += miss * miss;
      count++;
      most = Math.max(most, miss);
    }
  }
  return { rms: Math.sqrt(squares / count), most };
}
