import { hashArch } from "../arch/spec.ts";
import { modelOf } from "../model/table.ts";
import { hashRecipe } from "../quant/recipe.ts";
import type { Point } from "./points.ts";
import { factsOf } from "./subject.ts";

/** Cells of a row by their columns. */
export type Cells = Readonly<Record<string, string>>;

/** What a row says of its point before anything is read or run: what was asked. */
export function askedCells(
  experiment: string,
  { arch, recipe, recipeName, index, subject, mapper, changes }: Point,
): Cells {
  const { many } = modelOf(subject.model).nouns;
  return {
    ...{ experiment, point: String(index), model: subject.model, mapper },
    ...{
      arch: arch.name,
      arch_hash: hashArch(arch),
      recipe: recipeName,
      recipe_hash: hashRecipe(recipe),
      changes,
    },
    ...{
      split: subject.split,
      seed: String(subject.seed),
      [`calibration_${many}`]: String(subject.calibration),
    },
  };
}

/** The same with what it says of the files that it was run on, which are read for that. */
export function originCells(experiment: string, point: Point): Cells {
  const { count, modelHash, dataHash } = factsOf(point.subject);
  const { many } = modelOf(point.subject.model).nouns;
  return {
    ...askedCells(experiment, point),
    ...{ [many]: String(count), model_hash: modelHash, data_hash: dataHash },
  };
}

/** The first column in which a row is not what its point is; of columns that it has. */
export const differenceOf = (cells: Cells, wanted: Cells): string | undefined =>
  Object.keys(wanted).find((column) => cells[column] !== undefined && cells[column] !== wanted[column]);
