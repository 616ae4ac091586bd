import type { Settings } from "../arch/fields.ts";
import { leastCycles } from "../isa/array.ts";
import type { Space, Work } from "../isa/define.ts";
import { cyclesAlone, type Demand, isPlannedLoop, type Planned } from "./demand.ts";
import { Pages } from "./dram.ts";
import type { Actions } from "./energy.ts";
import type { Region } from "./region.ts";
import { type Comb, unionOf } from "./union.ts";

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
  readonly #touched: Record<"dram" | "data", Comb[]> = { dram: [], data: [] };
  readonly #work = {
    macs: 0,
    macBitProducts: 0,
    requants: 0,
    lookups: 0,
    lookupBitProducts: 0,
    elementBits: 0,
    elementSquaredBits: 0,
  };
  #issued = 0;
  #leastMacCycles = 0;
  #serialCycles = 0;
  readonly #pages: Pages | undefined;

  constructor(arch: Settings) {
    this.#arch = arch;
    this.#pages = arch["dram.pages"] === "yes" ? new Pages(arch) : undefined;
  }

  /** Adds all that a plan does. */
  addAll(plan: readonly Planned[], counts: readonly number[] = []): void {
    for (const item of plan) {
      if (isPlannedLoop(item)) this.addAll(item.body, [...counts, item.count]);
      else this.#add(item, counts);
    }
  }

  /** Adds an instruction in loops of these turns. */
  #add(demand: Demand, counts: readonly number[]): void {
    let times = 1;
    for (const count of counts) times *= count;
    this.#issued += times;
    this.#serialCycles += times * (cyclesAlone(demand) + (this.#pages?.longest(demand) ?? 0));
    for (const region of demand.reads) this.#count(region, this.#reads, times, counts);
    for (const region of demand.writes) this.#count(region, this.#writes, times, counts);
    this.#addWork(demand.work, times);
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
      serialCycles: this.#pages?.stretched(this.#serialCycles) ?? this.#serialCycles,
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

  #count(region: Region, bytes: Record<MemoryName, number>, times: number, counts: readonly number[]): void {
    const { space, trafficBytes, from, to, stride, level } = region;
    const memory = MEMORY_OF[space];
    if (memory !== undefined) bytes[memory] += times * trafficBytes;
    if (space === "dram" || space === "data")
      this.#touched[space].push({ from, to, stride, count: stride === 0 ? 1 : counts[level]! });
  }

  #addWork({ macs, requants, lookups, elements }: Work, times: number): void {
    const sum = this.#work;
    if (macs !== undefined) {
      const { count, weightBits, activationBits } = macs;
      sum.macs += times * count;
      sum.macBitProducts += times * count * weightBits * activationBits;
      this.#leastMacCycles +=
        times * leastCycles({ m: count, k: 1, n: 1, weightBits, activationBits }, this.#arch);
    }
    sum.requants += times * (requants ?? 0);
    if (lookups !== undefined) {
      const { count, slopeBits, distanceBits } = lookups;
      sum.lookups += times * count;
      sum.lookupBitProducts += times * count * slopeBits * distanceBits;
    }
    if (elements !== undefined) {
      sum.elementBits += times * elements.count * elements.bits;
      sum.elementSquaredBits += times * elements.count * elements.bits * elements.bits;
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
