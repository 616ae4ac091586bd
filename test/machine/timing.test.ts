import { describe, expect, test } from "vitest";
import { makeArch } from "../../src/arch/spec.ts";
import { parseProgram } from "../../src/isa/asm.ts";
import { UNITS } from "../../src/isa/define.ts";
import { stalledOf, time, total } from "../../src/machine/timing.ts";
import { bench, chain, fetch, fill, matmul, pwl, requant, store } from "./bench.ts";

/** A matrix-vector product with all that belongs to it. */
const PRODUCT = [
  "load.weight dst=0 src=0 bytes=4",
  "load.table dst=0 src=4 bytes=9",
  "fetch dst=0 src=0 n=2 bits=8",
  "matmul w=0 x=0 acc=0 m=2 k=2 n=1 wBits=8 xBits=8 keep=0",
  "requant dst=16 acc=0 m=2 n=1 scales=0 perChannel=0 bits=8 zero=3",
  "store dst=16 src=16 n=2 bits=8",
];

describe("a matrix-vector product on the default core, added up by hand", () => {
  const { timing, times } = bench(PRODUCT, {
    "requant.lanes": 16,
    "dram.burst": 32,
    "requant.kind": "shift",
  });

  test("instant by instant", () => {
    expect(times).toEqual([
      [0, 1, 63, 63], // 60 cycles of DRAM latency, one burst of two beats
      [1, 2, 65, 65], // its data is there at 62, the bus at 63
      [2, 63, 125, 125], // two channels: waits for the first one
      [3, 125, 172, 173], // 16 rows of weights, 1 vector, 30 of skew; a register
      [4, 173, 174, 178],
      [5, 178, 240, 240],
    ]);
    expect(timing.cycles).toBe(240);
  });

  test("unit by unit", () => {
    expect(timing.units).toEqual({
      dma: {
        instructions: 4,
        busyCycles: 8,
        stalledCycles: { operands: 53, dram: 178, bank: 0, chain: 0 },
        idleCycles: 1,
      },
      mac: {
        instructions: 1,
        busyCycles: 47,
        stalledCycles: { operands: 121, dram: 0, bank: 0, chain: 0 },
        idleCycles: 72,
      },
      requant: {
        instructions: 1,
        busyCycles: 1,
        stalledCycles: { operands: 168, dram: 0, bank: 0, chain: 0 },
        idleCycles: 71,
      },
      pwl: {
        instructions: 0,
        busyCycles: 0,
        stalledCycles: { operands: 0, dram: 0, bank: 0, chain: 0 },
        idleCycles: 240,
      },
      vector: {
        instructions: 0,
        busyCycles: 0,
        stalledCycles: { operands: 0, dram: 0, bank: 0, chain: 0 },
        idleCycles: 240,
      },
    });
  });

  test("byte by byte", () => {
    expect(timing.traffic).toEqual({
      dram: { readBytes: 3 * 32, writeBytes: 32 }, // whole bursts
      weight: { readBytes: 4, writeBytes: 4 },
      activation: { readBytes: 2 + 2, writeBytes: 2 + 2 },
      table: { readBytes: 9, writeBytes: 9 },
    });
    expect(timing.compulsoryDramBytes).toBe(17);
  });

  test("and the rest", () => {
    expect(timing.issued).toBe(6);
    expect(timing.macs).toBe(4);
    expect(timing.leastMacCycles).toBe(0);
    expect(timing.issueStallCycles).toBe(0);
    expect(timing.serialCycles).toBe(4 * 63 + (1 + 47 + 1) + (1 + 1 + 4));
  });
});

test("a byte that is fetched twice is compulsory once, and traffic twice", () => {
  const { timing } = bench([fetch(0, 0, 16), fetch(16, 8, 16), store(0, 0, 4)]);
  expect(timing.compulsoryDramBytes).toBe(24);
  expect(timing.traffic.dram).toEqual({ readBytes: 32, writeBytes: 4 });
});

test("low-bit codes are counted packed", () => {
  const { timing } = bench([
    "fill dst=0 n=5 bits=4 value=0",
    "rescale dst=100 a=0 n=5 aBits=4 bits=12 aZero=0 zero=0 scale=0",
  ]);
  expect(timing.traffic.activation).toEqual({ readBytes: 3, writeBytes: 3 + 8 });
});

