import { DATAFLOWS } from "../arch/fields.ts";
import { DATAFLOW_DEFS, type DataflowDef, SIDES, slotsText, staysWithout } from "./dataflows.ts";
import type { StageCost } from "./define.ts";

/**
 * A quantity that formulas of costs name, so that what is said once is written once.
 *
 * Formulas have + - * / %, `ceil`, `floor`, `max`, `min` and `clog2(x)`, the least e with 2^e >= x. Names are operands,
 * parameters of the machine, and terms. A term without arguments is worth what it is in the formula that names it.
 */
export interface Term {
  /** As formulas name it, with its arguments. */
  readonly name: string;
  readonly doc: string;
  /** The first one counts whose condition holds; none of a quantity that is counted and not computed. */
  readonly cases: readonly { readonly when?: string; readonly is: string }[];
}

const inBytes: Term = {
  name: "in",
  doc: "bytes read from the activation SRAM: each operand's codes packed into whole bytes, times its passes; or the bytes that are stated of it",
  cases: [],
};
const outBytes: Term = { name: "out", doc: "bytes written to the activation SRAM, likewise", cases: [] };

const shared: readonly Term[] = [
  inBytes,
  outBytes,
  {
    name: "stream",
    doc: "cycles of the one read port and the one write port that an instruction has of a bank",
    cases: [{ is: "max(ceil(in / activation.bytesPerCycle), ceil(out / activation.bytesPerCycle))" }],
  },
  { name: "packed(count, bits)", doc: "packed size of codes", cases: [{ is: "ceil(count * bits / 8)" }] },
  {
    name: "words(size)",
    doc: "bytes of the whole words of a port that so many take",
    cases: [{ is: "ceil(size / activation.bytesPerCycle) * activation.bytesPerCycle" }],
  },
  {
    name: "walked(row, column)",
    doc: "bytes of an operand whose codes are so many places apart: packed where they follow one another; whole words for each row, or each code, that stands alone",
    cases: [
      { when: "column = 1 and row = columns", is: "packed(rows * columns, bits)" },
      { when: "column = 1", is: "rows * words(packed(columns, bits))" },
      { is: "rows * columns * words(packed(1, bits))" },
    ],
  },
  {
    name: "burst(size)",
    doc: "bytes that the DRAM moves for so many",
    cases: [{ is: "ceil(size / dram.burst) * dram.burst" }],
  },
  {
    name: "repeats(n, period)",
    doc: "passes over an operand that starts again every period elements; a single code stays in a register",
    cases: [{ when: "period = 1", is: "1" }, { is: "ceil(n / period)" }],
  },
  {
    name: "search(pieces)",
    doc: "cycles in which the PWL unit finds the piece of an element",
    cases: [{ when: "pwl.search = binary", is: "max(1, clog2(pieces))" }, { is: "1" }],
  },
];

const PRODUCT = "(m, k, n, wBits, xBits)";

/** A case for each dataflow, but for those whose formula is the one that most of them have. */
function byDataflow(formulaOf: (def: DataflowDef) => string): Term["cases"] {
  const formulas = DATAFLOWS.map((name) => formulaOf(DATAFLOW_DEFS[name]));
  const count = (formula: string) => formulas.filter((one) => one === formula).length;
  const common = formulas.reduce((a, b) => (count(b) > count(a) ? b : a));
  const others = DATAFLOWS.flatMap((name, i) =>
    formulas[i] === common ? [] : [{ when: `mac.dataflow = ${name}`, is: formulas[i]! }],
  );
  return [...others, { is: common }];
}

