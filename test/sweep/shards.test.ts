import { expect, test } from "vitest";
import { loadExperiment } from "../../src/sweep/experiment.ts";
import { experimentKey } from "../../src/sweep/shards.ts";
import { write } from "./lab.ts";

const HEAD = "question: Why?\nname: x\nwords: { count: 3 }\ncalibration: { words: 5 }\narch: edge16x16\n";
const keyOf = (text: string): string => experimentKey(loadExperiment(write(HEAD + text)));

test("shards of sweeps that are compared with other baselines are of other sweeps", () => {
  const against = (rows: number, name = "tall") =>
    keyOf(
      `points: [{}]\nbaselines: { ${name}: { set: { mac.rows: ${rows} } } }\nderive: { more: 2 * cycles }\n`,
    );
  expect(against(32)).toBe(against(32));
  expect(against(8)).not.toBe(against(32));
  expect(against(32, "high")).not.toBe(against(32));
});
