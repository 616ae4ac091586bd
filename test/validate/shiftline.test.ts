import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import seedrandom from "seedrandom";
import { afterAll, expect, test } from "vitest";
import { makeArch } from "../../src/arch/spec.ts";
import { VectorFolder } from "../../src/cli/vector-folder.ts";
import { ops } from "../../src/isa/table.ts";
import { Machine } from "../../src/machine/machine.ts";
import { recorder } from "../../src/machine/record.ts";
import { shiftline } from "../../src/validate/references/shiftline.ts";
import { runSuite } from "../../src/validate/run.ts";
import { LEAST_MEMORIES, randomSample, scramble } from "../support/programs.ts";

const home = mkdtempSync(join(tmpdir(), "shiftline-vectors-"));
afterAll(() => rmSync(home, { recursive: true }));

test("what random programs were seen to do is what they do again, whatever the operation", () => {
  const arch = makeArch(
    {
      ...{ ...LEAST_MEMORIES, "acc.entries": 128, "pwl.maxPieces": 16 },
      ...{ "pwl.slopeBits": 16, "pwl.offsetFraction": 16, "pwl.symmetry": "point" },
    },
    "small",
  );
  const rng = seedrandom("vectors");
  const folder = new VectorFolder(join(home, "all"));
  const seen = new Set<string>();
  // As many as it takes to see every operation.
  for (let i = 0; i < 60 && seen.size < ops.length; i++) {
    const { program, image, dataBytes } = randomSample(rng, arch, 40);
    const machine = Machine.of(arch, { image, programs: [program], lanes: 1, dataBytes, filled: true });
    scramble(machine, rng);
    let number = 0;
    machine.run(
      program,
      recorder(machine.state, image, (recording) => {
        seen.add(recording.issued.op.name);
        folder.add(`${i}/${number++}`, recording);
      }),
    );
  }
  folder.finish({ arch: arch.settings }, "");
  const suites = shiftline.suites(join(home, "all", "shiftline"));
  expect(suites.map(({ name }) => name.replace("shiftline/", "")).sort()).toEqual(
    ops.map(({ name }) => name).sort(),
  );
  for (const suite of suites) {
    const report = runSuite(suite);
    expect(report).toMatchObject({ failed: 0, skipped: 0, failures: [] });
    expect(report.passed).toBeGreaterThan(0);
  }
});
