import { existsSync } from "node:fs";
import { FIELDS } from "../../arch/fields.ts";
import { InputError } from "../../base/errors.ts";
import { suggestion } from "../../base/settings.ts";
import { readText } from "../../base/yaml.ts";
import { maxOf, minOf } from "../../fixed/format.ts";
import { decode, type Grid } from "../../fixed/real.ts";
import type { Rounding } from "../../fixed/round.ts";
import { mirrorSumOf, type TableOptions } from "../../pwl/build.ts";
import { parseCurve } from "../../pwl/curve-file.ts";
import { CURVES, type Curve } from "../../pwl/curves.ts";
import { PWL_METHODS, type PwlMethod } from "../../pwl/placement.ts";
import type { Objective } from "../../pwl/polish.ts";
import { UsageError } from "../command.ts";
import { wholeNumber } from "../options.ts";
import { inputGrid, outputGrid } from "./grids.ts";

/** What is asked for of a curve: tables of it, one for each method and number of pieces. */
export interface Request {
  readonly curve: string;
  readonly doc: string;
  readonly f: (x: number) => number;
  readonly lo: number;
  readonly hi: number;
  readonly input: Grid;
  readonly output: Grid;
  readonly methods: readonly PwlMethod[];
  readonly pieces: readonly number[];
  readonly options: Omit<TableOptions, "pieces" | "method" | "weights"> &
    Required<Pick<TableOptions, "rounding" | "polish" | "shifts">>;
}

/** The command line's words, as yargs hands them over. */
export interface Asked {
  readonly curve: string;
  readonly in: string;
  readonly out: readonly string[] | undefined;
  readonly pieces: string;
  readonly method: string;
  readonly all: boolean;
  readonly lo: string | undefined;
  readonly hi: string | undefined;
  readonly "slope-bits": string;
  readonly "offset-fraction": string;
  readonly shifts: "shared" | "per-piece";
  readonly symmetry: "none" | "point";
  readonly polish: Objective | "none";
  readonly rounding: Rounding;
}

/** Widths of codes that a table is made for. */
const CODE_BITS = [2, 16] as const;
const DEFAULT_OUT_BITS = 8;

/** @throws UsageError for options that cannot be read or fulfilled, InputError for curves and ranges */
export function requestOf(asked: Asked): Request {
  const curve = curveOf(asked.curve);
  const [lo, hi] = rangeOf(asked, curve);
  const inBits = within(asked.in, "--in", ...CODE_BITS);
  const outBits = within(outBitsOf(asked), "--out", ...CODE_BITS);
  const input = inputGrid(lo, hi, inBits);
  const symmetry = asked.symmetry === "point" ? symmetryOf(curve, input, lo, hi) : undefined;
  const { name, doc, f } = curve;
  return {
    ...{ curve: name, doc, f, lo, hi, input },
    output: outputGridOf(name, f, input, outBits),
    methods: asked.all ? PWL_METHODS : methodsOf(asked.method),
    pieces: piecesOf(asked.pieces, 2 ** inBits - 1),
    options: {
      slopeBits: asMachines(asked["slope-bits"], "--slope-bits", "pwl.slopeBits"),
      offsetFraction: asMachines(asked["offset-fraction"], "--offset-fraction", "pwl.offsetFraction"),
      ...{ shifts: asked.shifts, symmetry, polish: asked.polish, rounding: asked.rounding },
    },
  };
}

type NamedCurve = Curve & { readonly name: string };

const isCurve = (name: string): name is keyof typeof CURVES => Object.hasOwn(CURVES, name);

function curveOf(given: string): NamedCurve {
  if (isCurve(given)) return { name: given, ...CURVES[given] };
  if (!existsSync(given)) {
    const known = suggestion(given, Object.keys(CURVES)) || `; there are ${Object.keys(CURVES).join(", ")}`;
    throw new InputError(given, `no such curve or file${known}`);
  }
  const name = given
    .split(/[\\/]/)
    .at(-1)!
    .replace(/\.csv$/, "");
  return { name, doc: `the points of ${given}`, symmetry: undefined, ...parseCurve(readText(given), given) };
}

