import { InputError } from "../base/errors.ts";
import type { CsvTable } from "../report/csv.ts";
import type { Experiment } from "./experiment.ts";
import { differenceOf, originCells } from "./identity.ts";

/** @throws InputError where a CSV has a row that is none of the experiment's, which going on with it would lose */
export function refuseOthers({ header, rows }: CsvTable, path: string, experiment: Experiment): void {
  const points = new Map(experiment.points.map((point) => [String(point.index), point]));
  for (const row of rows) {
    const cells = Object.fromEntries(header.map((column, i) => [column, row[i]!]));
    const point = points.get(cells["point"] ?? "");
    const rule = "give another --out, or leave out --resume to write over it";
    if (point === undefined)
      throw new InputError(path, `has a point ${cells["point"]}, ${experiment.name} has none; ${rule}`);
    const wanted = originCells(experiment.name, point);
    const column = differenceOf(cells, wanted);
    if (column === undefined) continue;
    const problem = `point ${point.index} is of another experiment: ${column} is ${cells[column]}, not ${wanted[column]}`;
    throw new InputError(path, `${problem}; ${rule}`);
  }
}
