import { InputError } from "../../base/errors.ts";
import { writeWhole } from "../../base/files.ts";
import { readSafetensors } from "../../model/safetensors.ts";
import { safetensorsOf } from "../../model/safetensors-writer.ts";
import { swapNorms } from "../../model/swap.ts";
import { defineCommand, STATUS, UsageError } from "../command.ts";
import { toJson } from "../layout.ts";
import { json } from "../options.ts";

export const swapNormsCommand = defineCommand({
  command: "swap-norms <weights>",
  describe: "Make weights of layer norms weights of MadNorms: gains times sqrt(2 / pi)",
  lists: [],
  builder: (y) =>
    y
      .positional("weights", { type: "string", demandOption: true, describe: "a safetensors file" })
      .option("out", { type: "string", requiresArg: true, describe: "the new file" })
      .option("json", json)
      .example("$0 swap-norms lm-ln.safetensors --out lm-swapped.safetensors", "to be fine-tuned as lm-mad"),
  run(args, io) {
    if (args.out === undefined) throw new UsageError("swap-norms needs --out FILE");
    const { weights, gains } = swapNorms(readSafetensors(args.weights));
    if (gains === 0) throw new InputError(args.weights, "no tensor is a gain of a norm");
    writeWhole(args.out, safetensorsOf(weights, { swapped: "layer norm to MadNorm" }));
    io.out(args.json ? toJson({ weights: args.out, gains }) : `wrote ${args.out}: ${gains} norms swapped\n`);
    return STATUS.done;
  },
});
