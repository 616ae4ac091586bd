import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
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
  const part = partOf(path);
  try {
    writeFileSync(part, contents);
    renameSync(part, path);
  } catch (error) {
    refuse(path, error, part);
  }
}

/** The same of a file that something else writes, to the path that it is given. @throws what `write` throws of its own, too */
export async function writtenWhole<T>(path: string, write: (part: string) => Promise<T>): Promise<T> {
  const part = partOf(path);
  try {
    const done = await write(part);
    renameSync(part, path);
    return done;
  } catch (error) {
    return refuse(path, error, part);
  }
}

/** Where a file is written first, in a folder that is there. */
function partOf(path: string): string {
  try {
    mkdirSync(dirname(path), { recursive: true });
  } catch (error) {
    refuse(path, error);
  }
  // On a shared filesystem another machine may have a process of the same number; in containers most have.
  return `${path}.${hostname()}.${process.pid}.part`;
}

function refuse(path: string, error: unknown, part?: string): never {
  if (part !== undefined) rmSync(part, { force: true });
  if (error instanceof InputError) throw error;
  throw new InputError(path, `cannot be written (${(error as NodeJS.ErrnoException).code ?? String(error)})`);
}

/** A file's bytes. @throws InputError naming the path where there is none, or where it cannot be read */
export function readBytes(path: string): Uint8Array {
  try {
    return readFileSync(path);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    throw new InputError(
      path,
      code === "ENOENT" ? "no such file" : `cannot be read (${code ?? String(error)})`,
    );
  }
}
