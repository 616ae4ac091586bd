import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { FIELDS } from "../../src/arch/fields.ts";
import { makeArch } from "../../src/arch/spec.ts";
import { parseProgram } from "../../src/isa/asm.ts";
import { time, total } from "../../src/machine/timing.ts";
import { bench, chain, fetch, fill, matmul, pwl, requant, rescale, store } from "./bench.ts";

/** An array of one fold for 4 x 4 weights, and no time lost before it. */
const SMALL_ARRAY = { "mac.rows": 4, "mac.columns": 4, "mac.dataflow": "dot" };
const ONE_PORT = { "activation.readPorts": 1, "activation.writePorts": 1 };

const startOf = (lines: readonly string[], changes = {}): number => bench(lines, changes).times.at(-1)![1];
const beatsOf = (line: string, changes = {}): number => {
  const [, startAt, endAt] = bench([line], changes).times[0]!;
  return endAt - startAt;
};

/** What docs/machine.md says is not modelled, by its row: each holds today, and fails when somebody models it. */
const GAPS: Readonly<Record<string, () => void>> = {
  "fetching instructions"() {
    const long = [chain(0, 0, 4), matmul(64, 4, 4), fill(512, 4), fetch(768, 0, 4)];
    expect(bench(long).times.map(([issueAt]) => issueAt)).toEqual([0, 1, 2, 3]);
    const looped = ["loop count=3 by=64", "fill dst=0+i0 n=12 bits=8 value=0", "end"];
    expect(bench(looped).times.map(([issueAt]) => issueAt)).toEqual([0, 1, 2]);
  },
  "beats in which a unit does not touch a bank"() {
    // The array reads four bytes of a bank once, and works for as long as its weights take.
    const changes = { ...SMALL_ARRAY, ...ONE_PORT, "weight.bytesPerCycle": 1 };
    expect(startOf([matmul(0, 16, 4), pwl(0, 800, 4)], changes)).toBe(
      bench([matmul(0, 16, 4)], changes).times[0]![2],
    );
  },
  "lending a port that is promised"() {
    expect(startOf([fetch(0, 0, 16), fill(64, 4)], { "activation.writePorts": 1 })).toBe(62);
  },
  "results one by one"() {
    expect(startOf([fill(0, 400), pwl(512, 0, 1)])).toBe(1 + 100 + 4);
  },
  "operands given back one by one"() {
    expect(startOf([rescale(512, 0, 400), requant(0, 0, 1)])).toBe(1 + 100);
    expect(startOf([chain(0, 0, 12), matmul(0, 4, 4)], SMALL_ARRAY)).toBe(9);
  },
  "one operand in several banks at once"() {
    const narrow = { "activation.bytesPerCycle": 16, "vector.lanes": 256 };
    expect(beatsOf(rescale(512, 0, 512), { ...narrow, "activation.banks": 4 })).toBe(32);
    expect(beatsOf(rescale(512, 0, 512), { ...narrow, "activation.banks": 1 })).toBe(32);
  },
  "words of the memories"() {
    const narrow = { "activation.bytesPerCycle": 16, "vector.lanes": 256 };
    expect(beatsOf(rescale(512, 15, 16), narrow)).toBe(beatsOf(rescale(512, 0, 16), narrow));
  },
  "ports that are separate"() {
    const lines = ["load.weight dst=0 src=0 bytes=64", "load.table dst=512 src=0 bytes=64"];
    const alone = startOf([matmul(0, 4, 4)], SMALL_ARRAY) + lines.length;
    expect(
      startOf([...lines.map((line) => line.replace("dst=0", "dst=64")), matmul(0, 4, 4)], SMALL_ARRAY),
    ).toBe(alone);
    expect(startOf([matmul(0, 4, 40), requant(0, 64, 4)], SMALL_ARRAY)).toBe(2);
  },
  "reading biases, scales and curves"() {
    const curve = (pieces: number) => pwl(0, 64, 4).replace("pieces=4", `pieces=${pieces}`);
    expect(beatsOf(curve(64))).toBe(beatsOf(curve(1)));
    const scales = (perChannel: number) =>
      requant(0, 0, 64).replace("perChannel=0", `perChannel=${perChannel}`);
    expect(beatsOf(scales(1))).toBe(beatsOf(scales(0)));
  },
  "DRAM rows, refresh and turnaround, without dram.pages"() {
    expect(
      bench([store(0, 512, 64), fetch(0, 4096, 64), store(8192, 600, 64)], { "dma.channels": 3 }).turns,
    ).toEqual(["dma 61-65", "dma 65-69", "dma 69-73"]);
  },
  "the index of a gather"() {
    const gather = "gather dst=0 src=0 index=512 rows=4 n=64 bits=8";
    expect(bench([gather]).times).toEqual(bench([fetch(0, 0, 64)]).times);
  },
  zeros() {
    for (const kind of FIELDS["mac.zeroSkip"].choices)
      expect(bench([matmul(0, 16, 40)], { "mac.zeroSkip": kind }).times).toEqual(
        bench([matmul(0, 16, 40)]).times,
      );
  },
  "the tree of a reduction"() {
    const sum = "sum dst=512 a=0 groups=1 n=64 aBits=8 bits=32 aZero=0";
    expect(bench([sum]).times).toEqual(bench([rescale(512, 0, 64)]).times);
  },
  "programs side by side, and the host between them"() {
    const timing = time(parseProgram([fetch(0, 0, 64), pwl(128, 0, 4)].join("\n"), "one"), makeArch());
    expect(total([{ timing, times: 3 }]).cycles).toBe(3 * timing.cycles);
  },
  "timing closure"() {
    const lines = [fetch(0, 0, 64), matmul(0, 4, 4), requant(0, 0, 4)];
    expect(bench(lines, { "clock.mhz": 1 }).times).toEqual(bench(lines, { "clock.mhz": 10_000 }).times);
  },
};

test.each(Object.entries(GAPS))("%s", (_, holds) => holds());

test("docs/machine.md has a row for each of them", () => {
  const section = readFileSync("docs/machine.md", "utf8").split(
    "| not modelled | so that |\n| --- | --- |\n",
  )[1]!;
  const rows = [...section.matchAll(/^\| (.*?) \|/gm)].map(([, name]) => name!.replaceAll("`", ""));
  expect(rows).toEqual(Object.keys(GAPS));
});
