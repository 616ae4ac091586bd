import type { ArchSpec } from "../../arch/spec.ts";
import { fetch, store } from "../../isa/ops/dma.ts";
import type { Program } from "../../isa/program.ts";
import { INDEX_BITS } from "../../isa/widths.ts";
import { ActivationMap, Builder, type Tensor } from "../../kernels/builder.ts";
import { loadProgram } from "../../kernels/compile.ts";
import { lowerZero } from "../../kernels/elementwise.ts";
import { lowerEmbedding, type PlacedEmbedding } from "../../kernels/embedding/lower.ts";
import { ImageBuilder } from "../../kernels/image.ts";
import { lowerLinear } from "../../kernels/linear/lower.ts";
import type { QLinear } from "../../kernels/linear/quantize.ts";
import { lowerInput, lowerRecurrence } from "../../kernels/lstm/lower.ts";
import { fixedMapping, type Mapping, matrixNames, type Site } from "../../kernels/mapping.ts";
import { lowerMogrifier } from "../../kernels/mogrifier/lower.ts";
import { Residency } from "../../kernels/residency.ts";
import type { Job, Port, Stage } from "../job.ts";
import type { QLm } from "./quantize.ts";

/** Where the host puts a word, and behind a line of memory finds the logits. */
const INPUT: Port = { address: 0, bits: INDEX_BITS, count: 1 };
const OUTPUT_ADDRESS = 64;

/** A text has many words for each start. */
const EXPECTED_WORDS = 1000;

/** Activations that outlive a program. */
interface State {
  readonly map: ActivationMap;
  /** Of each layer. */
  readonly layers: readonly { readonly h: Tensor; readonly c: Tensor }[];
}

interface Placed {
  readonly arch: ArchSpec;
  readonly image: ImageBuilder;
  readonly weights: Residency;
  readonly embedding: PlacedEmbedding;
}

/**
 * Compiles the model for one machine: `start` clears the state, then `step` reads a word and leaves the logits of the next
 * one in the data region.
 *
 * @param sizes    of inputs; all of them share their programs
 * @param mapping  of the matrices of `sitesOf`; by the fixed rule where none is given
 * @throws InputError where it does not fit
 */
export function compileLm(q: QLm, arch: ArchSpec, sizes: readonly number[], mapping?: Mapping): Job {
  const image = new ImageBuilder(arch);
  const sites = sitesOf(q);
  const matrices = sites.flatMap((site) => site.matrices);
  const chosen = mapping ?? fixedMapping(arch, matrices, matrixNames(sites));
  const weights = new Residency(arch, image, matrices, chosen);
  const at = image.weights(q.embedding.codes, q.embedding.stored.format.bits);
  const placed: Placed = { arch, image, weights, embedding: { q: q.embedding, at } };
  const map = new ActivationMap(arch);
  const state: State = {
    map,
    layers: q.layers.map(({ name, cell: { hidden, outputSize, cell, hiddenSize } }) => ({
      h: map.tensor(hidden, outputSize, 1, `${name}.h`),
      c: map.tensor(cell, hiddenSize, 1, `${name}.c`),
    })),
  };
  const { bits } = q.output.output.format;
  const gives: Port = { address: OUTPUT_ADDRESS, bits, count: q.output.rows };
  const stages: readonly Stage[] = [
    { name: "start", program: programOfStart(placed, state), turns: 1, expectedTurns: 1 },
    {
      name: "step",
      program: programOfStep(q, placed, state, gives),
      ...{ takes: INPUT, gives, expectedTurns: EXPECTED_WORDS },
      state: Object.fromEntries(
        q.layers.flatMap(({ name }, i) => [
          [`${name}.h`, state.layers[i]!.h],
          [`${name}.c`, state.layers[i]!.c],
        ]),
      ),
    },
  ];
  return {
    image: image.build(),
    load: loadProgram(arch, image, weights),
    stages: new Map(sizes.map((size) => [size, stages])),
    dataBytes: gives.address + (gives.count * bits) / 8,
    mapping: chosen,
    residentWeightBytes: weights.residentBytes,
  };
}

/** Where the array multiplies, for each word once: by the fixed rule the large last layer is streamed where not all fit. */
export function sitesOf({ layers, output }: QLm): Site[] {
  const site = (name: string, { parts }: QLinear): Site => ({
    ...{ name, vectors: 1 },
    matrices: parts.map(({ weights }) => weights),
  });
  const sites = layers.flatMap(({ name, mogrifier, cell }) => [
    site(`${name}.h`, cell.productH),
    site(`${name}.x`, cell.productX),
    ...mogrifier.rounds.flatMap(({ down, up }, i) => [
      site(`${name}.mogrifier.${i + 1}.down`, down),
      site(`${name}.mogrifier.${i + 1}.up`, up),
    ]),
  ]);
  return [...sites, site("output", output)];
}

function programOfStart({ arch, image, weights }: Placed, { map, layers }: State): Program {
  const b = new Builder(image, weights, map.fork(), arch);
  b.label("start", () => {
    for (const { h, c } of layers) for (const part of [h, c]) lowerZero(b, part);
  });
  return b.finish("start");
}

function programOfStep(
  q: QLm,
  { arch, image, weights, embedding }: Placed,
  { map, layers }: State,
  gives: Port,
): Program {
  const b = new Builder(image, weights, map.fork(), arch);
  const word = b.map.reserve(INPUT.count, INPUT.bits, "word");
  const x = b.map.tensor(q.embedding.output, q.embedding.columns, 1, "embedded word");
  b.label("host", () => b.emit(fetch, { dst: word, src: INPUT.address, n: INPUT.count, bits: INPUT.bits }));
  b.label("embedding", () => lowerEmbedding(b, embedding, word, x));
  b.show("embedded", x);
  let input = x;
  for (const [i, { name, mogrifier, cell }] of q.layers.entries()) {
    const { h, c } = layers[i]!;
    b.label(name, () =>
      b.scratch(() => {
        const read = b.label("mogrifier", () => lowerMogrifier(b, mogrifier, { x: input, h }));
        lowerRecurrence(b, cell, lowerInput(b, cell, [read.x], 1), read.h, c, h);
      }),
    );
    input = h;
  }
  const logits = b.map.tensor(q.output.output, q.output.rows, 1, "logits");
  b.label("output", () => lowerLinear(b, q.output, [input], logits));
  b.show("logits", logits);
  b.label("host", () =>
    b.emit(store, { dst: gives.address, src: logits.at, n: gives.count, bits: gives.bits }),
  );
  return b.finish("step");
}
