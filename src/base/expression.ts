import jsep, { type CoreExpression, type Expression as Parsed } from "jsep";
import { suggestion } from "./settings.ts";

/** What a name stands for, and what comes of an expression. */
export type Value = number | string | boolean;

/** What is wrong with an expression, in one clause. */
export class ExpressionError extends Error {}

/** An expression that was read: `mac.rows * mac.columns <= 1024 and weight_bits in [4, 8]`. */
export interface Expression {
  readonly text: string;
  /** Every name in it, once, in the order of first use; dots are part of a name. */
  readonly names: readonly string[];
  /** Its value, given that of each name. Real numbers throughout; division by 0 is infinite. @throws ExpressionError where an operator does not take what it gets */
  readonly valueWith: (given: (name: string) => Value) => Value;
  /** Of a comparison of two numbers by <, <=, > or >=, what is compared. */
  readonly sides?: readonly [left: Evaluate, right: Evaluate];
}

type Evaluate = (given: (name: string) => Value) => Value;

const ARITHMETIC: Readonly<Record<string, (a: number, b: number) => Value>> = {
  "+": (a, b) => a + b,
  "-": (a, b) => a - b,
  "*": (a, b) => a * b,
  "/": (a, b) => a / b,
  "%": (a, b) => a % b,
  "**": (a, b) => a ** b,
  "<": (a, b) => a < b,
  "<=": (a, b) => a <= b,
  ">": (a, b) => a > b,
  ">=": (a, b) => a >= b,
};
const COMPARISONS = ["<", "<=", ">", ">="];
const EQUALITY: Readonly<Record<string, (isEqual: boolean) => boolean>> = {
  "==": (isEqual) => isEqual,
  "!=": (isEqual) => !isEqual,
};
/** The value of the left side that decides alone. */
const LOGIC: Readonly<Record<string, boolean>> = { and: false, "&&": false, or: true, "||": true };
const FUNCTIONS: Readonly<Record<string, (values: readonly number[]) => number>> = {
  min: (values) => Math.min(...values),
  max: (values) => Math.max(...values),
  abs: ([x]) => Math.abs(x!),
};
/** How tightly operators bind, loosest first; `in` as comparisons do. */
const BINDING = [
  ["or", "||"],
  ["and", "&&"],
  ["==", "!="],
  ["<", "<=", ">", ">=", "in"],
  ["+", "-"],
  ["*", "/", "%"],
];

jsep.removeAllBinaryOps();
jsep.removeAllUnaryOps();
for (const [i, operators] of BINDING.entries())
  for (const operator of operators) jsep.addBinaryOp(operator, i + 1);
jsep.addBinaryOp("**", BINDING.length + 1, true);
for (const operator of ["-", "!", "not"]) jsep.addUnaryOp(operator);

/**
 * Reads an expression of numbers, words in quotes, `true` and `false`: arithmetic, comparisons, `in [a, b]`, `and`, `or`, `not`,
 * `c ? a : b`, and min, max and abs.
 *
 * @param known  the names that it may use
 * @throws ExpressionError for what is no such expression, or uses another name
 */
export function readExpression(text: string, known: readonly string[]): Expression {
  const names = new Set<string>();
  const read = (node: Parsed) =>
    compile(node, (name) => {
      if (!known.includes(name))
        throw new ExpressionError(
          `no such name as ${name}${suggestion(name, known) || "; words stand in quotes"}`,
        );
      names.add(name);
    });
  const node = parsed(text) as CoreExpression;
  const valueWith = read(node);
  const own = { text, names: [...names], valueWith };
  if (node.type !== "BinaryExpression" || !COMPARISONS.includes(node.operator)) return own;
  return { ...own, sides: [read(node.left), read(node.right)] };
}

function parsed(text: string): Parsed {
  try {
    return jsep(text);
  } catch (error) {
    throw new ExpressionError(`${JSON.stringify(text)} is no expression: ${(error as Error).message}`);
  }
}

