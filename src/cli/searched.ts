import { InputError } from "../base/errors.ts";
import { writeWhole } from "../base/files.ts";
import type { Column } from "../report/column.ts";
import { toCsv } from "../report/csv.ts";
import { svgFile } from "../report/drawing.ts";
import { drawGrowth } from "../report/growth.ts";
import { renderTable } from "../report/table.ts";
import { column } from "../sweep/column.ts";
import type { Design } from "../sweep/experiment.ts";
import type { Explored } from "../sweep/explore.ts";
import type { Goals } from "../sweep/goals.ts";
import { firstAt, type Step, stepsOf } from "../sweep/growth.ts";
import type { Row } from "../sweep/run.ts";
import { type Io, STATUS, type Status } from "./command.ts";
import { grouped, layOut, recordOf, toJson } from "./layout.ts";

/** What of a front's hypervolume counts as having found it. */
const FOUND = 0.95;

/** What searches of the same goals came to, the first of which is asked for. */
export interface Searched {
  readonly design: Design;
  readonly columns: readonly Column<Row>[];
  readonly goals: Goals;
  readonly explored: readonly Explored[];
  readonly out: string;
}

interface Outlets {
  readonly json: boolean;
  readonly "progress-csv": string | undefined;
  readonly svg: string | undefined;
}

/** Prints and writes what was found. @throws InputError where nothing could be evaluated, or a file cannot be written */
export function report(searched: Searched, outlets: Outlets, io: Io): Status {
  const { design, columns, goals, explored, out } = searched;
  const { found } = explored[0]!;
  const front = explored[0]!.front.toSorted((a, b) => found[a]!.objectives[0]! - found[b]!.objectives[0]!);
  const rows = found.map(({ row }) => row);
  if (rows.length === 0) throw new InputError(design.path, `there is no point to evaluate${withinOf(goals)}`);
  const best = new Set(front.map((i) => rows[i]!));
  const all = [...columns, frontColumn(best)];
  const steps = stepsOf(explored);
  if (outlets.json) io.out(toJson(documentOf(searched, all, steps)));
  else if (best.size > 0)
    io.out(
      `${renderTable(
        shownColumns(columns, goals),
        front.map((i) => rows[i]!),
      )}\n`,
    );
  if (!outlets.json) io.out(summaryOf(explored, steps));
  const tell = outlets.json ? io.err : io.out;
  const write = (path: string, text: string, what: string): void => {
    writeWhole(path, text);
    tell(`wrote ${what} to ${path}\n`);
  };
  write(out, toCsv(all, rows), `${rows.length} points, ${best.size} of them the front,`);
  const { "progress-csv": progress, svg } = outlets;
  if (progress !== undefined) write(progress, toCsv(STEP_COLUMNS, steps.flat()), "its progress");
  if (svg !== undefined) write(svg, svgFile(design.name, [chartOf(design, explored, steps)]), "a chart");
  if (best.size > 0) return STATUS.done;
  io.err(
    `shiftline: ${design.path}: none of ${rows.length} points evaluated keeps ${constraintsOf(goals)}\n`,
  );
  return STATUS.refused;
}

const constraintsOf = ({ constraints }: Goals): string => constraints.map(({ text }) => text).join(" and ");
const withinOf = (goals: Goals): string =>
  goals.constraints.length === 0 ? "" : ` that may keep ${constraintsOf(goals)}`;

const frontColumn = (best: ReadonlySet<Row>): Column<Row> =>
  column(
    "front",
    "",
    "csv",
    "whether no other point evaluated is better in one objective and as good in all",
    (row) => (best.has(row) ? "yes" : "no"),
  );

/** Of the results, those that are searched for. */
const shownColumns = (columns: readonly Column<Row>[], { objectives }: Goals): readonly Column<Row>[] => {
  const names = objectives.map((objective) => objective.column.name);
  return columns.map((one) => {
    if (names.includes(one.name)) return { ...one, show: "always" };
    return one.unit === "" || one.role !== undefined ? one : { ...one, show: "csv" };
  });
};

const STEP_COLUMNS: readonly Column<Step>[] = [
  { name: "method", unit: "", show: "always", doc: "how candidates are found", of: (s) => s.method },
  { name: "evaluation", unit: "count", show: "always", doc: "from 1", of: (s) => s.evaluation },
  { name: "point", unit: "", show: "always", doc: "number of the point evaluated", of: (s) => s.point },
  {
    ...{ name: "executions", unit: "count", show: "always" },
    doc: "distinct executions of quantized models so far",
    of: (s) => s.executions,
  },
  {
    ...{ name: "hypervolume", unit: "ratio", show: "always" },
    doc: "of the points so far, in parts of that of all points of all methods",
    of: (s) => s.hypervolume.toFixed(6),
  },
];

function summaryOf(explored: readonly Explored[], steps: readonly (readonly Step[])[]): string {
  const heading = ["method", "evaluated", "executions", "priced", "front", "hypervolume", "95 % of it after"];
  const lines = explored.map(({ method, found, front, priced }, i) => {
    const last = steps[i]!.at(-1);
    const at = firstAt(steps[i]!, FOUND);
    return [
      ...[method, grouped(found.length), grouped(last?.executions ?? 0)],
      ...[priced === 0 ? "-" : grouped(priced), grouped(front.length)],
      `${(100 * (last?.hypervolume ?? 0)).toFixed(1)} %`,
      at === undefined ? "-" : `${grouped(at.evaluation)} (${grouped(at.executions)} executions)`,
    ];
  });
  return layOut([heading, ...lines], { right: [1, 2, 3, 4, 5] });
}

const chartOf = ({ name }: Design, explored: readonly Explored[], steps: readonly (readonly Step[])[]) =>
  drawGrowth(
    `${name}: hypervolume found`,
    "points evaluated",
    "hypervolume, % of all that was found",
    explored.map(({ method }, i) => ({
      name: method,
      values: steps[i]!.map(({ hypervolume }) => hypervolume),
    })),
  );

const documentOf = (
  { design, explored }: Searched,
  columns: readonly Column<Row>[],
  steps: readonly (readonly Step[])[],
) => ({
  experiment: design.name,
  methods: explored.map(({ method, found, front, priced }, i) => ({
    ...{ method, evaluations: found.length, executions: steps[i]!.at(-1)?.executions ?? 0, priced },
    ...{ front: front.length, hypervolume: steps[i]!.at(-1)?.hypervolume ?? 0 },
    evaluations_to_95_pct: firstAt(steps[i]!, FOUND)?.evaluation ?? null,
  })),
  rows: explored[0]!.found.map(({ row }) => recordOf(columns, row)),
});
