import { buildPlaced } from "../../pwl/build.ts";
import { type TableError, tableError } from "../../pwl/error.ts";
import { interpolationError, type PwlMethod } from "../../pwl/placement.ts";
import { type TableCost, tableCost } from "../../pwl/table.ts";
import type { Column } from "../../report/column.ts";
import type { DescribedTable } from "../../report/pwl/described.ts";
import type { Request } from "./request.ts";

/** A table, and how good it is. */
export interface Result {
  readonly options: Request["options"];
  readonly described: DescribedTable;
  /** `[pieces + 1]` the input codes of the knots, both ends of what is stored among them. */
  readonly knots: readonly number[];
  /** Of the line in real numbers. */
  readonly line: ReturnType<typeof interpolationError>;
  /** Of the integers. */
  readonly table: TableError;
  readonly cost: TableCost;
}

/** Builds one of the tables that are asked for. @throws InputError where its slopes do not fit their width */
export function resultOf(request: Request, method: PwlMethod, pieces: number): Result {
  const { curve, f, lo, hi, input, output, options } = request;
  const { rounding, polish } = options;
  const { table, first, values, line } = buildPlaced(f, input, output, { ...options, method, pieces });
  return {
    options,
    described: { table, curve, lo, hi, input, output, pieces, method, polish, rounding },
    // The line's, unless polishing moved them.
    knots: [...table.knots, first + line.knots.at(-1)!],
    line: interpolationError(values, line),
    table: tableError(table, f, input, output, rounding),
    cost: tableCost(table),
  };
}

const REAL_DIGITS = 4;
const LSB_DECIMALS = 3;

const inCsv = (
  name: string,
  unit: Column<Result>["unit"],
  doc: string,
  of: (result: Result) => number | string,
): Column<Result> => ({ ...{ name, unit, doc, of }, show: "csv" });
const words = (name: string, doc: string, of: (result: Result) => string): Column<Result> => ({
  ...{ name, doc, of },
  ...{ unit: "", show: "always" },
});
const count = (
  name: string,
  unit: Column<Result>["unit"],
  doc: string,
  of: (result: Result) => number,
): Column<Result> => ({ ...{ name, unit, doc, of }, show: "always" });
const lsb = (name: string, doc: string, of: (result: Result) => number): Column<Result> => ({
  ...{ name, doc },
  ...{ unit: "LSB", show: "always" },
  of: (result) => of(result).toFixed(LSB_DECIMALS),
});
const real = (name: string, doc: string, of: (result: Result) => number): Column<Result> => ({
  ...{ name, doc },
  ...{ unit: "", show: "always" },
  of: (result) => of(result).toPrecision(REAL_DIGITS),
});

/** A table's line in the CSV and on the terminal. */
export const RESULT_COLUMNS: readonly Column<Result>[] = [
  inCsv("curve", "", "its name", ({ described }) => described.curve),
  inCsv("lo", "", "real number of the range's beginning", ({ described }) => described.lo),
  inCsv("hi", "", "and of its end", ({ described }) => described.hi),
  inCsv("input_bits", "bit", "of a code", ({ described }) => described.input.format.bits),
  inCsv("output_bits", "bit", "of a code", ({ described }) => described.output.format.bits),
  inCsv("slope_bits", "bit", "of a slope", ({ options }) => options.slopeBits),
  inCsv(
    "offset_fraction",
    "bit",
    "fraction bits of an offset",
    ({ described }) => described.table.offsetFraction,
  ),
  inCsv("shifts", "", "one for all pieces, or one for each", ({ options }) => options.shifts),
  inCsv("mirrored", "", "whether half of the curve is stored", ({ described }) =>
    described.table.mirror === undefined ? "no" : "yes",
  ),
  inCsv("polish", "", "what the integers were searched for", ({ options }) => options.polish),
  inCsv("rounding", "", "of slope times distance", ({ options }) => options.rounding),
  words("method", "where the knots go", ({ described }) => described.method),
  count("pieces", "piece", "of the whole curve", ({ described }) => described.pieces),
  real("max_error", "of the real-valued line, on the representable inputs", ({ line }) => line.maxError),
  real("rms_error", "the same, root mean square", ({ line }) => line.rmsError),
  lsb("table_max_error_lsb", "of the integer table, its rounding included", ({ table }) => table.maxLsb),
  lsb("table_rms_error_lsb", "the same, root mean square", ({ table }) => table.rmsLsb),
  lsb("table_mean_error_lsb", "the same, signed mean", ({ table }) => table.meanLsb),
  count(
    "monotonicity_violations",
    "count",
    "steps that go against the curve",
    ({ table }) => table.monotonicityViolations,
  ),
  count("storage_bits", "bit", "of the table", ({ cost }) => cost.bits),
  count("comparators", "count", "of the input's width", ({ cost }) => cost.comparators),
  words("multiplier_bits", "slope by distance", ({ cost }) => cost.multiplier.join("x")),
  count("shift_ways", "count", "of the shifter; 1 is wires", ({ cost }) => cost.shifts),
];

/** What `--json` says of a table. */
export const recordOf = ({ described, knots, line, table, cost }: Result) => ({
  method: described.method,
  pieces: described.pieces,
  max_error: line.maxError,
  rms_error: line.rmsError,
  table_max_error_lsb: table.maxLsb,
  table_rms_error_lsb: table.rmsLsb,
  storage_bits: cost.bits,
  knots,
  table_mean_error_lsb: table.meanLsb,
  table_knot_error_lsb: table.knotMaxLsb,
  monotonicity_violations: table.monotonicityViolations,
  stored_pieces: cost.pieces,
  comparators: cost.comparators,
  multiplier_bits: cost.multiplier,
  adder_bits: cost.adderBits,
  shift_ways: cost.shifts,
});
