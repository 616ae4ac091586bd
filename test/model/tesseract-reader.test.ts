import { copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { InputError } from "../../src/base/errors.ts";
import { frozenRangesOf } from "../../src/model/frozen.ts";
import { tesseract } from "../../src/model/tesseract/index.ts";
import { loadTesseract, locateWeights, type TesseractParams } from "../../src/model/tesseract/weights.ts";
import { because, missing } from "./fetched.ts";
import { temporaryFolder } from "./files.ts";
import {
  alphabetBytes,
  recognizerBytes,
  type Sizes,
  SMALL,
  smallTraineddata,
  traineddataBytes,
} from "./traineddata.ts";

const FOLDER = "experiments/models/tesseract";
const reason = missing(tesseract, FOLDER);
const folder = temporaryFolder();
const path = join(folder, "x.traineddata");

function loaded(bytes: Uint8Array): TesseractParams {
  writeFileSync(path, bytes);
  return loadTesseract(path);
}

/** What is wrong with a file, in the words of its error behind its name; undefined where nothing is. */
function faultOf(bytes: Uint8Array): string | undefined {
  try {
    loaded(bytes);
    return undefined;
  } catch (error) {
    expect(error).toBeInstanceOf(InputError);
    const { message } = error as InputError;
    expect(message).toMatch(new RegExp(`^${path}: (?!.*\n)`));
    return message.slice(path.length + 2);
  }
}

const small = smallTraineddata();

describe("a file that was made by hand", () => {
  test("has the sizes, the order of gates and the alphabet that it was made with", () => {
    const p = loaded(small);
    expect(p.convShape).toMatchObject({ height: 5, width: 36, channels: 1, kernel: [3, 3] });
    expect(p.pool).toEqual({ height: 3, width: 36, channels: 8, window: [3, 3] });
    expect(p.passes.map(({ cell, reverse }) => [cell.input, cell.hidden, reverse])).toEqual([
      [8, 8, false],
      [8, 8, true],
      [8, 16, false],
    ]);
    expect(p.output.weight).toMatchObject({ rows: 11, columns: 16 });
    expect(String.fromCodePoint(...p.alphabet)).toBe(" abcdefghi\0");
  });

  test("the same compressed is the same", () => {
    expect(loaded(gzipSync(small))).toEqual(loaded(small));
  });

  test("gates come as candidate, input, forget, output and leave as i f g o, inputs and h apart", () => {
    const { column } = loaded(small);
    // The first matrix of the summary is its candidate: its second row starts with these codes.
    const lstm = recognizerBytes(SMALL);
    const text = Buffer.from(lstm).indexOf("SummLSTM", Buffer.from(lstm).indexOf("SummLSTM") + 1);
    const first = text + 8 + 4 + 1 + 8 + 1;
    const codes = new Int8Array(lstm.buffer, first, 8 * 17);
    const row = [...codes.subarray(17, 34)];
    expect([...column.weightX.data.subarray(17 * 8, 18 * 8)]).toEqual(row.slice(0, 8));
    expect([...column.weightH.data.subarray(17 * 8, 18 * 8)]).toEqual(row.slice(8, 16));
    expect(column.biases[17]).toBe(127 * row[16]!);
  });

  test("cut off anywhere, it is refused by the byte", () => {
    for (let length = 0; length < small.length; length += length < 250 ? 1 : 7)
      expect(faultOf(small.subarray(0, length)), `${length} bytes`).toMatch(
        /^(entr|lstm|unicharset|recoder)/,
      );
  });

  test("with bytes changed it is read, or refused in one line", () => {
    const places = fc.array(fc.tuple(fc.nat(small.length - 1), fc.nat(255)), { minLength: 1, maxLength: 3 });
    let refused = 0;
    fc.assert(
      fc.property(places, (changes) => {
        const bytes = Uint8Array.from(small);
        for (const [at, value] of changes) bytes[at] = value;
        if (faultOf(bytes) !== undefined) refused++;
      }),
      { numRuns: 400 },
    );
    expect(refused).toBeGreaterThan(20);
  });

  test("numbers of any size in the place of any other are read, or refused in one line", () => {
    const sizes = [-1, -(2 ** 31), 2 ** 31 - 1, 0x10000000, 0];
    for (let at = 0; at + 4 <= 700; at++) {
      const bytes = Uint8Array.from(small);
      new DataView(bytes.buffer).setInt32(at, sizes[at % sizes.length]!, true);
      faultOf(bytes);
    }
  });
});

const { unicharset, recoder } = alphabetBytes(SMALL.characters);
const withLstm = (sizes: Partial<Sizes>) =>
  faultOf(traineddataBytes({ 17: recognizerBytes({ ...SMALL, ...sizes }), 21: unicharset, 22: recoder }));

describe("what is no network for lines is refused by its record", () => {
  test.each([
    [{ height: 48 }, /^lstm, byte \d+: Input: lines of 48 rows and 1 channels, not of 36 and 1$/],
    [{ pool: [3, 5] as const }, /^lstm, byte \d+: Maxpool: windows of 3 x 5, not of/],
    [{ pool: [0, 3] as const }, /^lstm, byte \d+: Maxpool: windows of 0 x 3/],
    [{ types: { Softmax: "Tanh" } }, /: Softmax: a Tanh, not a softmax$/],
    [{ types: { SummLSTM: "LSTM" } }, /: XYTranspose: not a summary of columns$/],
    [{ types: { RTLReversed: "XYTranspose" } }, /: RTLReversed: not an LSTM along the line$/],
    [{ types: { Convolve: "Maxpool" } }, /: Series: not a convolution with a tanh$/],
    [{ types: { LSTM: "Par2dLSTM" } }, /: a layer of type "Par2dLSTM", which is not among/],
    [{ passes: [] }, /: Series: 5 layers, fewer than/],
  ])("%o", (sizes, problem) => {
    expect(withLstm(sizes)).toMatch(problem);
  });

  const component = (change: (bytes: Uint8Array) => Uint8Array) =>
    faultOf(traineddataBytes({ 17: change(recognizerBytes(SMALL)), 21: unicharset, 22: recoder }));
  const firstMatrix = Buffer.from(recognizerBytes(SMALL)).indexOf(133);

  test("components, matrices and codes", () => {
    expect(faultOf(traineddataBytes({ 17: recognizerBytes(SMALL), 21: unicharset }))).toBe(
      "entry 22: no recoder, which a network for lines has",
    );
    expect(component((bytes) => Uint8Array.of(...bytes, 0))).toMatch(/: 1 bytes behind its end$/);
    const changed = (at: number, value: number) => (bytes: Uint8Array) => {
      bytes[at] = value;
      return bytes;
    };
    expect(component(changed(firstMatrix, 128))).toMatch(/a matrix of mode 128, not of 8-bit codes/);
    expect(component(changed(firstMatrix + 1, 0))).toMatch(/a matrix of 0 x 10$/);
    expect(component(changed(0, 3))).toMatch(/^lstm, byte 196: a layer of type 3, not one by name$/);
    const longer = alphabetBytes(`${SMALL.characters}j`);
    const lstm = recognizerBytes(SMALL);
    expect(faultOf(traineddataBytes({ 17: lstm, 21: longer.unicharset, 22: recoder }))).toMatch(
      /^recoder, byte \d+: codes for 12 of 13 characters$/,
    );
    expect(faultOf(traineddataBytes({ 17: lstm, 21: longer.unicharset, 22: longer.recoder }))).toMatch(
      /^recoder, byte \d+: the code 11 is not in 0 … 10$/,
    );
    // Text of a file never breaks the line of its error.
    const type = Buffer.from(lstm).indexOf("Maxpool");
    expect(component(changed(type, 10))).toMatch(/^lstm, byte \d+: a layer's type is no plain text$/);
    expect(component(changed(type - 3, 8))).toMatch(
      /^lstm, byte \d+: 2055 bytes of a layer's type, more than 1024$/,
    );
    const head = Buffer.from("1\r\nffi 3\n");
    expect(faultOf(traineddataBytes({ 17: lstm, 21: head, 22: recoder }))).toMatch(
      /line 1 of the list of characters: "1\\r" characters in 2 lines$/,
    );
    const odd = Buffer.from("1\nffi 3\n");
    expect(faultOf(traineddataBytes({ 17: lstm, 21: odd, 22: recoder }))).toMatch(
      /^unicharset, byte \d+: line 2 of the list of characters: "ffi" is not one character$/,
    );
  });

  test("files", () => {
    expect(() => loadTesseract("nowhere.traineddata")).toThrow("nowhere.traineddata: no such file");
    expect(faultOf(Uint8Array.of(0x1f, 0x8b, 1))).toMatch(/^cannot be unpacked \(/);
    expect(faultOf(gzipSync(new Uint8Array(2 ** 27 + 1)))).toBe("unpacks to more than 134217728 bytes");
    expect(() => loadTesseract("package.json")).toThrow(
      /^package\.json: entries, byte 0: \d+ entries are no table/,
    );
  });
});

describe("weights", () => {
  test("are found beside the experiment before those of the package, plain before compressed", () => {
    const own = join(folder, "own");
    mkdirSync(own);
    writeFileSync(join(own, "eng.traineddata.gz"), gzipSync(small));
    expect(locateWeights(own)).toBe(join(own, "eng.traineddata.gz"));
    writeFileSync(join(own, "eng.traineddata"), small);
    expect(locateWeights(own)).toBe(join(own, "eng.traineddata"));
    const none = join(folder, "none");
    if (reason === undefined) expect(locateWeights(none)).toMatch(/4\.0\.0_best_int\/eng\.traineddata\.gz$/);
    else expect(reason).toMatch(/npm pack @tesseract\.js-data\/eng/);
  });

  test("bring no ranges of their own, however they are packed", () => {
    expect(frozenRangesOf(path)).toBeUndefined();
    expect(frozenRangesOf(`${path}.gz`)).toBeUndefined();
  });

  test.skipIf(reason !== undefined)(because("of the package are read to the last byte", reason), () => {
    copyFileSync(locateWeights(FOLDER), path);
    const p = loadTesseract(path);
    expect(p.column).toMatchObject({ input: 16, hidden: 64 });
    expect(p.passes.map(({ cell, reverse }) => [cell.input, cell.hidden, reverse])).toEqual([
      [64, 96, false],
      [96, 96, true],
      [96, 512, false],
    ]);
    expect(p.output.weight).toMatchObject({ rows: 111, columns: 512 });
    const text = String.fromCodePoint(...p.alphabet);
    for (const character of "AZaz09 .,;€é—") expect(text).toContain(character);
    expect(p.alphabet.indexOf(0)).toBe(110);
  });
});
