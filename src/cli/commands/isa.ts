import { InputError } from "../../base/errors.ts";
import { suggestion } from "../../base/settings.ts";
import type { Field, OpDef } from "../../isa/define.ts";
import { encodeInstruction, wordsOf } from "../../isa/encode.ts";
import { termsOf } from "../../isa/formulas.ts";
import { REGISTERS } from "../../isa/program.ts";
import { byName, ops } from "../../isa/table.ts";
import { defineCommand, STATUS } from "../command.ts";
import { layOut, toJson } from "../layout.ts";
import { json } from "../options.ts";

export const isa = defineCommand({
  command: "isa [op]",
  describe: "Print the instruction set, or one operation with its fields and encoding",
  lists: [],
  builder: (y) =>
    y
      .positional("op", { type: "string", describe: "an operation's name" })
      .option("json", json)
      .example("$0 isa", "all operations")
      .example("$0 isa matmul", "one operation, field by field"),
  run({ op: name, json }, io) {
    if (name === undefined) io.out(json ? toJson(ops.map(summaryOf)) : setTable());
    else {
      const op = byName.get(name);
      if (op === undefined)
        throw new InputError(name, `no such operation${suggestion(name, [...byName.keys()])}`);
      io.out(json ? toJson({ ...summaryOf(op), cost: op.cost, fields: fieldsOf(op) }) : opTable(op));
    }
    return STATUS.done;
  },
});

const summaryOf = (op: OpDef) => ({
  name: op.name,
  opcode: op.code,
  words: wordsOf(op),
  units: op.cost.map(({ unit }) => unit),
  doc: op.doc,
});

const hex = (code: number): string => `0x${code.toString(16).padStart(2, "0")}`;

function setTable(): string {
  const rows = ops
    .map(summaryOf)
    .map(({ name, opcode, words, units, doc }) => [name, hex(opcode), String(words), units.join(", "), doc]);
  return layOut([["operation", "code", "words", "unit", "meaning"], ...rows], { right: [2] });
}

/** Where a field lies in the instruction, bit 0 the lowest of its first word. */
interface Place {
  readonly from: number;
  readonly to: number;
}

/** The bits that are set in one encoding and not in that of zeros. */
function placeOf(
  op: OpDef,
  x: Readonly<Record<string, number>>,
  by: Readonly<Record<string, number>>,
): Place {
  const zeros = Object.fromEntries(Object.keys(op.fields).map((name) => [name, 0]));
  const code =
    encodeInstruction({ op, x: { ...zeros, ...x }, by }) - encodeInstruction({ op, x: zeros, by: {} });
  const bits = code.toString(2);
  return { from: bits.length - 1 - bits.lastIndexOf("1"), to: bits.length - 1 };
}

const fieldsOf = (op: OpDef) =>
  Object.entries(op.fields).map(([name, field]) => ({
    name,
    ...field,
    place: placeOf(op, { [name]: field.signed ? -1 : 2 ** field.bits - 1 }, {}),
    ...(field.kind === "address" ? { register: registerPlace(op, name) } : {}),
  }));

/** From the lowest bit of the first register's number to the highest of the last one's. */
const registerPlace = (op: OpDef, name: string): Place => ({
  from: placeOf(op, {}, { [name]: 0 }).from,
  to: placeOf(op, {}, { [name]: REGISTERS.length - 1 }).to,
});

/** The opcode comes first, and the first field right after it. */
const opcodePlace = (op: OpDef): Place => ({ from: 0, to: fieldsOf(op)[0]!.place.from - 1 });

function opTable(op: OpDef): string {
  const { name, opcode, words, units, doc } = summaryOf(op);
  const at = ({ from, to }: Place) => (from === to ? `${from}` : `${to}:${from}`);
  const rows = fieldsOf(op).flatMap(({ name, place, register, doc, ...field }) => [
    [name, at(place), rangeOf(field), doc],
    ...(register === undefined
      ? []
      : [["", at(register), REGISTERS.join(" "), `index register added to ${name}`]]),
  ]);
  const opcodeRow = ["", at(opcodePlace(op)), hex(opcode), "opcode"];
  return [
    `${name}: ${doc}\n`,
    `unit ${units.join(", then ")}; ${words} words of 64 bits, bit 0 is the lowest of the first\n\n`,
    layOut([["field", "bits", "values", "meaning"], opcodeRow, ...rows], { right: [1] }),
    `\n${costTable(op)}`,
  ].join("");
}

/** What an operation costs, and the terms that its formulas rest on: docs/machine.md says how they are used. */
function costTable({ cost, bytes = {} }: OpDef): string {
  const rows = cost.flatMap(({ unit, ...formulas }) =>
    Object.entries(formulas).map(([name, formula], i) => [i === 0 ? unit : "", name, formula]),
  );
  for (const [field, formula] of Object.entries(bytes)) rows.push(["", `bytes of ${field}`, formula]);
  const terms = termsOf(rows.map(([, , formula]) => formula!)).flatMap(({ name, doc, cases }) =>
    cases.length === 0
      ? [[name, "", doc]]
      : cases.map(({ when, is }, i) => [
          i === 0 ? name : "",
          when === undefined ? (i === 0 ? "" : "otherwise") : `where ${when}`,
          is,
        ]),
  );
  return layOut([["cost", "", "cycles"], ...rows, ...terms]);
}

const rangeOf = ({ kind, space, min, max }: Pick<Field, "kind" | "space" | "min" | "max">): string =>
  kind === "address" ? `${space} address` : `${min} … ${max}`;
