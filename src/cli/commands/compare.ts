import { readText } from "../../base/yaml.ts";
import { compareCsv } from "../../report/compare.ts";
import { defineCommand, STATUS } from "../command.ts";
import { toJson } from "../layout.ts";
import { json } from "../options.ts";

export const compare = defineCommand({
  command: "compare <before> <after>",
  describe: "Print which rows of a CSV moved in another, and by how much; exits 1 where any did",
  lists: [],
  builder: (y) =>
    y
      .positional("before", { type: "string", demandOption: true, describe: "a CSV that sweep wrote" })
      .positional("after", { type: "string", demandOption: true, describe: "another one" })
      .option("json", json)
      .example("$0 compare before.csv results/g2p.csv", "what a change of the sources moved"),
  run({ before, after, json }, io) {
    const { text, ...comparison } = compareCsv(readText(before), readText(after), before, after);
    io.out(json ? toJson(comparison) : text);
    return comparison.equal ? STATUS.done : STATUS.refused;
  },
});
