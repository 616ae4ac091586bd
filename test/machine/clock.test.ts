import { describe, expect, test } from "vitest";
import { bench, chain, fetch, fill, matmul, pwl, requant, rescale, store } from "./bench.ts";

describe("a unit", () => {
  test("starts in the cycle after the issue, takes its beats, shows its results a latency after the last", () => {
    expect(bench([fill(0, 12)]).times).toEqual([[0, 1, 4, 8]]);
  });

  test("takes a whole beat for a ragged one", () => {
    expect(bench([fill(0, 13)]).times).toEqual([[0, 1, 5, 9]]);
  });

  test("takes the next instruction when the beats are over, not when the results are there", () => {
    const { times, boundBy } = bench([fill(0, 12), fill(64, 12)]);
    expect(times[1]).toEqual([1, 4, 7, 11]);
    expect(boundBy).toEqual(["issue", "unit"]);
  });

  test("does not wait for another unit that it shares nothing with", () => {
    expect(bench([fill(0, 12), requant(300, 0, 4)]).times[1]).toEqual([1, 2, 3, 7]);
  });

  test("of the array takes its closed formula and an adder tree's depth", () => {
    const dot = { "mac.rows": 8, "mac.columns": 4, "mac.dataflow": "dot" };
    // ceil(20 / 8) * ceil(9 / 4) folds of one vector; a tree of 8 inputs is three adders deep, and a register
    expect(bench([matmul(0, 9, 20)], dot).times).toEqual([[0, 1, 10, 14]]);
  });
});

describe("the interlock", () => {
  test.each([3, 4, 9])("reads what was written when it is there, latency %i", (latency) => {
    const { times, boundBy } = bench([fill(0, 12), pwl(64, 0, 4)], { "vector.latency": latency });
    expect(times[1]![1]).toBe(4 + latency);
    expect(boundBy[1]).toBe("operands");
  });

  test("takes the last of several writers", () => {
    expect(bench([fill(0, 12), fill(12, 40), pwl(64, 8, 8)]).times[2]![1]).toBe(4 + 10 + 4);
  });

  test("does not hold up a reader of the byte after, or of the byte before", () => {
    expect(bench([fill(20, 12), pwl(64, 32, 4)]).times[1]![1]).toBe(2);
    expect(bench([fill(20, 12), pwl(64, 16, 4)]).times[1]![1]).toBe(2);
    expect(bench([fill(20, 12), pwl(64, 17, 4)]).times[1]![1]).toBe(8);
    expect(bench([fill(20, 12), pwl(64, 31, 4)]).times[1]![1]).toBe(8);
  });

  test("does not hold up a reader of what lies on both sides", () => {
    const add =
      "add dst=256 a=0 b=32 n=4 period=4 aBits=8 bBits=8 bits=8 aZero=0 bZero=0 zero=0 aScale=0 bScale=0";
    expect(bench([requant(16, 0, 4), add]).times[1]![1]).toBe(2);
    expect(bench([requant(30, 0, 4), add]).times[1]![1]).toBe(6);
  });

  test("counts packed bytes: a half-filled byte belongs to both of its codes", () => {
    const four = (dst: number) => `fill dst=${dst} n=5 bits=4 value=0`;
    const reader = (src: number) =>
      `pwl dst=64 src=${src} n=2 inBits=4 bits=8 table=100 pieces=4 slopeBits=16 fraction=0 mirrored=0`;
    expect(bench([four(0), reader(2)]).times[1]![1]).toBe(3 + 4);
    expect(bench([four(0), reader(3)]).times[1]![1]).toBe(2);
  });

  test("overwrites what is read when the reader's last beat is over", () => {
    expect(bench([rescale(64, 0, 12), pwl(0, 128, 4)]).times[1]![1]).toBe(4);
    expect(bench([rescale(64, 0, 16), pwl(0, 128, 4)]).times[1]![1]).toBe(5);
  });

  test("overwrites what is owed when it is there", () => {
    expect(bench([fill(0, 12), pwl(0, 128, 4)]).times[1]![1]).toBe(8);
  });

  test("keeps memories apart, and counts accumulators one by one", () => {
    const array = { "mac.rows": 4, "mac.columns": 4, "mac.dataflow": "dot" };
    const visible = 1 + 1 + 3;
    expect(bench([matmul(4, 4, 4), requant(300, 4, 4)], array).times[1]![1]).toBe(visible);
    expect(bench([matmul(4, 4, 4), requant(300, 7, 4)], array).times[1]![1]).toBe(visible);
    expect(bench([matmul(4, 4, 4), requant(300, 8, 4)], array).times[1]![1]).toBe(2);
    expect(bench([matmul(4, 4, 4), requant(300, 0, 4)], array).times[1]![1]).toBe(2);
  });

  test("makes a sum wait for the sum that it adds to, and not one that starts from zero elsewhere", () => {
    const array = { "mac.rows": 4, "mac.columns": 4, "mac.dataflow": "dot" };
    expect(bench([matmul(0, 4, 4), matmul(0, 4, 4, 1)], array).times[1]![1]).toBe(5);
    expect(bench([matmul(0, 4, 4), matmul(4, 4, 4, 1)], array).times[1]![1]).toBe(2);
  });

  test("holds between a store and a fetch of the same data", () => {
    const { times } = bench([store(0, 512, 16), fetch(0, 15, 1), fetch(64, 16, 1)]);
    expect(times.map(([, startAt]) => startAt)).toEqual([1, 62, 63]);
  });
});

