import seedrandom from "seedrandom";
import { describe, expect, test } from "vitest";
import { loadArch, makeArch, overrideArch } from "../../src/arch/spec.ts";
import { InputError } from "../../src/base/errors.ts";
import { parseProgram } from "../../src/isa/asm.ts";
import { validate } from "../../src/isa/validate.ts";
import { planOf } from "../../src/machine/demand.ts";
import { Run } from "../../src/machine/run.ts";
import { time } from "../../src/machine/timing.ts";
import { lstmOverTime } from "../support/lstm.ts";
import { randomArch } from "../support/machines.ts";
import { fetch, matmul, requant, rescale, store } from "./bench.ts";
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

describe("loops that cross each other in every turn", () => {
  const line = rescale(0, 0, 8).replace("dst=0", "dst=0+i0").replace("a=0", "a=0+j0");
  const crossing = (count: number) => {
    const loop = `loop count=${count} by=8`;
    return parseProgram([loop, loop, line, "end", "end"].join("\n"), "crossing");
  };
  const arch = makeArch({ "activation.bytes": 2 ** 24 });
  const run = (count: number, mostSteps: number) =>
    new Run(planOf(crossing(count).items, arch.settings), arch.settings, "crossing", mostSteps).cycles;

  test("are timed as stepping each of their turns does", () => {
    expectSame(crossing(90), arch, "90 by 90 turns");
  });

  test("are refused where they take more steps than a limit, and not before", () => {
    const takes = (most: number) => {
      try {
        return run(300, most);
      } catch (error) {
        expect(error).toBeInstanceOf(InputError);
        return (error as Error).message;
      }
    };
    let [low, high] = [0, 2 ** 20];
    while (high - low > 1) {
      const most = (low + high) >> 1;
      if (typeof takes(most) === "number") high = most;
      else low = most;
    }
    expect(takes(high)).toBe(time(crossing(300), arch).cycles);
    expect(takes(low)).toBe(
      `crossing: its loops repeat too seldom to be timed: they take more than ${low} steps of the clock`,
    );
    // As many turns of the outer loop as there are, a part of the inner one's in each.
    expect(high).toBeLessThan((300 * 300) / 2);
    expect(() => run(1_000_000, high)).toThrow("its loops repeat too seldom to be timed");
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
