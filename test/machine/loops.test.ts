import seedrandom from "seedrandom";
import { describe, expect, test } from "vitest";
import { loadArch, makeArch, overrideArch } from "../../src/arch/spec.ts";
import { parseProgram } from "../../src/isa/asm.ts";
import { validate } from "../../src/isa/validate.ts";
import { time } from "../../src/machine/timing.ts";
import { lstmOverTime } from "../support/lstm.ts";
import { randomArch } from "../support/machines.ts";
import { fetch, matmul, requant, store } from "./bench.ts";
import { randomMemory } from "./memories.ts";
import { expectSame, Loops } from "./random-loops.ts";

const RUNS = 2000;
test("loops are timed as if every turn were stepped: random programs on random machines", () => {
  for (let run = 0; run < RUNS; run++) {
    const seed = `loops ${run}`;
    const rng = seedrandom(seed);
    expectSame(new Loops(rng).program(), randomArch(rng), seed);
  }
});

test("and so they are where rows, refresh and the ports of all memories take time", () => {
  let refreshed = 0;
  for (let run = 0; run < RUNS; run++) {
    const seed = `loops in rows ${run}`;
    const rng = seedrandom(seed);
    const arch = overrideArch(randomArch(rng), randomMemory(rng), seed);
    if (arch.settings["dram.refreshInterval"] > 0) refreshed++;
    expectSame(new Loops(rng).program(), arch, seed);
  }
  expect(refreshed).toBeGreaterThan(RUNS / 4);
});

describe("a steady loop", () => {
  const timed = (lines: readonly string[], changes: Readonly<Record<string, unknown>> = {}) =>
    time(parseProgram(lines.join("\n"), "steady"), makeArch(changes));
  /** Turns of a product whose result moves through the data region. */
  const product = (count: number) => [
    `loop count=${count} by=16`,
    fetch(0, 0, 16).replace("src=0", "src=0+i0"),
    matmul(0, 8, 8).replace("x=768", "x=0"),
    requant(64, 0, 8),
    store(100_000_000, 64, 8).replace("dst=100000000", "dst=100000000+i0"),
    "end",
  ];

  test("of a million turns takes as long as its turns, and is timed at once", () => {
    const [short, longer, long] = [1000, 2000, 1_000_000].map((count) => timed(product(count)));
    expect(long!.issued).toBe(4_000_000);
    expect(long!.cycles).toBe(short!.cycles + 999 * (longer!.cycles - short!.cycles));
    expect(long!.compulsoryDramBytes).toBe(1_000_000 * (16 + 8));
  });
});

describe("an LSTM of 1024 on edge16x16", () => {
  const arch = loadArch("arch/edge16x16.yaml");
  const program = lstmOverTime(arch, { input: 128, hidden: 1024 });

  test("over a thousand steps takes what stepping each of them gives", () => {
    expectSame(program(1000), arch, "1000 steps");
  });

  test("over a million steps takes a thousand times as long, and is judged and timed at once", () => {
    const [one, two, million] = [1000, 2000, 1_000_000].map((steps) => time(program(steps), arch));
    expect(million!.cycles).toBe(one!.cycles + 999 * (two!.cycles - one!.cycles));
    expect(validate(program(1_000_000), arch.settings, { image: 2 ** 28, data: 2 ** 28 })).toEqual([]);
  });
});
