import { mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { dirname } from "node:path";
import { InputError } from "./errors.ts";

/**
 * Writes a file whole or not at all: beside its place first, then renamed over it, so that no reader and no interruption
 * finds half of it. Makes the folders on the way.
 *
 * @throws InputError naming the path where it cannot be written; what stood there before then still does
 */
export function writeWhole(path: string, contents: string | Uint8Array): void {
  try {
    mkdirSync(dirname(path), { recursive: true });
    replace(path, contents);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    throw new InputError(path, `cannot be written (${code ?? String(error)})`);
  }
}

function replace(path: string, contents: string | Uint8Array): void {
  // On a shared filesystem another machine may have a process of the same number; in containers most have.
  const part = `${path}.${hostname()}.${process.pid}.part`;
  try {
    writeFileSync(part, contents);
    renameSync(part, path);
  } catch (error) {
    rmSync(part, { force: true });
    throw error;
  }
}
