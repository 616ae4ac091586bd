import type { ArchSpec } from "../../arch/spec.ts";
import { InputError } from "../../base/errors.ts";
import { fetch, store } from "../../isa/ops/dma.ts";
import { fill } from "../../isa/ops/vector.ts";
import type { Program } from "../../isa/program.ts";
import { INDEX_BITS } from "../../isa/widths.ts";
import { lowerArgmax } from "../../kernels/argmax/lower.ts";
import { lowerAttend, lowerKeys } from "../../kernels/attention/lower.ts";
import { ActivationMap, Builder, rowOf, strideOf, type Tensor } from "../../kernels/builder.ts";
import { loadProgram } from "../../kernels/compile.ts";
import { INDEX_GRID } from "../../kernels/define.ts";
import { lowerZero } from "../../kernels/elementwise.ts";
import { lowerEmbedding, type PlacedEmbedding } from "../../kernels/embedding/lower.ts";
import { ImageBuilder } from "../../kernels/image.ts";
import { lowerLinear, lowerLinearPwl } from "../../kernels/linear/lower.ts";
import type { QLinear } from "../../kernels/linear/quantize.ts";
import { lowerInput, lowerRecurrence, lowerSequence } from "../../kernels/lstm/lower.ts";
import { fixedMapping, type Mapping, matrixNames, type Site } from "../../kernels/mapping.ts";
import { Residency } from "../../kernels/residency.ts";
import type { Job, Port, Stage } from "../job.ts";
import { BOS, EOS } from "./alphabet.ts";
import type { QG2p } from "./quantize.ts";
import { MAX_PHONES } from "./real.ts";

/** Where the host puts letters, as many as a word has, and finds a phone. */
const INPUT = { address: 0, bits: INDEX_BITS };
const MAX_LETTERS = 32;
const OUTPUT: Port = { address: (MAX_LETTERS * INDEX_BITS) / 8, bits: INDEX_BITS, count: 1 };
const DATA_BYTES = OUTPUT.address + INDEX_BITS / 8;

/** Activations that outlive a program: what `start` leaves to `step`, and one step to the next. */
interface Shared {
  readonly map: ActivationMap;
  /** Encoder states with a zero row before the first and behind the last. */
  readonly rows: Tensor;
  readonly memory: Tensor;
  readonly keys: Tensor;
  readonly h: Tensor;
  readonly c: Tensor;
  readonly context: Tensor;
  readonly token: Tensor;
}

interface Placed {
  readonly arch: ArchSpec;
  readonly image: ImageBuilder;
  readonly weights: Residency;
  readonly letters: PlacedEmbedding;
  readonly phones: PlacedEmbedding;
}

/**
 * Compiles the model for one machine and for words of the given lengths.
 *
 * @param mapping  of the matrices of `sitesOf`; by the fixed rule where none is given
 * @throws InputError where it does not fit
 */
export function compileG2p(q: QG2p, arch: ArchSpec, lengths: readonly number[], mapping?: Mapping): Job {
  const image = new ImageBuilder(arch);
  const sites = sitesOf(q, 1);
  const matrices = sites.flatMap((site) => site.matrices);
  const chosen = mapping ?? fixedMapping(arch, matrices, matrixNames(sites));
  const weights = new Residency(arch, image, matrices, chosen);
  const embedding = (table: QG2p["letters"]) => ({
    q: table,
    at: image.weights(table.codes, table.stored.format.bits),
  });
  const placed: Placed = { arch, image, weights, letters: embedding(q.letters), phones: embedding(q.phones) };
  const stages = new Map<number, readonly Stage[]>();
  for (const length of lengths) {
    if (length > MAX_LETTERS) {
      throw new InputError(`a word of ${length} letters`, `the model's input has room for ${MAX_LETTERS}`);
    }
    const shared = shareOf(q, placed, length);
    const [start, step] = [lowerStart(q, placed, shared), lowerStep(q, placed, shared)];
    stages.set(length, stagesOf(length, start, step, shared));
  }
  return {
    image: image.build(),
    load: loadProgram(arch, image, weights),
    stages,
    dataBytes: DATA_BYTES,
    mapping: chosen,
    residentWeightBytes: weights.residentBytes,
  };
}

/** `start` reads a word; then `step` says a phone at a time, of which a word has about as many as it has letters. */
const stagesOf = (
  letters: number,
  start: Program,
  step: Program,
  { h, c, context, token }: Shared,
): Stage[] => [
  { name: "start", program: start, takes: { ...INPUT, count: letters }, turns: 1, expectedTurns: 1 },
  {
    ...{ name: "step", program: step, gives: OUTPUT, turns: MAX_PHONES, end: EOS },
    ...{ expectedTurns: letters, state: { h, c, context, token } },
  },
];

/**
 * Where the array multiplies in a word of so many letters, the most often used first: by the fixed rule the matrices of
 * the recurrences stay on chip longest.
 */
