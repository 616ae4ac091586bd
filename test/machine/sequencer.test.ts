import fc from "fast-check";
import seedrandom from "seedrandom";
import { expect, test } from "vitest";
import { type ArchSpec, makeArch, overrideArch } from "../../src/arch/spec.ts";
import { formatProgram, parseProgram } from "../../src/isa/asm.ts";
import { UNITS } from "../../src/isa/define.ts";
import { type Program, unroll } from "../../src/isa/program.ts";
import { time } from "../../src/machine/timing.ts";
import { schedule } from "../../src/machine/trace.ts";
import { draw, pick, type Rng, randomArch } from "../support/machines.ts";
import { randomSample } from "../support/programs.ts";
import { bench, chain, fetch, fill, matmul, pwl, requant, rescale, store } from "./bench.ts";
import { sequenced, type Times } from "./sequencer.ts";

const RUNS = 300;
const MOST_ISSUED = 150;

/** A machine with ports of any kind, and a DRAM whose latency is one number. */
function anyMachine(rng: Rng): ArchSpec {
  const changes = ["weight", "table", "acc"].flatMap((memory) => [
    [`${memory}.ports`, pick(rng, ["separate", "shared"])],
    [`${memory}.banks`, draw(rng, 1, 4)],
  ]);
  return overrideArch(randomArch(rng), { ...Object.fromEntries(changes), "dram.pages": "no" }, "any");
}

/** The same by the simulator. */
function clocked(program: Program, arch: ArchSpec): ReturnType<typeof sequenced> {
  const times = schedule(program, arch).map(
    ({ issueAt, startAt, endAt, visibleAt }): Times => [issueAt, startAt, endAt, visibleAt],
  );
  const { units } = time(program, arch);
  const spent = UNITS.map((unit) => {
    const { busyCycles: busy, stalledCycles } = units[unit];
    return [unit, { busy, ...stalledCycles }];
  });
  return { times, spent: Object.fromEntries(spent) };
}

test("registers that change every cycle, by the rules of docs/machine.md, give the clock's times and account for every cycle as it does", () => {
  let instructions = 0;
  for (let run = 0; run < RUNS; run++) {
    const rng = seedrandom(`sequencer ${run}`);
    const arch = anyMachine(rng);
    const { program } = randomSample(rng, arch, draw(rng, 2, 12));
    if (unroll(program).length > MOST_ISSUED) continue;
    const clock = clocked(program, arch);
    expect(sequenced(program, arch), `run ${run}\n${formatProgram(program)}`).toEqual(clock);
    instructions += clock.times.length;
  }
  expect(instructions).toBeGreaterThan(2000);
});

const at = fc.integer({ min: 0, max: 40 });
const elements = fc.integer({ min: 1, max: 24 });
const kept = fc.integer({ min: 0, max: 1 });
/** Instructions that meet in the same few bytes, sums and queues. */
const anyLine: fc.Arbitrary<string> = fc.oneof(
  fc.tuple(at, elements).map(([dst, n]) => fill(dst, n)),
  fc.tuple(at, at, elements).map(([dst, a, n]) => rescale(dst, a + 64, n)),
  fc.tuple(at, at, elements).map(([dst, src, n]) => pwl(dst, src + 64, n)),
  fc.tuple(at, at, elements).map(([dst, src, n]) => fetch(dst + 64, src, n)),
  fc.tuple(at, at, elements).map(([dst, src, n]) => store(dst, src, n)),
  fc.tuple(at, elements, elements, kept).map(([acc, m, k, keep]) => matmul(acc, m, k, keep)),
  fc.tuple(at, at, elements).map(([dst, acc, m]) => requant(dst + 64, acc, m)),
  fc.tuple(at, at, elements).map(([dst, acc, m]) => chain(dst + 64, acc, m)),
);

const oneTo = (max: number) => fc.integer({ min: 1, max });
const anyCore = fc
  .record({
    ...{
      "mac.rows": oneTo(4),
      "mac.columns": oneTo(4),
      "mac.dataflow": fc.constantFrom("dot", "weight-stationary"),
    },
    ...{
      "requant.lanes": oneTo(8),
      "requant.latency": oneTo(9),
      "pwl.lanes": oneTo(8),
      "pwl.latency": oneTo(9),
    },
    ...{
      "vector.lanes": oneTo(8),
      "vector.latency": oneTo(9),
      "dram.latency": fc.nat(20),
      "dram.burst": oneTo(8),
    },
    ...{ "activation.bytes": fc.constant(1024), "activation.banks": fc.constantFrom(1, 4, 16) },
    ...{ "activation.readPorts": oneTo(3), "activation.writePorts": oneTo(2), "dma.channels": oneTo(3) },
    "queue.depth": oneTo(4),
  })
  .map((changes) => makeArch(changes));

test("and where instructions meet all the time", () => {
  fc.assert(
    fc.property(fc.array(anyLine, { minLength: 1, maxLength: 14 }), anyCore, (lines, arch) => {
      const program = parseProgram(lines.join("\n"), "dense");
      expect(sequenced(program, arch)).toEqual(clocked(program, arch));
    }),
    { numRuns: 1000, seed: 5 },
  );
});

test("a chain leaves both of its queues at once, and neither before what is ahead of it there", () => {
  const { times, turns } = bench([fill(0, 12), pwl(256, 0, 1), chain(512, 0, 4)]);
  expect(times.map(([, startAt]) => startAt)).toEqual([1, 8, 9]);
  expect(turns[2]).toBe("requant 9-10, pwl 14-15");
});
