import { writeWhole } from "../../base/files.ts";
import { readText } from "../../base/yaml.ts";
import { FACTS } from "../../sweep/columns.ts";
import { mergeSheets, readSheet } from "../../sweep/shards.ts";
import { defineCommand, STATUS } from "../command.ts";
import { toJson } from "../layout.ts";
import { json } from "../options.ts";
import { keepRows, storeOption } from "../storing.ts";
import { refusalText } from "../sweep/outcome.ts";

export const merge = defineCommand({
  command: "merge <shards..>",
  describe: "Put the CSVs of a sweep's shards together, into the bytes of one sweep",
  lists: ["shards"],
  builder: (y) =>
    y
      .positional("shards", {
        ...{ type: "string", array: true, demandOption: true },
        describe: "what `sweep --shard` wrote, in any order",
      } as const)
      .option("out", { type: "string", requiresArg: true, demandOption: true, describe: "the CSV" })
      .option("store", storeOption)
      .option("json", json)
      .example("$0 merge part1.csv part2.csv --out results/g2p.csv", "both halves of a sweep"),
  run({ shards, out, store, json }, io) {
    const merged = mergeSheets(shards.map((path) => readSheet(path, readText(path))));
    const { csv, rows, codes, refused } = merged;
    writeWhole(out, csv);
    keepRows(store, merged, FACTS.values(), codes, io);
    for (const one of refused) io.err(`refused: ${refusalText(one)}\n`);
    io.out(json ? toJson({ out, rows: rows.length, refused }) : `wrote ${rows.length} points to ${out}\n`);
    return STATUS.done;
  },
});
