import type { ColumnFacts } from "../report/column.ts";

/** How the values of a column are kept: whole numbers exactly, other numbers in double precision, all else as text. */
export type Kind = "INT64" | "DOUBLE" | "STRING";

/** Without zeros in front: 007 is a name. */
const WHOLE = /^-?(0|[1-9]\d*)$/;
const REAL = /^(-?((0|[1-9]\d*)(\.\d+)?(e[+-]?\d+)?|Infinity)|NaN)$/;
const LEAST = -(2n ** 63n);
const MOST = 2n ** 63n - 1n;

const isWhole = (text: string): boolean => {
  if (!WHOLE.test(text)) return false;
  const value = BigInt(text);
  return value >= LEAST && value <= MOST;
};

/** Whether a column's values are text, even where they look like numbers, as a hash may. */
export const isWords = ({ unit, mayBeNumber }: ColumnFacts): boolean => unit === "" && mayBeNumber !== true;

/** The kind that holds all values of a column; where nothing is known of it, what they look like decides. */
export function kindOf(texts: readonly string[], facts: ColumnFacts | undefined): Kind {
  if (facts !== undefined && isWords(facts)) return "STRING";
  const given = texts.filter((text) => text !== "");
  if (given.length === 0) return facts === undefined ? "STRING" : "DOUBLE";
  if (given.every(isWhole)) return "INT64";
  return given.every((text) => REAL.test(text)) ? "DOUBLE" : "STRING";
}

/** The values that texts stand for; a number that is not there is null. */
export function valuesOf(texts: readonly string[], kind: Kind): (bigint | number | string | null)[] {
  if (kind === "STRING") return [...texts];
  // The writer does not tell -0 from 0, and whichever came first would stand for both.
  const read = kind === "INT64" ? BigInt : (text: string) => Number(text) + 0;
  return texts.map((text) => (text === "" ? null : read(text)));
}