describe("the sequencer", () => {
  test("issues an instruction a cycle", () => {
    expect(bench([fill(0, 40), requant(300, 0, 4), matmul(64, 4, 4)]).times.map(([at]) => at)).toEqual([
      0, 1, 2,
    ]);
  });

  test("waits for room in a full queue and holds up everything behind", () => {
    const lines = [fill(0, 12), fill(64, 12), fill(128, 12), requant(300, 0, 4)];
    const { times, timing } = bench(lines, { "queue.depth": 1 });
    expect(times.map(([issueAt, startAt]) => [issueAt, startAt])).toEqual([
      [0, 1],
      [1, 4],
      [4, 7],
      [5, 6],
    ]);
    expect(timing.issueStallCycles).toBe(2);
  });

  test("holds as many as the queue is deep", () => {
    const lines = [fill(0, 40), fill(40, 40), fill(80, 40), fill(120, 40), fill(160, 40)];
    expect(bench(lines, { "queue.depth": 2 }).times.map(([at]) => at)).toEqual([0, 1, 2, 11, 21]);
    expect(bench(lines, { "queue.depth": 4 }).times.map(([at]) => at)).toEqual([0, 1, 2, 3, 4]);
  });

  test("puts a chain into the queues of both its units", () => {
    const lines = [pwl(0, 64, 40), pwl(256, 64, 40), chain(512, 0, 4)];
    expect(bench(lines, { "queue.depth": 1 }).times.map(([at]) => at)).toEqual([0, 1, 11]);
  });

  test("and a chain keeps its places in both until it starts", () => {
    const array = { "mac.rows": 4, "mac.columns": 4, "mac.dataflow": "dot", "queue.depth": 1 };
    const { times } = bench([matmul(0, 4, 40), chain(0, 0, 4), pwl(256, 64, 4)], array);
    expect(times.map(([issueAt, startAt]) => [issueAt, startAt])).toEqual([
      [0, 1],
      [1, 14],
      [14, 20],
    ]);
  });

  test("turns loops at no cost", () => {
    const looped = bench(["loop count=3 by=64", "fill dst=0+i0 n=12 bits=8 value=0", "end"]);
    expect(looped.times).toEqual(bench([fill(0, 12), fill(64, 12), fill(128, 12)]).times);
  });
});

describe("the DMA unit", () => {
  test("waits for the DRAM, then moves; the data is there with the last beat", () => {
    const { times, turns } = bench([fetch(0, 0, 64)]);
    expect(times).toEqual([[0, 1, 65, 65]]);
    expect(turns).toEqual(["dma 61-65"]);
  });

  test("moves whole bursts", () => {
    expect(bench([fetch(0, 0, 65)], { "dram.burst": 32 }).turns).toEqual(["dma 61-67"]);
    expect(bench([fetch(0, 0, 65)]).turns).toEqual(["dma 61-66"]);
  });

  test("hides the latency of a second channel, but shares the bus", () => {
    const lines = [fetch(0, 0, 64), fetch(64, 64, 64), fetch(128, 128, 64)];
    expect(bench(lines, { "dma.channels": 1 }).turns).toEqual(["dma 61-65", "dma 125-129", "dma 189-193"]);
    expect(bench(lines, { "dma.channels": 2 }).turns).toEqual(["dma 61-65", "dma 65-69", "dma 125-129"]);
    expect(bench(lines, { "dma.channels": 3 }).turns).toEqual(["dma 61-65", "dma 65-69", "dma 69-73"]);
  });

  test("starts one transfer a cycle", () => {
    const lines = [fill(0, 12), fetch(0, 0, 1), fetch(64, 64, 1)];
    expect(bench(lines).times.map(([, startAt]) => startAt)).toEqual([1, 8, 9]);
  });

  test("hands data on in the cycle after its last byte", () => {
    expect(bench([fetch(0, 0, 64), pwl(128, 0, 4)]).times[1]![1]).toBe(65);
  });
});

