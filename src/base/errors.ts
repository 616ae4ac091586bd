/**
 * Something a person gave us is wrong: one line, exit status 1.
 *
 * `where` is something that person can open or type again: a file, `file: key`, `file:line:column`. `key`, where given, is the
 * parameter there that would have to be another, and comes before the problem: what is to act on the error reads it, never the text.
 */
export class InputError extends Error {
  readonly where: string;
  readonly key: string | undefined;

  constructor(where: string, problem: string, key?: string) {
    super(key === undefined ? `${where}: ${problem}` : `${where}: ${key}: ${problem}`);
    this.name = "InputError";
    this.where = where;
    this.key = key;
  }
}
