import seedrandom from "seedrandom";
import { describe, expect, test } from "vitest";
import type { FieldName } from "../../src/arch/fields.ts";
import { makeArch, overrideArch } from "../../src/arch/spec.ts";
import { parseProgram } from "../../src/isa/asm.ts";
import { UNITS } from "../../src/isa/define.ts";
import { stalledOf, time } from "../../src/machine/timing.ts";
import { randomArch } from "../support/machines.ts";
import { bench, fetch, matmul, store } from "./bench.ts";
import { randomMemory } from "./memories.ts";
import { expectSame, Loops } from "./random-loops.ts";

/** Two banks with rows of four beats. A transfer that is first in its queue starts in 1 and is with the controller in 11. */
const ROWS = {
  "dram.pages": "yes",
  "dram.latency": 10,
  "dram.rowBytes": 64,
  "dram.banks": 2,
  "dram.activate": 3,
  "dram.cas": 2,
  "dram.precharge": 4,
  "dram.rowActive": 8,
  "dram.activateGap": 2,
  "dram.readToPrecharge": 1,
  "dram.writeRecovery": 5,
  "dram.writeToRead": 3,
  "dram.readToWrite": 2,
  "dram.refreshInterval": 0,
};
const rows = (lines: readonly string[], changes: Readonly<Record<string, unknown>> = {}) =>
  bench(lines, { ...ROWS, ...changes });

describe("a row", () => {
  test("whose bank is closed is opened: activate 11, read 14, first beat 16", () => {
    const { turns, timing, stalls } = rows([fetch(0, 0, 64)]);
    expect(turns).toEqual(["dma 16-20"]);
    expect(stalls("dma")).toEqual({ dram: 15 });
    expect(timing.dramRows).toEqual({ hits: 0, misses: 1, conflicts: 0 });
  });

  test("that is open is read at once, by bytes behind those that opened it", () => {
    const { turns, timing } = rows([fetch(0, 0, 32), fetch(64, 32, 32)]);
    expect(turns).toEqual(["dma 16-18", "dma 18-20"]);
    expect(timing.dramRows).toEqual({ hits: 1, misses: 1, conflicts: 0 });
    // The first one's channel is free at 18, and the request at 28: a read command, two cycles later the byte.
    expect(rows([fetch(0, 0, 32), fetch(64, 32, 32)], { "dma.channels": 1 }).turns[1]).toBe("dma 30-32");
  });

  test("in the place of another: closed 8 cycles after it was opened, 4 more until the next one is", () => {
    // precharge 11 + 8, activate 23, read 26
    const { turns, timing } = rows([fetch(0, 0, 32), fetch(64, 128, 32)]);
    expect(turns).toEqual(["dma 16-18", "dma 28-30"]);
    expect(timing.dramRows).toEqual({ hits: 0, misses: 1, conflicts: 1 });
  });

  test("is not closed before its last read: the command of beat 19 in 17, and one cycle", () => {
    const { turns } = rows([fetch(0, 0, 64), fetch(64, 128, 32)], { "dram.rowActive": 0 });
    expect(turns[1]).toBe("dma 27-29"); // precharge 18, activate 22, read 25
  });

  test("is not closed before what was written is in it", () => {
    // write command 14, its beat 16; precharge 16 + 5, activate 25, write 28
    const { turns } = rows([store(0, 0, 16), store(128, 16, 16)]);
    expect(turns).toEqual(["dma 16-17", "dma 30-31"]);
  });

  test("of another bank does not mind: opened two cycles after the first", () => {
    expect(rows([fetch(0, 0, 32), fetch(64, 64, 32)]).turns[1]).toBe("dma 18-20");
  });

  test("lies behind the last one in the next bank, and the image in front of the data region", () => {
    const image = (bytes: number) => `load.weight dst=0 src=0 bytes=${bytes}`;
    // 256 MiB are a multiple of both banks' rows, so the first row of each is one of bank 0.
    expect(rows([image(16), fetch(0, 0, 16)]).timing.dramRows).toEqual({ hits: 0, misses: 1, conflicts: 1 });
    expect(rows([image(16), fetch(0, 64, 16)]).timing.dramRows).toEqual({ hits: 0, misses: 2, conflicts: 0 });
  });
});

