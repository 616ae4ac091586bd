import { readFileSync } from "node:fs";
import type { ArchSpec } from "../../arch/spec.ts";
import { InputError } from "../../base/errors.ts";
import { maxOf, minOf, signed } from "../../fixed/format.ts";
import { exp, logistic, reciprocalByNewton, tanh } from "../../isa/ops/functions.ts";
import { rowscale, sum } from "../../isa/ops/reduce.ts";
import { fill } from "../../isa/ops/vector.ts";
import { WIDE_BITS, WORD_BITS } from "../../isa/widths.ts";
import type { Builder, Tensor } from "../../kernels/builder.ts";
import { lowerConversion, unitScale } from "../../kernels/convert.ts";
import { codesOf } from "../bench.ts";
import { columnOf, columnsOf, columnWithin } from "../csv.ts";
import { exact, filesOf, type Operators, operatorSuite, stemOf, supportOf } from "../files.ts";
import { DOUBLE, PLAIN } from "../machines.ts";
import { type Elements, spread } from "../operators/spread.ts";
import { Source } from "../source.ts";
import type { Case, Reference, Suite, Support } from "../suite.ts";
import { allOf, compareCodes, skipped, type Verdict } from "../verdict.ts";

const FOLDER = "gemmlowp";

const WORD = signed(WORD_BITS);
const words = (source: Source, key: string): readonly number[] => columnOf(source, key, WORD);

/** One function of a code, computed by one instruction. */
const applied = (
  arch: ArchSpec,
  x: Elements,
  bits: number,
  emit: (b: Builder, dst: Tensor, x: Tensor, n: number) => void,
): number[] =>
  spread(arch, [x], (b, [operand], n) => {
    const dst = b.map.tensor(codesOf(bits), 1, n);
    emit(b, dst, operand!, n);
    return dst;
  });

/** round(a / 2^shift) in 32 bits, ties away from zero. */
const dividedBy = (shift: number, aBits: number, b: Builder, dst: Tensor, a: Tensor, n: number): void =>
  lowerConversion(b, { dst: dst.at, a: a.at, n, aBits, bits: WORD_BITS, shift, rounding: "half-away" });

/** Rows of one primitive. */
interface Rows {
  readonly a: readonly number[];
  readonly b: readonly number[];
  /** Where b may only be some of the words: the check, and the error for one that it is not. */
  refuse(problem: string): never;
}

interface Primitive {
  readonly operation: string;
  run(rows: Rows): number[];
}

/** Fraction bits of a Q0.31 word. */
const FRACTION_BITS = 31;

/** The second factor is the scale of a row of one element: every element has its own. */
const doublingHighMultiply = ({ a, b }: Rows): number[] =>
  spread(DOUBLE, [a, b].map(wordsOf), (builder, [x, factor], n) => {
    const dst = builder.map.tensor(codesOf(WORD_BITS), 1, n);
    const exponent = builder.map.tensor(codesOf(WORD_BITS), 1, n);
    builder.emit(fill, { dst: exponent.at, n, bits: WORD_BITS, value: FRACTION_BITS });
    builder.emit(rowscale, {
      ...{ dst: dst.at, a: x!.at, mantissa: factor!.at, exponent: exponent.at, groups: n, n: 1 },
      ...{ aBits: WORD_BITS, bits: WORD_BITS, point: 0, aZero: 0, zero: 0 },
    });
    return dst;
  });

const wordsOf = (codes: readonly number[]): Elements => ({ codes, bits: WORD_BITS });

/** The shift is a constant of the instruction, so all elements with one shift are a program. */
function divideByPowerOfTwo({ a, b, refuse }: Rows): number[] {
  const got = new Array<number>(a.length);
  for (const shift of new Set(b)) {
    if (shift < 0 || shift >= WORD_BITS) refuse(`b is ${shift}, which is no shift of a word`);
    const places = [...a.keys()].filter((i) => b[i] === shift);
    const part = places.map((i) => a[i]!);
    const results = applied(DOUBLE, wordsOf(part), WORD_BITS, (builder, dst, x, n) =>
      dividedBy(shift, WORD_BITS, builder, dst, x, n),
    );
    for (const [i, place] of places.entries()) got[place] = results[i]!;
  }
  return got;
}

