import seedrandom from "seedrandom";

/** A small file of Tesseract's, of any sizes: what the reader is tried on, and models that take no time. */

class Writer {
  readonly #bytes: number[] = [];

  get length(): number {
    return this.#bytes.length;
  }

  number(write: (view: DataView) => void, bytes: number): this {
    const view = new DataView(new ArrayBuffer(bytes));
    write(view);
    return this.raw(new Uint8Array(view.buffer));
  }

  raw(bytes: Iterable<number>): this {
    this.#bytes.push(...bytes);
    return this;
  }

  int8 = (...xs: number[]) => this.raw(xs.map((x) => x & 255));
  int32 = (...xs: number[]) => xs.map((x) => this.number((v) => v.setInt32(0, x, true), 4)).at(-1) ?? this;
  int64 = (x: number) => this.number((v) => v.setBigInt64(0, BigInt(x), true), 8);
  float32 = (...xs: number[]) =>
    xs.map((x) => this.number((v) => v.setFloat32(0, x, true), 4)).at(-1) ?? this;
  float64 = (x: number) => this.number((v) => v.setFloat64(0, x, true), 8);

  text(text: string): this {
    const bytes = Buffer.from(text);
    return this.int32(bytes.length).raw(bytes);
  }

  done = (): Uint8Array => Uint8Array.from(this.#bytes);
}

export interface Sizes {
  readonly channels: number;
  readonly column: number;
  /** Hidden sizes of the LSTMs along the line; negative ones read from its right end. */
  readonly passes: readonly number[];
  /** What the network tells apart; the last one is none. */
  readonly characters: string;
  readonly pool?: readonly [number, number];
  readonly height?: number;
  /** Instead of the types that a network for lines has, by those. */
  readonly types?: Readonly<Record<string, string>>;
}

export const SMALL: Sizes = { channels: 8, column: 8, passes: [8, -8, 16], characters: " abcdefghi" };

/** The component `lstm`, from the seed. */
export function recognizerBytes(sizes: Sizes, seed = "traineddata"): Uint8Array {
  const { channels, column, passes, characters, pool = [3, 3], height = 36, types = {} } = sizes;
  const random = seedrandom(seed);
  const w = new Writer();
  const head = (type: string, inputs: number, outputs: number, weights: number, flags = 192) =>
    w
      .int8(0)
      .text(types[type] ?? type)
      .int8(0, 0)
      .int32(flags, inputs, outputs, weights)
      .text(type);
  const matrix = (rows: number, columns: number, scale: number) => {
    w.int8(133).int32(rows, columns).int8(0);
    for (let i = 0; i < rows * columns; i++) w.int8(Math.floor(255 * random()) - 127);
    w.int32(rows);
    for (let r = 0; r < rows; r++) w.float64(scale * (1 + random()));
  };
  const weightsOf = (inputs: number, hidden: number) => 4 * hidden * (inputs + hidden + 1);
  const lstm = (type: string, inputs: number, hidden: number) => {
    head(type, inputs, hidden, weightsOf(inputs, hidden), 0);
    w.int32(inputs + hidden);
    for (let gate = 0; gate < 4; gate++) matrix(hidden, inputs + hidden + 1, 0.01);
  };
  const rates = (count: number) => w.int32(count).float32(...new Array<number>(count).fill(0.001));
  const outputs = characters.length + 1;
  let [total, inputs] = [10 * channels + weightsOf(channels, column), column];
  for (const pass of passes) {
    total += weightsOf(inputs, Math.abs(pass));
    inputs = Math.abs(pass);
  }
  head("Series", height, outputs, total + outputs * (inputs + 1)).int32(5 + passes.length);
  head("Input", height, 1, 0).int32(1, height, 0, 1, 0);
  head("Series", 1, channels, 10 * channels).int32(2);
  head("Convolve", 1, 9, 0).int32(1, 1);
  head("Tanh", 9, channels, 10 * channels);
  matrix(channels, 10, 0.004);
  rates(2);
  head("Maxpool", channels, channels, 0).int32(...pool);
  head("XYTranspose", channels, column, weightsOf(channels, column)).int32(1);
  lstm("SummLSTM", channels, column);
  rates(1);
  inputs = column;
  for (const pass of passes) {
    const hidden = Math.abs(pass);
    if (pass < 0) head("RTLReversed", inputs, hidden, weightsOf(inputs, hidden)).int32(1);
    lstm("LSTM", inputs, hidden);
    if (pass < 0) rates(1);
    inputs = hidden;
  }
  head("Softmax", inputs, outputs, outputs * (inputs + 1));
  matrix(outputs, inputs + 1, 0.05);
  rates(5 + passes.length);
  return w.text("[a network]").int32(65, 100, 200, characters.length).float32(0.999, 0.001, 0.5).done();
}

/** The list of characters, and the code of each: those of no character share the last. */
export function alphabetBytes(characters: string): {
  readonly unicharset: Uint8Array;
  readonly recoder: Uint8Array;
} {
  const names = Array.from(characters, (character) => (character === " " ? "NULL" : character));
  const all = [names[0]!, "Joined", "|Broken|0|1", ...names.slice(1)];
  const unicharset = Buffer.from(`${all.length}\n${all.map((name) => `${name} 3 Latin\n`).join("")}`);
  const recoder = new Writer().int32(all.length);
  const none = characters.length;
  for (const code of [0, none, none, ...names.slice(1).map((_, i) => i + 1)]) recoder.int8(1).int32(1, code);
  return { unicharset, recoder: recoder.done() };
}

/** A whole file of these components, by their entries. */
export function traineddataBytes(components: Readonly<Record<number, Uint8Array>>, entries = 24): Uint8Array {
  const w = new Writer().int32(entries);
  let next = 4 + 8 * entries;
  for (let i = 0; i < entries; i++) {
    const part = components[i];
    w.int64(part === undefined ? -1 : next);
    next += part?.length ?? 0;
  }
  for (let i = 0; i < entries; i++) w.raw(components[i] ?? []);
  return w.done();
}

/** The file of a small network. */
export function smallTraineddata(sizes: Sizes = SMALL): Uint8Array {
  const { unicharset, recoder } = alphabetBytes(sizes.characters);
  return traineddataBytes({
    3: Uint8Array.of(1, 2, 3),
    17: recognizerBytes(sizes),
    21: unicharset,
    22: recoder,
  });
}
