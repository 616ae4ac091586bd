// Kills a sweep at random instants, resumes it, and compares the bytes of its CSV with an undisturbed run's. Outside CI:
//
//   node test/soak/kill-sweep.mjs [kills=20] [seconds=360] [seed=1]
//
// Every round begins with an empty cache, is killed with SIGKILL once or several times, and then left to finish. It stops after so
// many kills or seconds, and exits 1 where a byte differs, or where anything but the kill was said to be wrong.
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import seedrandom from "seedrandom";

const [most = 20, seconds = 360, seed = 1] = process.argv.slice(2).map(Number);
const BIN = join(import.meta.dirname, "..", "..", "dist", "cli", "bin.js");
const here = mkdtempSync(join(tmpdir(), "kill-sweep-"));
const experiment = join(here, "soak.yaml");
writeFileSync(
  experiment,
  `question: Does a killed sweep end as any other?
model: g2p
words: { split: test, count: 8 }
calibration: { words: 8 }
arch: edge16x16
points:
  - axes: { weight_bits: [8, 4], arch: [edge16x16, dot16x16, edge8x8], norm_inverse: [rsqrt, division] }
`,
);

/** Runs the sweep, and kills it after so many milliseconds, if it has not ended by then. */
function sweep(name, words, after) {
  const csv = join(here, `${name}.csv`);
  const argv = [BIN, "sweep", experiment, "--cache", join(here, name), "--no-store", "--out", csv, ...words];
  return new Promise((done) => {
    const child = spawn(process.execPath, argv, { stdio: ["ignore", "ignore", "pipe"] });
    let err = "";
    child.stderr.on("data", (text) => {
      err += text;
    });
    const timer = after === undefined ? undefined : setTimeout(() => child.kill("SIGKILL"), after);
    child.on("close", (status, signal) => {
      clearTimeout(timer);
      done({ status, isKilled: signal === "SIGKILL", err, csv });
    });
  });
}

const begun = Date.now();
const whole = await sweep("whole", []);
const took = Date.now() - begun;
const bytes = readFileSync(whole.csv);
const random = seedrandom(`kill-sweep ${seed}`);
let kills = 0;
let rounds = 0;
let faults = 0;
while (kills < most && Date.now() - begun < seconds * 1000) {
  const name = `round${++rounds}`;
  let words = [];
  for (let left = 1 + Math.floor(3 * random()); left > 0; left--) {
    const run = await sweep(name, words, random() * took);
    words = ["--resume"];
    if (!run.isKilled) break;
    kills++;
  }
  const { status, err, csv } = await sweep(name, words);
  const isSame = status === 0 && bytes.equals(readFileSync(csv));
  if (!isSame || err.includes("shiftline:")) {
    faults++;
    console.error(
      `round ${rounds}, seed ${seed}: status ${status}, ${isSame ? "the same bytes" : "other bytes"}\n${err}`,
    );
  }
  rmSync(join(here, name), { recursive: true, force: true });
}
rmSync(here, { recursive: true });
console.log(
  `${kills} kills in ${rounds} rounds, ${faults} of which did not end as an undisturbed sweep; one takes ${took} ms`,
);
process.exitCode = faults === 0 ? 0 : 1;
