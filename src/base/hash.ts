import { createHash } from "node:crypto";

/** Twelve hexadecimal digits over plain data and typed arrays: equal contents, equal hash, whatever the order of keys. */
export const hashOf = (value: unknown): string => digestOf(value).slice(0, 12);

/** All 64 digits of the same, where it is the only thing that tells two apart. */
export const digestOf = (value: unknown): string => sha256(JSON.stringify(canonical(value)));

export const sha256 = (data: string | Uint8Array): string => createHash("sha256").update(data).digest("hex");

/** What is made of an object that nobody changes any more: once for each object, and forgotten with it. */
export function onceFor<T extends object, R>(make: (value: T) => R): (value: T) => R {
  const made = new WeakMap<T, { readonly of: R }>();
  return (value) => {
    let known = made.get(value);
    if (known === undefined) {
      known = { of: make(value) };
      made.set(value, known);
    }
    return known.of;
  };
}

function canonical(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(canonical);
  if (value === null || typeof value !== "object") return value;
  if (ArrayBuffer.isView(value)) {
    const { buffer, byteOffset, byteLength } = value;
    return [value.constructor.name, sha256(new Uint8Array(buffer, byteOffset, byteLength))];
  }
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  return Object.fromEntries(entries.map(([key, inner]) => [key, canonical(inner)]));
}
