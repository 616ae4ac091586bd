import { beforeAll, describe, expect, test } from "vitest";
import { type ArchSpec, loadArch } from "../../src/arch/spec.ts";
import { storageBytes } from "../../src/fixed/format.ts";
import { arrayCost } from "../../src/isa/array.ts";
import { compile } from "../../src/kernels/compile.ts";
import { time } from "../../src/machine/timing.ts";
import { searchMapping } from "../../src/mapper/search.ts";
import { quantizeG2p } from "../../src/model/g2p/quantize.ts";
import { loadG2p } from "../../src/model/g2p/weights.ts";
import { makeRecipe } from "../../src/quant/recipe.ts";
import { loadExperiment } from "../../src/sweep/experiment.ts";
import { subjectOf } from "../../src/sweep/subject.ts";
import { G2P_WEIGHTS } from "../model/files.ts";
import { g2pLayers, type Layer, lstmLayer, mappableOf, plainLstm, productLayer } from "./layers.ts";

/** How far from the lower bound a mapping may be that nothing in the layer's shape holds back. */
const NEAR = 1.2;
const LETTERS = 8;
const STEPS = 2;

/** Why no mapping comes near the bound. */
const REASONS = {
  none: "within the bound",
  array: "a fold of the array takes as long to load as mac.rows vectors take to pass, and there are fewer",
  passes: "weights of a recurrence that weight SRAM cannot hold pass again at every step",
  latency:
    "the whole layer is as short as the latencies of its transfers and units, or a step waits for the one before",
} as const;

interface Row {
  readonly name: string;
  readonly fixed: number;
  readonly found: number;
  readonly bound: number;
  readonly reason: keyof typeof REASONS;
}

function rowOf(layer: Layer, arch: ArchSpec): Row {
  const { cycles: found, firstCycles: fixed, mapping } = searchMapping(mappableOf(layer, arch), arch);
  const timing = time(compile(arch, layer.computation, mapping).run, arch);
  const bandwidth = arch.settings["dram.bytesPerCycle"];
  const bound = Math.max(timing.leastMacCycles, timing.compulsoryDramBytes / bandwidth);
  const steps = Math.max(...layer.sites.map((site) => (site.isRecurrent ? site.vectors : 1)));
  let array = 0;
  let again = 0;
  let i = 0;
  for (const { matrices, vectors, isRecurrent } of layer.sites) {
    for (const { rows, columns, bits } of matrices) {
      // What multiplies h does so at every step, all others once over all vectors.
      const uses = isRecurrent || vectors > 1 ? 1 : steps;
      const product = { m: rows, k: columns, n: vectors, weightBits: bits, activationBits: 8 };
      array += uses * arrayCost(product, arch.settings).cycles;
      if (mapping.matrices[i++]!.place === "streamed")
        again += ((uses - 1) * storageBytes(rows * columns, bits)) / bandwidth;
    }
  }
  const reason =
    found <= NEAR * bound
      ? "none"
      : found <= NEAR * (bound + again)
        ? "passes"
        : array > NEAR * bound
          ? "array"
          : "latency";
  return { name: layer.name, fixed, found, bound, reason };
}

const table = (rows: readonly Row[]): string =>
  rows
    .map(
      ({ name, fixed, found, bound, reason }) =>
        `${name}: ${fixed} by rule, ${found} found, bound ${bound.toFixed(0)}, ${(found / bound).toFixed(2)}: ${REASONS[reason]}`,
    )
    .join("\n");

const reasonsOf = (rows: readonly Row[]) =>
  Object.fromEntries(rows.map(({ name, reason }) => [name, reason]));

describe.each(["edge16x16", "dot16x16", "edge8x8"])("every layer of g2p on %s", (name) => {
  let rows: Row[] = [];
  beforeAll(() => {
    const arch = loadArch(`arch/${name}.yaml`);
    const { ranges } = subjectOf(loadExperiment("experiments/g2p.yaml").points[0]!.subject);
    const q = quantizeG2p(loadG2p(G2P_WEIGHTS), ranges, { recipe: makeRecipe(), arch: arch.settings });
    rows = g2pLayers(q, LETTERS).map((layer) => rowOf(layer, arch));
    if (process.env["MAPPER_TABLE"]) console.log(`${name}\n${table(rows)}`);
  });

  test("searched is never slower than by rule", () => {
    for (const row of rows) expect(row.found, table([row])).toBeLessThanOrEqual(row.fixed);
    expect(rows.some(({ fixed, found }) => found < fixed)).toBe(true);
  });

  test("what keeps each from its bound is its shape", () => {
    for (const row of rows) expect(["array", "latency", "none"], table([row])).toContain(row.reason);
    if (name !== "dot16x16") expect(reasonsOf(rows)["encoder.forward"]).toBe("array");
  });
});

describe.each(["edge16x16", "dot16x16"])("an LSTM of 1024 on %s", (name) => {
  let rows: Row[] = [];
  beforeAll(() => {
    const arch = loadArch(`arch/${name}.yaml`);
    const q = plainLstm(1024, arch);
    rows = [
      productLayer("W_h h", q.productH, 1),
      productLayer("W_x x", q.productX, STEPS),
      lstmLayer("all of it", q, STEPS, false),
    ].map((layer) => rowOf(layer, arch));
    if (process.env["MAPPER_TABLE"]) console.log(`${name}\n${table(rows)}`);
  });

  test("searched is never slower than by rule", () => {
    for (const row of rows) expect(row.found, table([row])).toBeLessThanOrEqual(row.fixed);
  });

  test("the products come near the bound, the recurrence as near as 4 MB in half a megabyte can", () => {
    expect(reasonsOf(rows), table(rows)).toEqual({ "W_h h": "none", "W_x x": "none", "all of it": "passes" });
  });
});
