import yargs from "yargs";
import { InputError } from "../base/errors.ts";
import { version } from "../base/package.ts";
import { type Command, type Io, STATUS, type Status, UsageError } from "./command.ts";
import { arch } from "./commands/arch.ts";
import { asm } from "./commands/asm.ts";
import { cache } from "./commands/cache.ts";
import { compare } from "./commands/compare.ts";
import { disasm } from "./commands/disasm.ts";
import { gemm } from "./commands/gemm.ts";
import { importCommand } from "./commands/import.ts";
import { isa } from "./commands/isa.ts";
import { means } from "./commands/means.ts";
import { merge } from "./commands/merge.ts";
import { profile } from "./commands/profile.ts";
import { pwl } from "./commands/pwl.ts";
import { query } from "./commands/query.ts";
import { report } from "./commands/report.ts";
import { run } from "./commands/run.ts";
import { schema } from "./commands/schema.ts";
import { search } from "./commands/search.ts";
import { sensitivity } from "./commands/sensitivity.ts";
import { swapNormsCommand } from "./commands/swap-norms.ts";
import { sweep } from "./commands/sweep.ts";
import { train } from "./commands/train.ts";
import { validate } from "./commands/validate.ts";
import { vectors } from "./commands/vectors.ts";

/** The verbs, in the order of `--help`. */
const commands: readonly Command[] = [
  sweep,
  search,
  merge,
  cache,
  run,
  profile,
  gemm,
  importCommand,
  sensitivity,
  pwl,
  vectors,
  validate,
  arch,
  schema,
  isa,
  asm,
  disasm,
  report,
  compare,
  query,
  means,
  train,
  swapNormsCommand,
];

const WIDTH = 100;

/** Does what the words say and gives the exit status; never ends the process, never throws. */
export async function main(argv: readonly string[], io: Io): Promise<Status> {
  let status: Status = STATUS.done;
  const parser = yargs()
    .scriptName("shiftline")
    .usage("$0: integer accelerators and integer-only recurrent networks, to the bit and to the cycle")
    .locale("en") // and not the environment's
    .wrap(WIDTH)
    .version(version())
    .strict()
    .demandCommand(1, "say what to do")
    .recommendCommands()
    .exitProcess(false)
    .parserConfiguration({
      ...{ "dot-notation": false, "camel-case-expansion": false },
      "nargs-eats-options": true, // --sbatch takes words that look like options
    })
    .epilogue(
      "Exit status: 0 done, 1 refused (or, of compare, rows got worse), 2 wrong usage, 70 a bug of ours, 130 interrupted.",
    )
    .fail((message, error) => {
      // A message is yargs' own; without one the error is what a command threw.
      throw message ? new UsageError(message.replaceAll(/\s*\n\s*/g, " ")) : error;
    });
  for (const command of commands) {
    parser.command(
      command(io, (ended) => {
        status = ended;
      }),
    );
  }
  try {
    // With a callback, yargs hands over its help instead of printing it.
    await parser.parseAsync([...argv], {}, (_error, _args, help) => {
      if (help !== "") io.out(`${help}\n`);
    });
    return status;
  } catch (error) {
    return tell(error, io);
  }
}

/** Tells what went wrong, to the one whose business it is. */
function tell(error: unknown, io: Io): Status {
  if (error instanceof UsageError) {
    io.err(`shiftline: ${error.message} (see shiftline --help)\n`);
    return STATUS.usage;
  }
  if (error instanceof InputError) {
    io.err(`shiftline: ${error.message}\n`);
    return STATUS.refused;
  }
  io.err(`shiftline: a bug of ours\n${error instanceof Error ? error.stack : String(error)}\n`);
  return STATUS.bug;
}
