/** A word as a POSIX shell takes it for one. */
export const quoted = (word: string): string =>
  /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;

/** What of a line is one word: runs of what is neither blank nor quote, and of what stands in quotes. */
const WORD = /(?:[^\s"']|"[^"]*"|'[^']*')+/g;

/**
 * A line as a shell takes it apart: at blanks, but for those in single or double quotes. Nothing is expanded or escaped.
 * Undefined where a quote is not closed.
 */
export function wordsOf(line: string): readonly string[] | undefined {
  const words = line.match(WORD) ?? [];
  if (line.replace(WORD, "").trim() !== "") return undefined;
  return words.map((word) => word.replace(/"([^"]*)"|'([^']*)'/g, (_, double, single) => double ?? single));
}
