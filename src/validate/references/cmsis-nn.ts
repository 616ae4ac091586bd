import { quantizedMultiplier, reducedMultiplier } from "../../fixed/scale.ts";
import { cmsisLstmOf } from "../../kernels/lstm/reference.ts";
import type { QSoftmax } from "../../kernels/softmax/quantize.ts";
import { fixedSoftmaxOf, tableSoftmaxOf } from "../../kernels/softmax/reference.ts";
import { exact, filesOf, foldersOf, type Operators, operatorSuite, stemOf, supportOf } from "../files.ts";
import { DOUBLE, WIDE } from "../machines.ts";
import { softmax } from "../operators/curve.ts";
import { addLifted, multiply } from "../operators/elementwise.ts";
import { batchMatmul, fullyConnected } from "../operators/product.ts";
import { runLstm } from "../operators/sequence.ts";
import { Source } from "../source.ts";
import type { Reference } from "../suite.ts";
import { compareCodes, type Verdict } from "../verdict.ts";

const FOLDER = "cmsis-nn";

/** A case as its unit test states it: the test's macros, its tensors, and which of them are the result. */
class UnitTest {
  readonly #source: Source;
  readonly #params: Source;
  readonly #tensors: Source;

  constructor(source: Source) {
    this.#source = source;
    this.#params = source.at("params");
    this.#tensors = source.at("tensors");
  }

  /** A macro; what the test does not define is `otherwise`, where there is one. */
  macro(name: string, otherwise?: number): number {
    if (otherwise !== undefined && !this.#params.has(name)) return otherwise;
    return this.#params.integer(name);
  }

  /** A macro that is true or false, or 1 or 0. */
  flag(name: string): boolean {
    return typeof this.#params.at(name).value === "boolean"
      ? this.#params.flag(name)
      : this.macro(name) === 1;
  }

  /** A zero point, which the tests give as an offset to add. */
  zero(name: string): number {
    return 0 - this.macro(name, 0);
  }

  /** The range of the operator's activation. */
  range(prefix = "OUT_ACTIVATION"): readonly [number, number] {
    return [this.macro(`${prefix}_MIN`), this.macro(`${prefix}_MAX`)];
  }

  /** A multiplier and its shift. */
  scale(multiplier: string, shift: string): readonly [number, number] {
    return [this.macro(multiplier), this.macro(shift)];
  }

  has(name: string): boolean {
    return this.#named(name) !== undefined;
  }

  /** A tensor's codes, by its name or one that the tests also use for it. */
  codes(name: string, length?: number): readonly number[] {
    const tensor = this.#named(name) ?? this.#tensors.refuse(`no tensor ${name}`);
    return tensor.codes("data", length);
  }

  /** Holds the result against the tensor that the test expects. */
  expect(got: readonly number[]): Verdict {
    const expected = this.#source.at("expected");
    const [name, ...others] = expected.items();
    if (name === undefined || others.length > 0) return expected.refuse("an operator here has one result");
    const tensor = String(name.value);
    return compareCodes(tensor, got, this.codes(tensor));
  }

  #named(name: string): Source | undefined {
    const found = this.#tensors.keys().find((key) => {
      if (key === name) return true;
      if (!this.#tensors.has(key)) return false;
      const tensor = this.#tensors.at(key);
      return (
        tensor.has("aliases") &&
        tensor
          .at("aliases")
          .items()
          .some(({ value }) => value === name)
      );
    });
    if (found === undefined || !this.#tensors.has(found)) return undefined;
    const tensor = this.#tensors.at(found);
    return tensor.has("data") ? tensor : undefined;
  }
}

/** Codes of 4 bits, two in a byte, the low half first, rows not padded. */
function unpackNibbles(bytes: readonly number[], count: number): number[] {
  return Array.from({ length: count }, (_, i) => {
    const byte = bytes[(i - (i % 2)) / 2]!;
    const unsigned = (byte + 256) % 256;
    const nibble = i % 2 === 0 ? unsigned % 16 : (unsigned - (unsigned % 16)) / 16;
    return nibble >= 8 ? nibble - 16 : nibble;
  });
}

/** Scales of a layer: one from the macros, or one for each channel from tensors. */
function scalesOf(test: UnitTest, make: typeof quantizedMultiplier) {
  if (!test.has("output_mult")) return [make(...test.scale("OUTPUT_MULTIPLIER", "OUTPUT_SHIFT"))];
  const shifts = test.codes("output_shift");
  return test.codes("output_mult", shifts.length).map((multiplier, i) => make(multiplier, shifts[i]!));
}

