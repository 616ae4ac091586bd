/**
 * Something a person gave us is wrong: one line, exit status 1.
 *
 * `where` is something that person can open or type again: a file, `file: key`, `file:line:column`.
 */
export class InputError extends Error {
  readonly where: string;

  constructor(where: string, problem: string) {
    super(`${where}: ${problem}`);
    this.name = "InputError";
    this.where = where;
  }
}
