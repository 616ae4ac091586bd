import { readFileSync } from "node:fs";
import seedrandom from "seedrandom";
import { type CsvTable, parseCsv } from "../../../src/report/csv.ts";
import { type Axes, chooseAxes } from "../../../src/report/sweep/charts.ts";
import { type Results, resultsOf } from "../../../src/report/sweep/results.ts";
import { FACTS } from "../../../src/sweep/columns.ts";

/** The smoke experiment's results: four points on four machines. */
const SMOKE = "test/golden/experiments/g2p-smoke.csv";

export const smoke = (): CsvTable => parseCsv(readFileSync(SMOKE, "utf8"), SMOKE);

/** Rows as a file has them, as results. */
export const resultsIn = (table: CsvTable, where = "x.csv"): Results =>
  resultsOf(table, where, FACTS, (cells) => `shiftline run ${cells["experiment"]} --point ${cells["point"]}`);

/** A table of a sweep's columns with these values in them, and those of the smoke experiment's first point in the others. */
export function tableOf(rows: readonly Readonly<Record<string, string | number>>[]): CsvTable {
  const { header, rows: known } = smoke();
  return {
    header,
    rows: rows.map((row, i) =>
      header.map((name, c) => String(row[name] ?? (name === "point" ? i + 1 : known[0]![c]!))),
    ),
  };
}

export const axesOf = (results: Results): Axes => chooseAxes(results, "x.csv", {});

/** A grid of 10 x 10 recipes on 10 x 10 machines, with results that have as many digits as real ones, and differ as much. */
export function tenThousandPoints(): CsvTable {
  const random = seedrandom("ten thousand points");
  const { header, rows } = smoke();
  const fixed = new Set([...FACTS.values()].map(({ floatColumn }) => floatColumn));
  const isResult = header.map(
    (name) => FACTS.get(name)?.role === undefined && FACTS.get(name)?.unit !== "" && !fixed.has(name),
  );
  const ten = Array.from({ length: 10 }, (_, i) => i);
  const grid = ten.flatMap((a) =>
    ten.flatMap((b) => ten.flatMap((c) => ten.map((d) => [a, b, c, d] as const))),
  );
  const table = grid.map(([bits, pieces, machineRows, columns]) => {
    const settings: Readonly<Record<string, number>> = {
      weight_bits: bits + 2,
      pwl_pieces: 2 * pieces + 2,
      rows: 4 * machineRows + 4,
      columns: 4 * columns + 4,
    };
    const changes = `weight_bits=${bits + 2} pwl_pieces=${2 * pieces + 2} mac.rows=${settings["rows"]} mac.columns=${settings["columns"]}`;
    // Fewer bits and pieces cost accuracy, a smaller array costs time.
    const cost = 1 + 4 / (bits + 1) + 2 / (pieces + 1) + 8 / ((machineRows + 1) * (columns + 1));
    return header.map((name, c) => {
      const value = rows[0]![c]!;
      if (name === "changes") return changes;
      if (name === "point") return String(1 + bits * 1000 + pieces * 100 + machineRows * 10 + columns);
      if (settings[name] !== undefined) return String(settings[name]);
      if (!isResult[c]) return value;
      const decimals = value.split(".")[1]?.length ?? 0;
      return (Number(value) * cost * (0.9 + 0.2 * random.quick())).toFixed(decimals);
    });
  });
  return { header, rows: table };
}
