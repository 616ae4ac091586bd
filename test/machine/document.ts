import { FIELDS, type FieldName, type Settings } from "../../src/arch/fields.ts";
import { type ArchSpec, makeArch, overrideArch } from "../../src/arch/spec.ts";
import { formatInstruction, parseProgram } from "../../src/isa/asm.ts";
import { type Field, type OpDef, SPACES, type Space, UNITS } from "../../src/isa/define.ts";
import { footprintOf, type Placed } from "../../src/isa/footprint.ts";
import { TERMS } from "../../src/isa/formulas.ts";
import { ops } from "../../src/isa/table.ts";
import { channelBlock, gainBlock, mirroredBlock, pwlBlock, scaleBlock } from "../../src/isa/tables.ts";
import { type Command, PATHS, RULES } from "../../src/machine/dram-rules.ts";
import { schedule } from "../../src/machine/trace.ts";
import { evaluate } from "../support/formula.ts";

/** The parts of docs/machine.md that are made from the tables of the source, by the names of their blocks. */

type Cells = readonly (readonly string[])[];

/** A Markdown table; bars of formulas and assembly would end a cell. */
const table = (head: readonly string[], rows: Cells): string =>
  [head, head.map(() => "---"), ...rows]
    .map((cells) => `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |\n`)
    .join("");

const code = (text: string): string => (text === "" ? "" : `\`${text}\``);

/** Parameters whose names begin with one of these words. */
function parameters(...sections: readonly string[]): string {
  const names = (Object.keys(FIELDS) as FieldName[]).filter((name) => sections.includes(name.split(".")[0]!));
  const rows = names.map((name) => {
    const field = FIELDS[name];
    return field.kind === "choice"
      ? [code(name), field.choices.map(code).join(", "), code(field.default), field.doc]
      : [code(name), `${field.min} … ${field.max} ${field.unit}`, String(field.default), field.doc];
  });
  return table(["parameter", "values", "default", "meaning"], rows);
}

const terms = (): string =>
  table(
    ["term", "where", "value", "meaning"],
    TERMS.flatMap(({ name, doc, cases }) =>
      cases.length === 0
        ? [[code(name), "", "counted", doc]]
        : cases.map(({ when, is }, i) => [
            i === 0 ? code(name) : "",
            when === undefined ? (i === 0 ? "" : "otherwise") : code(when),
            code(is),
            i === 0 ? doc : "",
          ]),
    ),
  );

/** Numbers by which operands are known again in products: primes, and none of them a width that the set fixes. */
const COUNTS = [101, 103, 107, 109, 113];
const WIDTHS = [3, 5, 7, 11, 13, 17, 19, 23, 29, 31];
const COUNT_LEAST = 2 ** 15 - 1;

const isCount = (f: Field): boolean => f.kind === "integer" && !f.signed && f.max >= COUNT_LEAST;
const isWidth = (f: Field): boolean => f.kind === "integer" && !f.signed && f.min >= 2;
const isFlag = (f: Field): boolean => f.kind === "integer" && f.bits === 1;

/** Operands that differ from each other as far as sizes of operands go; flags are set. */
function telling(op: OpDef): Readonly<Record<string, number>> {
  const [counts, widths] = [[...COUNTS], [...WIDTHS]];
  const pick = (f: Field): number => {
    if (f.kind === "address") return 0;
    if (isFlag(f)) return 1;
    if (isCount(f)) return counts.shift() ?? f.min;
    if (isWidth(f))
      return (
        widths.splice(
          widths.findIndex((w) => w >= f.min && w <= f.max),
          1,
        )[0] ?? f.min
      );
    return Math.max(f.min, 0);
  };
  return Object.fromEntries(Object.entries(op.fields).map(([name, f]) => [name, pick(f)]));
}