/** The sum has a bit more than a word, so it is that of a row of two codes. */
function halfSum({ a, b }: Rows): number[] {
  const pairs = { codes: a.flatMap((x, i) => [x, b[i]!]), bits: WORD_BITS, each: 2 };
  return applied(DOUBLE, pairs, WORD_BITS, (builder, dst, x, n) => {
    const total = builder.map.tensor(codesOf(WIDE_BITS), 1, n);
    builder.emit(sum, {
      ...{ dst: total.at, a: x.at, groups: n, n: 2, aBits: WORD_BITS, bits: WIDE_BITS, aZero: 0 },
    });
    dividedBy(1, WIDE_BITS, builder, dst, total, n);
  });
}

/** What the column `op` of the primitives' file may name. */
const PRIMITIVES: Readonly<Record<string, Primitive>> = {
  SRDHM: { operation: "saturating rounding doubling high multiply", run: doublingHighMultiply },
  RDBPOT: { operation: "rounding divide by a power of two", run: divideByPowerOfTwo },
  ROUNDHALFSUM: { operation: "rounding half sum", run: halfSum },
};

const PRIMITIVES_FILE = "primitives_i32";

/** A case for each primitive that the file has rows of. */
function primitiveCases(file: string): readonly Case[] {
  const source = columnsOf(file);
  const [a, b, want] = ["a", "b", "result"].map((key) => words(source, key));
  const ops = source
    .at("op")
    .items()
    .map(({ value }) => String(value));
  return [...new Set(ops)].map((name) => ({
    name,
    run() {
      const primitive = Object.hasOwn(PRIMITIVES, name) ? PRIMITIVES[name] : undefined;
      if (primitive === undefined) return skipped(`no primitive of this name is known: ${name}`);
      const of = (column: readonly number[]) => column.filter((_, i) => ops[i] === name);
      const refuse = (problem: string) => source.refuse(`${name}: ${problem}`);
      return compareCodes(name, primitive.run({ a: of(a!), b: of(b!), refuse }), of(want!));
    },
  }));
}

/**
 * exp of Q5.26. The instruction takes differences of codes of 16 bits and words, so -1 less -1 - x gives it every x.
 * A plain multiplier scales these by 1 without a loss; that of a doubling high multiply would leave out their top bit.
 */
function expNegative(source: Source): Verdict {
  const x = columnWithin(source, "x", minOf(WORD), 0);
  const taken = x.map((code) => -1 - code);
  const got = applied(PLAIN, wordsOf(taken), WORD_BITS, (b, dst, complement, n) => {
    const minusOne = b.map.tensor(codesOf(16), 1, n);
    b.emit(fill, { dst: minusOne.at, n, bits: 16, value: -1 });
    b.emit(exp, {
      ...{ dst: dst.at, a: minusOne.at, b: complement.at, groups: n, n: 1, aBits: 16 },
      ...{ limit: minOf(WORD), scale: b.image.scale(unitScale(PLAIN.settings)) },
    });
  });
  return compareCodes("exp", got, words(source, "exp"));
}

/** 1 / (1 + x): the mantissa of the reciprocal of 2^31 (1 + x). */
function reciprocalOnePlus(source: Source): Verdict {
  const codes = columnWithin(source, "x", 0, maxOf(WORD)).map((code) => 2 ** FRACTION_BITS + code);
  const got = applied(DOUBLE, { codes, bits: WIDE_BITS }, WORD_BITS, (b, dst, src, n) => {
    const exponent = b.map.tensor(codesOf(WORD_BITS), 1, n);
    b.emit(reciprocalByNewton, { dst: dst.at, exponent: exponent.at, src: src.at, n });
  });
  return compareCodes("result", got, words(source, "result"));
}

/** The logistic function or tanh of codes with `integerBits` integer bits. */
const curve = (
  op: typeof logistic | typeof tanh,
  codes: readonly number[],
  bits: 16 | 32,
  integerBits: number,
): number[] =>
  applied(DOUBLE, { codes, bits }, bits, (b, dst, src, n) =>
    b.emit<typeof op.fields>(op, { dst: dst.at, src: src.at, n, bits, integerBits }),
  );

/** Integer bits of Q3.28. */
const WORD_INTEGER_BITS = 3;

