import { describe, expect, test } from "vitest";
import { bench, chain, fill, matmul, pwl, requant } from "./bench.ts";

/** An array of one row and four columns that takes a cycle for each term of four sums; no way to the DRAM. */
const ARRAY = {
  "mac.rows": 1,
  "mac.columns": 4,
  "mac.dataflow": "dot",
  "acc.entries": 128,
  "weight.bytes": 1024,
  "table.bytes": 1024,
  "dram.latency": 0,
};
const on = (lines: readonly string[], changes: Readonly<Record<string, unknown>> = {}) =>
  bench(lines, { ...ARRAY, ...changes });
const load = (to: "weight" | "table", dst: number, bytes: number) =>
  `load.${to} dst=${dst} src=0 bytes=${bytes}`;

describe("the weight SRAM", () => {
  const single = { "weight.ports": "shared" };
  // The array reads weights from 1 to 21; the load's four beats could begin at 2.
  const lines = [matmul(0, 4, 20), load("weight", 512, 64)];

  test("with a port for each, lets a preload in beside the reader", () => {
    expect(on(lines).turns).toEqual(["mac 1-21", "dma 2-6"]);
  });

  test("with a single port, makes the preload wait for the reader, and says so", () => {
    const { turns, stalls } = on(lines, single);
    expect(turns).toEqual(["mac 1-21", "dma 21-25"]);
    expect(stalls("dma")).toEqual({ bank: 19 });
  });

  test("with a single port in each of two banks, lets it into the other one", () => {
    expect(on(lines, { ...single, "weight.banks": 2 }).turns[1]).toBe("dma 2-6");
    expect(on([lines[0]!, load("weight", 511, 64)], { ...single, "weight.banks": 2 }).turns[1]).toBe(
      "dma 21-25",
    );
  });

  test("with a single port, makes the reader wait for a preload that came first", () => {
    const { turns, boundBy, stalls } = on([load("weight", 512, 64), matmul(0, 4, 20)], single);
    expect(turns).toEqual(["dma 1-5", "mac 5-25"]);
    expect(boundBy[1]).toBe("bank");
    expect(stalls("mac")).toEqual({ bank: 3 });
  });

  test("whose last bank is smaller where they do not divide it", () => {
    // 1000 bytes in three banks: 334, 334 and 332
    const three = { ...single, "weight.bytes": 1000, "weight.banks": 3 };
    expect(on([lines[0]!, load("weight", 334, 16)], three).turns[1]).toBe("dma 2-3");
    expect(on([lines[0]!, load("weight", 333, 16)], three).turns[1]).toBe("dma 21-22");
    expect(on([lines[0]!, load("weight", 984, 16)], three).turns[1]).toBe("dma 2-3");
  });
});

describe("the accumulators", () => {
  // The requantizer reads accumulators 0 to 39 from 1 to 11; the array, four others from 2 on.
  const lines = [requant(300, 0, 40), matmul(64, 4, 20)];
  const single = { "acc.ports": "shared" };

  test("with a port for each, are written and read at once", () => {
    expect(on(lines).turns).toEqual(["requant 1-11", "mac 2-22"]);
  });

  test("with a single port, are written when they have been read", () => {
    const { turns, stalls } = on(lines, single);
    expect(turns).toEqual(["requant 1-11", "mac 11-31"]);
    expect(stalls("mac")).toEqual({ bank: 9 });
  });

  test("in two banks of one port each are a double buffer", () => {
    expect(on(lines, { ...single, "acc.banks": 2 }).turns[1]).toBe("mac 2-22");
    expect(on([lines[0]!, matmul(60, 4, 20)], { ...single, "acc.banks": 2 }).turns[1]).toBe("mac 11-31");
  });

  test("that are added to take one port, for reading and writing", () => {
    expect(on([matmul(0, 4, 20, 1)], single).turns).toEqual(["mac 1-21"]);
  });
});

describe("the table memory", () => {
  const single = { "table.ports": "shared" };

  test("with a port for each, is read by all units at once, and loaded meanwhile", () => {
    const lines = [pwl(0, 64, 40), requant(300, 0, 40), load("table", 512, 16)];
    expect(on(lines).turns).toEqual(["pwl 1-11", "requant 2-12", "dma 3-4"]);
  });

  test("with a single port, is one unit's at a time, in the order of the program", () => {
    const { turns, stalls } = on([pwl(0, 64, 40), requant(300, 0, 40), load("table", 512, 16)], single);
    expect(turns).toEqual(["pwl 1-11", "requant 11-21", "dma 21-22"]);
    expect(stalls("requant")).toEqual({ bank: 9 });
    expect(stalls("dma")).toEqual({ bank: 18 });
  });

  test("with a single port, is nobody's business who reads no table", () => {
    expect(on([chain(0, 0, 12), fill(256, 4)], single).turns[1]).toBe("vector 2-3");
  });
});
