import type { ArchSpec } from "../arch/spec.ts";
import { storageBytes } from "../fixed/format.ts";
import type { Grid } from "../fixed/real.ts";
import type { Image } from "../isa/image.ts";
import { fetch, loadTable, loadWeight, store } from "../isa/ops/dma.ts";
import type { Program } from "../isa/program.ts";
import { ActivationMap, Builder, lineFrom, type Tensor } from "./builder.ts";
import { ImageBuilder, type Weights } from "./image.ts";
import type { Mapping } from "./mapping.ts";
import { Residency } from "./residency.ts";

/** `count` vectors of `length` codes that a host brings or takes. */
interface Operand {
  readonly grid: Grid;
  readonly length: number;
  readonly count: number;
}

/** Where an operand's codes lie in the data region of the DRAM. */
interface Port {
  readonly address: number;
  readonly bits: number;
  readonly length: number;
  readonly count: number;
}

/** A computation that stands alone: operands in, tensors out. */
export interface Computation {
  readonly inputs: readonly Operand[];
  /** What the array reads from weight SRAM. */
  readonly matrices?: readonly Weights[];
  lower(b: Builder, inputs: readonly Tensor[]): readonly Tensor[];
}

export interface Compiled {
  readonly image: Image;
  /** Brings weights and tables: once for a job. */
  readonly load: Program;
  /** Takes the inputs from the data region and leaves the outputs there. */
  readonly run: Program;
  readonly inputs: readonly Port[];
  readonly outputs: readonly Port[];
  readonly dataBytes: number;
  /** How its matrices are mapped. */
  readonly mapping: Mapping;
  /** Weights that stay on chip once loaded. */
  readonly residentWeightBytes: number;
}

/** Of a table memory's contents, which are of many widths. */
const BYTE = 8;

/** Lays tensors out in the data region, each on a line of its own. */
class DataRegion {
  bytes = 0;

  port({ grid, length, count }: Operand): Port {
    const { bits } = grid.format;
    const address = lineFrom(this.bytes, bits);
    this.bytes = address + storageBytes(length * count, bits);
    return { address, bits, length, count };
  }
}

/**
 * The two programs of a computation.
 * @param mapping  of its matrices; by the fixed rule where none is given
 * @throws InputError where a memory of the machine is too small
 */
export function compile(arch: ArchSpec, computation: Computation, mapping?: Mapping): Compiled {
  const image = new ImageBuilder(arch);
  const weights = new Residency(arch, image, computation.matrices ?? [], mapping);
  const data = new DataRegion();
  const b = new Builder(image, weights, new ActivationMap(arch), arch);
  const inputs = computation.inputs.map((operand) => data.port(operand));
  const tensors = computation.inputs.map(({ grid, length, count }, i): Tensor => {
    const tensor = b.map.tensor(grid, length, count, `input ${i + 1}`);
    const { address, bits } = inputs[i]!;
    b.transfer(fetch, tensor.at as number, address, length * count, bits);
    return tensor;
  });
  const results = computation.lower(b, tensors);
  const outputs = results.map((result) => data.port(result));
  for (const [i, { at, length, count }] of results.entries()) {
    const { address, bits } = outputs[i]!;
    b.transfer(store, address, at as number, length * count, bits);
  }
  return {
    image: image.build(),
    load: loadProgram(arch, image, weights),
    run: b.finish("run"),
    inputs,
    outputs,
    dataBytes: data.bytes,
    mapping: weights.mapping,
    residentWeightBytes: weights.residentBytes,
  };
}

/** What a job runs once: tables and resident weights, from the image to where its programs find them. */
export function loadProgram(arch: ArchSpec, image: ImageBuilder, weights: Residency): Program {
  const b = new Builder(image, weights, new ActivationMap(arch), arch);
  if (image.tableBytes > 0) b.label("tables", () => b.transfer(loadTable, 0, 0, image.tableBytes, BYTE));
  b.label("weights", () => {
    for (const { src, dst, n, bits } of weights.loads) b.transfer(loadWeight, dst, src, n, bits);
  });
  return b.finish("load");
}
