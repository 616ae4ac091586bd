import { existsSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { InputError } from "../base/errors.ts";
import { PACKAGE } from "../base/package.ts";
import { suggestion } from "../base/settings.ts";
import { stemOf } from "../base/yaml.ts";
import type { Node } from "./decode.ts";

/**
 * Files of one kind that an experiment may name: those of a folder beside the experiment's own, then the package's.
 * Each is read once.
 */
export class Shelf<T> {
  readonly #what: string;
  readonly #beside: string;
  readonly #folders: readonly string[];
  readonly #read: (path: string) => T;
  readonly #fallback: string;
  readonly #held = new Map<string, T>();

  /**
   * @param what      a `machine`, in sentences
   * @param folder    `arch`
   * @param fallback  the one that stands for any, where a name is faulty
   */
  constructor(experiment: string, what: string, folder: string, fallback: string, read: (path: string) => T) {
    this.#what = what;
    this.#beside = dirname(experiment);
    this.#folders = [join(this.#beside, "..", folder), join(PACKAGE, folder)];
    this.#fallback = join(PACKAGE, folder, `${fallback}.yaml`);
    this.#read = read;
  }

  /** What a node of the experiment names; where there is no such thing, any, and a complaint. */
  find(node: Node): T {
    const name = node.text(`the name of a ${this.#what}, or the path of its file`);
    if (name === "") return this.any();
    const path = this.#pathOf(name);
    if (path !== undefined) return this.#once(path);
    node.complain(this.#unknown(name));
    return this.any();
  }

  /** @throws InputError saying `where` the name comes from, if there is no such thing */
  load(name: string, where: string): T {
    const path = existsSync(name) ? name : this.#pathOf(name);
    if (path === undefined) throw new InputError(where, this.#unknown(name));
    return this.#once(path);
  }

  any(): T {
    return this.#once(this.#fallback);
  }

  #pathOf(name: string): string | undefined {
    const isPath = /[\\/]|\.ya?ml$/.test(name);
    const candidates = isPath
      ? [join(this.#beside, name)]
      : this.#folders.map((folder) => join(folder, `${name}.yaml`));
    return candidates.find((path) => existsSync(path));
  }

  #once(path: string): T {
    const known = this.#held.get(path);
    if (known !== undefined) return known;
    const read = this.#read(path);
    this.#held.set(path, read);
    return read;
  }

  #unknown(name: string): string {
    const names = this.#folders
      .filter((folder) => existsSync(folder))
      .flatMap((folder) => readdirSync(folder));
    return `no ${this.#what} ${name}${suggestion(name, names.map(stemOf))}`;
  }
}
