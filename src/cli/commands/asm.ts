import { type ArchSpec, loadArch } from "../../arch/spec.ts";
import { InputError } from "../../base/errors.ts";
import { writeWhole } from "../../base/files.ts";
import { readText } from "../../base/yaml.ts";
import { formatInstruction, instructionLines, parseProgram } from "../../isa/asm.ts";
import { encodeProgram } from "../../isa/encode.ts";
import { type Item, isLoop, type Program } from "../../isa/program.ts";
import { writtenAs } from "../../isa/sites.ts";
import { validate, Written } from "../../isa/validate.ts";
import { defineCommand, STATUS } from "../command.ts";
import { toJson } from "../layout.ts";
import { json } from "../options.ts";
import { placeOf } from "../places.ts";

export const asm = defineCommand({
  command: "asm <file>",
  describe: "Assemble a program: 64-bit words in hexadecimal, or binary with --out",
  lists: [],
  builder: (y) =>
    y
      .positional("file", {
        type: "string",
        demandOption: true,
        describe: "an instruction a line; loop count=N by=S,S,S,S … end; # begins a comment",
      })
      .option("out", {
        type: "string",
        requiresArg: true,
        describe: "write little-endian words to this file",
      })
      .option("arch", {
        type: "string",
        requiresArg: true,
        describe: "refuse what is illegal on this machine",
      })
      .option("filled", {
        type: "boolean",
        default: false,
        describe: "with --arch: other programs have written the memories, so that any of it may be read",
      })
      .option("json", json)
      .example("$0 asm prog.s", "print a word a line, as $readmemh reads them")
      .example("$0 asm prog.s --arch edge16x16 --out prog.bin", "check the program and write it"),
  run({ file, out, arch, filled, json }, io) {
    const text = readText(file);
    const program = parseProgram(text, file);
    const code = encoded(program);
    if (arch !== undefined) refuseIllegal(program, text, loadArch(placeOf(arch, "arch")), filled);
    const words = wordsOf(code);
    if (out !== undefined) {
      writeWhole(out, code);
      io.err(`wrote ${out}: ${words.length} words\n`);
    }
    if (json) io.out(toJson({ file, words }));
    else if (out === undefined) io.out(words.map((word) => `${word}\n`).join(""));
    return STATUS.done;
  },
});

/** The program's bytes. @throws InputError with every operand that is out of its range */
function encoded(program: Program): Uint8Array {
  const faults = program.items.flatMap(faultsOf);
  if (faults.length > 0) throw new InputError(program.name, faults.join("; "));
  try {
    return encodeProgram(program);
  } catch (error) {
    // Operands are in their ranges, so that it is a loop that has too many turns or too wide a stride.
    if (error instanceof RangeError) throw new InputError(program.name, `loop: ${error.message}`);
    throw error;
  }
}

function faultsOf(item: Item): string[] {
  if (isLoop(item)) return item.body.flatMap(faultsOf);
  return Object.entries(item.op.fields).flatMap(([name, { min, max }]) => {
    const value = item.x[name]!;
    if (value >= min && value <= max) return [];
    return [`${formatInstruction(item)}: ${name}: ${value} is not an integer in ${min} … ${max}`];
  });
}

/** Nothing is known of the image and the data that the program will meet, so that neither has an end. */
const ENDLESS = { image: Number.POSITIVE_INFINITY, data: Number.POSITIVE_INFINITY };

/** @throws InputError with what is first wrong on each line of the text */
function refuseIllegal(program: Program, text: string, arch: ArchSpec, isFilled: boolean): void {
  const written = isFilled ? undefined : new Written([], arch.settings);
  const lines = instructionLines(text);
  const told = new Map<string, { readonly problem: string; more: number }>();
  for (const problem of validate({ ...program, name: "" }, arch.settings, ENDLESS, written)) {
    const [, number, rule] = /^: (\d+): (.*)$/.exec(problem) ?? [];
    const where = number === undefined ? problem : `line ${lines[writtenAs(program.items, Number(number))!]}`;
    const known = told.get(where);
    if (known !== undefined) known.more++;
    else if (number === undefined) told.set(where, { problem: problem.slice(2), more: 0 });
    else told.set(where, { problem: `${where}, instruction ${number}: ${rule}`, more: 0 });
  }
  if (told.size === 0) return;
  const problems = [...told.values()].map(({ problem, more }) =>
    more === 0 ? problem : `${problem}, and ${more} more of its line`,
  );
  throw new InputError(`${program.name} on ${arch.name}`, problems.join("; "));
}

/** 64-bit words of sixteen digits. */
function wordsOf(code: Uint8Array): string[] {
  const words = new BigUint64Array(code.buffer, code.byteOffset, code.byteLength / 8);
  return Array.from(words, (word) => word.toString(16).padStart(16, "0"));
}
