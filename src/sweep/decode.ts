import { faultOf, type Parameter, suggestion } from "../base/settings.ts";
import { isMapping, type YamlFile } from "../base/yaml.ts";

/**
 * A value of a YAML file and the keys that lead to it. Each reading notes what is wrong with the file and
 * returns something harmless instead, so that one mistake hides no other; `YamlFile.refuse` reports them all.
 */
export class Node {
  readonly value: unknown;
  readonly #file: YamlFile;
  readonly #keys: readonly (string | number)[];

  constructor(file: YamlFile, keys: readonly (string | number)[], value: unknown) {
    this.#file = file;
    this.#keys = keys;
    this.value = value;
  }

  get isMissing(): boolean {
    return this.value === undefined;
  }

  get isMapping(): boolean {
    return isMapping(this.value);
  }

  complain(problem: string): void {
    this.#file.complain(this.#keys, problem);
  }

  /** What is below a key; of a thing that is no mapping, nothing. */
  at(key: string): Node {
    return this.#child(
      key,
      isMapping(this.value) && Object.hasOwn(this.value, key) ? this.value[key] : undefined,
    );
  }

  /** The entries of a mapping, all of them among `known`, each of them a `what`; of nothing, none. */
  entries(known: readonly string[], what = "key"): [string, Node][] {
    if (this.isMissing) return [];
    if (!isMapping(this.value)) {
      this.complain(`${this.#shown} is not a mapping of ${listed(known)}`);
      return [];
    }
    const children = this.children();
    for (const [key, child] of children) {
      if (!known.includes(key)) child.complain(`no such ${what}${suggestion(key, known)}`);
    }
    return children.filter(([key]) => known.includes(key));
  }

  /** All entries of a mapping; of anything else, none. */
  children(): [string, Node][] {
    return isMapping(this.value)
      ? Object.entries(this.value).map(([key, value]): [string, Node] => [key, this.#child(key, value)])
      : [];
  }

  /** The items of a list, which has at least one. */
  items(what: string): Node[] {
    if (Array.isArray(this.value) && this.value.length > 0)
      return this.value.map((item, i) => this.#child(i, item));
    if (Array.isArray(this.value)) this.complain(`an empty list has no ${what}`);
    else
      this.complain(
        this.isMissing ? `missing (a list of ${what})` : `${this.#shown} is not a list of ${what}`,
      );
    return [];
  }

  /** The items of a list, or the one thing in its place. */
  oneOrMore(what: string): Node[] {
    return Array.isArray(this.value) ? this.items(what) : [this];
  }

  text(what: string): string {
    if (typeof this.value === "string" && this.value.trim() !== "") return this.value.trim();
    this.complain(this.isMissing ? `missing (${what})` : `${this.#shown} is not ${what}`);
    return "";
  }

  /** A value that a parameter may have; its default where there is none or a wrong one. */
  parameter(parameter: Parameter): number | string {
    if (this.isMissing) return parameter.default;
    const fault = faultOf(parameter, this.value);
    if (fault === undefined) return this.value as number | string;
    this.complain(fault.trimEnd()); // a parameter may have no unit
    return parameter.default;
  }

  /** The value in a sentence. */
  get #shown(): string {
    if (this.value === null) return "nothing";
    if (Array.isArray(this.value)) return "a list";
    return this.isMapping ? "a mapping" : JSON.stringify(this.value);
  }

  #child(key: string | number, value: unknown): Node {
    return new Node(this.#file, [...this.#keys, key], value);
  }
}

/** A long table of names is no help in a sentence. */
const listed = (names: readonly string[]): string => (names.length > 12 ? "parameters" : names.join(", "));
