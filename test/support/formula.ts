import type { Settings } from "../../src/arch/fields.ts";
import { headOf, TERMS, type Term } from "../../src/isa/formulas.ts";

/** What names of a formula are worth: operands, and arguments of terms. Parameters of the machine come from it. */
type Names = Readonly<Record<string, number>>;

const FUNCTIONS: Readonly<Record<string, (...values: number[]) => number>> = {
  ceil: Math.ceil,
  floor: Math.floor,
  max: Math.max,
  min: Math.min,
  clog2: (x) => Math.ceil(Math.log2(x)),
};

const TOKEN = /\s*([a-zA-Z]\w*(?:\.\w+)?|\d+|[-+*/%(),])/y;

/** The worth of a formula of src/isa/formulas.ts on a machine. @throws Error where it names what there is not */
export function evaluate(formula: string, names: Names, arch: Settings): number {
  const tokens = tokensOf(formula);
  let at = 0;
  const take = (token: string): void => {
    if (tokens[at++] !== token) throw new Error(`${formula}: ${token} expected, not ${tokens[at - 1]}`);
  };
  const list = (): number[] => {
    take("(");
    const values = [sum()];
    while (tokens[at] === ",") {
      at++;
      values.push(sum());
    }
    take(")");
    return values;
  };
  const primary = (): number => {
    const token = tokens[at]!;
    if (token === "(") return list()[0]!;
    at++;
    if (/^\d/.test(token)) return Number(token);
    const isCall = tokens[at] === "(";
    if (isCall && token in FUNCTIONS) return FUNCTIONS[token]!(...list());
    const term = TERMS.find((one) => headOf(one) === token && one.cases.length > 0);
    if (term !== undefined) return worthOf(term, isCall ? list() : [], names, arch);
    const value = names[token] ?? arch[token as keyof Settings];
    if (typeof value !== "number") throw new Error(`${formula}: ${token} is no number`);
    return value;
  };
  const product = (): number => {
    let value = primary();
    for (;;) {
      const sign = tokens[at];
      if (sign !== "*" && sign !== "/" && sign !== "%") return value;
      at++;
      const other = primary();
      value = sign === "*" ? value * other : sign === "/" ? value / other : value % other;
    }
  };
  const sum = (): number => {
    let value = product();
    for (;;) {
      const sign = tokens[at];
      if (sign !== "+" && sign !== "-") return value;
      at++;
      value += sign === "+" ? product() : -product();
    }
  };
  const value = sum();
  if (at < tokens.length) throw new Error(`${formula}: nothing expected after ${tokens[at - 1]}`);
  return value;
}

function tokensOf(formula: string): readonly string[] {
  const tokens: string[] = [];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < formula.length) {
    const match = TOKEN.exec(formula);
    if (match === null) throw new Error(`${formula}: not understood`);
    tokens.push(match[1]!);
  }
  return tokens;
}

/** A term with these arguments, beside which it sees the names of the formula that it stands in. */
function worthOf(term: Term, values: readonly number[], names: Names, arch: Settings): number {
  const parameters = /\((.*)\)/.exec(term.name)?.[1]?.split(", ") ?? [];
  if (parameters.length !== values.length) throw new Error(`${term.name} with ${values.length} arguments`);
  const inner = { ...names, ...Object.fromEntries(parameters.map((name, i) => [name, values[i]!])) };
  const found = term.cases.find(({ when }) => when === undefined || holds(when, inner, arch));
  if (found === undefined) throw new Error(`${term.name} has no case for this machine`);
  return evaluate(found.is, inner, arch);
}

const holds = (condition: string, names: Names, arch: Settings): boolean =>
  condition.split(" and ").every((clause) => {
    const [, left, sign, right] = /^(.*) (=|>=) (.*)$/.exec(clause)!;
    const choice = arch[left as keyof Settings];
    if (typeof choice === "string") return choice === right;
    const [a, b] = [evaluate(left!, names, arch), evaluate(right!, names, arch)];
    return sign === "=" ? a === b : a >= b;
  });
