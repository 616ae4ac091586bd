import { join } from "node:path";
import { readText } from "./yaml.ts";

/** The package's own folder, whether its sources run or its build does. */
export const PACKAGE = join(import.meta.dirname, "..", "..");

interface Manifest {
  readonly version: string;
  /** Pinned: a name and its one version. */
  readonly dependencies: Readonly<Record<string, string>>;
  /** The same of what may be missing. */
  readonly optionalDependencies: Readonly<Record<string, string>>;
}

let known: Manifest | undefined;

/** What the package says of itself; its file is read once. */
export function manifest(): Manifest {
  known ??= JSON.parse(readText(join(PACKAGE, "package.json"))) as Manifest;
  return known;
}

export const version = (): string => manifest().version;
