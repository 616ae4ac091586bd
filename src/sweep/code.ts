import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { digestOf, sha256 } from "../base/hash.ts";
import { manifest } from "../base/package.ts";

/** The folder of all rooms, sources or built. */
const ROOMS = join(import.meta.dirname, "..");
/** Rooms that no result comes from: what they print, keep, hold against others, or have others run. */
const APART = ["cli", "report", "store", "validate", "cluster"];

let known: string | undefined;

/**
 * Identity of everything beside an experiment that might decide a result: this package's code, the pinned packages that it depends on,
 * which hold what models are trained on, and the engine that runs it, whose `exp` and `tanh` are its own. Read once.
 */
export function codeDigest(): string {
  const { version, dependencies } = manifest();
  known ??= digestOf([version, dependencies, process.versions["v8"], filesOf(ROOMS)]);
  return known;
}

const filesOf = (folder: string) =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name))
    .map((path) => ({ name: path.slice(folder.length + 1), path }))
    .filter(({ name }) => !APART.includes(name.split(/[\\/]/)[0]!) && /\.(ts|js|wasm)$/.test(name))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .map(({ name, path }) => [name, sha256(readFileSync(path))]);