const logisticAndTanh = (source: Source): Verdict =>
  allOf(
    [logistic, tanh].map((op) => {
      const got = curve(op, words(source, "x"), 32, WORD_INTEGER_BITS);
      return compareCodes(op.name, got, words(source, op.name));
    }),
  );

/** A table of all 16-bit codes: its name says how many of their bits are integer ones. */
const TABLE = /^(.+_i16)_ib([0-9]+)$/;

const tableOperator = (file: string): string => TABLE.exec(stemOf(file))?.[1] ?? stemOf(file);

/** A binary of little-endian int16, one for each code from the lowest up. */
function tableOf(file: string): Source {
  const bytes = readFileSync(file);
  const size = 2 * 2 ** 16;
  if (bytes.length !== size) throw new InputError(file, `${bytes.length} bytes, where a table has ${size}`);
  return new Source(file, "", {
    integerBits: Number(TABLE.exec(stemOf(file))?.[2]),
    y: Array.from({ length: 2 ** 16 }, (_, i) => bytes.readInt16LE(2 * i)),
  });
}

const everyCode = Array.from({ length: 2 ** 16 }, (_, i) => i - 2 ** 15);

function tabulated(op: typeof logistic | typeof tanh, source: Source): Verdict {
  const integerBits = source.integer("integerBits");
  const { max } = op.fields.integerBits;
  if (integerBits > max) return skipped(`${op.name} takes at most ${max} integer bits`);
  return compareCodes("y", curve(op, everyCode, 16, integerBits), source.codes("y"));
}

const OPERATORS: Operators = {
  exp_neg_q5_26: exact("exp of a negative", "Q5.26 to Q0.31", expNegative),
  one_over_one_plus_x_q0_31: exact("1 / (1 + x)", "Q0.31", reciprocalOnePlus),
  logistic_tanh_q3_28: exact("logistic, tanh", "Q3.28 to Q0.31", logisticAndTanh),
  logistic_i16: exact("logistic", "int16, every code", (c) => tabulated(logistic, c)),
  tanh_i16: exact("tanh", "int16, every code", (c) => tabulated(tanh, c)),
};

/**
 * The primitives of integer software. The product with a quantized multiplier is one of them too; its two roundings are
 * what other references' operators are made of.
 */
const PRIMITIVE_SUPPORT: readonly Support[] = [
  ...Object.values(PRIMITIVES).map(({ operation }) => ({
    ...{ operation, format: "int32", suite: `${FOLDER}/${PRIMITIVES_FILE}`, agreement: "bit-exact" },
  })),
  ...[
    ["double rounding", "tflite/quantize_s16_s8"],
    ["single rounding", "tflite/fully_connected_s8_single"],
  ].map(([format, suite]) => ({
    ...{ operation: "multiply by a quantized multiplier", format: format!, suite: suite! },
    agreement: "bit-exact",
  })),
];

/** A case for each file of a function. Files of one that nobody knows are not read: they may hold anything. */
const functionSuite = (name: string, files: readonly string[], read: (file: string) => Source): Suite =>
  operatorSuite(FOLDER, name, OPERATORS, () =>
    files.map((file) => ({
      name: stemOf(file),
      source: name in OPERATORS ? read(file) : new Source(file, "", null),
    })),
  );

/** Outputs of gemmlowp's fixed-point functions: tables of 32-bit words as CSV, tables of all 16-bit codes as bytes. */
export const gemmlowp: Reference = {
  folder: FOLDER,
  doc: "gemmlowp's fixed-point functions: one file a function",
  support: [...PRIMITIVE_SUPPORT, ...supportOf(FOLDER, OPERATORS)],
  suites(path): readonly Suite[] {
    const tables = filesOf(path, ".bin");
    return [
      ...filesOf(path, ".csv").map((file) =>
        stemOf(file) === PRIMITIVES_FILE
          ? { name: `${FOLDER}/${PRIMITIVES_FILE}`, cases: () => primitiveCases(file) }
          : functionSuite(stemOf(file), [file], columnsOf),
      ),
      ...[...new Set(tables.map(tableOperator))].map((operator) => {
        const files = tables.filter((file) => tableOperator(file) === operator);
        return functionSuite(operator, files, tableOf);
      }),
    ];
  },
};
