import seedrandom from "seedrandom";
import type { Settings } from "../../src/arch/fields.ts";
import type { ArchSpec } from "../../src/arch/spec.ts";
import { decode, decodeAll, type Grid } from "../../src/fixed/real.ts";
import type { Image } from "../../src/isa/image.ts";
import { fetch, loadTable, loadWeight, store } from "../../src/isa/ops/dma.ts";
import type { Program } from "../../src/isa/program.ts";
import { alignUp, biasBits } from "../../src/isa/tables.ts";
import { ActivationMap, Builder, type Tensor } from "../../src/kernels/builder.ts";
import {
  type Codes,
  encodeInputs,
  type Quantized,
  type Reals,
  type Sample,
} from "../../src/kernels/define.ts";
import { ImageBuilder } from "../../src/kernels/image.ts";
import { Residency } from "../../src/kernels/residency.ts";
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

/** Where codes lie in the data region of the DRAM. */
interface Port {
  readonly address: number;
  readonly bits: number;
  readonly length: number;
  readonly count: number;
}

export interface Compiled {
  readonly image: Image;
  readonly load: Program;
  readonly run: Program;
  readonly inputs: readonly Port[];
  readonly output: Port;
  readonly dataBytes: number;
}

/** Lays tensors out in the data region, each on a line of its own. */
class DataRegion {
  bytes = 0;

  port(grid: Grid, length: number, count: number): Port {
    const { bits } = grid.format;
    const address = alignUp(this.bytes, 16 * bits);
    this.bytes = address + alignUp(bits * length * count, 8) / 8;
    return { address, bits, length, count };
  }
}

/** Two programs: one brings weights and tables, one takes inputs from the data region and leaves its result there. */
export function compile({ q, codes, arch }: Pick<Case, "q" | "codes" | "arch">): Compiled {
  const image = new ImageBuilder(arch);
  const weights = new Residency(arch, image, q.matrices);
  const data = new DataRegion();
  const b = new Builder(image, weights, new ActivationMap(arch), arch);
  const ports = codes[0]!.map((vectors, i) => data.port(q.inputs[i]!, vectors[0]!.length, vectors.length));
  const tensors = ports.map(({ address, bits, length, count }, i): Tensor => {
    const tensor = b.map.tensor(q.inputs[i]!, length, count);
    b.emit(fetch, { dst: tensor.at, src: address, n: length * count, bits });
    return tensor;
  });
  const result = q.lower(b, tensors);
  const output = data.port(result.grid, result.length, result.count);
  b.emit(store, { dst: output.address, src: result.at, n: result.length * result.count, bits: output.bits });
  const load = new Builder(image, weights, new ActivationMap(arch), arch);
  if (image.tableBytes > 0) load.emit(loadTable, { dst: 0, src: 0, bytes: image.tableBytes });
  for (const { src, dst, bytes } of weights.loads) load.emit(loadWeight, { dst, src, bytes });
  return {
    image: image.build(),
    load: load.finish("load"),
    run: b.finish("run"),
    inputs: ports,
    output,
    dataBytes: data.bytes,
  };
}

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
    this.#machine = new Machine(arch, { image, programs: [load, run], lanes, dataBytes, backend });
    this.#machine.run(load);
    this.#machine.takeCounts();
  }

  /** Each lane of the machine with inputs of its own, the first of `codes`. */
  run(codes: Case["codes"]): Result {
    const machine = this.#machine;
    const { inputs, output, run } = this.#compiled;
    for (let lane = 0; lane < machine.lanes; lane++) {
      for (const [i, { address, bits }] of inputs.entries()) {
        machine.writeData(bits, address, flat(codes[lane]![i]!), lane);
      }
    }
    machine.run(run);
    const { saturations, overflows } = machine.takeCounts();
    const { address, bits, length, count } = output;
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
