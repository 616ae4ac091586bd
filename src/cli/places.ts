import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { InputError } from "../base/errors.ts";
import { PACKAGE } from "../base/package.ts";
import { suggestion } from "../base/settings.ts";
import { readText, stemOf } from "../base/yaml.ts";

/** Golden data of the outside references that is small enough to come with the package. */
export const BUNDLED_VECTORS = join(PACKAGE, "test", "golden", "vectors");

/** Folders in which a name without a path is looked up. */
type Shelf = "arch" | "recipes" | "experiments";

const ENDING = ".yaml";

/**
 * The file that `given` means: a path, or the name of a file in `shelf`; from the current folder first, then
 * from the package's own, so that every command works from any folder.
 *
 * @throws InputError where there is none, with a suggestion
 */
export function placeOf(given: string, shelf: Shelf): string {
  const named = join(shelf, `${given}${ENDING}`);
  const candidates = [given, named, join(PACKAGE, given), join(PACKAGE, named)];
  const found = candidates.find((path) => path.endsWith(ENDING) && existsSync(path));
  if (found !== undefined) return found;
  if (existsSync(given)) return given;
  throw new InputError(given, `no such file${suggestion(stemOf(given), shelved(shelf).map(stemOf))}`);
}

/** Every file of a shelf: the current folder's, then the package's of other names. */
export function shelved(shelf: Shelf): string[] {
  const paths = new Map<string, string>();
  for (const folder of [shelf, join(PACKAGE, shelf)]) {
    if (!existsSync(folder)) continue;
    for (const file of readdirSync(folder).sort()) {
      if (file.endsWith(ENDING) && !paths.has(file)) paths.set(file, join(folder, file));
    }
  }
  return [...paths.values()];
}

/** A file's bytes. @throws InputError where it cannot be read, in the words of every other file */
export function readBytes(path: string): Uint8Array {
  try {
    return readFileSync(path);
  } catch (error) {
    readText(path);
    throw error;
  }
}