/** A product of the array: outputs [n][m] of W [m][k] and n vectors [k]. */
const array: readonly Term[] = [
  {
    name: "share(native, bits)",
    doc: "operands that share a fused multiplier's input, by halving it",
    cases: [
      { when: "native % 2 = 0 and native / 2 >= bits", is: "2 * share(native / 2, bits)" },
      { is: "1" },
    ],
  },
  {
    name: "products",
    doc: "products that a multiplier takes at once",
    cases: [
      {
        when: "mac.multiplier = fused",
        is: "share(mac.weightBits, wBits) * share(mac.activationBits, xBits)",
      },
      { is: "1" },
    ],
  },
  {
    name: "steps",
    doc: "cycles that a multiplier takes for them",
    cases: [
      { when: "mac.multiplier = serial", is: "wBits * ceil(xBits / mac.activationBits)" },
      { is: "ceil(wBits / mac.weightBits) * ceil(xBits / mac.activationBits)" },
    ],
  },
  {
    name: "outputSide",
    doc: "outputs that an output-stationary array holds of one vector",
    cases: [{ when: "mac.outputs = rows", is: "mac.rows" }, { is: "mac.columns" }],
  },
  {
    name: "vectorSide",
    doc: "vectors that it holds outputs of",
    cases: [{ when: "mac.outputs = rows", is: "mac.columns" }, { is: "mac.rows" }],
  },
  {
    name: "folds",
    doc: "times that the array is filled; a ragged fold costs a whole one",
    cases: byDataflow((def) =>
      SIDES.filter((side) => side !== def.streams)
        .map((side) => slotsText(side, def))
        .join(" * "),
    ),
  },
  {
    name: "streamed",
    doc: "cycles in which a fold's operands stream past its first multiplier",
    cases: byDataflow((def) => `${slotsText(def.streams, def)} * steps`),
  },
  {
    name: "skew",
    doc: "cycles by which the last multiplier is behind the first",
    cases: byDataflow(({ isTree }) => (isTree ? "0" : "mac.rows + mac.columns - 2")),
  },
  {
    name: "exchange",
    doc: "cycles in which what stays for a fold is loaded, or emptied, a row each",
    cases: byDataflow(({ isTree }) => (isTree ? "0" : "mac.rows")),
  },
  {
    name: "load",
    doc: "cycles in which operands that stay are loaded before the first fold can stream",
    cases: byDataflow((def) => (staysWithout("k", def) ? "0" : "exchange")),
  },
  {
    name: `array${PRODUCT}`,
    doc: "cycles of the product with every operand there in time",
    cases: [
      { when: "mac.preload = serial", is: "folds * (load + streamed + skew)" },
      { is: "load + (folds - 1) * max(streamed, exchange) + streamed + skew" },
    ],
  },
  {
    name: `weightPasses${PRODUCT}`,
    doc: "times that each weight is read",
    cases: byDataflow((def) => (staysWithout("n", def) ? "1" : slotsText("n", def))),
  },
  {
    name: `vectorPasses${PRODUCT}`,
    doc: "times that each code of a vector is read",
    cases: byDataflow((def) => (staysWithout("m", def) ? "1" : slotsText("m", def))),
  },
  {
    name: "arrayLatency",
    doc: "cycles from the last beat to the accumulators: the depth of an adder tree, and a register",
    cases: byDataflow(({ isTree }) => (isTree ? "1 + clog2(mac.rows)" : "1")),
  },
];

/** Every term of the costs, each after those that it is made of. */
export const TERMS: readonly Term[] = [...shared, ...array];

/** `elements` over the vector unit, as vectorStages has them. */
export const vectorCost = (elements: string, cycles?: string): readonly StageCost[] => {
  const turns = `ceil(${elements} / vector.lanes)`;
  return [
    {
      unit: "vector",
      beats: `max(${cycles === undefined ? turns : `${turns} * ${cycles}`}, stream)`,
      latency: "vector.latency",
    },
  ];
};

/** `elements` through the PWL unit, as lookupStage has them. */
export const lookupCost = (elements: string, search = "search(pieces)"): StageCost => ({
  unit: "pwl",
  beats: `max(ceil(${elements} / pwl.lanes), stream)`,
  latency: `pwl.latency + ${search}`,
});

/** `size` bytes through a DMA channel. */
export const transferCost = (size: string): readonly StageCost[] => [
  {
    unit: "dma",
    lead: "dram.latency",
    beats: `ceil(burst(${size}) / dram.bytesPerCycle)`,
    latency: "0",
  },
];

/** The terms that a formula rests on, in the order of TERMS. */
export function termsOf(formulas: readonly string[]): readonly Term[] {
  const found = new Set<Term>();
  const look = (formula: string): void => {
    const words = new Set(formula.match(/(?<![.\w])[a-zA-Z]\w*(?![.\w])/g));
    for (const term of TERMS) {
      if (!words.has(headOf(term)) || found.has(term)) continue;
      found.add(term);
      for (const { when = "", is } of term.cases) look(`${when} ${is}`);
    }
  };
  for (const formula of formulas) look(formula);
  return TERMS.filter((term) => found.has(term));
}

/** A term's name without its arguments. */
export const headOf = ({ name }: Term): string => name.replace(/\(.*/, "");