describe("a chain", () => {
  test("streams: the second unit takes the first element when the first one lets it out", () => {
    const { times, turns } = bench([chain(0, 0, 12)]);
    expect(turns).toEqual(["requant 1-4, pwl 6-9"]);
    expect(times).toEqual([[0, 1, 9, 13]]);
  });

  test("keeps the pace of its slower half", () => {
    expect(bench([chain(0, 0, 12)], { "pwl.lanes": 2 }).turns).toEqual(["requant 1-7, pwl 6-12"]);
    expect(bench([chain(0, 0, 12)], { "requant.lanes": 1 }).turns).toEqual(["requant 1-13, pwl 6-18"]);
  });

  test("starts as soon as the second unit will be free when it is needed, and not a cycle before", () => {
    const { turns, boundBy, stalls } = bench([pwl(0, 64, 40), chain(256, 0, 12)]);
    expect(turns).toEqual(["pwl 1-11", "requant 6-9, pwl 11-14"]);
    expect(boundBy[1]).toBe("chain");
    expect(stalls("requant")).toEqual({ chain: 4 });
  });

  test("follows another without a gap", () => {
    expect(bench([chain(0, 0, 12), chain(64, 12, 12)]).turns[1]).toBe("requant 4-7, pwl 9-12");
  });

  test("is not overtaken in its second unit", () => {
    expect(bench([chain(0, 0, 12), pwl(256, 128, 4)]).turns[1]).toBe("pwl 9-10");
  });
});

describe("the banks of the activation SRAM", () => {
  const onePort = { "activation.readPorts": 1, "activation.writePorts": 1 };

  test("one read port: the second reader of a bank waits until the first one's beats are over", () => {
    const { times, boundBy, stalls } = bench([rescale(256, 0, 12), pwl(512, 32, 4)], onePort);
    expect(times[1]![1]).toBe(4);
    expect(boundBy[1]).toBe("bank");
    expect(stalls("pwl")).toEqual({ bank: 2 });
  });

  test("two read ports, or two banks: no wait", () => {
    const two = { ...onePort, "activation.readPorts": 2 };
    expect(bench([rescale(256, 0, 12), pwl(512, 32, 4)], two).times[1]![1]).toBe(2);
    expect(bench([rescale(256, 0, 12), pwl(512, 768, 4)], onePort).times[1]![1]).toBe(2);
  });

  test("a bank ends where the next one begins", () => {
    expect(bench([rescale(512, 244, 12), pwl(768, 256, 4)], onePort).times[1]![1]).toBe(2);
    expect(bench([rescale(512, 245, 12), pwl(768, 300, 4)], onePort).times[1]![1]).toBe(4);
  });

  test("one write port: the second writer of a bank waits until the first one's beats are over", () => {
    expect(bench([fill(0, 12), requant(128, 0, 4)], onePort).times[1]![1]).toBe(4);
    expect(bench([fill(0, 12), requant(256, 0, 4)], onePort).times[1]![1]).toBe(2);
  });

  test("readers and writers do not disturb each other", () => {
    expect(bench([fill(0, 12), pwl(256, 128, 4)], onePort).times[1]![1]).toBe(2);
  });

  test("an instruction that reads a bank twice takes one port of it", () => {
    const add =
      "add dst=256 a=0 b=32 n=12 period=12 aBits=8 bBits=8 bits=8 aZero=0 bZero=0 zero=0 aScale=0 bScale=0";
    const two = { ...onePort, "activation.readPorts": 2 };
    expect(bench([add, pwl(512, 64, 4)], two).times[1]![1]).toBe(2);
  });

  test("a transfer takes its port with its first beat", () => {
    expect(bench([fill(0, 240), fetch(240, 0, 16)], onePort).turns).toEqual(["vector 1-61", "dma 62-63"]);
    const { turns, stalls } = bench([fill(0, 248), fetch(248, 0, 8)], onePort);
    expect(turns).toEqual(["vector 1-63", "dma 63-64"]);
    expect(stalls("dma")).toEqual({ dram: 60, bank: 1 });
  });
});
