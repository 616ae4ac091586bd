import { readFileSync } from "node:fs";
import { type Document, isMap, isScalar, LineCounter, parseDocument } from "yaml";
import { InputError } from "./errors.ts";

/** Reads a text file; a missing or unreadable one is the user's one-line error. */
export function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    throw new InputError(
      path,
      code === "ENOENT" ? "no such file" : `cannot be read (${code ?? String(error)})`,
    );
  }
}

/** A YAML file's name, without folder and ending. */
export const stemOf = (path: string): string => (path.split(/[\\/]/).at(-1) ?? path).replace(/\.ya?ml$/, "");

export const isMapping = (value: unknown): value is Readonly<Record<string, unknown>> =>
  value !== null && typeof value === "object" && !Array.isArray(value);

/** A YAML file with its positions: every problem found in it can name line and column. */
export class YamlFile {
  readonly path: string;
  readonly value: unknown;
  readonly #document: Document;
  readonly #lines: LineCounter;
  readonly #problems: string[] = [];

  /** @throws InputError naming line and column where the text is not YAML */
  constructor(path: string, text: string = readText(path)) {
    this.path = path;
    this.#lines = new LineCounter();
    this.#document = parseDocument(text, { lineCounter: this.#lines, prettyErrors: false });
    const fault = this.#document.errors[0];
    if (fault !== undefined) {
      const { line, col } = this.#lines.linePos(fault.pos[0]);
      throw new InputError(`${path}:${line}:${col}`, fault.message);
    }
    this.value = this.#resolved();
  }

  /** The whole value. An alias without an anchor only shows here, and without a position. */
  #resolved(): unknown {
    try {
      return this.#document.toJS();
    } catch (error) {
      throw new InputError(this.path, (error as Error).message);
    }
  }

  /** Notes a problem of the value at `keys`; `refuse` reports all of them at once. */
  complain(keys: readonly (string | number)[], problem: string): void {
    this.#problems.push(`${this.#position(keys)}${keys.join(".")}: ${problem}`);
  }

  /** @throws InputError with every problem noted so far, if there is one */
  refuse(): void {
    if (this.#problems.length > 0) throw new InputError(this.path, this.#problems.join("; "));
  }

  #position(keys: readonly (string | number)[]): string {
    const at = this.#offset(keys);
    if (at === undefined) return "";
    const { line, col } = this.#lines.linePos(at);
    return `line ${line}, column ${col}: `;
  }

  /** Where the key stands, or else the nearest enclosing thing that is in the file. */
  #offset(keys: readonly (string | number)[]): number | undefined {
    for (let depth = keys.length; depth > 0; depth--) {
      const parent =
        depth === 1 ? this.#document.contents : this.#document.getIn(keys.slice(0, depth - 1), true);
      if (isMap(parent)) {
        const pair = parent.items.find((item) => isScalar(item.key) && item.key.value === keys[depth - 1]);
        if (pair !== undefined && isScalar(pair.key)) return pair.key.range?.[0];
      }
      const node = this.#document.getIn(keys.slice(0, depth), true) as
        | { range?: [number, number, number] }
        | undefined;
      if (node?.range) return node.range[0];
    }
    return undefined;
  }
}
