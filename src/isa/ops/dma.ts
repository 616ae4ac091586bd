import type { Settings } from "../../arch/fields.ts";
import { storageBytes } from "../../fixed/format.ts";
import { ceilDiv } from "../../fixed/round.ts";
import { address, constant, count, defineOp, type Space, type Stage, width } from "../define.ts";
import { transferCost } from "../formulas.ts";
import { alignUp } from "../tables.ts";

/**
 * A transfer on a DMA channel: the DRAM answers after its latency, then moves whole bursts at its bandwidth. The last byte is
 * there when the last beat is, so nothing follows.
 */
const transfer = (bytes: number, arch: Settings): readonly Stage[] => [
  {
    unit: "dma",
    lead: arch["dram.latency"],
    beats: ceilDiv(alignUp(bytes, arch["dram.burst"]), arch["dram.bytesPerCycle"]),
    latency: 0,
  },
];

/** Bytes are moved as 8-bit codes are: the widths of what is in them are the reader's business. */
const BYTE = 8;

const defineLoad = <const N extends string>(name: N, code: number, to: "weight" | "table") =>
  defineOp({
    name,
    code,
    doc: `${to} SRAM[dst] = image[src], bytes`,
    fields: {
      dst: address(to, "first byte"),
      src: address("dram", "first byte"),
      bytes: constant(24, 1, 2 ** 24 - 1, "bytes"),
    },
    reads: (x) => [{ space: "dram", from: x.src, bits: BYTE, count: x.bytes }],
    writes: (x) => [{ space: to, from: x.dst, bits: BYTE, count: x.bytes }],
    run(x, s) {
      s.load(x.src, to, x.dst, x.bytes);
    },
    stages: (x, arch) => transfer(x.bytes, arch),
    cost: transferCost("bytes"),
    work: () => ({}),
  });

export const loadWeight = defineLoad("load.weight", 0x08, "weight");
export const loadTable = defineLoad("load.table", 0x09, "table");

const defineMove = <const N extends string>(
  name: N,
  code: number,
  from: "data" | "activation",
  to: "data" | "activation",
) =>
  defineOp({
    name,
    code,
    doc: `${to}[dst] = ${from}[src]`,
    fields: {
      dst: address(to, "first code"),
      src: address(from, "first code"),
      n: count("codes"),
      bits: width(48, "width of a code"),
    },
    reads: (x) => [{ space: from as Space, from: x.src, bits: x.bits, count: x.n }],
    writes: (x) => [{ space: to as Space, from: x.dst, bits: x.bits, count: x.n }],
    run(x, s) {
      s.copy(x.bits, from, x.src, to, x.dst, x.n);
    },
    stages: (x, arch) => transfer(storageBytes(x.n, x.bits), arch),
    cost: transferCost("packed(n, bits)"),
    work: () => ({}),
  });

export const fetch = defineMove("fetch", 0x0a, "data", "activation");
export const store = defineMove("store", 0x0b, "activation", "data");

export const gather = defineOp({
  name: "gather",
  code: 0x0c,
  doc: "dst[n] = row index of the image's table at src; an index outside is clamped. Cost depends on n alone",
  fields: {
    dst: address("activation", "the row [n]"),
    src: address("dram", "table [rows][n]"),
    index: address("activation", "row number, 16 bits"),
    rows: constant(16, 1, 32_768, "rows of the table"),
    n: count("codes in a row"),
    bits: width(16, "width of a code"),
  },
  reads: (x) => [
    { space: "activation", from: x.index, bits: 16, count: 1 },
    { space: "dram", from: x.src, bits: x.bits, count: x.n, among: x.rows * x.n },
  ],
  writes: (x) => [{ space: "activation", from: x.dst, bits: x.bits, count: x.n }],
  run(x, s) {
    const out = s.pointer("activation", x.bits, x.dst);
    const table = s.pointer("dram", x.bits, x.src);
    const index = s.pointer("activation", 16, x.index);
    s.kernels.gather(table, s.container("activation", x.bits), index, x.rows, out, x.n, s.lanes);
  },
  stages: (x, arch) => transfer(storageBytes(x.n, x.bits), arch),
  cost: transferCost("packed(n, bits)"),
  work: () => ({}),
});
