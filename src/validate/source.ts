import { InputError } from "../base/errors.ts";
import { readText } from "../base/yaml.ts";

type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/**
 * A place in a reference's JSON file, read key by key: whatever is not there, or not of the kind asked for, is an
 * InputError that names the file, the path within it and the rule.
 */
export class Source {
  readonly file: string;
  readonly path: string;
  readonly value: Json;

  constructor(file: string, path: string, value: Json) {
    this.file = file;
    this.path = path;
    this.value = value;
  }

  static open(file: string): Source {
    const text = readText(file);
    try {
      return new Source(file, "", JSON.parse(text) as Json);
    } catch (error) {
      throw new InputError(file, `is not JSON: ${(error as Error).message}`);
    }
  }

  /** Whether there is something at the key; null counts as nothing. */
  has(key: string): boolean {
    const value = this.#object()[key];
    return value !== undefined && value !== null;
  }

  at(key: string): Source {
    const value = this.#object()[key];
    if (value === undefined) this.#fail(`no key ${key}`);
    return new Source(this.file, this.path === "" ? key : `${this.path}.${key}`, value);
  }

  keys(): readonly string[] {
    return Object.keys(this.#object());
  }

  items(): readonly Source[] {
    if (!Array.isArray(this.value)) this.#fail("not a list");
    return (this.value as readonly Json[]).map(
      (item, i) => new Source(this.file, `${this.path}[${i}]`, item),
    );
  }

  number(key: string): number {
    const { value } = this.at(key);
    if (typeof value !== "number") this.at(key).#fail("not a number");
    return value as number;
  }

  integer(key: string): number {
    const value = this.number(key);
    if (!Number.isSafeInteger(value)) this.at(key).#fail(`${value} is not an integer`);
    return value;
  }

  flag(key: string): boolean {
    const { value } = this.at(key);
    if (typeof value !== "boolean") this.at(key).#fail("neither true nor false");
    return value as boolean;
  }

  text(key: string): string {
    const { value } = this.at(key);
    if (typeof value !== "string") this.at(key).#fail("not a text");
    return value as string;
  }

  /** A list of numbers; `length` is what it has to have. */
  reals(key: string, length?: number): readonly number[] {
    const inner = this.at(key);
    const { value } = inner;
    if (!Array.isArray(value)) inner.#fail("not a list of numbers");
    const list = value as readonly Json[];
    const odd = list.findIndex((x) => typeof x !== "number");
    if (odd >= 0) inner.#fail(`element ${odd} is not a number`);
    if (length !== undefined && list.length !== length)
      inner.#fail(`${list.length} elements where the shapes ask for ${length}`);
    return list as readonly number[];
  }

  /** A list of integers. */
  codes(key: string, length?: number): readonly number[] {
    const list = this.reals(key, length);
    const odd = list.findIndex((x) => !Number.isSafeInteger(x));
    if (odd >= 0) this.at(key).#fail(`element ${odd} is not an integer`);
    return list;
  }

  /** @throws InputError always: `problem` is what is wrong here */
  refuse(problem: string): never {
    return this.#fail(problem);
  }

  #object(): { readonly [key: string]: Json } {
    if (this.value === null || typeof this.value !== "object" || Array.isArray(this.value))
      this.#fail("not an object");
    return this.value as { readonly [key: string]: Json };
  }

  #fail(problem: string): never {
    throw new InputError(this.path === "" ? this.file : `${this.file}: ${this.path}`, problem);
  }
}
