import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type ArchSpec, makeArch } from "../../arch/spec.ts";
import { InputError } from "../../base/errors.ts";
import { fromNpy } from "../../base/npy.ts";
import { suggestion } from "../../base/settings.ts";
import { saturate, signed } from "../../fixed/format.ts";
import type { OpDef, Space } from "../../isa/define.ts";
import type { Segment } from "../../isa/image.ts";
import type { Issued, Program } from "../../isa/program.ts";
import { byName } from "../../isa/table.ts";
import { sizeOf, validate } from "../../isa/validate.ts";
import { Machine } from "../../machine/machine.ts";
import { codesIn, type Operand, operandsOf, putCodes } from "../../machine/record.ts";
import { EXPORTED, tensorFile } from "../exported.ts";
import { filesOf, stemOf } from "../files.ts";
import { Source } from "../source.ts";
import type { Case, Reference, Suite } from "../suite.ts";
import { allOf, compareCodes, type Verdict } from "../verdict.ts";

/** The folder of an export, with what its cases share. Tensors are read once. */
class Export {
  readonly arch: ArchSpec;
  readonly #folder: string;
  readonly #tensors = new Map<string, readonly number[]>();

  /** @throws InputError where its machine is missing, or cannot be built */
  constructor(folder: string) {
    const arch = Source.open(join(folder, EXPORTED.machine)).at("arch");
    const settings = Object.fromEntries(arch.keys().map((key) => [key, arch.at(key).value]));
    this.arch = makeArch(settings, `${arch.file}: ${arch.path}`);
    this.#folder = folder;
  }