describe("a transfer over several rows", () => {
  test("has them opened while the first one's bytes are on the way: no gap", () => {
    // activate 11 and 13, reads from 14 and 16 on, bytes from 16 and 18 on
    const { turns, timing } = rows([fetch(0, 0, 128)]);
    expect(turns).toEqual(["dma 16-24"]);
    expect(timing.dramRows).toEqual({ hits: 0, misses: 2, conflicts: 0 });
  });

  test("waits for a late one, and counts the gap as waiting for the DRAM", () => {
    // the second activate in 21, bytes from 26 on, while those of the first are over at 20
    const { times, turns, stalls } = rows([fetch(0, 0, 128)], { "dram.activateGap": 10 });
    expect(times).toEqual([[0, 1, 30, 30]]);
    expect(turns).toEqual(["dma 22-30"]);
    expect(stalls("dma")).toEqual({ dram: 15 + 6 });
  });

  test("that comes back to a bank waits for its own bytes there", () => {
    // row 0: activate 11, bytes 16-20, the last read in 17; row 2: precharge 19, activate 23, read 26, byte 28
    const { times } = rows([fetch(0, 0, 160)]);
    expect(times[0]![2]).toBe(30);
  });

  test("begins anywhere in a row", () => {
    const { timing } = rows([fetch(0, 60, 8)]);
    expect(timing.dramRows.misses).toBe(2);
    expect(timing.units.dma.busyCycles).toBe(1);
  });
});

describe("the bus turns", () => {
  test("from writing to reading: three cycles after the byte", () => {
    // written in 16 by a command of 14; read command 14 + 2 + 3
    expect(rows([store(0, 0, 16), fetch(64, 16, 16)]).turns).toEqual(["dma 16-17", "dma 21-22"]);
  });

  test("from reading to writing: two cycles after the command", () => {
    expect(rows([fetch(64, 16, 16), store(0, 0, 16)]).turns).toEqual(["dma 16-17", "dma 18-19"]);
  });
});

describe("refresh", () => {
  // 8 open, 4 to close, 3 of refresh, 2 between the two banks' openings, 3 to open: nothing moves in the last 20 of each 40.
  const refresh = { "dram.refreshInterval": 40, "dram.refreshCycles": 3 };

  test("interrupts a transfer, which goes on as if it had not been", () => {
    const { times, turns, stalls } = rows([fetch(0, 0, 128)], refresh);
    expect(times[0]![2]).toBe(44); // four beats from 16 on, four from 40 on
    expect(turns).toEqual(["dma 36-44"]);
    expect(stalls("dma")).toEqual({ dram: 35 });
  });

  test("leaves rows open", () => {
    const { turns, timing } = rows([fetch(0, 0, 16), fetch(64, 16, 16)], { ...refresh, "dma.channels": 1 });
    expect(turns).toEqual(["dma 16-17", "dma 42-43"]); // with the controller in 27, read command 40
    expect(timing.dramRows).toEqual({ hits: 1, misses: 1, conflicts: 0 });
  });

  test("that leaves no time for transfers is refused", () => {
    expect(() => makeArch({ ...ROWS, ...refresh, "dram.refreshInterval": 20 }, "m")).toThrow(
      "m: dram.refreshInterval: a refresh takes 20 cycles with closing and opening the rows of 2 banks, 20 leave no time for transfers",
    );
    expect(() => makeArch({ ...ROWS, ...refresh, "dram.refreshInterval": 21 })).not.toThrow();
  });
});

describe("a row that the data pick", () => {
  const gather = (n: number) => `gather dst=0 src=0 index=512 rows=4 n=${n} bits=8`;

  test("may be two: all banks are closed, two rows opened, read and closed again", () => {
    // precharge 11, activates 15 and 17, read 20, bytes 22-24; precharge 25; the next row: activate 29, read 32
    const { turns, timing } = rows([gather(32), fetch(64, 0, 16)]);
    expect(turns).toEqual(["dma 22-24", "dma 34-35"]);
    expect(timing.dramRows).toEqual({ hits: 0, misses: 1, conflicts: 2 });
  });

  test("is one where it is a byte", () => {
    expect(rows([gather(1)]).timing.dramRows.conflicts).toBe(1);
  });
});

test("without pages nothing is counted and nothing of this takes time", () => {
  const { turns, timing } = rows([fetch(0, 0, 128), fetch(128, 256, 16)], { "dram.pages": "no" });
  expect(turns).toEqual(["dma 11-19", "dma 19-20"]);
  expect(timing.dramRows).toEqual({ hits: 0, misses: 0, conflicts: 0 });
});

