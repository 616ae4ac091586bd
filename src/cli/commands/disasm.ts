import { formatProgram } from "../../isa/asm.ts";
import { decodeProgram } from "../../isa/encode.ts";
import { defineCommand, STATUS } from "../command.ts";
import { toJson } from "../layout.ts";
import { json } from "../options.ts";
import { readBytes } from "../places.ts";

export const disasm = defineCommand({
  command: "disasm <file>",
  describe: "Print the assembly text of a binary program",
  lists: [],
  builder: (y) =>
    y
      .positional("file", { type: "string", demandOption: true, describe: "little-endian 64-bit words" })
      .option("json", json)
      .example("$0 disasm prog.bin", "what `asm prog.s --out prog.bin` was made from"),
  run({ file, json }, io) {
    const text = formatProgram(decodeProgram(readBytes(file), file));
    io.out(json ? toJson({ file, lines: text.trimEnd().split("\n") }) : text);
    return STATUS.done;
  },
});