  fileOf(tensor: string): string {
    return join(this.#folder, EXPORTED.tensors, `${tensor}.npy`);
  }

  /** The codes of a tensor's file; undefined where there is none. @throws InputError for a file of another format */
  codesOf(tensor: string): readonly number[] | undefined {
    const known = this.#tensors.get(tensor);
    const path = this.fileOf(tensor);
    if (known !== undefined || !existsSync(path)) return known;
    const { codes } = fromNpy(readFileSync(path), path);
    this.#tensors.set(tensor, codes);
    return codes;
  }
}

/** An operand, and what a case says of it. */
interface Given extends Operand {
  readonly codes: readonly number[];
  /** Of a table that one row was picked of: which one. */
  readonly row: number;
  /** Whether the tensor's file is what the case says that it is. @throws InputError for one that cannot be */
  readonly checkFile: () => Verdict;
}

/** Image and data region, which no machine says the size of: far beyond any, and still within the simulator's memory. */
const EXTENTS = { image: 2 ** 28, data: 2 ** 24 };

function casesIn(source: Source, shared: Export): readonly Case[] {
  const name = source.text("op");
  const op = byName.get(name);
  if (op === undefined)
    source.at("op").refuse(`no operation "${name}"${suggestion(name, [...byName.keys()])}`);
  return source
    .at("cases")
    .items()
    .map((one) => ({ name: one.text("name"), run: () => replay(op!, one, shared) }));
}

/** Executes the one instruction of a case on what the case says was there, and compares what it left. */
function replay(op: OpDef, source: Source, shared: Export): Verdict {
  const issued = instructionOf(op, source.at("p"));
  const program: Program = { name: source.text("name"), items: [{ ...issued, by: {} }] };
  const { settings } = shared.arch;
  const faults = validate(program, settings, EXTENTS);
  if (faults.length > 0) source.at("p").refuse(faults.join("; "));
  const { reads, writes } = operandsOf(issued, settings);
  const inputs = givenOf(reads, source.at("in"), shared);
  const outputs = givenOf(writes, source.at("out"), shared);
  const machine = machineFor(program, [...reads, ...writes], segmentsOf(inputs), shared.arch);
  for (const { span, codes } of inputs) if (span.space !== "dram") putCodes(machine.state, span, codes);
  machine.run(program);
  const compared = allOf(
    outputs.map(({ name, span, codes }) => compareCodes(name, codesIn(machine.state, span), codes)),
  );
  if (compared.kind !== "passed") return compared;
  const files = allOf([...inputs, ...outputs].map(({ checkFile }) => checkFile()));
  return files.kind === "passed" ? compared : files;
}

function instructionOf(op: OpDef, source: Source): Issued {
  const extra = source.keys().find((key) => !Object.hasOwn(op.fields, key));
  if (extra !== undefined) source.refuse(`${op.name} has no field ${extra}`);
  return { op, x: Object.fromEntries(source.keys().map((key) => [key, source.integer(key)])) };
}

/** What a case gives for the operands that its fields ask for. */
function givenOf(operands: readonly Operand[], source: Source, shared: Export): Given[] {
  const names = operands.map(({ name }) => name);
  const extra = source.keys().find((key) => !names.includes(key));
  if (extra !== undefined) source.refuse(`no operand ${extra}, only ${names.join(", ")}`);
  return operands.map((operand) => givenAt(operand, source.at(operand.name), shared));
}

function givenAt(operand: Operand, source: Source, shared: Export): Given {
  const { space, from, bits, count, among = count } = operand.span;
  if (source.text("space") !== space) source.at("space").refuse(`is not ${space}, which the fields ask for`);
  for (const [key, value] of Object.entries({ from, bits, count }))
    if (source.integer(key) !== value)
      source.at(key).refuse(`${source.integer(key)} is not ${value}, which the fields ask for`);
  const row = source.has("row") ? source.integer("row") : 0;
  if (row < 0 || (row + 1) * count > among)
    source.at("row").refuse(`${row} is not one of ${among / count} rows`);
  const tensor = source.text("tensor");
  if (!/^[0-9a-f]+$/.test(tensor)) source.at("tensor").refuse("not the name of a tensor");
  const path = shared.fileOf(tensor);
  const filed = shared.codesOf(tensor);
  const codes = source.has("data") ? source.codes("data", count) : filed;
  if (codes === undefined) throw new InputError(path, "no such file, and its case has no data");
  if (codes.length !== count) throw new InputError(path, `${codes.length} codes where a case has ${count}`);
  const odd = codes.findIndex((code) => code !== saturate(code, signed(bits)));
  if (odd >= 0) source.refuse(`element ${odd}: ${codes[odd]} is no code of ${bits} bits`);
  const checkFile = (): Verdict => {
    if (filed === undefined) return { kind: "passed", elements: 0 };
    if (codes !== filed) return compareCodes(`${operand.name} in ${tensor}.npy`, filed, codes);
    if (tensorFile(filed, bits).name !== tensor)
      throw new InputError(path, "its contents are not those that it is named after");
    return { kind: "passed", elements: count };
  };
  return { ...operand, codes, row, checkFile };
}

/** Operands in the image. Of a table one row is known; the others are never read. */
const segmentsOf = (inputs: readonly Given[]): Segment[] =>
  inputs
    .filter(({ span }) => span.space === "dram")
    .map(({ span: { from, bits, count }, codes, row }) => ({
      address: from,
      bits,
      codes: [...new Array<number>(row * count).fill(0), ...codes],
    }));

/** A machine whose memories end where the operands do: the simulator sets aside whole memories. */
function machineFor(
  program: Program,
  operands: readonly Operand[],
  segments: readonly Segment[],
  arch: ArchSpec,
): Machine {
  const endOf = (space: Space): number =>
    operands
      .filter(({ span }) => span.space === space)
      .reduce(
        (end, { span }) => Math.max(end, span.from + sizeOf({ ...span, count: span.among ?? span.count })),
        0,
      );
  const sizes = {
    "weight.bytes": endOf("weight"),
    "activation.bytes": endOf("activation"),
    "table.bytes": endOf("table"),
    "acc.entries": endOf("acc"),
  };
  return Machine.of(
    { name: arch.name, settings: { ...arch.settings, ...sizes } },
    {
      ...{ image: { segments, bytes: endOf("dram") }, programs: [program], lanes: 1 },
      dataBytes: endOf("data"),
      filled: true,
    },
  );
}

/** What `shiftline vectors` writes: our own outputs, for other implementations to be held against, and for us. */
export const shiftline: Reference = {
  folder: EXPORTED.suite,
  doc: "vectors that this program exported: one file an operation",
  isOptional: true,
  support: [
    {
      ...{ operation: "every instruction", format: "as recorded by shiftline vectors" },
      ...{ suite: EXPORTED.suite, agreement: "bit-exact" },
    },
  ],
  suites(path): readonly Suite[] {
    let shared: Export | undefined;
    return filesOf(path, ".json")
      .filter((file) => !file.endsWith(EXPORTED.machine))
      .map((file) => ({
        name: `${EXPORTED.suite}/${stemOf(file)}`,
        cases: () => {
          shared ??= new Export(path);
          return casesIn(Source.open(file), shared);
        },
      }));
  },
};