/** A size as a product of operands. */
function sizeText(op: OpDef, x: Readonly<Record<string, number>>, size: number): string {
  const factors = Object.keys(op.fields).filter(
    (name) => isCount(op.fields[name]!) && COUNTS.includes(x[name]!) && size % x[name]! === 0,
  );
  const rest = factors.reduce((left, name) => left / x[name]!, size);
  return [...(rest === 1 && factors.length > 0 ? [] : [String(rest)]), ...factors].join(" * ");
}

const widthText = (op: OpDef, x: Readonly<Record<string, number>>, bits: number): string =>
  Object.keys(op.fields).find((name) => isWidth(op.fields[name]!) && x[name] === bits) ?? String(bits);

/** An operand of an operation as formulas: what a record's `reads` and `writes` give, for all operands at once. */
export interface OperandText {
  readonly field: string;
  readonly space: string;
  readonly count: string;
  readonly bits: string;
  /** The flag without which it is not touched. */
  readonly where: string | undefined;
}

export function operandsOf(op: OpDef, side: "reads" | "writes", arch: Settings): readonly OperandText[] {
  const addresses = Object.keys(op.fields).filter((name) => op.fields[name]!.kind === "address");
  const x = telling(op);
  const spans = (changes: Readonly<Record<string, number>>): readonly Placed[] =>
    footprintOf(op, { ...x, ...changes }, addresses, arch)[side];
  const flags = Object.keys(op.fields).filter((name) => isFlag(op.fields[name]!));
  const without = flags.map((name) => [name, spans({ [name]: 0 }).map(({ field }) => field)] as const);
  return spans({}).map(({ field, span }) => ({
    field,
    space: span.space,
    count: sizeText(op, x, span.count),
    bits: widthText(op, x, span.bits),
    where: without.find(([, fields]) => !fields.includes(field))?.[0],
  }));
}

function operandCell(op: OpDef, side: "reads" | "writes", arch: Settings): string {
  const seen = new Set<string>();
  const texts = operandsOf(op, side, arch).flatMap(({ field, space, count, bits, where }) => {
    if (seen.has(field)) return [];
    seen.add(field);
    const passes = op.passes?.[field]?.replace(/\((\w+, ){4}\w+\)/, "(…)");
    const what = space === "table" ? `block ${code(field)}` : `${space} ${code(field)}: ${code(count)}`;
    const width =
      space === "table" || space === "acc" ? "" : ` x ${/^\d/.test(bits) ? bits : code(bits)} bits`;
    const bytes = op.bytes?.[field];
    const often = passes === undefined ? "" : `, ${code(passes)} times`;
    const moved = bytes === undefined ? "" : `, ${code(bytes)} bytes`;
    return [`${what}${width}${often}${moved}${where === undefined ? "" : `, where ${code(`${where} = 1`)}`}`];
  });
  return texts.length === 0 ? "nothing" : texts.join("; ");
}

const operations = (arch: Settings): string =>
  table(
    ["operation", "unit", "lead", "beats", "latency", "reads", "writes"],
    (ops as readonly OpDef[]).flatMap((op) =>
      op.cost.map(({ unit, lead = "", beats, latency }, i) => [
        i === 0 ? code(op.name) : "",
        unit,
        code(lead),
        code(beats),
        code(latency),
        ...(i === 0 ? [operandCell(op, "reads", arch), operandCell(op, "writes", arch)] : ["", ""]),
      ]),
    ),
  );

/** The memories that the operations of each unit touch. */
function paths(arch: Settings): string {
  const all = ops as readonly OpDef[];
  const spaces = (unit: string, side: "reads" | "writes"): string => {
    const touched = all
      .filter(({ cost }) => cost.some((stage) => stage.unit === unit))
      .flatMap((op) => operandsOf(op, side, arch).map(({ space }) => space));
    return SPACES.filter((space) => touched.includes(space))
      .map((space) => NAMES[space])
      .join(", ");
  };
  const rows = UNITS.map((unit) => [code(unit), spaces(unit, "reads"), spaces(unit, "writes")]);
  return table(["unit", "reads", "writes"], rows);
}

