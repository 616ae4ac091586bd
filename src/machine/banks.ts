import type { Settings } from "../arch/fields.ts";
import { ceilDiv, floorDiv } from "../fixed/round.ts";
import { SPACES, type Space } from "../isa/define.ts";
import { movedBy, type Region, type Turns } from "./region.ts";
import { Servers } from "./servers.ts";

/** A memory whose ports an instruction may have to wait for. */
interface Banked {
  readonly bytes: number;
  readonly count: number;
  /** Instructions that read one of its banks at once, that write it; none, where those are the same ports. */
  readonly readers: number;
  readonly writers: number | undefined;
}

/** A memory's banks: the number of the first one among those of all memories. */
interface Numbered {
  readonly first: number;
  readonly count: number;
  readonly bankBytes: number;
}

/** The machine's memories by their banks. What is not here has ports enough for all units. */
function bankedOn(arch: Settings): Partial<Record<Space, Banked>> {
  const single = (memory: "weight" | "table" | "acc", size: number) =>
    arch[`${memory}.ports`] === "separate"
      ? {}
      : { [memory]: { bytes: size, count: arch[`${memory}.banks`], readers: 1, writers: undefined } };
  return {
    activation: {
      bytes: arch["activation.bytes"],
      count: arch["activation.banks"],
      readers: arch["activation.readPorts"],
      writers: arch["activation.writePorts"],
    },
    ...single("weight", arch["weight.bytes"]),
    ...single("table", arch["table.bytes"]),
    ...single("acc", arch["acc.entries"]),
  };
}

/**
 * The banks of a machine's memories, numbered through.
 *
 * A memory of B bytes (accumulators: entries) in N banks has bank i in the bytes from i ceil(B / N) on. An instruction has
 * a port of every bank that it reads, and one of every bank that it writes, for all of its beats; where readers and writers
 * share them, one for both. Not modelled: that a unit touches a bank in a few of its beats only.
 */
export class Banks {
  readonly #memories: Record<Space, Numbered | undefined>;
  readonly #banked: readonly Banked[];

  constructor(arch: Settings) {
    const memories = bankedOn(arch);
    let first = 0;
    const numbered = (space: Space): Numbered | undefined => {
      const memory = memories[space];
      if (memory === undefined) return undefined;
      const { bytes, count } = memory;
      first += count;
      return { first: first - count, count, bankBytes: ceilDiv(bytes, count) };
    };
    const entries = SPACES.map((space) => [space, numbered(space)] as const);
    this.#memories = Object.fromEntries(entries) as Record<Space, Numbered | undefined>;
    this.#banked = SPACES.flatMap((space) => memories[space] ?? []);
  }

  /** The ports of every bank, by its number. */
  ports(): { readonly reads: readonly Servers[]; readonly writes: readonly Servers[] } {
    const reads: Servers[] = [];
    const writes: Servers[] = [];
    for (const { count, readers, writers } of this.#banked) {
      for (let i = 0; i < count; i++) {
        const forReads = new Servers(readers);
        reads.push(forReads);
        writes.push(writers === undefined ? forReads : new Servers(writers));
      }
    }
    return { reads, writes };
  }

  /** The banks that the regions touch in these turns, each once. */
  of(regions: readonly Region[], turns: Turns): readonly number[] {
    const banks: number[] = [];
    for (const region of regions) {
      const memory = this.#memories[region.space];
      if (memory === undefined) continue;
      const { first, bankBytes } = memory;
      const moved = movedBy(region, turns);
      const last = first + floorDiv(region.to + moved - 1, bankBytes);
      for (let bank = first + floorDiv(region.from + moved, bankBytes); bank <= last; bank++) {
        if (!banks.includes(bank)) banks.push(bank);
      }
    }
    return banks;
  }

  /** Bytes (or accumulators) of a bank of the memory; undefined where it does not matter in which bank something lies. */
  bankBytes(space: Space): number | undefined {
    const memory = this.#memories[space];
    return memory === undefined || memory.count === 1 ? undefined : memory.bankBytes;
  }

  /** Whether loops move one of the regions to other banks. */
  moves(regions: readonly Region[]): boolean {
    for (const { space, stride } of regions)
      if (stride !== 0 && this.bankBytes(space) !== undefined) return true;
    return false;
  }
}

const known = new WeakMap<Settings, Banks>();

/** The banks of a machine, remembered for as long as it lives. */
export function banksOn(arch: Settings): Banks {
  let banks = known.get(arch);
  if (banks === undefined) {
    banks = new Banks(arch);
    known.set(arch, banks);
  }
  return banks;
}
