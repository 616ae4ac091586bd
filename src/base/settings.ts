/** What a table of parameters says of one of them, whatever room the table stands in. */
export type Parameter =
  | {
      readonly kind: "int" | "real";
      readonly doc: string;
      readonly unit: string;
      readonly min: number;
      readonly max: number;
      readonly default: number;
    }
  | {
      readonly kind: "choice";
      readonly doc: string;
      readonly choices: readonly string[];
      /** What a file ends in whose path may be given in place of a choice. */
      readonly file?: string;
      readonly default: string;
    };

export type ParameterTable = Readonly<Record<string, Parameter>>;

/** What is wrong with `value` for this parameter, in one clause; undefined where nothing is. */
export function faultOf(parameter: Parameter, value: unknown): string | undefined {
  if (parameter.kind === "choice") {
    const { choices, file } = parameter;
    const isPath = file !== undefined && typeof value === "string" && value.endsWith(file);
    if (isPath || choices.includes(value as string)) return undefined;
    const or = file === undefined ? "" : `, and no path of a ${file} file`;
    return `${JSON.stringify(value)} is not one of ${choices.join(", ")}${or}`;
  }
  const { min, max, unit } = parameter;
  const isNumber = typeof value === "number" && Number.isFinite(value);
  if (!isNumber || (parameter.kind === "int" && !Number.isInteger(value)) || value < min || value > max) {
    const what = parameter.kind === "int" ? "an integer" : "a number";
    // JSON has no word for NaN and the infinities.
    return `${typeof value === "number" ? value : JSON.stringify(value)} is not ${what} in ${min} … ${max} ${unit}`;
  }
  return undefined;
}

/**
 * Fills in defaults and checks every key, reporting each problem by its key to `complain`.
 * Values with a problem fall back to their defaults, so that one mistake hides no other.
 */
export function settle(
  table: ParameterTable,
  given: ReadonlyMap<string, unknown>,
  complain: (key: string, problem: string) => void,
): Readonly<Record<string, number | string>> {
  const settled: Record<string, number | string> = {};
  for (const [key, parameter] of Object.entries(table)) settled[key] = parameter.default;
  for (const [key, value] of given) {
    const parameter = Object.hasOwn(table, key) ? table[key] : undefined;
    const fault =
      parameter === undefined
        ? `no such parameter${suggestion(key, Object.keys(table))}`
        : faultOf(parameter, value);
    if (fault === undefined) settled[key] = value as number | string;
    else complain(key, fault);
  }
  return Object.freeze(settled);
}

/** Slips that a short word has no room for: it would be another word. */
const MOST_SLIPS = 3;

/** `; did you mean …?` where one known name is a slip of the pen away, or goes on where the word ends. */
export function suggestion(word: string, known: readonly string[]): string {
  const near = known.map((name) => ({ name, d: distance(word, name) })).sort((a, b) => a.d - b.d)[0];
  if (near === undefined || near.d > MOST_SLIPS) return "";
  const isNear = near.d <= word.length / 2 || near.name.startsWith(word);
  return isNear ? `; did you mean ${near.name}?` : "";
}

/** Levenshtein distance. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (const [i, letter] of [...a].entries()) {
    const next = [i + 1];
    for (let j = 0; j < b.length; j++) {
      next.push(Math.min(row[j]! + (letter === b[j] ? 0 : 1), row[j + 1]! + 1, next[j]! + 1));
    }
    row = next;
  }
  return row[b.length]!;
}
