import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { InputError } from "../base/errors.ts";
import { writeWhole } from "../base/files.ts";
import { hashOf } from "../base/hash.ts";
import { readText } from "../base/yaml.ts";
import { codeDigest } from "../sweep/code.ts";
import { type Merged, mergeSheets, readSheet, wholeNote } from "../sweep/shards.ts";

/** What a job's folder is for, as its own file says. */
interface Note {
  /** Identity of the sweep, and of the code that runs it. */
  readonly experiment: string;
  readonly code: string;
  /** Parts, each a task. */
  readonly of: number;
  /** By which the scheduler knows the tasks. */
  readonly name: string;
}

const NOTE = "job.json";
const SCRIPT = "job.sh";

/** The sweep that a folder is wanted for. */
interface Wanted {
  readonly out: string;
  /** The experiment's name, for people who look at a queue. */
  readonly title: string;
  readonly experiment: string;
  /** Parts that are asked for; without, as many as there were, or else `parts`. */
  readonly shards: number | undefined;
  readonly parts: number;
}

/** Where the parts of a sweep come together: a folder beside its CSV, which is gone once they are merged. */
export class JobFolder {
  readonly path: string;
  readonly note: Note;
  /** Whether nothing of the sweep was there before. */
  readonly isNew: boolean;
  #isThere: boolean;
  readonly #whole = new Set<number>();

  /**
   * Writes nothing yet.
   * @throws InputError where what is there is another sweep's, or nothing that we know
   */
  constructor({ out, title, experiment, shards, parts }: Wanted) {
    this.path = `${out}.parts`;
    const found = readNote(this.path);
    this.isNew = found === undefined;
    this.#isThere = !this.isNew;
    const of = shards ?? found?.of ?? parts;
    const code = codeDigest();
    const rule = "remove it, or give another --out";
    if (found !== undefined && (found.experiment !== experiment || found.code !== code))
      throw new InputError(this.path, `holds parts of another sweep, or of another version; ${rule}`);
    if (found !== undefined && found.of !== of)
      throw new InputError(this.path, `holds the sweep in ${found.of} shards, not ${of}; ${rule}`);
    const word = title.replace(/[^\w.-]/g, "_");
    const name = `${word}-${hashOf([experiment, code, of, resolve(this.path)])}`;
    this.note = found ?? { experiment, code, of, name };
  }

  get script(): string {
    return join(resolve(this.path), SCRIPT);
  }

  /** All tasks. */
  get tasks(): readonly number[] {
    return Array.from({ length: this.note.of }, (_, i) => i + 1);
  }

  /** What stands before a task's number in the paths of its files, and what behind. */
  get around(): { readonly before: string; readonly part: string; readonly log: string } {
    const { of } = this.note;
    return { before: join(resolve(this.path), "/"), part: `-of-${of}.csv`, log: `-of-${of}.log` };
  }

  /** Path of a task's log, which need not be there. */
  logOf(task: number): string {
    return join(this.path, `${task}${this.around.log}`);
  }

  /** Writes what tasks need. */
  prepare(script: string): void {
    writeWhole(join(this.path, NOTE), `${JSON.stringify(this.note)}\n`);
    writeWhole(this.script, script);
    this.#isThere = true;
  }

  /**
   * The tasks whose parts are there and whole. A whole one is read once.
   * @throws InputError for a part of another sweep, and where somebody has removed the folder
   */
  whole(): ReadonlySet<number> {
    // A listing is what makes a network filesystem look again.
    const names = new Set(existsSync(this.path) ? readdirSync(this.path) : []);
    if (this.#isThere && !names.has(NOTE))
      throw new InputError(this.path, "is gone: another command has collected it, or somebody removed it");
    for (const task of this.tasks) {
      const name = `${task}${this.around.part}`;
      if (!this.#whole.has(task) && names.has(name) && this.#isWhole(task, join(this.path, name)))
        this.#whole.add(task);
    }
    return this.#whole;
  }

  #isWhole(task: number, path: string): boolean {
    const note = unlessRefused(() => wholeNote(readSheet(path, readText(path))));
    if (note === undefined) return false;
    const { experiment, of } = this.note;
    if (note.experiment !== experiment || note.index !== task || note.of !== of)
      throw new InputError(
        path,
        `not part ${task}/${of} of this sweep (has the experiment changed since?); remove it, or give another --out`,
      );
    return true;
  }

  /** All parts as one sweep. */
  merged(): Merged {
    const paths = this.tasks.map((task) => join(this.path, `${task}${this.around.part}`));
    return mergeSheets(paths.map((path) => readSheet(path, readText(path))));
  }

  /** The last line that a task has said; empty where it has said nothing. */
  lastWords(task: number): string {
    const path = this.logOf(task);
    const text = existsSync(path) ? readFileSync(path, "utf8") : "";
    return text.trimEnd().split("\n").at(-1)!.trim();
  }

  remove(): void {
    // A log may be open still, and be back under another name on a network filesystem.
    rmSync(this.path, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
  }
}

function unlessRefused<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof InputError) return undefined;
    throw error;
  }
}

/** @throws InputError where there is a folder of that name that is none of ours */
function readNote(folder: string): Note | undefined {
  if (!existsSync(folder)) return undefined;
  const path = join(folder, NOTE);
  try {
    return JSON.parse(readFileSync(path, "utf8")) as Note;
  } catch {
    throw new InputError(
      folder,
      `the parts are to go there, and it is there already, without a ${NOTE} of ours`,
    );
  }
}
