import type { Settings } from "../arch/fields.ts";
import { leastCycles } from "../isa/array.ts";
import type { Space, Work } from "../isa/define.ts";
import { cyclesAlone, type Demand, type Region } from "./demand.ts";
import type { Actions } from "./energy.ts";

/** The memories that traffic is reported for; the DRAM's are the image and the data region. */
export const MEMORIES = ["dram", "weight", "activation", "table"] as const;
export type MemoryName = (typeof MEMORIES)[number];

/** Packed bytes through a memory's ports. */
export interface MemoryTraffic {
  readonly readBytes: number;
  readonly writeBytes: number;
}

/** What a program does, whenever it does it. */
export interface Totals {
  readonly issued: number;
  readonly macs: number;
  readonly leastMacCycles: number;
  readonly serialCycles: number;
  readonly compulsoryDramBytes: number;
  readonly traffic: Readonly<Record<MemoryName, MemoryTraffic>>;
  readonly actions: Omit<Actions, "cycles">;
}

/** Adds up what instructions do. */
export class Tally {
  readonly #arch: Settings;
  readonly #reads = { dram: 0, weight: 0, activation: 0, table: 0 };
  readonly #writes = { dram: 0, weight: 0, activation: 0, table: 0 };
  /** What is touched of the DRAM's two spaces. */
  readonly #touched: Record<"dram" | "data", Region[]> = { dram: [], data: [] };
  readonly #work = {
    macs: 0,
    macBitProducts: 0,
    requants: 0,
    lookups: 0,
    elementBits: 0,
    elementSquaredBits: 0,
  };
  #issued = 0;
  #leastMacCycles = 0;
  #serialCycles = 0;

  constructor(arch: Settings) {
    this.#arch = arch;
  }

  add(demand: Demand): void {
    this.#issued++;
    this.#serialCycles += cyclesAlone(demand);
    for (const region of demand.reads) this.#count(region, this.#reads);
    for (const region of demand.writes) this.#count(region, this.#writes);
    this.#addWork(demand.work);
  }

  totals(): Totals {
    const bytes = (memory: MemoryName) => this.#reads[memory] + this.#writes[memory];
    const traffic = (memory: MemoryName) => ({
      readBytes: this.#reads[memory],
      writeBytes: this.#writes[memory],
    });
    return {
      issued: this.#issued,
      macs: this.#work.macs,
      leastMacCycles: this.#leastMacCycles,
      serialCycles: this.#serialCycles,
      compulsoryDramBytes: unionOf(this.#touched.dram) + unionOf(this.#touched.data),
      traffic: {
        dram: traffic("dram"),
        weight: traffic("weight"),
        activation: traffic("activation"),
        table: traffic("table"),
      },
      actions: {
        ...this.#work,
        weightBytes: bytes("weight"),
        activationBytes: bytes("activation"),
        tableBytes: bytes("table"),
        dramBytes: bytes("dram"),
      },
    };
  }

  #count(region: Region, bytes: Record<MemoryName, number>): void {
    const { space, trafficBytes } = region;
    const memory = MEMORY_OF[space];
    if (memory !== undefined) bytes[memory] += trafficBytes;
    if (space === "dram" || space === "data") this.#touched[space].push(region);
  }

  #addWork({ macs, requants, lookups, elements }: Work): void {
    const sum = this.#work;
    if (macs !== undefined) {
      sum.macs += macs.count;
      sum.macBitProducts += macs.count * macs.weightBits * macs.activationBits;
      const { count, weightBits, activationBits } = macs;
      this.#leastMacCycles += leastCycles({ m: count, k: 1, n: 1, weightBits, activationBits }, this.#arch);
    }
    sum.requants += requants ?? 0;
    sum.lookups += lookups ?? 0;
    if (elements !== undefined) {
      sum.elementBits += elements.count * elements.bits;
      sum.elementSquaredBits += elements.count * elements.bits * elements.bits;
    }
  }
}

const MEMORY_OF: Readonly<Record<Space, MemoryName | undefined>> = {
  dram: "dram",
  data: "dram",
  weight: "weight",
  activation: "activation",
  table: "table",
  acc: undefined,
};

/** Bytes in at least one of the regions. */
function unionOf(regions: Region[]): number {
  let bytes = 0;
  let end = 0;
  for (const { from, to } of regions.sort((a, b) => a.from - b.from)) {
    if (to <= end) continue;
    bytes += to - Math.max(from, end);
    end = to;
  }
  return bytes;
}
