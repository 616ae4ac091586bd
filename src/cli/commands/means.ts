import { InputError } from "../../base/errors.ts";
import { faultOf } from "../../base/settings.ts";
import { readText } from "../../base/yaml.ts";
import { type ModelName, modelOf } from "../../model/table.ts";
import { parseCsv } from "../../report/csv.ts";
import { meansOf, type Spread } from "../../report/means.ts";
import { FACTS } from "../../sweep/columns.ts";
import { SUBJECT_FIELDS } from "../../sweep/subjects.ts";
import { defineCommand, STATUS } from "../command.ts";
import { grouped, layOut, toJson } from "../layout.ts";
import { json } from "../options.ts";

/** What repetitions differ in. */
const SEED = "tuning_seed";

export const means = defineCommand({
  command: "means <csv>",
  describe: "Average a sweep's figures over rows that differ in a seed alone: mean ± sample deviation",
  lists: [],
  builder: (y) =>
    y
      .positional("csv", { type: "string", demandOption: true, describe: "a CSV that sweep wrote" })
      .option("over", {
        type: "string",
        requiresArg: true,
        default: SEED,
        describe: "parameters to average over, or seed, apart by commas",
      })
      .option("of", {
        type: "string",
        requiresArg: true,
        describe: "columns, apart by commas; default the model's metrics",
      })
      .option("json", json)
      .example("$0 means experiments/qat-pieces-g2p-mad.csv", "three seeds each"),
  run({ csv, over, of, json: asJson }, io) {
    const table = parseCsv(readText(csv), csv);
    const figures = of?.split(",") ?? metricColumns(table.header, table.rows[0], csv);
    const about = [...FACTS.values()].filter(({ role }) => role === "identity").map(({ name }) => name);
    const repeated = meansOf(table, csv, about, over.split(","), figures);
    if (asJson) io.out(toJson(repeated.map((one) => ({ ...one, figures: Object.fromEntries(one.figures) }))));
    else {
      const body = repeated.map(({ name, count, figures: spreads }) => [
        ...[name, String(count)],
        ...figures.map((figure) => textOf(spreads.get(figure)!)),
      ]);
      io.out(layOut([["", "n", ...figures], ...body], { right: [1, ...figures.map((_, i) => i + 2)] }));
    }
    return STATUS.done;
  },
});

/** Counts that are all alike stay whole. */
const textOf = ({ mean, deviation }: Spread): string => {
  if (Number.isInteger(mean) && !deviation) return grouped(mean);
  return deviation === undefined ? mean.toFixed(2) : `${mean.toFixed(2)} ± ${deviation.toFixed(2)}`;
};

/** The columns of the model's metrics, the float model's too. */
function metricColumns(
  header: readonly string[],
  row: readonly string[] | undefined,
  where: string,
): string[] {
  const name = row?.[header.indexOf("model")];
  if (name === undefined || faultOf(SUBJECT_FIELDS.model, name) !== undefined)
    throw new InputError(where, "not a CSV that sweep wrote of a model known here");
  const { metrics } = modelOf(name as ModelName);
  return header.filter((column) =>
    metrics.some((metric) => column === metric.name || column.startsWith(`${metric.name}_`)),
  );
}
