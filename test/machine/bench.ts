import { makeArch } from "../../src/arch/spec.ts";
import { parseProgram } from "../../src/isa/asm.ts";
import type { UnitName } from "../../src/isa/define.ts";
import { type Timing, time } from "../../src/machine/timing.ts";
import { schedule } from "../../src/machine/trace.ts";

/**
 * A core whose times are easy to add up: four lanes in every unit, memories that are never the bottleneck, four
 * banks of 256 bytes, a DRAM that moves 16 bytes a cycle after 60.
 */
const PLAIN = {
  "requant.lanes": 4,
  "requant.latency": 4,
  "pwl.lanes": 4,
  "pwl.latency": 3,
  "vector.lanes": 4,
  "vector.latency": 4,
  "activation.bytes": 1024,
  "activation.banks": 4,
  "activation.readPorts": 8,
  "activation.writePorts": 8,
  "activation.bytesPerCycle": 4096,
  "weight.bytesPerCycle": 65_536,
  "dram.bytesPerCycle": 16,
  "dram.burst": 1,
  "dram.latency": 60,
};

/** When an instruction is issued, starts, ends, and when its results are there. */
type Times = readonly [issueAt: number, startAt: number, endAt: number, visibleAt: number];

export interface Bench {
  readonly times: readonly Times[];
  /** The cycles in which each instruction has its unit, or its units. */
  readonly turns: readonly string[];
  readonly boundBy: readonly string[];
  readonly timing: Timing;
  stalls(unit: UnitName): Readonly<Record<string, number>>;
}

/** Runs assembly text on the plain core with some parameters changed. */
export function bench(lines: readonly string[], changes: Readonly<Record<string, unknown>> = {}): Bench {
  const arch = makeArch({ ...PLAIN, ...changes });
  const program = parseProgram(lines.join("\n"), "bench");
  const scheduled = schedule(program, arch);
  const timing = time(program, arch);
  return {
    times: scheduled.map(({ issueAt, startAt, endAt, visibleAt }) => [issueAt, startAt, endAt, visibleAt]),
    turns: scheduled.map(({ turns }) =>
      turns.map(({ unit, from, to }) => `${unit} ${from}-${to}`).join(", "),
    ),
    boundBy: scheduled.map(({ boundBy }) => boundBy),
    timing,
    stalls: (unit) =>
      Object.fromEntries(Object.entries(timing.units[unit].stalledCycles).filter(([, cycles]) => cycles > 0)),
  };
}

export const fill = (dst: number, n: number): string => `fill dst=${dst} n=${n} bits=8 value=0`;
export const rescale = (dst: number, a: number, n: number): string =>
  `rescale dst=${dst} a=${a} n=${n} aBits=8 bits=8 aZero=0 zero=0 scale=0`;
export const pwl = (dst: number, src: number, n: number): string =>
  `pwl dst=${dst} src=${src} n=${n} inBits=8 bits=8 table=100 pieces=4 slopeBits=16 fraction=0 mirrored=0`;
export const fetch = (dst: number, src: number, n: number): string =>
  `fetch dst=${dst} src=${src} n=${n} bits=8`;
export const store = (dst: number, src: number, n: number): string =>
  `store dst=${dst} src=${src} n=${n} bits=8`;
export const matmul = (acc: number, m: number, k: number, keep = 0): string =>
  `matmul w=0 x=768 acc=${acc} m=${m} k=${k} n=1 wBits=8 xBits=8 keep=${keep}`;
export const requant = (dst: number, acc: number, m: number): string =>
  `requant dst=${dst} acc=${acc} m=${m} n=1 scales=0 perChannel=0 bits=8 zero=0`;
export const chain = (dst: number, acc: number, m: number): string =>
  `requant.pwl dst=${dst} acc=${acc} m=${m} n=1 scales=0 perChannel=0 midBits=8 midZero=0 table=100 pieces=4 slopeBits=16 fraction=0 mirrored=0 bits=8`;