describe("waiting is charged to", () => {
  test("operands before ports, and ports after them", () => {
    const onePort = { "activation.readPorts": 1, "vector.latency": 1 };
    // pwl is queued from 3 on, the fill is there at 6, and the array is through with the bank at 11
    const lines = [matmul(0, 40, 4), fill(0, 12), pwl(0, 0, 4)];
    const { stalls } = bench(lines, {
      ...onePort,
      "activation.banks": 1,
      "mac.dataflow": "dot",
      "mac.columns": 4,
    });
    expect(stalls("pwl")).toEqual({ operands: 3, bank: 5 });
  });

  test("a chain, in the unit that it has not reached", () => {
    const { stalls, timing } = bench([chain(0, 0, 12)]);
    expect(stalls("pwl")).toEqual({ chain: 5 });
    expect(timing.units.pwl).toMatchObject({ instructions: 1, busyCycles: 3, idleCycles: 1 + 4 });
  });

  test("nothing while the unit is busy, or while nothing is queued", () => {
    const { timing } = bench([fill(0, 40), fill(40, 40)]);
    expect(stalledOf(timing.units.vector)).toBe(0);
    expect(timing.units.vector).toMatchObject({ busyCycles: 20, idleCycles: 1 + 4 });
  });

  test("the instruction at the head of the queue alone", () => {
    const { stalls } = bench([fetch(0, 0, 16), pwl(64, 0, 4), pwl(128, 0, 4)]);
    expect(stalls("pwl")).toEqual({ operands: 62 - 2 });
  });
});

describe("energy", () => {
  const arch = {
    "energy.multiply8": 0.2,
    "energy.add32": 0.1,
    "energy.idleCycle": 10,
    "requant.multiplierBits": 16,
    "acc.bits": 32,
  };

  test("of a MAC: a multiplication by the product of the widths, an addition of the accumulator's", () => {
    const { mac, accumulator } = bench([matmul(0, 2, 3)], arch).timing.energyPj;
    expect([mac, accumulator].map((pj) => Number(pj.toFixed(9)))).toEqual(
      [6 * 0.2, 6 * 0.1].map((pj) => Number(pj.toFixed(9))),
    );
    const narrow = "matmul w=0 x=0 acc=0 m=2 k=3 n=1 wBits=4 xBits=8 keep=0";
    const less = bench([narrow], { ...arch, "acc.bits": 16 }).timing.energyPj;
    expect(less.mac).toBeCloseTo(6 * 0.1, 9);
    expect(less.accumulator).toBeCloseTo(6 * 0.05, 9);
  });

  test.each([
    ["multiplier", 0.2 * 8 + 0.1],
    ["two-shift", 0.2],
    ["shift", 0.1],
  ])("of the requantizer of kind %s", (kind, each) => {
    const { energyPj } = bench([requant(0, 0, 5)], { ...arch, "requant.kind": kind }).timing;
    expect(energyPj.requant).toBeCloseTo(5 * each, 9);
  });

  test("of a lookup, of a vector element", () => {
    expect(bench([pwl(0, 64, 5)], { ...arch, "pwl.slopeBits": 16 }).timing.energyPj.pwl).toBeCloseTo(
      5 * 0.5,
      9,
    );
    expect(bench([fill(0, 5)], arch).timing.energyPj.vector).toBeCloseTo(5 * (0.1 / 4 + 0.2), 9);
  });

  test("of bytes and cycles; the total is the sum", () => {
    const { energyPj, cycles } = bench([fetch(0, 0, 16)], arch).timing;
    expect(energyPj.dram).toBeCloseTo(16 * 162.5, 9);
    expect(energyPj.activation).toBeCloseTo(16 * 2.5, 9);
    expect(energyPj.idle).toBeCloseTo(10 * cycles, 9);
    const { total: sum, ...parts } = energyPj;
    expect(sum).toBeCloseTo(
      Object.values(parts).reduce((a, b) => a + b, 0),
      9,
    );
  });
});

describe("a job", () => {
  const [cold, step] = [bench([fetch(0, 0, 64)]).timing, bench([fill(0, 12), chain(64, 0, 8)]).timing];

  test("costs the sum of its parts, each as often as it is invoked", () => {
    const job = total([
      { timing: cold, times: 1 },
      { timing: step, times: 7 },
    ]);
    expect(job.cycles).toBe(cold.cycles + 7 * step.cycles);
    expect(job.traffic.dram.readBytes).toBe(64);
    expect(job.units.vector.busyCycles).toBe(21);
    expect(job.energyPj.total).toBeCloseTo(cold.energyPj.total + 7 * step.energyPj.total, 6);
    for (const unit of UNITS) {
      const stats = job.units[unit];
      expect(stats.busyCycles + stalledOf(stats) + stats.idleCycles).toBe(job.cycles);
    }
  });

  test("of one part, once, is that part; of none, nothing that can be said", () => {
    expect(total([{ timing: step, times: 1 }])).toEqual(step);
    expect(() => total([])).toThrow(RangeError);
  });
});

test("a loop of 10,000 turns is timed turn by turn", () => {
  const text = [
    "loop count=10000 by=4",
    "matmul w=0 x=0 acc=0 m=8 k=8 n=1 wBits=8 xBits=8 keep=0",
    requant(64, 0, 8),
    "end",
  ];
  const { issued, cycles, serialCycles } = time(parseProgram(text.join("\n"), "long"), makeArch());
  expect(issued).toBe(20_000);
  expect(cycles).toBeLessThan(serialCycles);
});
