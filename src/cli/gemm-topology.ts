import { InputError } from "../base/errors.ts";
import { REACH } from "../isa/define.ts";
import { parseCsv } from "../report/csv.ts";

/** A layer of a topology: inputs of M rows and K columns times weights of K rows and N columns. */
export interface GemmLayer {
  readonly layer: string;
  readonly M: number;
  readonly K: number;
  readonly N: number;
}

const SIDES = ["M", "K", "N"] as const;
const NAMES = /^(layer([ _]?name)?|workload|name)$/i;
const SPARSITY = /^sparsity/i;
const DENSE = /^(|1:1|dense|no)$/i;

/**
 * Reads a topology of matrix products: SCALE-Sim's, `layer, M, N, K,` with or without its last comma, or any CSV whose
 * header names M, K and N, in any order and case, among others that are not read. A layer without a name is called by
 * its number. Lines without a value are passed over.
 *
 * @throws InputError naming file and line, column, value and rule; one line, with the number of further problems
 */
export function parseTopology(text: string, path: string): readonly GemmLayer[] {
  const lines = text
    .replace(/^\uFEFF/, "")
    .split(/\r?\n/)
    .map((line, i) => ({ where: `${path}:${i + 1}`, cells: /[^\s,]/.test(line) ? line : undefined }))
    .filter(({ cells }) => cells !== undefined)
    .map(({ where, cells }) => ({ where, cells: cellsOf(cells!, where) }));
  const [header, ...rows] = lines;
  if (header === undefined) throw new InputError(path, "an empty file, without a header");
  const columns = columnsOf(header.cells, header.where);
  if (rows.length === 0) throw new InputError(path, "a header and no layers");
  const problems: { readonly where: string; readonly rule: string }[] = [];
  const layers = rows.map(({ where, cells }, i): GemmLayer => {
    const complain = (rule: string) => problems.push({ where, rule });
    if (cells.length > header.cells.length)
      complain(`${cells.length} values under a header of ${header.cells.length} columns`);
    const side = (of: (typeof SIDES)[number]) => sideOf(cells[columns[of]] ?? "", of, complain);
    const sparsity = cells[columns.sparsity] ?? "";
    if (!DENSE.test(sparsity))
      complain(
        `${header.cells[columns.sparsity]}: "${sparsity}" is not 1:1, and sparse layers have no cost here`,
      );
    const name = cells[columns.name] ?? "";
    return { layer: name === "" ? `layer ${i + 1}` : name, M: side("M"), K: side("K"), N: side("N") };
  });
  const [first, ...others] = problems;
  if (first !== undefined) {
    const more = others.length > 0 ? `; and ${others.length} more of its kind` : "";
    throw new InputError(first.where, `${first.rule}${more}`);
  }
  return layers;
}

/** The values of a line; what its last commas enclose is none. */
function cellsOf(line: string, where: string): string[] {
  const cells = parseCsv(line, where).header.map((cell) => cell.trim());
  while (cells.at(-1) === "") cells.pop();
  return cells;
}

function columnsOf(header: readonly string[], where: string) {
  const find = (side: string): number => {
    const found = header.flatMap((name, i) => (name.toUpperCase() === side ? [i] : []));
    const [at] = found;
    if (at === undefined)
      throw new InputError(
        where,
        `no column ${side} in the header "${header.join(", ")}"; it names layer, M, N, K`,
      );
    if (found.length > 1) throw new InputError(where, `column ${side} is there ${found.length} times`);
    return at;
  };
  return {
    M: find("M"),
    K: find("K"),
    N: find("N"),
    name: header.findIndex((name) => NAMES.test(name)),
    sparsity: header.findIndex((name) => SPARSITY.test(name)),
  };
}

function sideOf(value: string, name: string, complain: (rule: string) => void): number {
  const side = Number(value);
  // A side is never longer than the bytes that an address reaches.
  if (!/^\d+$/.test(value) || side < 1 || side > REACH)
    complain(`${name}: "${value}" is not a whole number in 1 … ${REACH}`);
  return side;
}
