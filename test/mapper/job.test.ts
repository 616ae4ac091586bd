import { describe, expect, test } from "vitest";
import { mappingText } from "../../src/cli/mapping.ts";
import type { Mapper } from "../../src/sweep/mapped.ts";
import { runPoint, runSweep } from "../../src/sweep/run.ts";
import { experimentOf, refusalOf } from "../sweep/lab.ts";

/** A machine on which everything stays and hoisting pays, and one on which most weights stream. */
const POINTS = ["- arch: edge16x16", "- { arch: dot16x16, set: { weight.bytes: 65536, acc.entries: 512 } }"];

describe("a job under either mapper", () => {
  const rowsUnder = (mapper: Mapper) => runSweep(experimentOf(POINTS, { mapper }), { workers: 0 });

  test("the search is faster, and changes no result", async () => {
    const [fixed, found] = [await rowsUnder("fixed"), await rowsUnder("search")];
    const speedups = fixed.map(({ accuracy, cost }, i) => {
      expect(found[i]!.accuracy).toEqual(accuracy);
      expect(found[i]!.cost.warm.macs).toBe(cost.warm.macs);
      return cost.warm.cycles / found[i]!.cost.warm.cycles;
    });
    expect(Math.min(...speedups)).toBeGreaterThan(1);
  });

  test("the file says which, the command line says it over the file, and the fixed rule is the default", () => {
    expect(experimentOf(POINTS).mapper).toBe("fixed");
    expect(experimentOf(POINTS, { mapper: "search" }).mapper).toBe("search");
    expect(refusalOf("mapper: best")).toMatch(/mapper: best is not one of fixed, search|"best"/);
  });

  test("the report prints the choice, the same at every run", () => {
    const text = (mapper: Mapper) => {
      const experiment = experimentOf(POINTS, { mapper });
      return mappingText(runPoint(experiment, experiment.points[1]!).job.mapping, "  ");
    };
    const found = text("search");
    expect(text("search")).toBe(found);
    expect(found).toContain("found by a search with the clock as its cost; ");
    expect(found).toMatch(/encoder\.forward\.x +(resident|streamed)/);
    expect(text("fixed")).toContain("by the fixed rule; 2 stream buffers of 8,192 bytes\n");
  });
});
