import type { ArchSpec } from "../../arch/spec.ts";
import { maxOf, storageBytes } from "../../fixed/format.ts";
import { clamp } from "../../isa/ops/convert.ts";
import { fetch, store } from "../../isa/ops/dma.ts";
import type { Program } from "../../isa/program.ts";
import { ActivationMap, Builder, lineFrom, type Tensor } from "../../kernels/builder.ts";
import { loadProgram } from "../../kernels/compile.ts";
import { lowerConv } from "../../kernels/conv/lower.ts";
import { outputSize } from "../../kernels/conv/shape.ts";
import { lowerZero } from "../../kernels/elementwise.ts";
import { ImageBuilder } from "../../kernels/image.ts";
import { lowerLinear } from "../../kernels/linear/lower.ts";
import type { QLinear } from "../../kernels/linear/quantize.ts";
import { lowerInput, lowerRecurrence } from "../../kernels/lstm/lower.ts";
import { fixedMapping, type Mapping, matrixNames, type Site } from "../../kernels/mapping.ts";
import { Residency } from "../../kernels/residency.ts";
import type { Job, Port, Stage } from "../job.ts";
import type { QSilero } from "./quantize.ts";
import { CHANNELS, COLUMNS } from "./spectrum.ts";

/** A recording has many frames for each start. */
const EXPECTED_FRAMES = 1000;

/** Activations that outlive a program. */
interface State {
  readonly map: ActivationMap;
  readonly h: Tensor;
  readonly c: Tensor;
}

interface Placed {
  readonly arch: ArchSpec;
  readonly image: ImageBuilder;
  readonly weights: Residency;
}

/** Where the host puts a frame's magnitudes, and where it finds the logit. */
interface Ports {
  readonly takes: Port;
  readonly gives: Port;
}

/**
 * Compiles the model for one machine: `start` clears the state, then `frame` reads the magnitudes of 32 ms and leaves the logit
 * of speech in the data region.
 *
 * @param sizes    of inputs; all of them share their programs
 * @param mapping  of the matrices of `sitesOf`; by the fixed rule where none is given
 * @throws InputError where it does not fit
 */
export function compileSilero(q: QSilero, arch: ArchSpec, sizes: readonly number[], mapping?: Mapping): Job {
  const image = new ImageBuilder(arch);
  const sites = sitesOf(q);
  const matrices = sites.flatMap((site) => site.matrices);
  const chosen = mapping ?? fixedMapping(arch, matrices, matrixNames(sites));
  const weights = new Residency(arch, image, matrices, chosen);
  const placed: Placed = { arch, image, weights };
  const map = new ActivationMap(arch);
  const { hidden, outputSize: length, cell, hiddenSize } = q.cell;
  const h = map.tensor(hidden, length, 1, "cell.h");
  const c = map.tensor(cell, hiddenSize, 1, "cell.c");
  const state: State = { map, h, c };
  const ports = portsOf(q);
  const { gives } = ports;
  const stages: readonly Stage[] = [
    { name: "start", program: programOfStart(placed, state), turns: 1, expectedTurns: 1 },
    {
      ...{ name: "frame", program: programOfFrame(q, placed, state, ports) },
      ...{ ...ports, expectedTurns: EXPECTED_FRAMES, state: { "cell.h": h, "cell.c": c } },
    },
  ];
  return {
    image: image.build(),
    load: loadProgram(arch, image, weights),
    stages: new Map(sizes.map((size) => [size, stages])),
    dataBytes: gives.address + storageBytes(gives.count, gives.bits),
    mapping: chosen,
    residentWeightBytes: weights.residentBytes,
  };
}

function portsOf({ input, output }: QSilero): Ports {
  const { bits } = input.format;
  const count = COLUMNS * CHANNELS;
  const logit = output.output.format.bits;
  return {
    takes: { address: 0, bits, count },
    gives: { address: lineFrom(storageBytes(count, bits), logit), bits: logit, count: output.rows },
  };
}

/** Where the array multiplies, for each frame once: what has fewest weights for its work is streamed last. */
export function sitesOf({ convs, cell, output }: QSilero): Site[] {
  const site = (name: string, { parts }: QLinear, vectors = 1): Site => ({
    ...{ name, vectors },
    matrices: parts.map(({ weights }) => weights),
  });
  return [
    ...convs.map(({ shape, layer }, i) => site(`conv.${i}`, layer, outputSize(shape)[1])),
    site("cell.h", cell.productH),
    site("cell.x", cell.productX),
    site("output", output),
  ];
}

function programOfStart({ arch, image, weights }: Placed, { map, h, c }: State): Program {
  const b = new Builder(image, weights, map.fork(), arch);
  b.label("start", () => {
    for (const part of [h, c]) lowerZero(b, part);
  });
  return b.finish("start");
}

function programOfFrame(
  q: QSilero,
  { arch, image, weights }: Placed,
  { map, h, c }: State,
  { takes, gives }: Ports,
): Program {
  const b = new Builder(image, weights, map.fork(), arch);
  let pixels = b.map.tensor(q.input, CHANNELS, COLUMNS, "magnitudes");
  b.label("host", () => b.transfer(fetch, pixels.at as number, takes.address, takes.count, takes.bits));
  for (const [i, conv] of q.convs.entries()) {
    const results = b.map.tensor(conv.layer.output, conv.layer.rows, outputSize(conv.shape)[1], `conv.${i}`);
    b.label(`conv.${i}`, () => lowerConv(b, conv, pixels, results));
    pixels = results;
  }
  b.label("cell", () =>
    b.scratch(() => lowerRecurrence(b, q.cell, lowerInput(b, q.cell, [pixels], 1), h, c, h)),
  );
  const logit = b.map.tensor(q.output.output, q.output.rows, 1, "logit");
  b.label("output", () => {
    const positive = b.map.tensor(h.grid, h.length);
    const { format, zero } = h.grid;
    const bounds = { lo: zero, hi: maxOf(format) };
    b.emit(clamp, { dst: positive.at, a: h.at, n: h.length, bits: format.bits, ...bounds });
    lowerLinear(b, q.output, [positive], logit);
  });
  b.label("host", () =>
    b.emit(store, { dst: gives.address, src: logit.at, n: gives.count, bits: gives.bits }),
  );
  return b.finish("frame");
}
