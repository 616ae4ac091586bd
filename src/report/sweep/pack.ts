import type { ColumnFacts } from "../column.ts";
import type { Field, Results } from "./results.ts";

/** Texts of all points, in the fewest characters that give them back to the last one. */
export type PackedTexts =
  | { readonly same: string }
  | { readonly words: readonly string[]; readonly at: readonly number[] }
  | { readonly decimals: number; readonly numbers: readonly number[] }
  | { readonly texts: readonly string[] };

/** Results as plain data, for a page. */
export interface Packed extends Pick<Results, "title" | "count"> {
  readonly fields: readonly (ColumnFacts & { readonly isNumeric: boolean; readonly values: PackedTexts })[];
  readonly names: PackedTexts;
  readonly commands: PackedTexts;
}

/** Words are numbered where each stands for so many points. */
const REPEATED = 4;

export function packTexts(texts: readonly string[]): PackedTexts {
  const known = new Map<string, number>();
  const at = texts.map((text) => {
    const index = known.get(text) ?? known.size;
    known.set(text, index);
    return index;
  });
  if (known.size === 1) return { same: texts[0]! };
  if (REPEATED * known.size <= texts.length) return { words: [...known.keys()], at };
  const decimals = (texts[0]!.split(".")[1] ?? "").length;
  const numbers = texts.map(Number);
  const isExact = decimals <= 100 && texts.every((text, i) => numbers[i]!.toFixed(decimals) === text);
  return isExact ? { decimals, numbers } : { texts };
}

export function unpackTexts(packed: PackedTexts, count: number): readonly string[] {
  if ("same" in packed) return new Array<string>(count).fill(packed.same);
  if ("words" in packed) return packed.at.map((index) => packed.words[index]!);
  if ("numbers" in packed) return packed.numbers.map((value) => value.toFixed(packed.decimals));
  return packed.texts;
}

export const pack = ({ title, count, fields, names, commands }: Results): Packed => ({
  title,
  count,
  fields: fields.map(({ texts, numbers, ...facts }) => ({
    ...facts,
    isNumeric: numbers !== undefined,
    values: packTexts(texts),
  })),
  names: packTexts(names),
  commands: packTexts(commands),
});

/** Texts are written when they are first asked for: of most numbers nobody ever does. */
function unpackField({ isNumeric, values, ...facts }: Packed["fields"][number], count: number): Field {
  let known: readonly string[] | undefined;
  const numbers = "numbers" in values ? values.numbers : undefined;
  return {
    ...facts,
    get texts() {
      known ??= unpackTexts(values, count);
      return known;
    },
    ...(isNumeric ? { numbers: numbers ?? unpackTexts(values, count).map(Number) } : {}),
  };
}

export const unpack = ({ title, count, fields, names, commands }: Packed): Results => ({
  title,
  count,
  fields: fields.map((field) => unpackField(field, count)),
  names: unpackTexts(names, count),
  commands: unpackTexts(commands, count),
});