function rangeOf({ lo, hi }: Asked, { domain }: NamedCurve): readonly [lo: number, hi: number] {
  const range = [
    lo === undefined ? domain[0] : realNumber(lo, "--lo"),
    hi === undefined ? domain[1] : realNumber(hi, "--hi"),
  ] as const;
  if (range[1] - range[0] >= LEAST_WIDTH) return range;
  throw new UsageError(`--lo ${lo ?? range[0]} is not below --hi ${hi ?? range[1]} by 1e-9`);
}

/** Least distance of the ends, and how far they may be from 0. */
const LEAST_WIDTH = 1e-9;
const FARTHEST = 1e9;

function realNumber(text: string, option: string): number {
  const value = Number(text);
  if (text.trim() === "" || !(Math.abs(value) <= FARTHEST))
    throw new UsageError(`${option} takes a number in -1e9 … 1e9, not "${text}"`);
  return value;
}

function within(text: string, option: string, min: number, max: number): number {
  const value = wholeNumber(text, option, min);
  if (value > max) throw new UsageError(`${option} takes ${min} … ${max}, not ${value}`);
  return value;
}

/** A width that some machine has. */
const asMachines = (text: string, option: string, field: "pwl.slopeBits" | "pwl.offsetFraction"): number =>
  within(text, option, FIELDS[field].min, FIELDS[field].max);

/** `--out` is a number of bits and a file: the one is all digits. */
const isBits = (word: string): boolean => /^\d+$/.test(word);

function outBitsOf({ out = [] }: Asked): string {
  const bits = out.filter(isBits);
  if (bits.length > 1) throw new UsageError(`--out gives ${bits.length} numbers of bits`);
  return bits[0] ?? String(DEFAULT_OUT_BITS);
}

/** The file that `--out` names, if it names one. */
export function outFileOf({ out = [] }: Pick<Asked, "out">): string | undefined {
  const files = out.filter((word) => !isBits(word));
  if (files.length > 1) throw new UsageError(`--out names ${files.length} files`);
  return files[0];
}

function symmetryOf({ name, symmetry }: NamedCurve, input: Grid, lo: number, hi: number): number {
  if (symmetry === undefined)
    throw new InputError("--symmetry point", `${name} has no s with f(-x) = s - f(x)`);
  if (mirrorSumOf(input) !== undefined) return symmetry;
  throw new InputError(
    "--symmetry point",
    `on [${lo}, ${hi}] less than half of the inputs lie above 0, and the upper half is what is stored`,
  );
}

function outputGridOf(name: string, f: (x: number) => number, input: Grid, bits: number): Grid {
  let [least, most] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (let code = minOf(input.format); code <= maxOf(input.format); code++) {
    const x = decode(code, input);
    const y = f(x);
    if (!Number.isFinite(y))
      throw new InputError(name, `${y} at ${x}; --lo and --hi choose where the curve is tabulated`);
    [least, most] = [Math.min(least, y), Math.max(most, y)];
  }
  return outputGrid(least, most, bits);
}

function methodsOf(list: string): readonly PwlMethod[] {
  return list.split(",").map((word) => {
    const known = PWL_METHODS.find((name) => name === word);
    if (known !== undefined) return known;
    const near = suggestion(word, PWL_METHODS) || `; there are ${PWL_METHODS.join(", ")}`;
    throw new UsageError(`--method: no method ${word}${near}`);
  });
}

/** `8`, `4,8,16`, or `4..64`: from the first number, doubled, up to the last. Ascending, each once. */
function piecesOf(list: string, most: number): readonly number[] {
  const counts = list.split(",").flatMap((word) => {
    const [first, last = first, ...rest] = word.split("..");
    if (rest.length > 0) throw new UsageError(`--pieces takes 8, 4,8,16 or 4..64, not "${list}"`);
    const [from, to] = [within(first!, "--pieces", 1, most), within(last!, "--pieces", 1, most)];
    if (from > to) throw new UsageError(`--pieces ${word} runs backwards`);
    const doubled = [from];
    while (2 * doubled.at(-1)! <= to) doubled.push(2 * doubled.at(-1)!);
    return doubled;
  });
  return [...new Set(counts)].sort((a, b) => a - b);
}
