import { describe, expect, test } from "vitest";
import { mappingText } from "../../src/cli/mapping.ts";
import { time } from "../../src/machine/timing.ts";
import type { Job } from "../../src/model/job.ts";
import type { Mapper } from "../../src/sweep/mapped.ts";
import { runPoint } from "../../src/sweep/point-report.ts";
import { runSweep } from "../../src/sweep/run.ts";
import { subjectOf } from "../../src/sweep/subject.ts";
import { experimentOf, refusalOf } from "../sweep/lab.ts";

/** A machine on which everything stays and hoisting pays, and one on which most weights stream. */
const POINTS = ["- arch: edge16x16", "- { arch: dot16x16, set: { weight.bytes: 65536, acc.entries: 512 } }"];

describe("a job under either mapper", () => {
  const rowsUnder = async (mapper: Mapper) =>
    (await runSweep(experimentOf(POINTS, { mapper }), { workers: 0 })).rows;

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
    expect(experimentOf(POINTS).points[0]!.mapper).toBe("fixed");
    expect(experimentOf(POINTS, { mapper: "search" }).points[0]!.mapper).toBe("search");
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

test("rows of a matrix that does not fit whole stay where there is room, and save their bytes at every use", () => {
  const experiment = experimentOf(POINTS, { mapper: "search" });
  const { job, row } = runPoint(experiment, experiment.points[1]!);
  const partly = job.mapping.matrices.filter(({ kept }) => kept !== undefined);
  expect(partly.length).toBeGreaterThan(0);
  for (const { place } of partly) expect(place).toBe("streamed");
  const { arch, recipe, subject } = experiment.points[1]!;
  const { model, params, ranges, samples } = subjectOf(subject);
  const quantized = model.quantize(params, ranges, { recipe, arch: arch.settings });
  const sizes = samples.map((sample) => model.inputOf(quantized, sample).size);
  const whole = job.mapping.matrices.map(({ kept: _, ...matrix }) => matrix);
  const without = model.compile(quantized, arch, sizes, { ...job.mapping, matrices: whole });
  const bytesOf = ({ stages }: Job): number =>
    [...stages.values()]
      .flat()
      .reduce((sum, { program }) => sum + time(program, arch).traffic.dram.readBytes, 0);
  expect(bytesOf(job)).toBeLessThan(bytesOf(without));
  expect(row.cost.residentWeightBytes).toBeGreaterThan(without.residentWeightBytes);
  expect(job.residentWeightBytes).toBeLessThanOrEqual(arch.settings["weight.bytes"]);
});
