import { type IntFormat, maxOf, minOf, signed, unsigned } from "../../fixed/format.ts";
import { ceilDiv } from "../../fixed/round.ts";
import { tableCost } from "../../pwl/table.ts";
import { type DescribedTable, headOf, identifierOf, ROUNDS_AWAY, sumBitsOf } from "./described.ts";

const SHIFT_FORMAT = unsigned(6);

/**
 * A SystemVerilog package: the table in packed parameters, and a function of combinational logic that looks a code up, bit for bit
 * as `lookup`. Whoever wraps it in a module finds the ports' widths, and what the function is made of, in the comment.
 */
export function toSystemVerilog(described: DescribedTable): string {
  const { table, curve } = described;
  const { comparators, multiplier, bits } = tableCost(table);
  const lines = [
    ...headOf(described),
    `ports of a module: input ${logic(table.in)} code, output ${logic(table.out)} result`,
    `made of: ${comparators} comparators of ${table.in.bits} bits, a multiplier of ${multiplier.join(" x ")} bits, an adder of ${sumBitsOf(table)} bits; ${bits} bits in a machine's table memory`,
  ].map((line) => `// ${line}`);
  const pieces = table.knots.length;
  return [
    ...lines,
    `package ${identifierOf(curve)}_pwl;`,
    `  localparam int PIECES = ${pieces};`,
    ...parameter("KNOTS", table.in, table.knots),
    ...parameter("OFFSETS", signed(table.out.bits + table.offsetFraction), table.bases),
    ...parameter("SLOPES", signed(table.slopeBits), table.slopes),
    ...(table.shifts.length === 1
      ? [`  localparam logic [${SHIFT_FORMAT.bits - 1}:0] SHIFT = ${table.shifts[0]};`]
      : parameter("SHIFTS", SHIFT_FORMAT, table.shifts)),
    "",
    ...functionOf(described),
    "endpackage",
    "",
  ].join("\n");
}

const logic = ({ bits, signed }: IntFormat): string => `logic ${signed ? "signed " : ""}[${bits - 1}:0]`;

/** A parameter of all pieces, the last piece in the highest bits. */
function parameter(name: string, format: IntFormat, values: Int32Array): string[] {
  const { bits } = format;
  const digits = ceilDiv(bits, 4);
  const words = [...values].reverse().map((value) => {
    const code = value < 0 ? value + 2 ** bits : value;
    return `    ${bits}'h${code.toString(16).padStart(digits, "0")}`;
  });
  return [`  localparam logic [PIECES*${bits}-1:0] ${name} = {`, words.join(",\n"), "  };"];
}

/** An element of a parameter as a signed number. */
function element(name: string, format: IntFormat, at = "piece"): string {
  const bits = bitsOf(name, format, at);
  return format.signed ? `$signed(${bits})` : `$signed({1'b0, ${bits}})`;
}

const bitsOf = (name: string, { bits }: IntFormat, at: string): string => `${name}[${bits}*${at} +: ${bits}]`;

function functionOf({ table, rounding }: DescribedTable): string[] {
  const { mirror, offsetFraction: fraction } = table;
  const away = ROUNDS_AWAY[rounding];
  // Room for the sum, and for a step of the largest shift.
  const sumBits = table.shifts.reduce((most, shift) => Math.max(most, shift + 1), sumBitsOf(table));
  const xBits = table.in.bits + 2;
  const resultBits = Math.max(table.out.bits, sumBits) + 3;
  const offset = signed(table.out.bits + fraction);
  const when = (condition: boolean, ...lines: readonly string[]) => (condition ? lines : []);
  const isMirrored = mirror !== undefined;
  return [
    `  function automatic ${logic(table.out)} lookup(input ${logic(table.in)} code);`,
    "    int piece;",
    `    logic [${SHIFT_FORMAT.bits - 1}:0] shift;`,
    "    logic negative, away;",
    `    logic signed [${xBits - 1}:0] x, distance;`,
    `    ${logic(offset)} offset;`,
    `    logic signed [${sumBits - 1}:0] sum;`,
    `    logic [${sumBits - 1}:0] size, step, down, rest;`,
    `    logic signed [${resultBits - 1}:0] whole, moved, y;`,
    ...when(isMirrored, "    logic mirrored;"),
    ...when(fraction > 0, `    logic [${sumBits - 1}:0] fraction;`),
    ...when(away.includes("odd"), "    logic odd;"),
    `    x = ${xBits}'(${table.in.signed ? "code" : "$signed({1'b0, code})"});`,
    ...when(
      isMirrored,
      `    mirrored = 2 * x < ${mirror?.inSum};`,
      `    if (mirrored) x = ${mirror?.inSum} - x;`,
    ),
    "    piece = 0;",
    "    for (int i = 1; i < PIECES; i++)",
    `      if (${xBits}'(${element("KNOTS", table.in, "i")}) <= x) piece = i;`,
    `    shift = ${table.shifts.length === 1 ? "SHIFT" : bitsOf("SHIFTS", SHIFT_FORMAT, "piece")};`,
    `    distance = x - ${xBits}'(${element("KNOTS", table.in)});`,
    `    offset = ${element("OFFSETS", offset)};`,
    `    whole = ${resultBits}'(offset) >>> ${fraction};`,
    `    sum = ${element("SLOPES", signed(table.slopeBits))} * distance;`,
    ...when(
      fraction > 0,
      `    fraction = ${sumBits}'(offset[${fraction - 1}:0]);`,
      `    sum = sum + $signed(fraction << (shift - ${fraction}));`,
    ),
    "    negative = sum < 0;",
    "    size = negative ? -sum : sum;",
    "    step = 1;",
    "    step = step << shift;",
    "    down = size >> shift;",
    "    rest = size & (step - 1);",
    ...when(away.includes("odd"), "    odd = down[0];"),
    `    away = ${away};`,
    `    moved = $signed(${resultBits}'(down)) + $signed(${resultBits}'(away));`,
    "    y = whole + (negative ? -moved : moved);",
    ...saturation(table.out),
    ...when(isMirrored, `    if (mirrored) y = ${mirror?.outSum} - y;`, ...saturation(table.out)),
    `    return y[${table.out.bits - 1}:0];`,
    "  endfunction",
  ];
}

const saturation = (format: IntFormat): string[] => [
  `    if (y < ${minOf(format)}) y = ${minOf(format)};`,
  `    if (y > ${maxOf(format)}) y = ${maxOf(format)};`,
];
