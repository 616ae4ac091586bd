import { hashArch } from "../arch/spec.ts";
import { InputError } from "../base/errors.ts";
import { hashRecipe } from "../quant/recipe.ts";
import type { CsvTable } from "../report/csv.ts";
import type { Experiment } from "./experiment.ts";
import type { Point } from "./points.ts";

/** What a row says of its point whatever came out of it, by its columns. */
const originOf = ({ name }: Experiment, { arch, recipe, index, subject, mapper }: Point) => ({
  ...{ experiment: name, point: String(index), model: subject.model, mapper },
  ...{ arch_hash: hashArch(arch), recipe_hash: hashRecipe(recipe), seed: String(subject.seed) },
});

/** @throws InputError where a CSV has a row that is none of the experiment's, which going on with it would lose */
export function refuseOthers({ header, rows }: CsvTable, path: string, experiment: Experiment): void {
  const points = new Map(experiment.points.map((point) => [String(point.index), point]));
  for (const row of rows) {
    const cells = new Map(header.map((column, i) => [column, row[i]!]));
    const point = points.get(cells.get("point") ?? "");
    const rule = "give another --out, or leave out --resume to write over it";
    if (point === undefined)
      throw new InputError(path, `has a point ${cells.get("point")}, ${experiment.name} has none; ${rule}`);
    for (const [column, value] of Object.entries(originOf(experiment, point))) {
      const found = cells.get(column);
      if (found === value) continue;
      const problem = `point ${point.index} is of another experiment: ${column} is ${found}, not ${value}`;
      throw new InputError(path, `${problem}; ${rule}`);
    }
  }
}
