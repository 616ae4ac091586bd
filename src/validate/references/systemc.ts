import { OVERFLOWS, type Overflow, signed } from "../../fixed/format.ts";
import { ROUNDINGS, type Rounding } from "../../fixed/round.ts";
import { convert } from "../../isa/ops/convert.ts";
import { codesOf } from "../bench.ts";
import { columnOf, columnsOf } from "../csv.ts";
import { filesOf, stemOf } from "../files.ts";
import { PLAIN } from "../machines.ts";
import { spread } from "../operators/spread.ts";
import type { Source } from "../source.ts";
import type { Case, Reference, Suite, Support } from "../suite.ts";
import { compareCodes, skipped, type Verdict } from "../verdict.ts";

const FOLDER = "systemc";

/** IEEE 1666's quantization modes, less their SC_. */
const QUANTIZATIONS: Readonly<Record<string, Rounding>> = {
  RND: "half-up",
  RND_ZERO: "half-zero",
  RND_MIN_INF: "half-down",
  RND_INF: "half-away",
  RND_CONV: "half-even",
  TRN: "floor",
  TRN_ZERO: "truncate",
};

/** Its overflow modes. Behind those that wrap stands how many bits saturate, where any do. */
const OVERFLOW_MODES: Readonly<Record<string, Overflow>> = {
  SAT: "saturate",
  SAT_ZERO: "saturate-zero",
  SAT_SYM: "saturate-symmetric",
  WRAP: "wrap",
  WRAP_SM: "wrap-sign-magnitude",
};

/** A number's format as a file's name states it: `s12f6`. */
interface FixedPoint {
  readonly bits: number;
  readonly unsigned: 0 | 1;
  readonly fractionBits: number;
}

const FIXED_POINT = "([su])([0-9]+)f([0-9]+)";
const CONVERSION = new RegExp(`^${FIXED_POINT}_to_${FIXED_POINT}$`);

/** The formats that a file's name states; none where it is not the name of a conversion. */
function conversionOf(name: string): { readonly from: FixedPoint; readonly to: FixedPoint } | undefined {
  const found = CONVERSION.exec(name);
  if (found === null) return undefined;
  const fixedPoint = ([sign, bits, fraction]: readonly string[]): FixedPoint => ({
    ...{ bits: Number(bits), unsigned: sign === "u" ? 1 : 0, fractionBits: Number(fraction) },
  });
  return { from: fixedPoint(found.slice(1, 4)), to: fixedPoint(found.slice(4, 7)) };
}

/** Bits of a code in memory, where every code has a sign. */
const storageOf = ({ bits, unsigned }: FixedPoint): number => bits + unsigned;

interface Mode {
  readonly rounding: Rounding;
  readonly overflow: Overflow;
  /** The highest bits that saturate while those below wrap. */
  readonly kept: number;
}

/** The modes that a column is headed by: QUANTIZATION/OVERFLOW. */
function modeOf(column: string): Mode | undefined {
  const [quantization = "", rest = ""] = column.split("/");
  const [, name = "", digits] = /^([A-Z_]+)([0-9]*)$/.exec(rest) ?? [];
  const [rounding, overflow] = [QUANTIZATIONS[quantization], OVERFLOW_MODES[name]];
  if (rounding === undefined || overflow === undefined) return undefined;
  return { rounding, overflow, kept: Number(digits) };
}

/** The conversion as an instruction states it. A format of which all bits saturate has no more to keep. */
const operandsOf = (from: FixedPoint, to: FixedPoint, { rounding, overflow, kept }: Mode) => ({
  ...{ aBits: storageOf(from), bits: storageOf(to), to: to.bits, unsigned: to.unsigned, aZero: 0, zero: 0 },
  ...{ shift: from.fractionBits - to.fractionBits, kept: Math.min(kept, to.bits) },
  ...{ rounding: ROUNDINGS.indexOf(rounding), overflow: OVERFLOWS.indexOf(overflow) },
});

type Operands = ReturnType<typeof operandsOf>;

/** Why the instruction cannot be told so. */
function faultsOf(x: Operands): readonly string[] {
  const beyond = Object.entries(x).flatMap(([name, value]) => {
    const { min, max } = convert.fields[name as keyof Operands];
    return value < min || value > max ? [`${name} is ${value}, and convert has ${min} … ${max}`] : [];
  });
  return beyond.length > 0 ? beyond : (convert.check?.({ dst: 0, a: 0, n: 1, ...x }, PLAIN.settings) ?? []);
}

function column(source: Source, key: string, from: FixedPoint, to: FixedPoint): Verdict {
  const mode = modeOf(key);
  if (mode === undefined) return skipped(`no quantization and overflow of this name are known: ${key}`);
  if (
    source
      .at(key)
      .items()
      .every(({ value }) => value === null)
  )
    return skipped("the library does not define it");
  const x = operandsOf(from, to, mode);
  const [fault] = faultsOf(x);
  if (fault !== undefined) return skipped(fault);
  const raw = columnOf(source, RAW, signed(x.aBits));
  const got = spread(PLAIN, [{ codes: raw, bits: x.aBits }], (b, [a], n) => {
    const dst = b.map.tensor(codesOf(x.bits), 1, n);
    b.emit(convert, { ...x, dst: dst.at, a: a!.at, n });
    return dst;
  });
  return compareCodes(key, got, source.codes(key));
}

/** The column of the codes that are converted. */
const RAW = "raw";

/** A case for each combination of modes. */
function casesOf(file: string): readonly Case[] {
  const name = stemOf(file);
  const conversion = conversionOf(name);
  if (conversion === undefined) {
    return [{ name, run: () => skipped("its name is not that of a conversion, such as s12f6_to_u7f3") }];
  }
  const source = columnsOf(file);
  source.at(RAW);
  return source
    .keys()
    .filter((key) => key !== RAW)
    .map((key) => ({ name: key, run: () => column(source, key, conversion.from, conversion.to) }));
}

const rows = (operation: string, modes: Readonly<Record<string, string>>): readonly Support[] =>
  Object.entries(modes).map(([name, mode]) => ({
    ...{ operation, format: `SC_${name}: ${mode}`, suite: FOLDER, agreement: "bit-exact" },
  }));

/** Outputs of SystemC's `sc_fix` and `sc_ufix`: a file for each pair of formats, a column for each pair of modes. */
export const systemc: Reference = {
  folder: FOLDER,
  doc: "SystemC's fixed-point types: one file a conversion, every mode of IEEE 1666",
  support: [...rows("fixed-point rounding", QUANTIZATIONS), ...rows("fixed-point overflow", OVERFLOW_MODES)],
  suites: (path): readonly Suite[] =>
    filesOf(path, ".csv").map((file) => ({
      name: `${FOLDER}/${stemOf(file)}`,
      cases: () => casesOf(file),
    })),
};
