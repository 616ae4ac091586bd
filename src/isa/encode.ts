import { InputError } from "../base/errors.ts";
import { packBits, unpackBits } from "../fixed/bits.ts";
import { ceilDiv } from "../fixed/round.ts";
import type { Field, OpDef } from "./define.ts";
import {
  type Instruction,
  type Item,
  isLoop,
  LOOP_DEPTH,
  type Loop,
  type Program,
  REGISTERS,
  REGISTERS_PER_LOOP,
  STRIDE_BITS,
  TURN_BITS,
} from "./program.ts";
import { byCode } from "./table.ts";

/**
 * Machine code: instructions of one or more 64-bit words, low bits first. An instruction is its opcode, then its
 * fields in the record's order; an address field is followed by its index register (0: none). The opcode gives
 * the length. A loop word holds the number of instructions and loops in its body, which follows it.
 */
const WORD_BITS = 64;
const WORD = 2n ** BigInt(WORD_BITS);
const OPCODE_BITS = 6;
const REGISTER_BITS = 4;
const LOOP_OPCODE = 1;
const COUNT: Layout = { bits: TURN_BITS, signed: false };
const STRIDE: Layout = { bits: STRIDE_BITS, signed: true };
const LOOP_WIDTHS = [
  OPCODE_BITS,
  COUNT.bits,
  COUNT.bits,
  ...new Array<number>(REGISTERS_PER_LOOP).fill(STRIDE.bits),
];

type Layout = Pick<Field, "bits" | "signed">;

/** Widths of what an instruction is packed from. */
const widthsOf = (op: OpDef): number[] => [
  OPCODE_BITS,
  ...Object.values(op.fields).flatMap((f) => (f.kind === "address" ? [f.bits, REGISTER_BITS] : [f.bits])),
];

/** 64-bit words of an instruction of this operation. */
export const wordsOf = (op: OpDef): number => ceilDiv(total(widthsOf(op)), WORD_BITS);

const total = (widths: readonly number[]): number => widths.reduce((a, b) => a + b, 0);

/** Two's complement where signed. */
function toField(value: number, { bits, signed }: Layout): { value: number; bits: number } {
  if (!signed) return { value, bits };
  const half = 2 ** (bits - 1);
  if (value < -half || value >= half) throw new RangeError(`${value} does not fit ${bits} bits signed`);
  return { value: value < 0 ? value + 2 * half : value, bits };
}

const fromField = (value: number, { bits, signed }: Layout): number =>
  signed && value >= 2 ** (bits - 1) ? value - 2 ** bits : value;

/** One instruction as an integer of `wordsOf` words. RangeError where a value does not fit its field. */
export function encodeInstruction({ op, x, by }: Instruction): bigint {
  const fields = Object.entries(op.fields).flatMap(([name, f]) => {
    const value = toField(x[name]!, f);
    return f.kind === "address"
      ? [value, { value: by[name] === undefined ? 0 : by[name] + 1, bits: REGISTER_BITS }]
      : [value];
  });
  return packBits([{ value: op.code, bits: OPCODE_BITS }, ...fields]);
}

const encodeLoop = ({ count, strides, body }: Loop): bigint =>
  packBits([
    { value: LOOP_OPCODE, bits: OPCODE_BITS },
    ...[count, body.length].map((value) => toField(value, COUNT)),
    ...strides.map((stride) => toField(stride, STRIDE)),
  ]);

/** The program's bytes, little-endian words. RangeError where a value does not fit its field. */
export function encodeProgram(program: Program): Uint8Array {
  const words: bigint[] = [];
  const emit = (value: bigint, n: number): void => {
    for (let i = 0, rest = value; i < n; i++, rest /= WORD) words.push(rest % WORD);
  };
  const walk = (items: readonly Item[]): void => {
    for (const item of items) {
      if (isLoop(item)) {
        emit(encodeLoop(item), ceilDiv(total(LOOP_WIDTHS), WORD_BITS));
        walk(item.body);
      } else emit(encodeInstruction(item), wordsOf(item.op));
    }
  };
  walk(program.items);
  return new Uint8Array(BigUint64Array.from(words).buffer);
}

/** @throws InputError naming the byte where the code is not a program */
export function decodeProgram(code: Uint8Array, name: string): Program {
  if (code.length % 8 !== 0) throw new InputError(name, `${code.length} bytes are not whole 64-bit words`);
  // A copy of its own: a buffer may be a window into a larger one, at any offset.
  const words = new BigUint64Array(Uint8Array.from(code).buffer);
  let at = 0;
  const take = (n: number): bigint => {
    if (at + n > words.length)
      throw new InputError(`${name}: byte ${at * 8}`, "the code ends inside an instruction");
    const taken = [...words.subarray(at, at + n)];
    at += n;
    return packBits(taken.map((value) => ({ value, bits: WORD_BITS })));
  };
  const item = (depth: number): Item => {
    const start = at;
    const [opcode] = unpackBits(words[at]!, [OPCODE_BITS]);
    if (opcode === LOOP_OPCODE) {
      if (depth === LOOP_DEPTH)
        throw new InputError(`${name}: byte ${start * 8}`, `loops nest at most ${LOOP_DEPTH} deep`);
      const [, count, length, ...strides] = unpackBits(
        take(ceilDiv(total(LOOP_WIDTHS), WORD_BITS)),
        LOOP_WIDTHS,
      );
      const body = items(length!, depth + 1);
      return { count: count!, strides: strides.map((stride) => fromField(stride, STRIDE)), body };
    }
    const op = byCode.get(opcode!);
    if (op === undefined)
      throw new InputError(`${name}: byte ${start * 8}`, `no operation has opcode ${opcode}`);
    return decodeInstruction(op, take(wordsOf(op)), `${name}: byte ${start * 8}`);
  };
  const items = (n: number, depth: number): Item[] => {
    const list: Item[] = [];
    while (list.length < n) {
      if (at >= words.length) throw new InputError(`${name}: byte ${at * 8}`, "the code ends inside a loop");
      list.push(item(depth));
    }
    return list;
  };
  const all: Item[] = [];
  while (at < words.length) all.push(item(0));
  return { name, items: all };
}

function decodeInstruction(op: OpDef, word: bigint, where: string): Instruction {
  const values = unpackBits(word, widthsOf(op)).slice(1);
  const x: Record<string, number> = {};
  const by: Record<string, number> = {};
  for (const [name, f] of Object.entries(op.fields)) {
    x[name] = fromField(values.shift()!, f);
    if (f.kind !== "address") continue;
    const register = values.shift()!;
    if (register > REGISTERS.length)
      throw new InputError(where, `${op.name}: ${name} has no register ${register}`);
    if (register > 0) by[name] = register - 1;
  }
  return { op, x, by };
}
