import { vectorStages } from "../cost.ts";
import { address, constant, count, defineOp, type Walk, width } from "../define.ts";
import { vectorCost } from "../formulas.ts";
import { codesAt } from "../state.ts";
import { coveredBy, isNested, MOST_WALKED } from "../walk.ts";

/** Codes that change places. */

/** A distance between codes. */
const stride = (min: number, doc: string) => constant(20, min, MOST_WALKED, doc);

interface Moved {
  readonly rows: number;
  readonly columns: number;
  readonly dstRow: number;
  readonly dstColumn: number;
  readonly srcRow: number;
  readonly srcColumn: number;
}

const source = ({ rows, columns, srcRow, srcColumn }: Moved): Walk => ({
  ...{ rows, columns, row: srcRow, column: srcColumn },
});
const target = ({ rows, columns, dstRow, dstColumn }: Moved): Walk => ({
  ...{ rows, columns, row: dstRow, column: dstColumn },
});

/**
 * Transposes, slices, joins, spreads and repeats: what strided transfers and layout engines of accelerators do. Nothing
 * is computed.
 */
export const move = defineOp({
  name: "move",
  code: 0x36,
  doc: "dst[r * dstRow + c * dstColumn] = src[r * srcRow + c * srcColumn] for each of `columns` c of each of `rows` r; the two lie apart",
  fields: {
    dst: address("activation", "first result"),
    src: address("activation", "first code"),
    rows: count("rows"),
    columns: count("codes in a row"),
    dstRow: stride(1, "codes from a row of the results to the next"),
    dstColumn: stride(1, "codes from a result to the next of its row"),
    srcRow: stride(0, "codes from a row of the operand to the next; 0 repeats it"),
    srcColumn: stride(0, "codes from a code of the operand to the next of its row; 0 repeats it"),
    bits: width(48, "width of the codes"),
  },
  reads: (x) => [
    { space: "activation", from: x.src, bits: x.bits, count: x.rows * x.columns, walk: source(x) },
  ],
  writes: (x) => [
    { space: "activation", from: x.dst, bits: x.bits, count: x.rows * x.columns, walk: target(x) },
  ],
  run(x, s) {
    const size = s.container("activation", x.bits);
    const out = s.pointer("activation", x.bits, x.dst);
    const a = s.pointer("activation", x.bits, x.src);
    const first = Math.min(out, a);
    const codeBytes = size * s.lanes;
    const end = Math.max(out + coveredBy(target(x)) * codeBytes, a + coveredBy(source(x)) * codeBytes);
    const codes = codesAt(s, x.bits, first, (end - first) / size);
    const [to, from] = [(out - first) / size, (a - first) / size];
    const step = x.dstColumn === 1 && x.srcColumn === 1 ? x.columns : 1;
    for (let r = 0; r < x.rows; r++)
      for (let c = 0; c < x.columns; c += step) {
        const at = from + (r * x.srcRow + c * x.srcColumn) * s.lanes;
        codes.copyWithin(to + (r * x.dstRow + c * x.dstColumn) * s.lanes, at, at + step * s.lanes);
      }
  },
  stages(x, arch, io) {
    return vectorStages(x.rows * x.columns, io, arch);
  },
  cost: vectorCost("rows * columns"),
  bytes: { src: "walked(srcRow, srcColumn)", dst: "walked(dstRow, dstColumn)" },
  work: (x) => ({ elements: { count: x.rows * x.columns, bits: x.bits } }),
  check: (x) => [
    ...(x.rows * x.columns <= MOST_WALKED
      ? []
      : [`${x.rows} rows of ${x.columns} are more than ${MOST_WALKED} codes`]),
    ...(isNested(target(x))
      ? []
      : [`its results meet: rows of ${x.columns} codes, ${x.dstColumn} apart, every ${x.dstRow} codes`]),
  ],
});
