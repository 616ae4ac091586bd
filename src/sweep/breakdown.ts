import { STALL_CAUSES } from "../machine/clock.ts";
import type { EnergyPj } from "../machine/energy.ts";
import type { UnitStats } from "../machine/timing.ts";
import type { Column } from "../report/column.ts";
import type { Row } from "./run.ts";

/** What of `docs/energy.md` each part of the energy is. */
const ENERGY_PARTS: Readonly<Record<Exclude<keyof EnergyPj, "total">, string>> = {
  mac: "multiplications in the array",
  accumulator: "additions into the accumulators",
  requant: "elements through the requantizer",
  pwl: "lookups of the PWL unit",
  vector: "elements of the vector unit",
  weight: "bytes of weight SRAM",
  activation: "bytes of activation SRAM",
  table: "bytes of table memory",
  dram: "bytes of the DRAM",
  idle: "cycles of the whole core",
};

/** How the array spends the cycles: with the parts of all of them. */
const ARRAY_PARTS: readonly (readonly [name: string, doc: string, of: (array: UnitStats) => number])[] = [
  ["busy", "the array multiplies", ({ busyCycles }) => busyCycles],
  ...STALL_CAUSES.map(
    (cause) =>
      [
        `${cause}_wait`,
        `the array has work and waits, cause: ${cause}`,
        ({ stalledCycles }: UnitStats) => stalledCycles[cause],
      ] as const,
  ),
  ["idle", "the array has no work", ({ idleCycles }) => idleCycles],
];

const MEAN = "mean over the {many}, without the load";

/** Where energy and cycles go: the parts of two figures, which add up to them but for the last decimal. */
export const BREAKDOWN: readonly Column<Row>[] = [
  ...Object.entries(ENERGY_PARTS).map(
    ([part, doc]): Column<Row> => ({
      name: `${part}_energy_uj_per_{one}`,
      unit: "uJ",
      show: "csv",
      doc: `energy of ${doc}, ${MEAN}`,
      partOf: "energy_uj_per_{one}",
      of: ({ cost, facts }) => (cost.warm.energyPj[part as keyof EnergyPj] / 1e6 / facts.count).toFixed(4),
    }),
  ),
  ...ARRAY_PARTS.map(
    ([part, doc, cyclesOf]): Column<Row> => ({
      name: `array_${part}_cycles_per_{one}`,
      unit: "cycle",
      show: "csv",
      doc: `${doc}, ${MEAN}`,
      partOf: "cycles_per_{one}",
      of: ({ cost, facts }) => (cyclesOf(cost.warm.units.mac) / facts.count).toFixed(1),
    }),
  ),
];
