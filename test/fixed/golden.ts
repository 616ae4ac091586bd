import { readFileSync } from "node:fs";

const HOME = "test/golden/vectors";

/** The rows of a CSV without quotes, past its comments; the first is its header. */
export function goldenTable(file: string): readonly (readonly string[])[] {
  return readFileSync(`${HOME}/${file}`, "utf8")
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map((line) => line.split(","));
}

/** The values of a binary of little-endian int16. */
export function goldenInt16(file: string): Int16Array {
  const bytes = readFileSync(`${HOME}/${file}`);
  return Int16Array.from({ length: bytes.length / 2 }, (_, i) => bytes.readInt16LE(2 * i));
}
