import { type IntFormat, maxOf, minOf, signed, unsigned } from "../../fixed/format.ts";
import { powerOfTwo } from "../../fixed/round.ts";
import { type DescribedTable, headOf, identifierOf, ROUNDS_AWAY, sumBitsOf } from "./described.ts";

/** Widths of <stdint.h>. */
const WORDS = [8, 16, 32, 64];
/** Numbers in a line of an array. */
const PER_LINE = 12;
const SHIFT_FORMAT = unsigned(5);

/**
 * A C99 header: the table in arrays of the narrowest types, and a function that looks a code up, bit for bit as `lookup`. Integers
 * only, no number is negative where it is shifted, and nothing overflows; it compiles as C++ too.
 */
export function toC(described: DescribedTable): string {
  const { table, curve } = described;
  const name = `${identifierOf(curve)}_pwl`;
  const offset = signed(table.out.bits + table.offsetFraction);
  const shared = table.shifts.length === 1;
  const lines = [
    ...headOf(described).map((line, i) => `${i === 0 ? "/*" : " *"} ${line}`),
    " */",
    `#ifndef ${name.toUpperCase()}_H`,
    `#define ${name.toUpperCase()}_H`,
    "",
    "#include <stdint.h>",
    "",
    `#define ${name.toUpperCase()}_PIECES ${table.knots.length}`,
    "",
    "/* the first code of each piece */",
    ...array(`${name}_knots`, table.in, table.knots),
    `/* the result there${table.offsetFraction === 0 ? "" : `, times 2^${table.offsetFraction}`} */`,
    ...array(`${name}_offsets`, offset, table.bases),
    `/* output LSBs per input LSB, times 2^${shared ? table.shifts[0] : "shift"} */`,
    ...array(`${name}_slopes`, signed(table.slopeBits), table.slopes),
    ...(shared ? [] : array(`${name}_shifts`, SHIFT_FORMAT, table.shifts)),
    "",
    ...functionOf(described, name),
    "",
    "#endif",
    "",
  ];
  return lines.join("\n");
}

/** `int16_t`, of the narrowest word that holds the format. */
const typeOf = ({ bits, signed }: IntFormat): string =>
  `${signed ? "" : "u"}int${WORDS.find((word) => word >= bits)!}_t`;

function array(name: string, format: IntFormat, values: Int32Array): string[] {
  const rows: string[] = [];
  for (let i = 0; i < values.length; i += PER_LINE)
    rows.push(`  ${[...values.subarray(i, i + PER_LINE)].map(literal).join(", ")},`);
  return [`static const ${typeOf(format)} ${name}[${values.length}] = {`, ...rows, "};"];
}

/** The most negative int32_t has no literal of its own: a minus sign is an operator. */
const literal = (value: number): string => (value === -(2 ** 31) ? `(-${2 ** 31 - 1} - 1)` : String(value));

function functionOf(described: DescribedTable, name: string): string[] {
  const { table, rounding } = described;
  const { mirror } = table;
  const away = ROUNDS_AWAY[rounding];
  const word = Math.max(sumBitsOf(table), table.out.bits + 2) < 32 ? 32 : 64;
  const [wide, wideUnsigned] = [`int${word}_t`, `uint${word}_t`];
  const shift = table.shifts.length === 1 ? `${table.shifts[0]}u` : `${name}_shifts[i]`;
  return [
    `static inline ${typeOf(table.out)} ${name}(${typeOf(table.in)} code)`,
    "{",
    "  int32_t x = code;",
    ...(mirror === undefined
      ? []
      : [`  const int mirrored = 2 * x < ${mirror.inSum};`, `  if (mirrored) x = ${mirror.inSum} - x;`]),
    "  int i = 0;",
    `  while (i + 1 < ${name.toUpperCase()}_PIECES && ${name}_knots[i + 1] <= x) i++;`,
    ...offsetOf(described, name),
    `  const unsigned shift = ${shift};`,
    `  const ${wide} product = (${wide})${name}_slopes[i] * (x - ${name}_knots[i]);`,
    `  const ${wide} sum = ${addendOf(described, wide)}product;`,
    "  const int negative = sum < 0;",
    `  const ${wideUnsigned} size = negative ? 0u - (${wideUnsigned})sum : (${wideUnsigned})sum;`,
    `  const ${wideUnsigned} down = size >> shift;`,
    ...[
      ["step", `  const ${wideUnsigned} step = (${wideUnsigned})1 << shift;`],
      ["rest", `  const ${wideUnsigned} rest = size & (((${wideUnsigned})1 << shift) - 1u);`],
      ["odd", "  const int odd = (down & 1u) != 0u;"],
    ].flatMap(([word, line]) => (away.includes(word!) ? [line!] : [])),
    `  const ${wide} moved = (${wide})down + (${away});`,
    `  ${wide} y = whole + (negative ? -moved : moved);`,
    ...saturation(table.out),
    ...(mirror === undefined
      ? []
      : [
          "  if (mirrored) {",
          `    y = ${mirror.outSum} - y;`,
          ...saturation(table.out).map(indented),
          "  }",
        ]),
    `  return (${typeOf(table.out)})y;`,
    "}",
  ];
}

function offsetOf({ table }: DescribedTable, name: string): string[] {
  if (table.offsetFraction === 0) return [`  const int32_t whole = ${name}_offsets[i];`];
  const step = powerOfTwo(table.offsetFraction);
  return [
    `  const int32_t fraction = (int32_t)((uint32_t)${name}_offsets[i] & ${step - 1}u);`,
    `  const int32_t whole = (${name}_offsets[i] - fraction) / ${step};`,
  ];
}

const addendOf = ({ table }: DescribedTable, wide: string): string =>
  table.offsetFraction === 0 ? "" : `((${wide})fraction << (shift - ${table.offsetFraction}u)) + `;

const saturation = (format: IntFormat): string[] => [
  `  if (y < ${minOf(format)}) y = ${minOf(format)};`,
  `  if (y > ${maxOf(format)}) y = ${maxOf(format)};`,
];

const indented = (line: string): string => `  ${line}`;