const NAMES: Readonly<Record<Space, string>> = {
  dram: "image",
  data: "data",
  weight: "weight SRAM",
  activation: "activation SRAM",
  table: "table memory",
  acc: "accumulators",
};

const PWL_SHAPE = { pieces: 16, inBits: 8, bits: 8, slopeBits: 16, fraction: 0, mirrored: 0 };

/** What lies where in the blocks of table memory, of a small one of each kind. */
function layouts(arch: Settings): string {
  const blocks = {
    "`requant`, 10 channels, each with its scale": channelBlock(10, true, arch),
    "a scale of the vector unit": scaleBlock(arch),
    "gains of `affine`, 10 channels of 8 bits": gainBlock(10, 8),
    "PWL table, 16 pieces, 8 bits to 8": pwlBlock(PWL_SHAPE, arch),
    "table of `mirrored`": mirroredBlock(),
  };
  const rows = Object.entries(blocks).flatMap(([name, { arrays, bytes }]) =>
    Object.entries(arrays)
      .filter(([, { count }]) => count > 0)
      .map(([array, { offset, bits, count }], i) => [
        i === 0 ? name : "",
        array,
        String(offset),
        `${count} x ${bits} bits`,
        i === 0 ? String(bytes) : "",
      ]),
  );
  return table(["block, on edge16x16", "array", "from byte", "codes", "bytes"], rows);
}

const EXAMPLE_PRODUCT = { m: 40, k: 50, n: 3, wBits: 8, xBits: 8 };
const DATAFLOW_NAMES = FIELDS["mac.dataflow"].choices;

/** One product on one array, as every dataflow has it. */
function dataflows(): string {
  const values = Object.values(EXAMPLE_PRODUCT).join(", ");
  const rows = DATAFLOW_NAMES.map((dataflow) => {
    const arch = (preload: string) => makeArch({ "mac.dataflow": dataflow, "mac.preload": preload }).settings;
    const worth = (formula: string, preload = "overlapped") =>
      String(evaluate(formula, EXAMPLE_PRODUCT, arch(preload)));
    return [
      code(dataflow),
      ...["folds", "streamed", "load"].map((term) => worth(term)),
      worth(`array(${values})`, "serial"),
      worth(`array(${values})`),
      worth("arrayLatency"),
      worth(`weightPasses(${values})`),
      worth(`vectorPasses(${values})`),
    ];
  });
  const head = ["dataflow", "folds", "streamed", "load", "cycles, serial", "cycles, overlapped"];
  return table([...head, "latency", "weight passes", "vector passes"], rows);
}

/** Written down step by step in the document. */
export const EXAMPLE = [
  "load.weight dst=0 src=0 bytes=1024",
  "load.table dst=0 src=1024 bytes=256",
  "fetch dst=0 src=0 n=32 bits=8",
  "matmul w=0 x=0 acc=0 m=32 k=32 n=1 wBits=8 xBits=8 keep=0",
  "requant dst=64 acc=0 m=32 n=1 scales=0 perChannel=0 bits=8 zero=0",
  "pwl dst=128 src=64 n=32 inBits=8 bits=8 table=160 pieces=16 slopeBits=16 fraction=0 mirrored=0",
];

/** When each instruction of a program does what. */
function times(lines: readonly string[], arch: ArchSpec): string {
  const rows = schedule(parseProgram(lines.join("\n"), "example"), arch).map(
    ({ issued, issueAt, startAt, endAt, visibleAt, boundBy, turns }, i) => [
      String(i),
      code(formatInstruction({ ...issued, by: {} })),
      String(issueAt),
      String(startAt),
      turns.map(({ unit, from, to }) => `${unit} ${from} … ${to - 1}`).join(", "),
      String(endAt),
      String(visibleAt),
      boundBy,
    ],
  );
  return table(["", "instruction", "issued", "starts", "beats", "ends", "visible", "start bound by"], rows);
}

