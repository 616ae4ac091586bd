import { suggestion } from "../../base/settings.ts";
import type { Field, Results } from "./results.ts";

/** Whether a point passes. */
type Test = (row: number) => boolean;

/** The points that pass, or what is wrong with the question. */
export type Filtered = { readonly rows: readonly number[] } | { readonly problem: string };

const CONDITION = /^([^<>=!]+)(<=|>=|!=|<|>|=)(.*)$/;

const COMPARE: Readonly<Record<string, (order: number) => boolean>> = {
  "<=": (order) => order <= 0,
  ">=": (order) => order >= 0,
  "!=": (order) => order !== 0,
  "<": (order) => order < 0,
  ">": (order) => order > 0,
  "=": (order) => order === 0,
};

/**
 * The points of which every word of a question holds: `per_pct<10`, `arch=edge8x8`, or a word of the point's name. Numbers
 * are compared as numbers; case plays no part.
 */
export function filterRows(results: Results, question: string): Filtered {
  const tests: Test[] = [];
  for (const word of question.split(/\s+/).filter(Boolean)) {
    const test = testOf(results, word);
    if (typeof test === "string") return { problem: test };
    tests.push(test);
  }
  const rows = Array.from({ length: results.count }, (_, row) => row);
  return { rows: rows.filter((row) => tests.every((test) => test(row))) };
}

function testOf({ fields, names }: Results, word: string): Test | string {
  const [, column, sign, value] = CONDITION.exec(word) ?? [];
  if (column === undefined || sign === undefined || value === undefined) {
    const wanted = word.toLowerCase();
    return (row) => names[row]!.toLowerCase().includes(wanted);
  }
  const field = fields.find(({ name, parameter }) => name === column || parameter === column);
  if (field === undefined) {
    const known = fields.map(({ name }) => name);
    return `no column ${column}${suggestion(column, known)}`;
  }
  return comparison(field, sign, value);
}

function comparison({ name, texts, numbers }: Field, sign: string, value: string): Test | string {
  const holds = COMPARE[sign]!;
  if (numbers === undefined) {
    const wanted = value.toLowerCase();
    const order = (text: string) => (text === wanted ? 0 : text < wanted ? -1 : 1);
    return (row) => holds(order(texts[row]!.toLowerCase()));
  }
  const wanted = Number(value);
  if (value === "" || Number.isNaN(wanted)) return `${name} takes a number after ${sign}`;
  return (row) => holds(numbers[row]! - wanted);
}