function layer(source: Source, bits: { readonly x: number; readonly w: number }): Verdict {
  const test = new UnitTest(source);
  const [m, k, n] = [test.macro("INPUT_BATCHES"), test.macro("ACCUMULATION_DEPTH"), test.macro("OUT_CH")];
  const weights = bits.w === 4 ? unpackNibbles(test.codes("weights"), n * k) : test.codes("weights", n * k);
  const isWide = bits.x === 16;
  const got = fullyConnected(isWide ? WIDE : DOUBLE, {
    ...{ m, k, n },
    x: { codes: test.codes("input", m * k), bits: bits.x, zero: test.zero("INPUT_OFFSET") },
    w: { codes: weights, bits: bits.w, zero: test.zero("FILTER_OFFSET") },
    ...(test.has("biases") ? { bias: test.codes("biases", n) } : {}),
    scales: scalesOf(test, isWide ? reducedMultiplier : quantizedMultiplier),
    result: { bits: bits.x, zero: test.macro("OUTPUT_OFFSET"), range: test.range() },
  });
  return test.expect(got);
}

/** A matrix [rows][columns] the other way round. */
const transposed = (codes: readonly number[], rows: number, columns: number): number[] =>
  Array.from({ length: codes.length }, (_, i) => codes[(i % rows) * columns + (i - (i % rows)) / rows]!);

function matmul(source: Source, bits: number): Verdict {
  const test = new UnitTest(source);
  const [adjointX, adjointY] = [test.macro("ADJ_X") === 1, test.macro("ADJ_Y") === 1];
  const [lhsRows, lhsColumns] = [test.macro("LHS_ROWS"), test.macro("LHS_COLS")];
  const [rhsRows, rhsColumns] = [test.macro("RHS_ROWS"), test.macro("RHS_COLS")];
  const [m, k] = adjointX ? [lhsColumns, lhsRows] : [lhsRows, lhsColumns];
  const n = adjointY ? rhsRows : rhsColumns;
  /** The matrices of a side, by batch and height; an axis of one is the same for all of the other side's. */
  const matrices = (name: string, side: string, rows: number, columns: number, turn: boolean) => {
    const [batch, height] = [test.macro(`${side}_BATCH`), test.macro(`${side}_HEIGHT`)];
    const codes = test.codes(name, batch * height * rows * columns);
    const at = (b: number, h: number) => {
      const from = ((b % batch) * height + (h % height)) * rows * columns;
      const matrix = codes.slice(from, from + rows * columns);
      return turn ? transposed(matrix, rows, columns) : matrix;
    };
    return { batch, height, at };
  };
  const left = matrices("lhs_input_tensor", "LHS", lhsRows, lhsColumns, adjointX);
  const right = matrices("rhs_input_tensor", "RHS", rhsRows, rhsColumns, adjointY);
  const multiplier = test.scale("OUTPUT_MULTIPLIER", "OUTPUT_SHIFT");
  const [batches, heights] = [Math.max(left.batch, right.batch), Math.max(left.height, right.height)];
  const got = batchMatmul(bits === 16 ? WIDE : DOUBLE, {
    ...{ m, k, n },
    batches: Array.from({ length: batches * heights }, (_, i) => {
      const h = i % heights;
      const b = (i - h) / heights;
      return { x: left.at(b, h), w: right.at(b, h) };
    }),
    x: { bits, zero: test.zero("LHS_OFFSET") },
    w: { bits, zero: test.zero("RHS_OFFSET") },
    scale: bits === 16 ? reducedMultiplier(...multiplier) : quantizedMultiplier(...multiplier),
    result: { bits, zero: test.macro("OUTPUT_OFFSET"), range: test.range("ACTIVATION") },
  });
  return test.expect(got);
}

function pairOf(test: UnitTest, bits: number) {
  const size = test.macro("DST_SIZE");
  return {
    a: { codes: test.codes("input1", size), bits, zero: test.zero("INPUT1_OFFSET") },
    b: { codes: test.codes("input2", size), bits, zero: test.zero("INPUT2_OFFSET") },
    result: { bits, zero: test.macro("OUTPUT_OFFSET"), range: test.range() },
  };
}

function sum(source: Source, bits: number): Verdict {
  const test = new UnitTest(source);
  const scale = (of: string) => quantizedMultiplier(...test.scale(`${of}_MULT`, `${of}_SHIFT`));
  const scales = { a: scale("INPUT1"), b: scale("INPUT2"), out: scale("OUTPUT") };
  return test.expect(addLifted(DOUBLE, { ...pairOf(test, bits), left: test.macro("LEFT_SHIFT"), scales }));
}

function product(source: Source, bits: number): Verdict {
  const test = new UnitTest(source);
  const scale = quantizedMultiplier(...test.scale("OUTPUT_MULT", "OUTPUT_SHIFT"));
  return test.expect(multiply(DOUBLE, { ...pairOf(test, bits), scale }));
}

