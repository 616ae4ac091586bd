import { readText } from "../../base/yaml.ts";
import { compareCsv, parseTolerance, type Tolerance } from "../../report/compare.ts";
import { FACTS } from "../../sweep/columns.ts";
import { defineCommand, STATUS, UsageError } from "../command.ts";
import { toJson } from "../layout.ts";
import { json, pairsOf, set } from "../options.ts";

export const compare = defineCommand({
  command: "compare <before> <after>",
  describe: "Print which rows of a CSV moved in another, and by how much; exits 1 where any got worse",
  lists: ["tolerance"],
  builder: (y) =>
    y
      .positional("before", { type: "string", demandOption: true, describe: "a CSV that sweep wrote" })
      .positional("after", { type: "string", demandOption: true, describe: "another one" })
      .option("tolerance", {
        ...set,
        describe: "how far a column may move, as in per_pct=0.1 or cycles=1%; may be repeated",
      })
      .option("key", {
        type: "string",
        requiresArg: true,
        describe:
          "columns that rows are matched by, as in curve,method,pieces; default what a sweep's rows are about",
      })
      .option("exact", {
        type: "boolean",
        default: false,
        describe: "exit 1 where anything moved, for the better too",
      })
      .option("json", json)
      .example("$0 compare before.csv results/g2p.csv", "what a change of the sources moved")
      .example(
        "$0 compare main.csv branch.csv --tolerance per_pct=0.1 --tolerance cycles=1%",
        "for CI: status 1 where a row got worse by more than that",
      ),
  run({ before, after, tolerance, key, exact, json }, io) {
    const rules = { facts: FACTS, tolerances: tolerancesOf(tolerance), keys: key?.split(",") };
    const { text, ...comparison } = compareCsv(readText(before), readText(after), before, after, rules);
    io.out(json ? toJson(comparison) : text);
    const isRefused = exact ? !comparison.equal : comparison.worse;
    return isRefused ? STATUS.refused : STATUS.done;
  },
});

function tolerancesOf(pairs: readonly string[] | undefined): ReadonlyMap<string, Tolerance> {
  const tolerances = pairsOf(pairs, "--tolerance").map(([column, text]): [string, Tolerance] => {
    const tolerance = parseTolerance(text);
    if (tolerance === undefined)
      throw new UsageError(
        `--tolerance takes a number or a percentage from 0 on, not "${text}" for ${column}`,
      );
    return [column, tolerance];
  });
  return new Map(tolerances);
}
