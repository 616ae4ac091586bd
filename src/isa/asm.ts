import { InputError } from "../base/errors.ts";
import { suggestion } from "../base/settings.ts";
import {
  type Instruction,
  type Item,
  isLoop,
  LOOP_DEPTH,
  type Loop,
  type Program,
  REGISTERS,
  REGISTERS_PER_LOOP,
} from "./program.ts";
import { byName } from "./table.ts";

/** `requant dst=64+i0 acc=0 m=16 …`, fields in the record's order. */
export const formatInstruction = ({ op, x, by }: Instruction): string =>
  [
    op.name,
    ...Object.keys(op.fields).map((f) => `${f}=${x[f]}${by[f] === undefined ? "" : `+${REGISTERS[by[f]]}`}`),
  ].join(" ");

/** Assembly text: an instruction a line; loops as `loop count=7 by=48,-192,0,0` … `end`. */
export function formatProgram(program: Program): string {
  const lines: string[] = [];
  const print = (items: readonly Item[], indent: string): void => {
    for (const item of items) {
      if (isLoop(item)) {
        lines.push(`${indent}loop count=${item.count} by=${item.strides.join(",")}`);
        print(item.body, `${indent}  `);
        lines.push(`${indent}end`);
      } else lines.push(indent + formatInstruction(item));
    }
  };
  print(program.items, "");
  return `${lines.join("\n")}\n`;
}

const bare = (line: string): string => line.replace(/#.*/, "").trim();
const isLoopLine = (line: string): boolean => line.startsWith("loop ");

/** The numbers, from 1, of the lines of assembly text that are instructions. */
export const instructionLines = (text: string): number[] =>
  text.split("\n").flatMap((raw, i) => {
    const line = bare(raw);
    return line === "" || line === "end" || isLoopLine(line) ? [] : [i + 1];
  });

/**
 * Reads assembly text; `#` begins a comment.
 * @throws InputError with every faulty line of the file at once
 */
export function parseProgram(text: string, name: string): Program {
  const problems: string[] = [];
  const open: { count: number; strides: number[]; body: Item[]; line: number }[] = [];
  const items: Item[] = [];
  const here = () => open.at(-1)?.body ?? items;
  for (const [i, raw] of text.split("\n").entries()) {
    const line = bare(raw);
    const complain = (problem: string) => problems.push(`line ${i + 1}: ${problem}`);
    if (line === "") continue;
    if (line === "end") {
      const loop = open.pop();
      if (loop === undefined) complain("end without a loop");
      else here().push({ count: loop.count, strides: loop.strides, body: loop.body } satisfies Loop);
    } else if (isLoopLine(line)) {
      if (open.length === LOOP_DEPTH) complain(`loops nest at most ${LOOP_DEPTH} deep`);
      open.push({ ...parseLoop(line, complain), body: [], line: i + 1 });
    } else {
      const instruction = parseInstruction(line, complain);
      if (instruction !== undefined) here().push(instruction);
    }
  }
  for (const { line } of open) problems.push(`line ${line}: loop without an end`);
  if (problems.length > 0) throw new InputError(name, problems.join("; "));
  return { name, items };
}

function parseLoop(line: string, complain: (problem: string) => void): { count: number; strides: number[] } {
  const match = /^loop count=(\d+) by=(-?\d+(?:,-?\d+)*)$/.exec(line);
  if (match === null) {
    complain(`"${line}" is not of the form loop count=N by=S,S,S,S`);
    return { count: 1, strides: [0, 0, 0, 0] };
  }
  const strides = match[2]!.split(",").map(Number);
  if (strides.length > REGISTERS_PER_LOOP)
    complain(`a loop has ${REGISTERS_PER_LOOP} strides, not ${strides.length}`);
  while (strides.length < REGISTERS_PER_LOOP) strides.push(0);
  return { count: Number(match[1]), strides };
}

function parseInstruction(line: string, complain: (problem: string) => void): Instruction | undefined {
  const [name = "", ...words] = line.split(/\s+/);
  const op = byName.get(name);
  if (op === undefined) {
    complain(`no operation "${name}"${suggestion(name, [...byName.keys()])}`);
    return undefined;
  }
  const x: Record<string, number> = {};
  const by: Record<string, number> = {};
  for (const word of words) {
    const match = /^(\w+)=(-?\d+)(?:\+([ij][0-3]))?$/.exec(word);
    const field = match !== null && Object.hasOwn(op.fields, match[1]!) ? op.fields[match[1]!] : undefined;
    if (match === null) complain(`${name}: "${word}" is not FIELD=INTEGER or FIELD=INTEGER+REGISTER`);
    else if (field === undefined)
      complain(`${name} has no field ${match[1]}${suggestion(match[1]!, Object.keys(op.fields))}`);
    else if (match[3] !== undefined && field.kind !== "address")
      complain(`${name}: ${match[1]} is no address, so no register can be added`);
    else if (Object.hasOwn(x, match[1]!)) complain(`${name}: ${match[1]} is given twice`);
    else {
      x[match[1]!] = Number(match[2]);
      if (match[3] !== undefined) by[match[1]!] = REGISTERS.indexOf(match[3] as (typeof REGISTERS)[number]);
    }
  }
  const missing = Object.keys(op.fields).filter((f) => x[f] === undefined);
  if (missing.length > 0 && words.length > 0) complain(`${name} lacks ${missing.join(", ")}`);
  else if (missing.length > 0) complain(`${name} needs ${missing.join(", ")}`);
  return missing.length > 0 ? undefined : { op, x, by };
}