describe("laws, on random programs and memories", () => {
  const cases = Array.from({ length: 150 }, (_, i) => {
    const seed = `rows ${i}`;
    const rng = seedrandom(seed);
    const arch = overrideArch(randomArch(rng), randomMemory(rng), seed);
    const program = new Loops(rng).program();
    return { seed, arch, program, timing: time(program, arch) };
  });
  const cyclesWith = (
    { arch, program }: (typeof cases)[number],
    changes: Readonly<Record<string, unknown>>,
  ) => time(program, overrideArch(arch, changes, "changed")).cycles;

  test("they meet rows in every way, and refresh", () => {
    for (const found of ["hits", "misses", "conflicts"] as const)
      expect(cases.filter(({ timing }) => timing.dramRows[found] > 0).length).toBeGreaterThan(20);
  });

  test("busy + stalled + idle = total, total >= the busiest unit and <= all one after another", () => {
    for (const { seed, timing } of cases) {
      for (const unit of UNITS) {
        const { busyCycles, idleCycles, ...rest } = timing.units[unit];
        const figures = [busyCycles, idleCycles, ...Object.values(rest.stalledCycles)];
        expect(
          figures.every((cycles) => Number.isSafeInteger(cycles) && cycles >= 0),
          seed,
        ).toBe(true);
        expect(busyCycles + idleCycles + stalledOf(timing.units[unit]), seed).toBe(timing.cycles);
        expect(timing.cycles, seed).toBeGreaterThanOrEqual(busyCycles);
      }
      expect(timing.cycles, seed).toBeLessThanOrEqual(timing.serialCycles);
    }
  });

  test.each<[FieldName, number]>([
    ["dram.bytesPerCycle", 4096],
    ["activation.bytesPerCycle", 4096],
    ["activation.readPorts", 8],
    ["activation.writePorts", 8],
    ["dma.channels", 8],
    ["queue.depth", 64],
  ])("more %s never costs a cycle", (field, most) => {
    for (const one of cases) {
      const now = one.arch.settings[field] as number;
      for (const more of [now + 1, 3 * now])
        expect(cyclesWith(one, { [field]: Math.min(more, most) }), one.seed).toBeLessThanOrEqual(
          one.timing.cycles,
        );
    }
  });

  test.each([
    "dram.latency",
    "dram.activate",
    "dram.cas",
    "dram.precharge",
    "dram.rowActive",
    "dram.activateGap",
    "dram.readToPrecharge",
    "dram.writeRecovery",
    "dram.writeToRead",
    "dram.readToWrite",
    "dram.refreshCycles",
  ] as const)("less %s never costs a cycle", (field) => {
    for (const one of cases) {
      const less = Math.max(0, one.arch.settings[field] - 1);
      expect(cyclesWith(one, { [field]: less }), one.seed).toBeLessThanOrEqual(one.timing.cycles);
    }
  });

  test.each([
    { "dram.refreshInterval": 0 },
    { "weight.ports": "separate" },
    { "table.ports": "separate" },
    { "acc.ports": "separate" },
  ])("%j never costs a cycle", (changes) => {
    for (const one of cases)
      expect(cyclesWith(one, changes), one.seed).toBeLessThanOrEqual(one.timing.cycles);
  });
});

describe("a stream", () => {
  /** Turns that read the data region at one stride, write it at another, and load weights that stay where they are. */
  const stream = (count: number, by: string, to = 1_000_000) =>
    parseProgram(
      [
        `loop count=${count} by=${by}`,
        "load.weight dst=0 src=0 bytes=40",
        fetch(0, 0, 16).replace("src=0", "src=0+i0"),
        matmul(0, 4, 4).replace("x=768", "x=0"),
        store(0, 64, 8).replace("dst=0", `dst=${to}+i1`),
        "end",
      ].join("\n"),
      "stream",
    );
  const arch = (changes: Readonly<Record<string, unknown>> = {}) => makeArch({ ...ROWS, ...changes });
  const refresh = { "dram.refreshInterval": 300, "dram.refreshCycles": 13 };

  test.each([
    ["16,8", {}],
    ["16,8", refresh],
    ["48,-8", {}],
    ["-16,16", refresh],
    ["7,5", {}],
    ["0,8", refresh],
  ])("of strides %s with %j takes what stepping each of its turns gives", (by, changes) => {
    expectSame(stream(1500, by), arch(changes), by);
  });

  test("that overtakes another one in its rows, though neither writes, too", () => {
    for (const ahead of [200, 1200, 3000, 4099]) {
      const second = fetch(64, ahead, 16).replace(`src=${ahead}`, `src=${ahead}+i1`);
      const lines = ["loop count=900 by=16,8", fetch(0, 0, 16).replace("src=0", "src=0+i0"), second, "end"];
      expectSame(parseProgram(lines.join("\n"), "overtaking"), arch(), `${ahead}`);
    }
  });

  test("that crosses one of writes, too", () => {
    for (const to of [1200, 4000, 9000, 12_000]) expectSame(stream(700, "16,8", to), arch(), `${to}`);
  });

  test.each([
    ["without refresh", {}],
    ["with refresh", refresh],
  ])("of a million turns, %s, goes on as it began", (_, changes) => {
    // After 48,000 turns both streams are by whole rows of both banks further, at the same time of a refresh.
    const at = (count: number) => time(stream(count, "16,8", 100_000_000), arch(changes));
    const [short, longer, long] = [40_000, 88_000, 1_000_000].map(at);
    const times = (1_000_000 - 40_000) / 48_000;
    expect(long!.cycles - short!.cycles).toBe(times * (longer!.cycles - short!.cycles));
    const { hits, misses, conflicts } = long!.dramRows;
    expect(hits + misses + conflicts).toBe(3_000_000);
  });
});
