import type { ArchSpec } from "../arch/spec.ts";
import { storageBytes } from "../fixed/format.ts";
import type { Grid } from "../fixed/real.ts";
import type { Image } from "../isa/image.ts";
import { fetch, loadTable, loadWeight, store } from "../isa/ops/dma.ts";
import type { Program } from "../isa/program.ts";
import { alignUp } from "../isa/tables.ts";
import { ActivationMap, Builder, type Tensor } from "./builder.ts";
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

/** A transfer moves at most as many codes as its count field holds. */
const MOST_CODES = 2 ** 19;
/** Tensors in the data region start on lines of this many bytes. */
const LINE_BYTES = 16;

/** Lays tensors out in the data region, each on a line of its own. */
class DataRegion {
  bytes = 0;

  port({ grid, length, count }: Operand): Port {
    const { bits } = grid.format;
    const address = alignUp(this.bytes, LINE_BYTES * bits);
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
    for (const { at, from, n, bits } of pieces(tensor, inputs[i]!))
      b.emit(fetch, { dst: at, src: from, n, bits });
    return tensor;
  });
  const results = computation.lower(b, tensors);
  const outputs = results.map((result) => data.port(result));
  for (const [i, result] of results.entries()) {
    for (const { at, from, n, bits } of pieces(result, outputs[i]!))
      b.emit(store, { dst: from, src: at, n, bits });
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
  if (image.tableBytes > 0)
    b.label("tables", () => b.emit(loadTable, { dst: 0, src: 0, bytes: image.tableBytes }));
  b.label("weights", () => {
    for (const { src, dst, bytes } of weights.loads) b.emit(loadWeight, { dst, src, bytes });
  });
  return b.finish("load");
}

/** A tensor and its port in parts that one transfer moves. */
function* pieces(tensor: Tensor, port: Port) {
  const { bits } = port;
  const total = port.length * port.count;
  for (let done = 0; done < total; done += MOST_CODES) {
    const offset = (done * bits) / 8;
    yield {
      at: (tensor.at as number) + offset,
      from: port.address + offset,
      n: Math.min(MOST_CODES, total - done),
      bits,
    };
  }
}