const CHAIN = [
  "requant.pwl dst=0 acc=0 m=64 n=1 scales=0 perChannel=0 midBits=8 midZero=0 table=400 pieces=16 slopeBits=16 fraction=0 mirrored=0 bits=8",
  "requant dst=8192 acc=64 m=32 n=1 scales=0 perChannel=0 bits=8 zero=0",
  "pwl dst=16384 src=0 n=16 inBits=8 bits=8 table=400 pieces=16 slopeBits=16 fraction=0 mirrored=0",
];

/** A program's cycles in columns: which instruction each unit works on. */
function waves(lines: readonly string[], arch: ArchSpec): string {
  const steps = schedule(parseProgram(lines.join("\n"), "waves"), arch);
  const cycles = Math.max(...steps.map(({ visibleAt }) => visibleAt));
  const row = (name: string, mark: (cycle: number) => string): string =>
    `${name.padEnd(9)}${Array.from({ length: cycles + 1 }, (_, cycle) => mark(cycle).padStart(3)).join("")}\n`;
  const first = (found: (i: number) => boolean): string => {
    const i = steps.findIndex((_, at) => found(at));
    return i < 0 ? "." : String.fromCharCode(65 + i);
  };
  const units = UNITS.filter((unit) => steps.some(({ turns }) => turns.some((turn) => turn.unit === unit)));
  return [
    "```text\n",
    ...lines.map((line, i) => `${String.fromCharCode(65 + i)}  ${line}\n`),
    "\n",
    row("cycle", String),
    row("issue", (cycle) => first((i) => steps[i]!.issueAt === cycle)),
    ...units.map((unit) =>
      row(unit, (cycle) =>
        first((i) =>
          steps[i]!.turns.some((turn) => turn.unit === unit && turn.from <= cycle && cycle < turn.to),
        ),
      ),
    ),
    row("visible", (cycle) => first((i) => steps[i]!.visibleAt === cycle)),
    "```\n",
  ].join("");
}

const commands = (names: readonly Command[]): string => names.join(", then ") || "none";

const dramPaths = (): string =>
  table(
    ["row", "commands before its bytes", "after them"],
    Object.entries(PATHS).map(([find, { first, last }]) => [find, commands(first), commands(last)]),
  );

const dramRules = (): string =>
  table(
    ["after", "no sooner", "in", "cycles later"],
    RULES.map(({ after, before, scope, cycles }) => [after, before, scope, code(cycles.join(" + "))]),
  );

/** Rows of one bank: closed, open, another one open. */
const DRAM_EXAMPLE = [0, 1024, 32_768].map((src) => `load.weight dst=${src} src=${src} bytes=32`);

const assembly = (lines: readonly string[]): string => `\`\`\`text\n${lines.join("\n")}\n\`\`\`\n`;

/** Every block of docs/machine.md, as it should be. */
export function blocksOf(edge: ArchSpec): Readonly<Record<string, string>> {
  return {
    "parameters queue clock": parameters("queue", "clock"),
    "parameters mac acc": parameters("mac", "acc"),
    "parameters requant": parameters("requant"),
    "parameters pwl": parameters("pwl"),
    "parameters vector": parameters("vector"),
    "parameters activation": parameters("activation"),
    "parameters weight table": parameters("weight", "table"),
    "parameters dma dram": parameters("dma", "dram"),
    paths: paths(edge.settings),
    layouts: layouts(edge.settings),
    terms: terms(),
    operations: operations(edge.settings),
    dataflows: dataflows(),
    chain: waves(CHAIN, edge),
    "dram paths": dramPaths(),
    "dram rules": dramRules(),
    "dram example": times(DRAM_EXAMPLE, overrideArch(edge, { "dram.pages": "yes" }, "pages")),
    "example program": assembly(EXAMPLE),
    "example times": times(EXAMPLE, edge),
  };
}
