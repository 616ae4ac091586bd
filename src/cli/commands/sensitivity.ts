import { writeWhole } from "../../base/files.ts";
import { type Sensitivity, sensitivities } from "../../model/onnx/sensitivity.ts";
import { readSamples } from "../../onnx/data.ts";
import { makeRecipe } from "../../quant/recipe.ts";
import { loadRecipe } from "../../quant/recipe-file.ts";
import type { Column } from "../../report/column.ts";
import { toCsv } from "../../report/csv.ts";
import { renderTable } from "../../report/table.ts";
import { sampleOf } from "../../sweep/subject.ts";
import { defineCommand, STATUS } from "../command.ts";
import { IMPORT_LISTS, importOptions, loadAsked } from "../imported.ts";
import { toJson } from "../layout.ts";
import { json, recipeOf, set, wholeNumber } from "../options.ts";
import { placeOf } from "../places.ts";
import { progressOn } from "../progress.ts";

const COLUMNS: readonly Column<Sensitivity>[] = [
  { ...{ name: "tensor", unit: "", show: "always" }, doc: "its name in the graph", of: (row) => row.tensor },
  { ...{ name: "kind", unit: "", show: "always" }, doc: "weights or activation", of: (row) => row.kind },
  {
    ...{ name: "node", unit: "", show: "csv" },
    ...{ doc: "what multiplies it, or gives it", of: (row) => row.node },
  },
  { ...{ name: "op", unit: "", show: "always" }, doc: "the node's operator", of: (row) => row.op },
  { ...{ name: "bits", unit: "bit", show: "varying" }, doc: "of its codes", of: (row) => row.bits },
  {
    ...{ name: "elements", unit: "count", show: "always" },
    ...{ doc: "0 where sizes are open", of: (row) => row.elements },
  },
  {
    ...{ name: "loss", unit: "ratio", show: "always", better: "lower" },
    doc: "squared error of the outputs over their square, everything else being floats",
    of: (row) => row.loss.toExponential(4),
  },
  {
    ...{ name: "changed_pct", unit: "%", show: "varying", better: "lower" },
    doc: "rows of the first output whose largest element is another one",
    of: ({ changed }) => (changed === undefined ? "" : (100 * changed).toFixed(4)),
  },
];

export const sensitivity = defineCommand({
  command: "sensitivity <model>",
  describe:
    "Quantize each tensor of an ONNX model alone, everything else in floats: which of them costs most",
  lists: [...IMPORT_LISTS, "recipe"],
  builder: (y) =>
    importOptions(y)
      .option("data", {
        ...{ type: "string", requiresArg: true, demandOption: true },
        describe:
          "samples: an .npz of arrays by input, or an .npy or .csv of the only input; the first axis counts",
      })
      .option("samples", {
        ...{ type: "string", requiresArg: true },
        describe: "how many of them, evenly spaced; default all",
      })
      .option("recipe", {
        ...set,
        describe: "a recipe, a file or its name in recipes/, or a changed parameter, as in weight_bits=4",
      })
      .option("out", { type: "string", requiresArg: true, describe: "write a CSV too" })
      .option("json", json)
      .example("$0 sensitivity model.onnx --data calibration.npz", "at 8 bits")
      .example("$0 sensitivity model.onnx --data x.npy --recipe weight_bits=4", "weights of 4 bits"),
  run(args, io) {
    const { name, changes } = recipeOf(args.recipe);
    makeRecipe(changes, "--recipe");
    const values = name === undefined ? {} : loadRecipe(placeOf(name, "recipes")).values;
    const recipe = makeRecipe({ ...values, ...changes }, "--recipe");
    const { graph } = loadAsked(args);
    const all = readSamples(args.data, graph.inputs);
    const count = args.samples === undefined ? all.length : wholeNumber(args.samples, "--samples", 1);
    const bar = progressOn(io);
    const rows = sensitivities(graph, sampleOf(all, Math.min(count, all.length)), recipe, bar.update);
    bar.stop();
    if (args.out !== undefined) writeWhole(args.out, toCsv(COLUMNS, rows));
    io.out(args.json ? toJson(rows) : renderTable(COLUMNS, rows));
    return STATUS.done;
  },
});
