import { accessSync, constants, existsSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { deflateSync, inflateSync } from "node:zlib";
import { InputError } from "../base/errors.ts";
import { writeWhole } from "../base/files.ts";
import { digestOf, sha256 } from "../base/hash.ts";
import { codeDigest } from "./code.ts";

/** What entries are of: the real-valued reference, what a model is compiled by, and the two halves of a result. */
export const KINDS = ["reference", "layouts", "numerics", "costs"] as const;
export type Kind = (typeof KINDS)[number];

/** What the first line of an entry begins with: whoever changes what is in one counts up. */
const FORMAT = "shiftline-cache 1";
/** The first line: which code made the entry, and a digest of all that follows. */
const HEADER = /^shiftline-cache (\d+) ([0-9a-f]{64}) ([0-9a-f]{64})\n/;
/** Says to programs that keep copies that this folder can be made again (bford.info/cachedir). */
const TAG = {
  name: "CACHEDIR.TAG",
  text: "Signature: 8a477f597d28d172789f06886806bc55\n# Results of shiftline; `shiftline cache` tells what is in here.\n",
};

/** Key of numbers that JSON has no word for: a perplexity may be infinite. No result has a key of that name. */
const SPELLED = "spelled";
const spelled = (_: string, value: unknown): unknown =>
  typeof value === "number" && (!Number.isFinite(value) || Object.is(value, -0))
    ? { [SPELLED]: Object.is(value, -0) ? "-0" : String(value) }
    : value;
const read = (_: string, value: unknown): unknown =>
  value !== null && typeof value === "object" && SPELLED in value ? Number(value[SPELLED]) : value;

/** Plain data as it is kept; `unpack` gives back exactly what was put in. */
export const pack = (value: unknown): Buffer => deflateSync(JSON.stringify(value, spelled), { level: 1 });

export function unpack<T>(packed: Uint8Array): T {
  const text = inflateSync(packed).toString();
  return JSON.parse(text, text.includes(SPELLED) ? read : undefined) as T;
}

/**
 * A folder of results, each under the digest of all that decides it, this package's code included: what is found under a key is
 * what would be computed. Entries are written whole or not at all and carry a digest of their own, so that any number of processes
 * may share the folder and be killed at any moment; one that is damaged, or of another format, counts as absent, is told of once, and
 * is replaced as soon as it has been computed again.
 */
export class Cache {
  readonly folder: string;
  readonly #warn: (problem: string) => void;
  #isRefused = false;
  #hasWarned = false;

  /** @throws InputError where the folder cannot be made or written to */
  constructor(folder: string, warn: (problem: string) => void) {
    this.folder = folder;
    this.#warn = warn;
    const tag = join(folder, TAG.name);
    if (!existsSync(tag)) writeWhole(tag, TAG.text);
    try {
      accessSync(folder, constants.W_OK);
    } catch (error) {
      throw new InputError(folder, `cannot be written (${(error as NodeJS.ErrnoException).code})`);
    }
  }

  /** What was put under the key, packed. */
  get(kind: Kind, key: unknown): Buffer | undefined {
    const path = this.#pathOf(kind, key);
    let bytes: Buffer;
    try {
      bytes = readFileSync(path);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code !== "ENOENT") this.#complain(path, `cannot be read (${code})`);
      return undefined;
    }
    const { body, fault } = openEntry(bytes);
    if (fault !== undefined) this.#complain(path, fault);
    return body;
  }

  /** Keeps packed data. Where the disk has no room for it, that is told once, and the data is computed again another time. */
  put(kind: Kind, key: unknown, body: Buffer): void {
    if (this.#isRefused) return;
    const header = `${FORMAT} ${codeDigest()} ${sha256(body)}\n`;
    try {
      writeWhole(this.#pathOf(kind, key), Buffer.concat([Buffer.from(header), body]));
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      this.#isRefused = true;
      this.#warn(`${error.message}; results from here on are not kept`);
    }
  }

  #pathOf(kind: Kind, key: unknown): string {
    const name = digestOf([codeDigest(), key]);
    return join(this.folder, kind, name.slice(0, 2), name);
  }

  #complain(path: string, fault: string): void {
    if (this.#hasWarned) return;
    this.#hasWarned = true;
    this.#warn(`${path}: ${fault}; it is computed anew, as all of its kind are`);
  }
}

function openEntry(bytes: Buffer): { readonly body?: Buffer; readonly fault?: string } {
  const [header, format, , digest] = HEADER.exec(bytes.subarray(0, 200).toString("latin1")) ?? [];
  if (header === undefined) return { fault: "a damaged entry of the cache" };
  if (`shiftline-cache ${format}` !== FORMAT)
    return { fault: `an entry of another version's cache, format ${format}` };
  const body = bytes.subarray(header.length);
  return sha256(body) === digest ? { body } : { fault: "a damaged entry of the cache" };
}

/** A file of a cache. */
export interface Entry {
  readonly path: string;
  /** `unfinished` of what a process has not, or never, brought to its place. */
  readonly kind: Kind | "unfinished";
  readonly bytes: number;
  /** When it was written, in milliseconds of the epoch. */
  readonly written: number;
  /** Whether this code made it, and so may read it. */
  readonly isCurrent: boolean;
}

/** All files of a cache, the oldest first; of a folder that is not there, none. @throws InputError for a folder that is no cache */
export function entriesOf(folder: string): Entry[] {
  if (!existsSync(folder)) return [];
  if (!existsSync(join(folder, TAG.name)))
    throw new InputError(folder, `no cache of results: there is no ${TAG.name} in it`);
  const files = KINDS.filter((kind) => existsSync(join(folder, kind))).flatMap((kind) =>
    readdirSync(join(folder, kind), { recursive: true, encoding: "utf8" }).map((name) => ({ kind, name })),
  );
  return files
    .flatMap(({ kind, name }) => entryAt(join(folder, kind, name), kind))
    .sort((a, b) => a.written - b.written || (a.path < b.path ? -1 : 1));
}

/** Removes files of a cache; those that are gone already are gone. */
export const removeAll = (entries: readonly Entry[]): void => {
  for (const { path } of entries) rmSync(path, { force: true });
};

function entryAt(path: string, kind: Kind): Entry[] {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined || !stat.isFile()) return [];
  const { size: bytes, mtimeMs: written } = stat;
  const isPart = path.endsWith(".part");
  return [{ path, kind: isPart ? "unfinished" : kind, bytes, written, isCurrent: !isPart && isOwn(path) }];
}

/** Whether an entry's first line says that this code made it. */
function isOwn(path: string): boolean {
  try {
    return HEADER.exec(readFileSync(path).subarray(0, 200).toString("latin1"))?.[2] === codeDigest();
  } catch {
    return false;
  }
}
