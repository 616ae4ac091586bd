import { InputError } from "../base/errors.ts";
import { type Expression, ExpressionError, readExpression, type Value } from "../base/expression.ts";
import { suggestion } from "../base/settings.ts";
import type { Column } from "../report/column.ts";
import type { Figures } from "../search/front.ts";
import type { Priced } from "../search/problem.ts";
import { settingIn, valueIn } from "./derive.ts";
import type { Accuracy } from "./known.ts";
import type { Row } from "./run.ts";
import { SETTINGS } from "./space.ts";

/** A column that is to be as low or as high as may be. */
interface Objective {
  readonly column: Column<Row>;
  readonly better: "lower" | "higher";
}

/** What a search is after. */
export interface Goals {
  readonly objectives: readonly Objective[];
  readonly constraints: readonly Expression[];
  readonly columns: ReadonlyMap<string, Column<Row>>;
}

const DIRECTIONS = { min: "lower", max: "higher" } as const;

/**
 * @param objectives   `per_pct,min:saturations`: columns, and which way is better where they do not say or the other is meant
 * @param constraints  expressions of columns and parameters: `per_pct <= 10`
 * @throws InputError for what is no column, no direction, or no expression
 */
export function readGoals(
  columns: readonly Column<Row>[],
  objectives: string,
  constraints: readonly string[],
): Goals {
  const known = new Map(columns.map((column) => [column.name, column]));
  const read = objectives.split(",").map((text) => readObjective(text.trim(), known));
  const names = read.map(({ column }) => column.name);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) throw new InputError("--objectives", `${twice} is given twice`);
  const usable = [...known.keys(), ...Object.keys(SETTINGS)];
  return {
    objectives: read,
    constraints: constraints.map((text) => {
      try {
        return readExpression(text, usable);
      } catch (error) {
        if (!(error instanceof ExpressionError)) throw error;
        throw new InputError("--constraint", error.message);
      }
    }),
    columns: known,
  };
}

function readObjective(text: string, known: ReadonlyMap<string, Column<Row>>): Objective {
  const colon = text.indexOf(":");
  const [word, name] = colon < 0 ? [undefined, text] : [text.slice(0, colon), text.slice(colon + 1)];
  if (word !== undefined && !Object.hasOwn(DIRECTIONS, word))
    throw new InputError("--objectives", `${word} is no direction, only min and max`);
  const column = known.get(name);
  if (column === undefined)
    throw new InputError("--objectives", `no such column as ${name}${suggestion(name, [...known.keys()])}`);
  const better = word === undefined ? column.better : DIRECTIONS[word as keyof typeof DIRECTIONS];
  if (better === undefined)
    throw new InputError("--objectives", `${name} has no better side: say min:${name} or max:${name}`);
  return { column, better };
}

/** What a row is to a search. @throws InputError for an objective that is no number, or a constraint that makes no sense */
export const figuresOf = ({ objectives, constraints, columns }: Goals, row: Row): Figures => ({
  objectives: objectives.map((objective) => numberOf(objective, row)),
  violation: constraints.reduce((sum, constraint) => sum + violationOf(constraint, columns, row), 0),
});

/** The column has to be known to be told. */
class Unexecuted extends Error {}

/** What a row has for an accuracy before its model was executed. */
export const UNEXECUTED: Accuracy = new Proxy({} as Accuracy, {
  get: () => {
    throw new Unexecuted();
  },
});

/** The same of a row whose accuracy may be `UNEXECUTED`: objectives and constraints that ask for that are left open. */
export const pricedOf = ({ objectives, constraints, columns }: Goals, row: Row): Priced => ({
  objectives: objectives.map((objective) => ifTold(() => numberOf(objective, row))),
  violation: constraints.reduce(
    (sum, constraint) => sum + (ifTold(() => violationOf(constraint, columns, row)) ?? 0),
    0,
  ),
});

function ifTold<T>(tell: () => T): T | undefined {
  try {
    return tell();
  } catch (error) {
    if (error instanceof Unexecuted) return undefined;
    throw error;
  }
}

function numberOf({ column, better }: Objective, row: Row): number {
  const value = valueIn(column, row);
  if (typeof value === "number") return better === "lower" ? value : -value;
  throw new InputError("--objectives", `${column.name} is ${JSON.stringify(value)}, which is no number`);
}

/** What a comparison of equals that should not be is broken by. */
const LEAST_VIOLATION = 1e-9;

/** By how much a comparison is broken, in parts of its right side; any other constraint by 1. */
function violationOf(constraint: Expression, columns: Goals["columns"], row: Row): number {
  const given = (name: string): Value => {
    const column = columns.get(name);
    return column === undefined ? settingIn(row, name) : valueIn(column, row);
  };
  const refuse = (problem: string): never => {
    throw new InputError("--constraint", `${constraint.text}: ${problem}`);
  };
  try {
    const value = constraint.valueWith(given);
    if (typeof value !== "boolean") return refuse(`is ${JSON.stringify(value)}, not true or false`);
    if (value) return 0;
    const [left, right] = (constraint.sides ?? []).map((side) => side(given) as number);
    if (left === undefined || right === undefined) return 1;
    return Math.max(LEAST_VIOLATION, Math.abs(left - right) / (Math.abs(right) || 1));
  } catch (error) {
    if (error instanceof ExpressionError) return refuse(error.message);
    throw error;
  }
}
