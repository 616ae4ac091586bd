import type { ArgumentsCamelCase, Argv, CommandModule } from "yargs";

/** Where a command's words go: answers out, everything else to err. Tests pass their own, the bin passes the process's. */
export interface Io {
  out(text: string): void;
  err(text: string): void;
  /** Where a progress bar may be drawn, if a person is watching. */
  readonly terminal?: NodeJS.WritableStream;
}

/** The command line itself is wrong: one line, exit status 2. */
export class UsageError extends Error {}

/** Exit statuses. `compare` answers `refused` too where rows got worse, as diff does where they differ. */
export const STATUS = { done: 0, refused: 1, usage: 2, bug: 70, interrupted: 130 } as const;
export type Status = (typeof STATUS)[keyof typeof STATUS];

interface CommandSpec<A> {
  readonly command: string;
  readonly describe: string;
  /** Words of the command line that name it where they are not one: 2 of a verb below another. */
  readonly depth?: number;
  /** Options that may be given more than once. */
  readonly lists: readonly string[];
  readonly builder: (y: Argv) => Argv<A>;
  readonly run: (args: ArgumentsCamelCase<A>, io: Io) => Status | Promise<Status>;
}

/** A verb, before it knows where its words go and whom to tell how it ended. */
export type Command = (io: Io, ended: (status: Status) => void) => CommandModule;

/** Ties the type of `run`'s arguments to what `builder` declares, and refuses what yargs would let pass. */
export const defineCommand =
  <A>(spec: CommandSpec<A>): Command =>
  (io, ended) => {
    const module: CommandModule<object, A> = {
      command: spec.command,
      describe: spec.describe,
      builder: (y) => spec.builder(y as Argv).check((args) => refuseExtras(args, spec)),
      handler: async (args) => ended(await spec.run(args, io)),
    };
    return module as unknown as CommandModule;
  };

/** yargs makes a list of an option that is given twice, and puts aside what follows `--`. */
function refuseExtras(
  { _: words, ...options }: Given,
  { lists, depth = 1 }: Pick<CommandSpec<never>, "lists" | "depth">,
): true {
  const extra = words[depth];
  if (extra !== undefined) throw new UsageError(`Unknown argument: ${extra}`);
  for (const [name, value] of Object.entries(options)) {
    if (Array.isArray(value) && !lists.includes(name)) {
      throw new UsageError(`--${name} is given ${value.length} times`);
    }
  }
  return true;
}

interface Given {
  readonly _: readonly unknown[];
  readonly [option: string]: unknown;
}
