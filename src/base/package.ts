import { join } from "node:path";
import { readText } from "./yaml.ts";

/** The package's own folder, whether its sources run or its build does. */
export const PACKAGE = join(import.meta.dirname, "..", "..");

let known: string | undefined;

/** The version of the package; its file is read once. */
export function version(): string {
  known ??= (JSON.parse(readText(join(PACKAGE, "package.json"))) as { version: string }).version;
  return known;
}
