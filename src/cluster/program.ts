import { spawn } from "node:child_process";
import { InputError } from "../base/errors.ts";

/** Milliseconds after which a scheduler's command is given up: a controller that is down lets clients wait for a while. */
const PATIENCE = 120_000;

/**
 * What a program prints, run in a session of its own: a Ctrl-C that is meant for us does not end it midway.
 * @param absent  what is said where there is no such program
 * @throws InputError in the program's own words, on one line, where it fails
 */
export async function outputOf(program: string, words: readonly string[], absent: string): Promise<string> {
  const child = spawn(program, words, {
    ...{ stdio: ["ignore", "pipe", "pipe"], detached: true, timeout: PATIENCE },
  });
  let out = "";
  let err = "";
  child.stdout!.setEncoding("utf8").on("data", (text: string) => {
    out += text;
  });
  child.stderr!.setEncoding("utf8").on("data", (text: string) => {
    err += text;
  });
  const ended = await new Promise<string>((resolve, reject) => {
    child.on("error", ({ code, message }: NodeJS.ErrnoException) =>
      reject(new InputError(program, code === "ENOENT" ? absent : message)),
    );
    child.on("close", (status, signal) => resolve(status === 0 ? "" : `ended with ${signal ?? status}`));
  });
  if (ended !== "") throw new InputError(program, sentenceOf(program, err) || ended);
  return out;
}

/** Lines of an error as one, without the program's name and `error:` before each. */
const sentenceOf = (program: string, text: string): string =>
  text
    .split("\n")
    .map((line) =>
      line
        .replace(`${program}:`, "")
        .replace(/^\s*(error|fatal):/, "")
        .trim(),
    )
    .filter((line) => line !== "")
    .join("; ");
