// How much a sweep of 100 numerics x 100 machines costs, against what its two halves cost by themselves:
//   node test/soak/factored.mjs [WORDS] [WORKERS]
// CPU seconds of a process and of its threads, which a busy machine disturbs least; the three run one after another, each with a
// cache of its own. Needs `npm run build`.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const [words = "100", workers = "1"] = process.argv.slice(2);

/** Numerics that agree in every width, so that all 100 have the same programs. */
const NUMERICS = `
      gate_method: [slope, gap, uniform, optimal-max, optimal-rms]
      candidate_method: [slope, gap, uniform, optimal-max, optimal-rms]
      rsqrt_method: [slope, gap, uniform, optimal-max]`;
const MACHINES = `
      dram.latency: { from: 20, to: 200, step: 20 }
      dram.bytesPerCycle: { from: 1, to: 10 }`;

const experiment = (axes) => `question: How much does a join cost?
model: g2p
words: { split: test, count: ${words} }
arch: edge16x16
points:
  - axes:${axes}
`;

const folder = mkdtempSync(join(tmpdir(), "shiftline-factored-"));

/** CPU seconds of a sweep, as the shell counts them. */
function cost(name, axes) {
  const path = join(folder, `${name}.yaml`);
  writeFileSync(path, experiment(axes));
  const line = [process.execPath, "dist/cli/bin.js", "sweep", path, "--cache", join(folder, name)];
  line.push("--workers", workers, "--out", join(folder, `${name}.csv`));
  const script = `${line.map((word) => `'${word}'`).join(" ")} > '${folder}/out' 2> '${folder}/err' || exit 1; times`;
  const started = performance.now();
  const { status, stdout } = spawnSync("bash", ["-c", script], { encoding: "utf8" });
  const wall = (performance.now() - started) / 1000;
  if (status !== 0) throw new Error(readFileSync(join(folder, "err"), "utf8"));
  const [user, system] = stdout.trim().split("\n").at(-1).split(" ").map(seconds);
  const plan = /^\d+ points, .*$/m.exec(readFileSync(join(folder, "err"), "utf8"))[0];
  console.log(`${name.padEnd(9)} ${(user + system).toFixed(1)} s of CPU, ${wall.toFixed(1)} s: ${plan}`);
  return user + system;
}

const seconds = (text) => {
  const [, minutes, rest] = /^(\d+)m([\d.]+)s$/.exec(text);
  return 60 * Number(minutes) + Number(rest);
};

try {
  const numerics = cost("numerics", NUMERICS);
  const machines = cost("machines", MACHINES);
  const both = cost("both", NUMERICS + MACHINES);
  // What is known already is only joined.
  const again = cost("both", NUMERICS + MACHINES);
  const ratio = both / (numerics + machines);
  console.log(`both / (numerics + machines) = ${ratio.toFixed(2)}; the join alone ${again.toFixed(1)} s`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
