import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { main } from "../../src/cli/main.ts";

// What a test sees goes by what it does itself: results are kept where it says so, and nowhere else.
process.env["SHIFTLINE_CACHE"] = "";
process.env["SHIFTLINE_STORE"] = "";

/** What a person sees of a command. */
export interface Answer {
  readonly status: number;
  readonly out: string;
  readonly err: string;
}

/** Runs a command line in this process, as somebody whose terminal is no terminal. */
export async function shiftline(...argv: readonly string[]): Promise<Answer> {
  let out = "";
  let err = "";
  const io = {
    out: (text: string) => {
      out += text;
    },
    err: (text: string) => {
      err += text;
    },
  };
  const status = await main(argv, io);
  return { status, out, err };
}

/** A folder that is gone after the test. */
export function folder(): string {
  const path = mkdtempSync(join(tmpdir(), "shiftline-"));
  onTestFinished(() => rmSync(path, { recursive: true }));
  return path;
}

/** The text without the temporary folder in it, so that it can be pinned. */
export const without = (path: string, text: string): string => text.replaceAll(path, "FOLDER");
