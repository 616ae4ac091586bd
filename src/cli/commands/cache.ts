import { type Entry, entriesOf, KINDS, removeAll } from "../../sweep/cache.ts";
import { cacheFolder, cacheOption } from "../caching.ts";
import { now } from "../clock.ts";
import { defineCommand, STATUS, UsageError } from "../command.ts";
import { grouped, layOut, toJson } from "../layout.ts";
import { json, wholeNumber } from "../options.ts";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

export const cache = defineCommand({
  command: "cache [action]",
  describe: "Print what is in the cache that sweeps share, or prune it",
  lists: [],
  builder: (y) =>
    y
      .positional("action", { choices: ["prune"] as const, describe: "removes what the options say" })
      .option("cache", cacheOption)
      .option("older-than", { type: "number", requiresArg: true, describe: "prune: what is older, in days" })
      .option("max-bytes", {
        ...{ type: "string", requiresArg: true },
        describe: "prune: the oldest, until no more than this is left",
      } as const)
      .option("all", { type: "boolean", default: false, describe: "prune: everything" })
      .option("json", json)
      .example("$0 cache", "how much is kept, and since when")
      .example("$0 cache prune --older-than 30", "what no sweep of this month has made"),
  run(args, io) {
    const folder = cacheFolder(args.cache);
    if (folder === undefined) throw new UsageError("there is no cache to look into");
    const entries = entriesOf(folder);
    const time = now();
    if (args.action === undefined) {
      if (args.all || args["older-than"] !== undefined || args["max-bytes"] !== undefined)
        throw new UsageError("that is what prune removes, as in: cache prune --all");
      io.out(args.json ? toJson(summaryOf(folder, entries, time)) : textOf(folder, entries, time));
      return STATUS.done;
    }
    const removed = doomed(args, entries, time);
    removeAll(removed);
    const [gone, left] = [removed, entries.filter((entry) => !removed.includes(entry))].map(sumOf);
    if (args.json) io.out(toJson({ folder, removed: gone, left }));
    else io.out(`removed ${sizeText(gone!)}; ${sizeText(left!)} left in ${folder}\n`);
    return STATUS.done;
  },
});

interface Prune {
  readonly all: boolean;
  readonly "older-than": number | undefined;
  readonly "max-bytes": string | undefined;
}

/** What is to go. What a process may be writing just now stays, unless all is to go. */
function doomed(args: Prune, entries: readonly Entry[], time: number): readonly Entry[] {
  const days = args["older-than"];
  const bytes = args["max-bytes"];
  const given = [args.all, days !== undefined, bytes !== undefined].filter(Boolean);
  if (given.length !== 1)
    throw new UsageError("prune takes one of --older-than DAYS, --max-bytes N and --all");
  if (args.all) return entries;
  const settled = entries.filter(({ kind, written }) => kind !== "unfinished" || time - written > HOUR);
  if (days !== undefined) {
    if (!(days >= 0)) throw new UsageError(`--older-than takes days from 0 on, not ${days}`);
    return settled.filter(({ written }) => time - written > days * DAY);
  }
  const most = wholeNumber(bytes!, "--max-bytes", 0);
  let left = sumOf(entries).bytes;
  return settled.filter((entry) => {
    if (left <= most) return false;
    left -= entry.bytes;
    return true;
  });
}

const sumOf = (entries: readonly Entry[]) => ({
  entries: entries.length,
  bytes: entries.reduce((sum, { bytes }) => sum + bytes, 0),
});

const sizeText = ({ entries, bytes }: ReturnType<typeof sumOf>): string =>
  `${grouped(entries)} ${entries === 1 ? "entry" : "entries"} of ${grouped(bytes)} bytes`;

function summaryOf(folder: string, entries: readonly Entry[], time: number) {
  const days = ({ written }: Entry) => Number(((time - written) / DAY).toFixed(2));
  const kinds = [...KINDS, "unfinished"].flatMap((kind) => {
    const some = entries.filter((entry) => entry.kind === kind);
    if (some.length === 0) return [];
    return [{ kind, ...sumOf(some), oldestDays: days(some[0]!), newestDays: days(some.at(-1)!) }];
  });
  const others = entries.filter(({ isCurrent, kind }) => !isCurrent && kind !== "unfinished");
  return { folder, kinds, total: sumOf(entries), ofAnotherVersion: sumOf(others) };
}

function textOf(folder: string, entries: readonly Entry[], time: number): string {
  const { kinds, total, ofAnotherVersion } = summaryOf(folder, entries, time);
  if (total.entries === 0) return `${folder}: empty\n`;
  const line = (name: string, one: { entries: number; bytes: number }, ...ages: readonly string[]) => [
    ...[name, grouped(one.entries), grouped(one.bytes), ...ages],
  ];
  const rows = kinds.map((one) => line(one.kind, one, one.oldestDays.toFixed(1), one.newestDays.toFixed(1)));
  const others = ofAnotherVersion.entries === 0 ? [] : [line("of another version", ofAnotherVersion)];
  const table = [["kind", "entries", "bytes", "oldest, days", "newest, days"], ...rows];
  return `${folder}\n${layOut([...table, line("total", total), ...others], { right: [1, 2, 3, 4] })}`;
}
