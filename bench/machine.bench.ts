import { join } from "node:path";
import { type BenchOptions, bench, describe } from "vitest";
import { loadArch } from "../src/arch/spec.ts";
import type { Issued, Program } from "../src/isa/program.ts";
import { Machine } from "../src/machine/machine.ts";
import { time } from "../src/machine/timing.ts";
import { unrolled } from "../src/machine/unrolled.ts";
import { compileG2p } from "../src/model/g2p/lower.ts";
import { quantizeG2p } from "../src/model/g2p/quantize.ts";
import { loadG2p } from "../src/model/g2p/weights.ts";
import { makeRecipe } from "../src/quant/recipe.ts";
import { matmulScratchBytes } from "../src/simd/kernels.ts";
import { loadKernels } from "../src/simd/load.ts";
import { Heap } from "../src/simd/memory.ts";
import { loadExperiment } from "../src/sweep/experiment.ts";
import { runPoint } from "../src/sweep/point-report.ts";
import { subjectOf } from "../src/sweep/subject.ts";

const LANES = 64;
const LENGTH = 8;

const experiment = loadExperiment("experiments/g2p.yaml");
const { subject: spec } = experiment.points[0]!;
const subject = subjectOf(spec);
const arch = loadArch("arch/edge16x16.yaml");
const params = loadG2p(join(spec.folder, subject.model.file));
const model = quantizeG2p(params, subject.ranges, { recipe: makeRecipe(), arch: arch.settings });
const job = compileG2p(model, arch, [LENGTH]);
const [start, step] = job.stages.get(LENGTH)!.map(({ program }) => program) as [Program, Program];
const machine = Machine.of(arch, {
  image: job.image,
  programs: [job.load, start, step],
  lanes: LANES,
  dataBytes: job.dataBytes,
});
// Every memory holds what a word leaves in it, so that no program meets memory that nobody has written.
for (const program of [job.load, start, step]) machine.run(program);

/** Products of weights with vectors: what the array spends its time on. */
const productsOf = (program: Program): Issued[] =>
  unrolled(program).issued.filter(({ op, x }) =>
    op.reads(x, arch.settings).some(({ space }) => space === "weight"),
  );

const macsOf = (issued: readonly Issued[]): number =>
  LANES * issued.reduce((sum, { op, x }) => sum + (op.work(x, arch.settings).macs?.count ?? 0), 0);

/** The same products by the bare kernel, on operands that stay where they are. */
function bare(products: readonly Issued[]): () => void {
  const { memory, kernels } = loadKernels();
  const heap = new Heap(memory);
  const most = (size: (x: Issued["x"]) => number) => Math.max(...products.map(({ x }) => size(x)));
  const w = heap.allocate(most(({ m, k }) => m! * k!));
  const vectors = heap.allocate(LANES * most(({ k, n }) => k! * n!));
  const acc = heap.allocate(4 * LANES * most(({ m, n }) => m! * n!));
  const scratch = heap.allocate(most(({ m, k }) => matmulScratchBytes(k!, LANES, m!)));
  return () => {
    for (const { x } of products) {
      const { m, k, n } = x as Readonly<Record<"m" | "k" | "n", number>>;
      for (let i = 0; i < n; i++) {
        const [from, to] = [vectors + i * k * LANES, acc + 4 * i * m * LANES];
        kernels.matmul(w, 1, k, from, 1, to, 4, m, k, LANES, 0, scratch);
      }
    }
  };
}

/** The best of all runs of a piece of work, in its units a second: the one least disturbed by others on the machine. */
interface Rate {
  best: number;
}

const ONCE = { iterations: 1, time: 0, warmupIterations: 0, warmupTime: 0 };
const LONG = { time: 500 };

/** Benches a piece of work of `units`, and says its rate, and what part it is of another's. */
function rated(
  name: string,
  { units, unit, like, options = LONG }: { units: number; unit: string; like?: Rate; options?: BenchOptions },
  work: () => void,
): Rate {
  const rate: Rate = { best: 0 };
  const timed = () => {
    const before = performance.now();
    work();
    rate.best = Math.max(rate.best, (1000 * units) / (performance.now() - before));
  };
  const tell = (_: unknown, mode: string) => {
    if (mode === "warmup") return;
    const part = like === undefined ? "" : `, ${(rate.best / like.best).toFixed(2)} of the bare kernel's`;
    console.log(`${name}: ${rate.best.toFixed(2)} ${unit}${part}`);
  };
  bench(name, timed, { ...options, teardown: tell });
  return rate;
}

for (const [name, program] of [
  ["decoder step", step],
  ["encoder of eight letters", start],
] as const) {
  describe(`${name}, ${LANES} lanes`, () => {
    const products = productsOf(program);
    const work = { units: macsOf(products) / 1e9, unit: "GMAC/s" };
    const like = rated(`${name}: products in the bare kernel`, work, bare(products));
    rated(`${name}: products in the machine`, { ...work, like }, () => {
      for (const { op, x } of products) op.run(x, machine.state);
    });
    rated(`${name}: all its instructions`, { ...work, like }, () => machine.run(program));
  });
}

describe("timing", () => {
  for (const program of [start, step]) {
    const work = { units: unrolled(program).issued.length / 1e6, unit: "million instructions/s" };
    rated(`timing of ${program.name}`, work, () => void time(program, arch));
  }
});

describe("a whole point", () => {
  const name = `${subject.facts.count} words, from the float reference to the cycles`;
  rated(name, { units: 1, unit: "points/s", options: ONCE }, () => {
    runPoint(experiment, experiment.points[0]!);
  });
});