function rowsOfSoftmax(source: Source, q: (test: UnitTest) => QSoftmax): Verdict {
  const test = new UnitTest(source);
  const rows = test.macro("NUM_ROWS");
  const x = test.codes("input", rows * test.macro("ROW_SIZE"));
  return test.expect(softmax(DOUBLE, q(test), x, rows));
}

const fixedSoftmax = (outputBits: number) => (test: UnitTest) =>
  fixedSoftmaxOf({
    ...{ multiplier: test.macro("INPUT_MULT"), leftShift: test.macro("INPUT_LEFT_SHIFT") },
    ...{ diffMin: test.macro("DIFF_MIN"), outputBits },
  });

const tableSoftmax = (test: UnitTest) =>
  tableSoftmaxOf(
    { multiplier: test.macro("INPUT_MULT"), shift: test.macro("INPUT_LEFT_SHIFT") },
    DOUBLE.settings,
  );

function lstm(source: Source, bits: 8 | 16): Verdict {
  const test = new UnitTest(source);
  const [input, hidden] = [test.macro("INPUT_SIZE"), test.macro("HIDDEN_SIZE")];
  const scale = (name: string) => ({
    multiplier: test.macro(`${name}_MULTIPLIER`),
    shift: test.macro(`${name}_SHIFT`),
  });
  const gate = (name: string) => ({
    weightX: test.codes(`${name}_gate_input_weights`, hidden * input),
    weightH: test.codes(`${name}_gate_hidden_weights`, hidden * hidden),
    bias: test.has(`${name}_gate_bias`)
      ? test.codes(`${name}_gate_bias`, hidden)
      : new Array<number>(hidden).fill(0),
    scaleX: scale(`${name.toUpperCase()}_GATE_INPUT`),
    scaleH: scale(`${name.toUpperCase()}_GATE_HIDDEN`),
  });
  const q = cmsisLstmOf({
    ...{ input, hidden, bits },
    gates: { input: gate("input"), forget: gate("forget"), candidate: gate("cell"), output: gate("output") },
    inputZero: test.zero("INPUT_ZERO_POINT"),
    outputZero: test.macro("OUTPUT_ZERO_POINT"),
    cellExponent: test.macro("CELL_SCALE_POWER"),
    clip: test.macro("CELL_CLIP"),
    forgetScale: scale("FORGET_TO_CELL"),
    inputScale: scale("INPUT_TO_CELL"),
    hiddenScale: scale("OUTPUT"),
  });
  const order = {
    steps: test.macro("TIME_STEPS"),
    batch: test.macro("BATCH_SIZE"),
    timeMajor: test.flag("TIME_MAJOR"),
  };
  const x = test.codes("input_tensor", order.steps * order.batch * input);
  return test.expect(runLstm(bits === 16 ? WIDE : DOUBLE, q, x, order));
}

const OPERATORS: Operators = {
  fully_connected_s8: exact("fully connected", "int8", (c) => layer(c, { x: 8, w: 8 })),
  fully_connected_s4: exact("fully connected", "int8 x int4", (c) => layer(c, { x: 8, w: 4 })),
  fully_connected_s16: exact("fully connected", "int16 x int8", (c) => layer(c, { x: 16, w: 8 })),
  batch_matmul_s8: exact("batch matmul", "int8", (c) => matmul(c, 8)),
  batch_matmul_s16: exact("batch matmul", "int16", (c) => matmul(c, 16)),
  elementwise_add_s8: exact("add", "int8", (c) => sum(c, 8)),
  elementwise_add_s16: exact("add", "int16", (c) => sum(c, 16)),
  elementwise_mul_s8: exact("multiply", "int8", (c) => product(c, 8)),
  elementwise_mul_s16: exact("multiply", "int16", (c) => product(c, 16)),
  softmax_s8: exact("softmax", "int8", (c) => rowsOfSoftmax(c, fixedSoftmax(8))),
  softmax_s8_s16: exact("softmax", "int8 to int16", (c) => rowsOfSoftmax(c, fixedSoftmax(16))),
  softmax_s16: exact("softmax", "int16", (c) => rowsOfSoftmax(c, tableSoftmax)),
  lstm_s8: exact("LSTM", "int8, int16 cell", (c) => lstm(c, 8)),
  lstm_s16: exact("LSTM", "int16", (c) => lstm(c, 16)),
};

/** The unit-test data of CMSIS-NN, which is read where it lies: it is another project's. */
export const cmsisNn: Reference = {
  folder: FOLDER,
  doc: "CMSIS-NN's unit tests: one folder an operator, one file a case",
  support: supportOf(FOLDER, OPERATORS),
  suites: (path) =>
    foldersOf(path).map((folder) =>
      operatorSuite(FOLDER, stemOf(folder), OPERATORS, () =>
        filesOf(folder, ".json").map((file) => ({ name: stemOf(file), source: Source.open(file) })),
      ),
    ),
};
