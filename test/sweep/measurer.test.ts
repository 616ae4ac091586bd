import { afterAll, beforeEach, expect, test, vi } from "vitest";
import { execute } from "../../src/sweep/execute.ts";
import { priceOnAll } from "../../src/sweep/halves.ts";
import { Measurer, runSweep } from "../../src/sweep/run.ts";
import { experimentOf } from "./lab.ts";

// Everything is done for real; only counted on the way.
vi.mock("../../src/sweep/execute.ts", { spy: true });
vi.mock("../../src/sweep/halves.ts", { spy: true });
beforeEach(() => {
  vi.clearAllMocks();
});

const experiment = experimentOf([
  "- axes: { weight_bits: [8, 4], mac.rows: [8, 16] }",
  "- set: { weight.bytes: 256 }",
]);
const measurer = new Measurer({ workers: 0 });
const some = (...indices: readonly number[]) => ({
  ...experiment,
  points: experiment.points.filter(({ index }) => indices.includes(index)),
});
afterAll(measurer.end);

test("a price takes no execution; what the model cannot be run at has none", async () => {
  const offers = await measurer.price(experiment);
  expect(execute).not.toHaveBeenCalled();
  expect([...offers.keys()]).toEqual(expect.arrayContaining([...experiment.points]));
  const of = (index: number) => offers.get(experiment.points[index - 1]!);
  expect([1, 2, 3, 4, 5].map((index) => of(index) === undefined)).toEqual([false, false, false, false, true]);
  expect(of(1)!.numerics).toBe(of(2)!.numerics);
  expect(of(1)!.numerics).not.toBe(of(3)!.numerics);
  expect(of(1)!.measured).toBeUndefined();
});

test("batches are measured as a whole sweep is, and no model is executed or priced twice", async () => {
  const first = await measurer.measure(some(1, 5));
  expect(execute).toHaveBeenCalledTimes(1);
  const second = await measurer.measure(some(1, 2, 4));
  expect(execute).toHaveBeenCalledTimes(2);
  await measurer.measure(some(1, 2, 3, 4));
  expect(execute).toHaveBeenCalledTimes(2);
  expect(priceOnAll).not.toHaveBeenCalled();
  const all = await runSweep(experiment, { workers: 0 });
  expect(first.refused).toEqual(all.refused);
  expect([...first.rows, ...second.rows]).toEqual([1, 1, 2, 4].map((index) => all.rows[index - 1]));
});

test("a price with what executing gave is the row", async () => {
  const offers = await measurer.price(some(1, 4));
  const { rows } = await measurer.measure(some(1, 4));
  expect([...offers.values()].map((offer) => offer!.rowWith(offer!.measured!))).toEqual(rows);
});
