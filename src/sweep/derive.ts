import { FIELDS } from "../arch/fields.ts";
import { InputError } from "../base/errors.ts";
import { type Expression, ExpressionError, type Value } from "../base/expression.ts";
import type { Column, ColumnFacts } from "../report/column.ts";
import { parseDecimal } from "../report/decimal.ts";
import { column } from "./column.ts";
import type { Node } from "./decode.ts";
import { expressionAt } from "./groups.ts";
import type { Row } from "./run.ts";
import { SETTINGS } from "./space.ts";

/** A column that an experiment makes of others. */
export interface Derived {
  readonly name: string;
  readonly of: Expression;
}

const NAME = /^[a-z][a-z0-9_]*$/;
const FORM = "lower case, digits and _, as in cycles_per_mac";

/** Words of expressions, and columns that the store of all runs adds. */
const RESERVED: ReadonlySet<string> = new Set(
  "and or not in true false null this min max abs code_hash kept_at".split(" "),
);

/** The first parts of machine parameters: no other thing with a dot may begin so. */
const PARTS: ReadonlySet<string> = new Set(Object.keys(FIELDS).map((name) => name.split(".")[0]!));

/** Names of baselines; complains of those that cannot be told from something else. */
export function refuseBaselineName(name: string, node: Node): void {
  if (!NAME.test(name)) node.complain(`names are ${FORM}`);
  else if (PARTS.has(name)) node.complain(`${name} is a part of the machine already`);
}

/**
 * Columns that are computed from others, in the order of the file:
 *
 *     derive:
 *       energy_delay: energy_uj_per_word * latency_us_per_word
 *       faster: int8.cycles / cycles        # against the baseline int8
 *
 * @param columns    the columns that there are
 * @param baselines  names of the points that others may be compared with
 */
export function readDerived(
  node: Node,
  columns: readonly ColumnFacts[],
  baselines: readonly string[],
): Derived[] {
  if (node.isMissing) return [];
  if (!node.isMapping) {
    node.complain("not a mapping of names to expressions");
    return [];
  }
  const known = new Map<string, Value>([
    ...Object.entries(SETTINGS).map(([name, parameter]) => [name, parameter.default] as const),
    ...columns.map(({ name, unit, mayBeNumber }) => [name, unit === "" && !mayBeNumber ? "" : 1] as const),
  ]);
  const derived: Derived[] = [];
  for (const [name, child] of node.children()) {
    if (!NAME.test(name)) child.complain(`names of columns are ${FORM}`);
    else if (RESERVED.has(name)) child.complain(`${name} has a meaning already`);
    else if (known.has(name)) child.complain(`there is a column or a parameter ${name} already`);
    const all = new Map([...known, ...prefixed(known, baselines)]);
    const read = expressionAt(child, all);
    known.set(name, read?.value ?? 1);
    if (read !== undefined) derived.push({ name, of: read.expression });
  }
  return derived;
}

const prefixed = (known: ReadonlyMap<string, Value>, baselines: readonly string[]) =>
  baselines.flatMap((baseline) =>
    [...known].map(([name, value]): [string, Value] => [`${baseline}.${name}`, value]),
  );

/**
 * The columns, and those that are made of them.
 *
 * @param baselines  the rows that others are compared with, by name
 */
export function withDerived(
  columns: readonly Column<Row>[],
  derived: readonly Derived[],
  baselines: ReadonlyMap<string, Row>,
): readonly Column<Row>[] {
  const known = new Map(columns.map((one) => [one.name, one]));
  const valueFor = (row: Row, name: string): Value => {
    const found = known.get(name);
    if (found !== undefined) return valueIn(found, row);
    const dot = name.indexOf(".");
    const baseline = dot < 0 ? undefined : baselines.get(name.slice(0, dot));
    return baseline === undefined ? settingIn(row, name) : valueFor(baseline, name.slice(dot + 1));
  };
  const all = [...columns];
  for (const { name, of } of derived) {
    const textIn = (row: Row) => {
      try {
        const value = of.valueWith((each) => valueFor(row, each));
        return typeof value === "number" ? numberText(value) : String(value);
      } catch (error) {
        if (!(error instanceof ExpressionError)) throw error;
        throw new InputError(`derive.${name}`, `point ${row.point.index}: ${error.message}`);
      }
    };
    const own = column(name, "", "always", of.text, textIn, { mayBeNumber: true });
    known.set(name, own);
    all.push(own);
  }
  return all;
}

/** As the CSV shows it, so that a reader of that computes the same. */
export function valueIn({ of }: Column<Row>, row: Row): Value {
  const value = of(row);
  return typeof value === "string" && parseDecimal(value) !== undefined ? Number(value) : value;
}

/** What a parameter of `SETTINGS` is in a row. */
export function settingIn({ point: { arch, recipe, subject, mapper } }: Row, name: string): Value {
  if (name === "mapper") return mapper;
  const layers: readonly Readonly<Record<string, unknown>>[] = [{ ...subject }, recipe, arch.settings];
  return layers.find((values) => values[name] !== undefined)?.[name] as Value;
}

const DIGITS = 6;

/** Whole numbers in full, others with six significant digits, and neither with an exponent below 10^21. */
function numberText(value: number): string {
  if (!Number.isFinite(value) || Number.isInteger(value)) return String(value);
  const exponent = Number(value.toExponential().split("e")[1]);
  return value.toFixed(Math.min(100, Math.max(0, DIGITS - 1 - exponent)));
}
