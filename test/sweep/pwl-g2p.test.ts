import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { parseCsv } from "../../src/report/csv.ts";
import { loadExperiment } from "../../src/sweep/experiment.ts";

test("experiments/pwl-g2p.csv has the experiment's points, and four pieces beat eight uniform ones", () => {
  const { header, rows } = parseCsv(readFileSync("experiments/pwl-g2p.csv", "utf8"), "pwl-g2p.csv");
  const column = (name: string) => rows.map((row) => row[header.indexOf(name)]!);
  const changes = column("changes");
  expect(changes).toEqual(loadExperiment("experiments/pwl-g2p.yaml").points.map((point) => point.changes));
  const per = column("per_pct").map(Number);
  const most = per[changes.indexOf("pwl_pieces=8 pwl_method=uniform")]!;
  for (const [i, one] of changes.entries()) {
    if (one.startsWith("pwl_pieces=4") && !one.includes("uniform"))
      expect(per[i], one).toBeLessThanOrEqual(most);
  }
});