export function sitesOf(q: QG2p, letters: number): Site[] {
  const site = (name: string, { parts }: QLinear, vectors = 1): Site => ({
    ...{ name, vectors },
    matrices: parts.map(({ weights }) => weights),
  });
  const input = (name: string, layer: QLinear): Site => ({
    ...site(name, layer, letters),
    isRecurrent: true,
  });
  return [
    site("encoder.forward.h", q.forward.productH),
    site("encoder.backward.h", q.backward.productH),
    site("decoder.h", q.decoder.productH),
    site("decoder.x", q.decoder.productX),
    site("attention.query", q.attention.query),
    site("attention.score", q.attention.score, letters),
    site("output", q.output),
    input("encoder.forward.x", q.forward.productX),
    input("encoder.backward.x", q.backward.productX),
    site("attention.key", q.attention.key, letters),
    site("bridge", q.bridge),
  ];
}

function shareOf(q: QG2p, { arch }: Placed, length: number): Shared {
  const map = new ActivationMap(arch);
  const width = 2 * q.forward.hiddenSize;
  const rows = map.tensor(q.memory, width, length + 2, "memory");
  return {
    map,
    rows,
    memory: { ...rows, at: (rows.at as number) + strideOf(rows), count: length },
    keys: map.tensor(q.attention.key.output, q.attention.key.rows, length, "keys"),
    h: map.tensor(q.decoder.hidden, q.decoder.hiddenSize, 1, "h"),
    c: map.tensor(q.decoder.cell, q.decoder.hiddenSize, 1, "c"),
    context: map.tensor(q.context, width, 1, "context"),
    token: map.tensor(INDEX_GRID, 1, 1, "token"),
  };
}

/** Reads the word: encoder in both directions, keys, the decoder's first state. */
function lowerStart(q: QG2p, { arch, image, weights, letters }: Placed, shared: Shared): Program {
  const { rows, memory, h } = shared;
  const length = memory.count;
  const b = new Builder(image, weights, shared.map.fork(), arch);
  const indices = b.map.reserve(length, INDEX_BITS, "letters");
  const xs = b.map.tensor(q.letters.output, q.letters.columns, length, "embedded letters");
  b.label("host", () => b.emit(fetch, { dst: indices, src: INPUT.address, n: length, bits: INDEX_BITS }));
  b.label("embedding.letters", () => lowerEmbedding(b, letters, indices, xs));
  b.show("letters", xs);
  b.label("encoder.start", () => {
    lowerZero(b, rowOf(rows, 0));
    lowerZero(b, rowOf(rows, length + 1));
  });
  const half = (tensor: Tensor, k: 0 | 1): Tensor => rowOf({ ...tensor, length: tensor.length / 2 }, k);
  const stride = strideOf(rows);
  b.label("encoder.forward", () =>
    lowerSequence(b, q.forward, [xs], { first: half(rows, 0), stride }, false),
  );
  b.label("encoder.backward", () =>
    lowerSequence(b, q.backward, [xs], { first: half(rows, 1), stride }, true),
  );
  b.label("attention.keys", () => lowerKeys(b, q.attention, memory, shared.keys));
  b.show("keys", shared.keys);
  const last = [half(rowOf(rows, length), 0), half(rowOf(rows, 1), 1)];
  b.label("bridge", () => lowerLinearPwl(b, q.bridge, q.bridgeTanh, last, h));
  b.show("start", h);
  b.label("decoder.start", () => {
    lowerZero(b, shared.c);
    lowerZero(b, shared.context);
    b.emit(fill, { dst: shared.token.at, n: 1, bits: INDEX_BITS, value: BOS });
  });
  return b.finish(`start-${length}`);
}

/** One phone: from the last token, h, c and context to the next of each. */
function lowerStep(q: QG2p, { arch, image, weights, phones }: Placed, shared: Shared): Program {
  const { memory, keys, h, c, context, token } = shared;
  const b = new Builder(image, weights, shared.map.fork(), arch);
  const fed = b.map.tensor(q.phones.output, q.phones.columns, 1, "embedded phone");
  const logits = b.map.tensor(q.output.output, q.output.rows, 1, "logits");
  b.label("embedding.phones", () => lowerEmbedding(b, phones, token.at, fed));
  b.show("phones", fed);
  b.label("decoder", () =>
    b.scratch(() => lowerRecurrence(b, q.decoder, lowerInput(b, q.decoder, [fed, context], 1), h, c, h)),
  );
  b.label("attention", () => lowerAttend(b, q.attention, h, keys, memory, context));
  b.label("output", () => lowerLinear(b, q.output, [h, context], logits));
  b.show("logits", logits);
  b.label("argmax", () => lowerArgmax(b, logits, token.at));
  b.label("host", () => b.emit(store, { dst: OUTPUT.address, src: token.at, n: 1, bits: INDEX_BITS }));
  return b.finish(`step-${memory.count}`);
}
