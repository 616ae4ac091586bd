import type { Settings } from "../../arch/fields.ts";
import { maxOf, minOf, signed } from "../../fixed/format.ts";
import { ceilDiv } from "../../fixed/round.ts";
import { streamCycles } from "../cost.ts";
import { address, count, defineOp, flag, type Span, type Stage, width, zeroPoint } from "../define.ts";
import { lookupCost } from "../formulas.ts";
import {
  codeFields,
  lookupFaults,
  lookupSpans,
  lookupStage,
  lookupWork,
  runLookup,
  tableSpans,
} from "../lookup.ts";
import type { MachineState } from "../state.ts";
import { channelBlock } from "../tables.ts";

const source = {
  acc: address("acc", "accumulators [n][m]"),
  m: count("channels"),
  n: count("vectors"),
  scales: address("table", "block of biases and scales"),
  perChannel: flag("1: a scale for each channel, 0: one for all"),
};

type Source = { readonly [K in keyof typeof source]: number };

function readsOf(x: Source, arch: Settings): readonly Span[] {
  const { arrays } = channelBlock(x.m, x.perChannel === 1, arch);
  return [
    { space: "acc", from: x.acc, bits: arch["acc.bits"], count: x.m * x.n },
    ...tableSpans(x.scales, Object.values(arrays)),
  ];
}

const requantStage = (n: number, writes: readonly Span[], arch: Settings): Stage => ({
  unit: "requant",
  beats: Math.max(ceilDiv(n, arch["requant.lanes"]), streamCycles({ reads: [], writes }, arch)),
  latency: arch["requant.latency"],
});

/** Requantizes the accumulators into `out`, a pointer to codes of `bits` bits [n][m]. */
function runRequant(x: Source, s: MachineState, out: number, bits: number, zero: number): void {
  const { arrays } = channelBlock(x.m, x.perChannel === 1, s.arch);
  const bias = s.decode("bias", x.scales, arrays.bias, s.accContainer, 0);
  const { multiplier, shift } = s.decodeScales(x.scales, arrays, x.m);
  const size = s.container("activation", bits) as 1 | 2 | 4;
  const format = signed(bits);
  for (let row = 0; row < x.n; row++) {
    const acc = s.pointer("acc", s.arch["acc.bits"], x.acc + row * x.m);
    const to = out + row * x.m * size * s.lanes;
    s.kernels.requant(
      acc,
      s.accContainer,
      to,
      size,
      x.m,
      s.lanes,
      bias,
      multiplier,
      shift,
      zero,
      minOf(format),
      maxOf(format),
      s.rounding.requant,
      s.saturations,
    );
  }
}

export const requant = defineOp({
  name: "requant",
  code: 0x18,
  doc: "dst[n][m] = saturate(round((acc[n][m] + bias[m]) * scale[m]) + zero)",
  fields: {
    dst: address("activation", "codes [n][m]"),
    ...source,
    bits: width(32, "width of the result"),
    zero: zeroPoint("zero point of the result"),
  },
  reads: readsOf,
  writes: (x) => [{ space: "activation", from: x.dst, bits: x.bits, count: x.m * x.n }],
  run(x, s) {
    runRequant(x, s, s.pointer("activation", x.bits, x.dst), x.bits, x.zero);
  },
  stages(x, arch, io) {
    return [requantStage(x.m * x.n, io.writes, arch)];
  },
  cost: [{ unit: "requant", beats: "max(ceil(m * n / requant.lanes), stream)", latency: "requant.latency" }],
  work: (x) => ({ requants: x.m * x.n }),
});

export const requantpwl = defineOp({
  name: "requant.pwl",
  code: 0x19,
  doc: "requant, each result straight through a PWL table: dst[n][m] = table(requant(acc[n][m])); needs pwl.chained",
  fields: {
    dst: address("activation", "codes [n][m]"),
    ...source,
    midBits: width(16, "width between requantizer and table"),
    midZero: zeroPoint("zero point between requantizer and table"),
    ...codeFields("PWL table"),
    bits: width(16, "width of the result"),
  },
  reads: (x, arch) => [...readsOf(x, arch), ...lookupSpans({ ...x, inBits: x.midBits }, arch)],
  writes: (x) => [{ space: "activation", from: x.dst, bits: x.bits, count: x.m * x.n }],
  run(x, s) {
    const between = s.scratch("chain", x.m * x.n * s.lanes * s.container("activation", x.midBits));
    const out = s.pointer("activation", x.bits, x.dst);
    runRequant(x, s, between, x.midBits, x.midZero);
    runLookup({ ...x, inBits: x.midBits }, s, between, out, x.m * x.n);
  },
  stages(x, arch, io) {
    const n = x.m * x.n;
    return [requantStage(n, [], arch), lookupStage(n, x.pieces, { reads: [], writes: io.writes }, arch)];
  },
  cost: [
    { unit: "requant", beats: "ceil(m * n / requant.lanes)", latency: "requant.latency" },
    lookupCost("m * n"),
  ],
  work: (x) => ({
    requants: x.m * x.n,
    lookups: lookupWork(x.m * x.n, { ...x, inBits: x.midBits }),
  }),
  check: (x, arch) => [
    ...(arch["pwl.chained"] === "no"
      ? ["pwl.chained is no: this machine has no path from requantizer to PWL unit"]
      : []),
    ...lookupFaults(x, arch),
  ],
});
