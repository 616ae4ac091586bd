import { existsSync } from "node:fs";
import { absent, chosen, suitesIn, support } from "../../validate/references.ts";
import { attemptSuite, type SuiteReport } from "../../validate/run.ts";
import type { Suite } from "../../validate/suite.ts";
import { defineCommand, STATUS } from "../command.ts";
import { grouped, layOut, toJson } from "../layout.ts";
import { json } from "../options.ts";
import { BUNDLED_VECTORS } from "../places.ts";
import { progressOn } from "../progress.ts";

/** The variable that names a folder of golden data which is not part of the package. */
const VARIABLE = "SHIFTLINE_VECTORS";
/** Failures that are printed of a suite; the JSON has them all. */
const SHOWN = 5;

export const validate = defineCommand({
  command: "validate [suite..]",
  describe: "Hold the machine against outside references, bit for bit; exits 1 where any case fails",
  lists: ["suite"],
  builder: (y) =>
    y
      .positional("suite", {
        type: "string",
        array: true,
        describe: "a reference, or one of its operators; all where none is named",
      })
      .option("vectors", {
        type: "string",
        requiresArg: true,
        describe: `folder of golden data; otherwise the package's own, and that of $${VARIABLE}`,
      })
      .option("matrix", {
        type: "boolean",
        default: false,
        describe: "print what is held against which reference, and run nothing",
      })
      .option("json", json)
      .example("$0 validate systemc", "every rounding and overflow mode, exhaustively")
      .example("$0 validate tflite/lstm_s8_full", "one operator of one reference"),
  run({ suite: names, vectors, matrix, json }, io) {
    if (matrix) {
      io.out(json ? toJson(support()) : matrixText());
      return STATUS.done;
    }
    const suites = chosen(suitesFrom(vectors), names ?? []);
    const progress = progressOn(io);
    const reports: SuiteReport[] = [];
    try {
      for (const [done, suite] of suites.entries()) {
        progress.update(done, suites.length, suite.name);
        reports.push(attemptSuite(suite));
      }
    } finally {
      progress.stop();
    }
    io.out(json ? toJson({ suites: reports }) : reportText(reports));
    return reports.some(({ failed }) => failed > 0) ? STATUS.refused : STATUS.done;
  },
});

/** The suites of the folder that is named, or of all that can be found. */
function suitesFrom(vectors: string | undefined): readonly Suite[] {
  if (vectors !== undefined) return suitesIn(vectors);
  const named = process.env[VARIABLE];
  const outside = named === undefined || named === "" ? [] : suitesIn(named);
  const bundled = existsSync(BUNDLED_VECTORS) ? suitesIn(BUNDLED_VECTORS) : [];
  const known = new Set(outside.map(({ name }) => name));
  const suites = [...outside, ...bundled.filter(({ name }) => !known.has(name))];
  const missing = absent(
    suites,
    (folder) =>
      `its data is not in this package: name a folder that holds ${folder} by --vectors or $${VARIABLE}`,
  );
  return [...suites, ...missing];
}

function reportText(reports: readonly SuiteReport[]): string {
  const total = (of: (report: SuiteReport) => number) => reports.reduce((sum, report) => sum + of(report), 0);
  const row = (name: string, of: (get: (report: SuiteReport) => number) => number) => [
    name,
    ...[of((r) => r.cases), of((r) => r.passed), of((r) => r.failed), of((r) => r.skipped)].map(grouped),
    grouped(of((r) => r.elements)),
  ];
  const table = layOut(
    [
      ["suite", "cases", "passed", "failed", "skipped", "elements"],
      ...reports.map((report) => row(report.name, (get) => get(report))),
      row("all", total),
    ],
    { right: [1, 2, 3, 4, 5] },
  );
  return table + skipsText(reports) + failuresText(reports);
}

/** Every reason once, with what it skips. */
function skipsText(reports: readonly SuiteReport[]): string {
  const byReason = new Map<string, string[]>();
  for (const { name, skips } of reports) {
    for (const skip of skips) {
      const names = byReason.get(skip.reason) ?? [];
      if (!names.includes(name)) names.push(name);
      byReason.set(skip.reason, names);
    }
  }
  const lines = [...byReason].map(([reason, names]) => [names.join(", "), reason]);
  return lines.length === 0 ? "" : `\nskipped\n${layOut(lines, { indent: "  " })}`;
}

function failuresText(reports: readonly SuiteReport[]): string {
  const lines = reports.flatMap(({ name, failures }) => {
    const shown = failures
      .slice(0, SHOWN)
      .map((failure) => `${name}, case ${failure.case}: ${whyOf(failure)}`);
    const more = failures.length - shown.length;
    return more > 0 ? [...shown, `${name}: and ${more} more`] : shown;
  });
  return lines.length === 0
    ? ""
    : `\nfailed: the first element of each case that differs\n  ${lines.join("\n  ")}\n`;
}

function whyOf(failure: SuiteReport["failures"][number]): string {
  if ("problem" in failure) return failure.problem;
  const { tensor, index, got, want, rule } = failure;
  const place = `${tensor}[${index}]: got ${got}, want ${want}`;
  return rule === undefined ? place : `${place}, ${rule}`;
}

/** The support matrix: what is held, in which formats, against whom; formats and references that agree share a row. */
function matrixText(): string {
  const rows = support().map(({ operation, format, suite, agreement }) => ({
    ...{ operation, format, agreement },
    references: suite.split("/")[0]!,
  }));
  const byFormat = merged(rows, "references");
  const lines = merged(byFormat, "format")
    .map(({ operation, format, references, agreement }) => [operation, references, agreement, format])
    .toSorted(byOperation);
  return layOut([["operation", "references", "agreement", "formats"], ...lines]);
}

interface MatrixRow {
  readonly operation: string;
  readonly format: string;
  readonly references: string;
  readonly agreement: string;
}

/** Rows that differ in one column alone as one, what it says joined. */
function merged(rows: readonly MatrixRow[], column: "format" | "references"): readonly MatrixRow[] {
  const found = new Map<string, MatrixRow>();
  for (const row of rows) {
    const key = JSON.stringify({ ...row, [column]: "" });
    const known = found.get(key);
    const said = known?.[column].split("; ") ?? [];
    const joined = said.includes(row[column]) ? said : [...said, row[column]];
    found.set(key, { ...row, [column]: joined.join("; ") });
  }
  return [...found.values()];
}

/** By operation, then by the other columns. */
const byOperation = (a: readonly string[], b: readonly string[]): number => {
  const differing = a.findIndex((cell, i) => cell !== b[i]);
  if (differing < 0) return 0;
  return a[differing]!.toLowerCase() < b[differing]!.toLowerCase() ? -1 : 1;
};
