import { hashArch } from "../arch/spec.ts";
import { hashRecipe } from "../quant/recipe.ts";
import type { Column } from "../report/column.ts";
import { column, IDENTITY, INCIDENTAL, SETTING, setting } from "./column.ts";
import type { Row } from "./run.ts";

/** Where a row comes from. */
export const ORIGIN: readonly Column<Row>[] = [
  column("experiment", "", "csv", "name of the experiment", (r) => r.experiment, IDENTITY),
  column("point", "", "always", "number of the point in its experiment, from 1", (r) => r.point.index, {
    ...INCIDENTAL,
    mayBeNumber: true,
  }),
  column("model", "", "varying", "name of the model", (r) => r.point.subject.model, IDENTITY),
  column("arch", "", "varying", "name of the machine's file", (r) => r.point.arch.name, IDENTITY),
  column("arch_hash", "", "csv", "identity of all parameters of the machine", (r) => hashArch(r.point.arch)),
  column("recipe", "", "varying", "name of the recipe's file", (r) => r.point.recipeName, IDENTITY),
  column("recipe_hash", "", "csv", "identity of all parameters of the recipe", (r) =>
    hashRecipe(r.point.recipe),
  ),
  column(
    "mapper",
    "",
    "varying",
    "how tiles and residency are chosen: by rule, or by search",
    (r) => r.point.mapper,
    IDENTITY,
  ),
  column(
    "changes",
    "",
    "always",
    "what departs from the files of machine and recipe",
    (r) => r.point.changes,
    IDENTITY,
  ),
];

/** The settings that most questions are about; `changes` has the others. */
export const SETTING_COLUMNS: readonly Column<Row>[] = [
  column(
    "weight_bits",
    "bit",
    "csv",
    "weights of the recurrent and attention layers",
    (r) => r.point.recipe.weight_bits,
    SETTING,
  ),
  column(
    "weight_scale",
    "",
    "csv",
    "one scale for each output, or one for a matrix",
    (r) => r.point.recipe.weight_scale,
    SETTING,
  ),
  column(
    "activation_bits",
    "bit",
    "csv",
    "hidden states, gates, keys, queries",
    (r) => r.point.recipe.activation_bits,
    SETTING,
  ),
  column("cell_bits", "bit", "csv", "cell states", (r) => r.point.recipe.cell_bits, SETTING),
  column(
    "pwl_pieces",
    "piece",
    "csv",
    "pieces of sigmoid, tanh and exp",
    (r) => r.point.recipe.pwl_pieces,
    SETTING,
  ),
  column(
    "pwl_method",
    "",
    "csv",
    "where the knots of the pieces go",
    (r) => r.point.recipe.pwl_method,
    SETTING,
  ),
  column(
    "requantizer",
    "",
    "csv",
    "how the machine multiplies by a scale",
    (r) => r.point.arch.settings["requant.kind"],
    setting("requant.kind"),
  ),
  column(
    "requant_multiplier_bits",
    "bit",
    "csv",
    "width of the requantizer's multiplier; 0 where it has none",
    ({ point: { arch } }) =>
      arch.settings["requant.kind"] === "multiplier" ? arch.settings["requant.multiplierBits"] : 0,
    setting("requant.multiplierBits"),
  ),
  column(
    "acc_bits",
    "bit",
    "csv",
    "width of an accumulator",
    (r) => r.point.arch.settings["acc.bits"],
    setting("acc.bits"),
  ),
  column(
    "norm",
    "",
    "csv",
    "kind of the model's norms, and how they divide",
    (r) => `${r.facts.norm}/${r.point.recipe.norm_inverse}`,
    setting("norm_inverse"),
  ),
  column(
    "rows",
    "row",
    "csv",
    "rows of the MAC array",
    (r) => r.point.arch.settings["mac.rows"],
    setting("mac.rows"),
  ),
  column(
    "columns",
    "column",
    "csv",
    "columns of the MAC array",
    (r) => r.point.arch.settings["mac.columns"],
    setting("mac.columns"),
  ),
  column(
    "dram_bytes_per_cycle",
    "byte",
    "csv",
    "bandwidth of the DRAM",
    (r) => r.point.arch.settings["dram.bytesPerCycle"],
    setting("dram.bytesPerCycle"),
  ),
  column(
    "dataflow",
    "",
    "csv",
    "what stays in the MAC array",
    (r) => r.point.arch.settings["mac.dataflow"],
    setting("mac.dataflow"),
  ),
];
