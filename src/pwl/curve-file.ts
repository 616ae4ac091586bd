import { InputError } from "../base/errors.ts";

/** A curve that a table gives: linear between its points, and constant beyond the first and the last. */
export interface PointCurve {
  readonly f: (x: number) => number;
  readonly domain: readonly [lo: number, hi: number];
}

const HEADER = "x,y";

/**
 * A curve from the text of a CSV: a line `x,y`, then a point a line, x ascending, two points or more. Empty lines at
 * the end are passed over, and a carriage return before a line feed is.
 *
 * @param path  what to call the text in errors
 * @throws InputError naming the file, the first faulty line, its value and the rule
 */
export function parseCurve(text: string, path: string): PointCurve {
  const lines = text.trimEnd().split(/\r?\n/);
  const fail = (line: number, problem: string): never => {
    throw new InputError(`${path}: line ${line}`, problem);
  };
  if (lines[0] !== HEADER) fail(1, `"${lines[0]}" is not the header ${HEADER}`);

  const xs: number[] = [];
  const ys: number[] = [];
  for (const [i, line] of lines.entries()) {
    if (i === 0) continue;
    const cells = line.split(",");
    if (cells.length !== 2) fail(i + 1, `"${line}" is not a point of two numbers, x,y`);
    const [x, y] = cells.map((cell, column) =>
      isNumber(cell) ? Number(cell) : fail(i + 1, `${HEADER[2 * column]}: "${cell}" is not a finite number`),
    );
    const previous = xs.at(-1);
    if (previous !== undefined && !(x! > previous)) {
      fail(i + 1, `x: ${x} is not above the ${previous} before it; x ascends`);
    }
    xs.push(x!);
    ys.push(y!);
  }
  if (xs.length < 2) fail(lines.length, `a curve has two points or more, not ${xs.length}`);
  return { f: (x) => valueAt(xs, ys, x), domain: [xs[0]!, xs.at(-1)!] };
}

const isNumber = (cell: string): boolean => cell.trim() !== "" && Number.isFinite(Number(cell));

function valueAt(xs: readonly number[], ys: readonly number[], x: number): number {
  const after = xs.findIndex((end) => x < end);
  if (after === 0) return ys[0]!;
  if (after === -1) return ys.at(-1)!;
  const share = (x - xs[after - 1]!) / (xs[after]! - xs[after - 1]!);
  return ys[after - 1]! + share * (ys[after]! - ys[after - 1]!);
}