function compile(parsedNode: Parsed, use: (name: string) => void): Evaluate {
  const inner = (one: Parsed) => compile(one, use);
  const node = parsedNode as CoreExpression;
  switch (node.type) {
    case "Literal": {
      const { value, raw } = node;
      if (value === null || typeof value === "object") throw new ExpressionError(`${raw} is no value`);
      return () => value;
    }
    case "Identifier":
    case "MemberExpression": {
      const name = nameOf(node);
      use(name);
      return (given) => given(name);
    }
    case "UnaryExpression": {
      const [operator, of] = [node.operator, inner(node.argument)];
      return operator === "-"
        ? (given) => -number(of(given), operator)
        : (given) => !truth(of(given), operator);
    }
    case "BinaryExpression":
      return node.operator === "in"
        ? membership(inner(node.left), node.right as CoreExpression, inner)
        : binary(node.operator, inner(node.left), inner(node.right));
    case "ConditionalExpression": {
      const [test, yes, no] = [inner(node.test), inner(node.consequent), inner(node.alternate)];
      return (given) => (truth(test(given), "?") ? yes : no)(given);
    }
    case "CallExpression":
      return call(nameOf(node.callee as CoreExpression), node.arguments.map(inner));
    case "Compound":
      throw new ExpressionError("several expressions where one is wanted");
    default:
      throw new ExpressionError("only numbers, words, names and what joins them have a meaning here");
  }
}

/** `mac.rows`, whose dot belongs to the name. */
function nameOf(node: CoreExpression): string {
  if (node.type === "Identifier") return node.name;
  if (node.type === "MemberExpression" && !node.computed)
    return `${nameOf(node.object as CoreExpression)}.${nameOf(node.property as CoreExpression)}`;
  throw new ExpressionError("names are words with dots, as in mac.rows");
}

function binary(operator: string, left: Evaluate, right: Evaluate): Evaluate {
  const arithmetic = ARITHMETIC[operator];
  if (arithmetic !== undefined)
    return (given) => arithmetic(number(left(given), operator), number(right(given), operator));
  const equality = EQUALITY[operator];
  if (equality !== undefined) return (given) => equality(isSame(left(given), right(given), operator));
  const decisive = LOGIC[operator];
  return (given) => {
    const first = truth(left(given), operator);
    return first === decisive ? first : truth(right(given), operator);
  };
}

function membership(one: Evaluate, list: CoreExpression, inner: (node: Parsed) => Evaluate): Evaluate {
  if (list.type !== "ArrayExpression") throw new ExpressionError("in takes a list, as in [4, 8]");
  const items = list.elements.map((element) => {
    if (element === null) throw new ExpressionError("a gap in a list");
    return inner(element);
  });
  return (given) => {
    const value = one(given);
    return items.some((item) => isSame(value, item(given), "in"));
  };
}

function call(name: string, values: readonly Evaluate[]): Evaluate {
  const of = Object.hasOwn(FUNCTIONS, name) ? FUNCTIONS[name] : undefined;
  if (of === undefined) {
    const functions = Object.keys(FUNCTIONS);
    throw new ExpressionError(`no such function as ${name}, only ${functions.join(", ")}`);
  }
  if (values.length === 0 || (name === "abs" && values.length > 1))
    throw new ExpressionError(
      `${name} takes ${name === "abs" ? "one number" : "numbers"}, not ${values.length}`,
    );
  return (given) => of(values.map((value) => number(value(given), name)));
}

function number(value: Value, operator: string): number {
  if (typeof value === "number") return value;
  throw new ExpressionError(`${operator} takes numbers, not ${JSON.stringify(value)}`);
}

function truth(value: Value, operator: string): boolean {
  if (typeof value === "boolean") return value;
  throw new ExpressionError(`${operator} takes true or false, not ${JSON.stringify(value)}`);
}

/** Values of two kinds are never equal, so whoever compares them has made a mistake. */
function isSame(a: Value, b: Value, operator: string): boolean {
  if (typeof a === typeof b) return a === b;
  throw new ExpressionError(`${operator} compares ${JSON.stringify(a)} with ${JSON.stringify(b)}`);
}
