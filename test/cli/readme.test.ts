import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { HAS_DUCKDB, NEEDS_DUCKDB } from "../store/duckdb.ts";
import { folder, shiftline } from "./shiftline.ts";

const README = readFileSync("README.md", "utf8");

/** A block of commands, and the block of output right behind it, if one is. */
const BLOCK = /```sh\n([\s\S]*?)```(?:\n\n```text\n([\s\S]*?)```)?/g;
/** What a comment says of a command that no test can wait for. */
const IS_LONG = /# .*\b(minutes?|hours?)\b/;

/** What makes a verb list something instead of working. */
const LISTS: Readonly<Record<string, string>> = { sweep: "--columns", search: "--columns", train: "--ops" };

/** The words of a line, without its comment; one in quotes holds no quote of its kind. */
const wordsOf = (line: string): string[] =>
  [...line.replace(/\s+#.*/, "").matchAll(/"([^"]*)"|'([^']*)'|\S+/g)]
    .map(([word, ...quoted]) => quoted.find((text) => text !== undefined) ?? word)
    .slice(2);

/** What only DuckDB answers. */
const ASKS = /^npx shiftline query ["']/m;

/** Runs one line of a block as a shell would, if it is of a kind that the README may hold. */
async function runLine(line: string): Promise<string> {
  if (/^npm (start|test|run \w+)\b/.test(line)) return "";
  const echo = /^echo "(.*)" > (results\/\S+)$/.exec(line);
  if (echo !== null) {
    mkdirSync("results", { recursive: true });
    writeFileSync(echo[2]!, `${echo[1]}\n`);
    return "";
  }
  expect(line).toMatch(/^npx shiftline /);
  const words = wordsOf(line);
  const isLong = IS_LONG.test(line);
  // With these the other options are parsed and checked, and then nothing is swept or trained.
  const { status, out, err } = await shiftline(...words, ...(isLong ? [LISTS[words[0]!]!] : []));
  const isMoved = words[0] === "compare" && status === 1 && err === "";
  expect(status === 0 || isMoved, `${line}\n${err}`).toBe(true);
  return out;
}

test(`every command of the README runs, and prints what the README says${HAS_DUCKDB ? "" : ", but for queries"}`, async () => {
  // Queries are about what the page itself has swept.
  process.env["SHIFTLINE_STORE"] = join(folder(), "store");
  // An export is only written where nothing is.
  rmSync("results/vectors", { recursive: true, force: true });
  let actual = README;
  for (const [block, commands = "", answer] of README.matchAll(BLOCK)) {
    if (!HAS_DUCKDB && ASKS.test(commands)) continue;
    let out = "";
    for (const line of commands.trimEnd().split("\n")) out += await runLine(line);
    const fence = "```text\n";
    if (answer !== undefined)
      actual = actual.replace(block, () => block.replace(fence + answer, () => fence + out));
  }
  await expect(actual).toMatchFileSnapshot("../../README.md");
}, 400_000);

test.runIf(HAS_DUCKDB)(`the README shows a query and its answer${NEEDS_DUCKDB}`, () => {
  const answered = [...README.matchAll(BLOCK)].filter(([, commands = ""]) => ASKS.test(commands));
  expect(answered.map(([, , answer]) => answer)).toContainEqual(expect.stringMatching(/\n/));
});

test("every experiment of the README is there", async () => {
  const named = [
    ...README.matchAll(/^\| `(experiments\/\S+\.yaml)` \| (.*?)( All .*| Part .*)?(;.*)? \|$/gm),
  ];
  expect(named).toHaveLength(19);
  for (const [, path, question] of named) expect(readFileSync(path!, "utf8")).toContain(question);
});
