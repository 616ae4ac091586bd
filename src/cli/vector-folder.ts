import { existsSync, mkdirSync, readdirSync, renameSync, rmdirSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { InputError } from "../base/errors.ts";
import { hashOf } from "../base/hash.ts";
import { formatInstruction } from "../isa/asm.ts";
import type { OpDef } from "../isa/define.ts";
import type { Contents, Recording } from "../machine/record.ts";
import { toHex } from "../report/hex.ts";
import { EXPORTED, tensorFile } from "../validate/exported.ts";

/** Tensors of up to so many codes stand in the cases too, so that a case can be read without its files. */
const INLINE_CODES = 4096;

/** What a folder holds. */
export interface Written {
  /** Instructions that were executed; equal ones are one case. */
  readonly instructions: number;
  readonly cases: number;
  /** Cases of each operation, in the order of their first execution. */
  readonly operations: Readonly<Record<string, number>>;
  readonly tensors: number;
  /** Bytes of all files. */
  readonly bytes: number;
}

interface Case {
  readonly name: string;
  times: number;
  readonly text: string;
  readonly p: Readonly<Record<string, number>>;
  readonly in: Readonly<Record<string, unknown>>;
  readonly out: Readonly<Record<string, unknown>>;
}

/** @throws InputError where something is in the way of a folder at `path` */
export function refuseTaken(path: string): void {
  if (!existsSync(path)) return;
  const held = attempt(path, () => readdirSync(path));
  if (held.length > 0) throw new InputError(path, "is not empty");
}

/**
 * A folder of golden vectors, written whole or not at all: beside its place first, then moved there by `finish`. Equal
 * cases are kept once and counted: same operation, same contents, same fields but for addresses.
 */
export class VectorFolder {
  readonly #path: string;
  readonly #part: string;
  readonly #suite: string;
  readonly #cases = new Map<OpDef, Map<string, Case>>();
  readonly #tensors = new Set<string>();
  #instructions = 0;
  #bytes = 0;

  /** @throws InputError where something is in the way, or nothing can be written there */
  constructor(path: string) {
    refuseTaken(path);
    this.#path = resolve(path);
    this.#part = `${this.#path}.${process.pid}.part`;
    this.#suite = join(this.#part, EXPORTED.suite);
    attempt(path, () => mkdirSync(join(this.#suite, EXPORTED.tensors), { recursive: true }));
  }

  /** Adds an executed instruction; `name` says where it was executed. */
  add(name: string, { issued, reads, writes }: Recording): void {
    this.#instructions++;
    const { op, x } = issued;
    const cases = this.#cases.get(op) ?? new Map<string, Case>();
    this.#cases.set(op, cases);
    const [from, to] = [reads, writes].map((side) => side.map((contents) => this.#operand(contents)));
    const values = Object.entries(x).filter(([field]) => op.fields[field]!.kind !== "address");
    const placeless = [...from!, ...to!].map(([operand, { from: _, data: __, ...rest }]) => [operand, rest]);
    const key = hashOf([values, placeless]);
    const known = cases.get(key);
    if (known !== undefined) known.times++;
    else {
      const text = formatInstruction({ op, x, by: {} });
      cases.set(key, {
        name,
        times: 1,
        text,
        p: x,
        in: Object.fromEntries(from!),
        out: Object.fromEntries(to!),
      });
    }
  }

  /** Writes what is left to write and moves the folder to its place. */
  finish(machine: object, readme: string): Written {
    const { suite } = EXPORTED;
    this.#write(join(suite, EXPORTED.machine), `${JSON.stringify({ suite, ...machine }, null, 1)}\n`);
    this.#write("README.md", readme);
    const operations: Record<string, number> = {};
    for (const [{ name, doc }, cases] of this.#cases) {
      operations[name] = cases.size;
      const head = JSON.stringify({ suite, op: name, rule: doc }).slice(0, -1);
      const lines = [...cases.values()].map((one) => JSON.stringify(one));
      this.#write(join(suite, `${name}.json`), `${head},"cases":[\n${lines.join(",\n")}\n]}\n`);
    }
    attempt(this.#path, () => {
      if (existsSync(this.#path)) rmdirSync(this.#path);
      renameSync(this.#part, this.#path);
    });
    const cases = Object.values(operations).reduce((sum, n) => sum + n, 0);
    return {
      ...{ instructions: this.#instructions, cases, operations },
      ...{ tensors: this.#tensors.size, bytes: this.#bytes },
    };
  }

  /** Takes back what was written; after `finish` there is nothing to take back. */
  discard(): void {
    rmSync(this.#part, { recursive: true, force: true });
  }

  /** An operand as a case has it; its tensor is written where it is a new one. */
  #operand({ name, span, row, codes }: Contents) {
    const { space, from, bits, count, among } = span;
    const tensor = this.#tensor(codes, bits);
    const picked = among === undefined ? {} : { among, row };
    const data = codes.length <= INLINE_CODES ? { data: codes } : {};
    return [name, { space, from, bits, count, ...picked, tensor, ...data }] as const;
  }

  #tensor(codes: readonly number[], bits: number): string {
    const { name, npy } = tensorFile(codes, bits);
    if (!this.#tensors.has(name)) {
      this.#tensors.add(name);
      const path = join(EXPORTED.suite, EXPORTED.tensors, name);
      this.#write(`${path}.npy`, npy);
      this.#write(`${path}.hex`, toHex(codes, bits));
    }
    return name;
  }

  #write(path: string, contents: string | Uint8Array): void {
    this.#bytes += Buffer.byteLength(contents);
    attempt(this.#path, () => writeFileSync(join(this.#part, path), contents));
  }
}

function attempt<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    throw new InputError(path, `cannot be written (${code ?? String(error)})`);
  }
}
