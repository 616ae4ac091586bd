import { digestOf } from "../base/hash.ts";

/**
 * Identity of what compiling reads of a quantized model: all of it but the codes of its weights, of which it asks which arrays
 * are the same one, and the contents of PWL tables, of which it asks which are equal. Models with one layout become the same
 * programs on every machine.
 *
 * @param quantized  plain data, as every model's is
 */
export function layoutOf(quantized: unknown): string {
  const codes = new Map<unknown, number>();
  const tables = new Map<string, number>();
  const walk = (value: unknown, key: string): unknown => {
    if (ArrayBuffer.isView(value)) {
      const { length } = value as Int32Array;
      return key === "codes" ? { length, same: placeOf(codes, value) } : Array.from(value as Int32Array);
    }
    if (Array.isArray(value)) return value.map((item) => walk(item, ""));
    if (value === null || typeof value !== "object") return value;
    if (value instanceof Map || value instanceof Set) throw new Error("a model holds plain data");
    const isTable = "knots" in value;
    const parts = Object.entries(value).map(([name, inner]) => [
      name,
      isTable && ArrayBuffer.isView(inner) ? (inner as Int32Array).length : walk(inner, name),
    ]);
    if (isTable) parts.push(["equal", placeOf(tables, contentsOf(value))]);
    return Object.fromEntries(parts);
  };
  return digestOf(walk(quantized, ""));
}

/** Which of the distinct things seen so far it is. */
function placeOf<T>(seen: Map<T, number>, thing: T): number {
  const place = seen.get(thing) ?? seen.size;
  seen.set(thing, place);
  return place;
}

const contentsOf = (value: unknown): string =>
  JSON.stringify(value, (_, inner) => (ArrayBuffer.isView(inner) ? Array.from(inner as Int32Array) : inner));
