/** The little of SVG that our charts need. Numbers are written with two decimals at most, so that equal charts are equal bytes. */

type Attributes = Readonly<Record<string, number | string>>;

/** An element with its attributes in the order given, and its content: text is the caller's to escape. */
export function element(name: string, attributes: Attributes, content = ""): string {
  const words = Object.entries(attributes).map(
    ([key, value]) => ` ${key}="${typeof value === "number" ? short(value) : escaped(value)}"`,
  );
  return `<${name}${words.join("")}${content === "" ? "/>" : `>${content}</${name}>`}`;
}

export const text = (x: number, y: number, words: string, attributes: Attributes = {}): string =>
  element("text", { x, y, ...attributes }, escaped(words));

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
};

/** Text as it stands in an attribute or an element. */
export const escaped = (words: string): string => words.replace(/[&<>"]/g, (sign) => ENTITIES[sign]!);

/** At most two decimals, no zeros behind, never -0. */
export function short(value: number): string {
  const digits = value.toFixed(2).replace(/\.?0+$/, "");
  return digits === "-0" ? "0" : digits;
}

/** A picture of its own, in elements one a line. */
export const svg = (width: number, height: number, title: string, elements: readonly string[]): string =>
  [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="11">`,
    element("title", {}, escaped(title)),
    element("rect", { width, height, fill: "white" }),
    ...elements,
    "</svg>",
    "",
  ].join("\n");

/** Binary digits of a logarithm behind its point: a pixel needs a dozen. */
const LOG_DIGITS = 24;

/**
 * The decimal logarithm of a positive finite number, to about seven digits. By squaring alone, whose result every
 * engine agrees on to the last bit.
 */
export const log10 = (x: number): number => log2(x) / log2(10);

function log2(x: number): number {
  let mantissa = x;
  let result = 0;
  for (; mantissa >= 2; mantissa /= 2) result++;
  for (; mantissa < 1; mantissa *= 2) result--;
  for (let digit = 1, weight = 0.5; digit <= LOG_DIGITS; digit++, weight /= 2) {
    mantissa *= mantissa;
    if (mantissa < 2) continue;
    mantissa /= 2;
    result += weight;
  }
  return result;
}
