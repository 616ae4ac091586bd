import type { Settings } from "../arch/fields.ts";
import { floorDiv } from "../fixed/round.ts";
import { type Banks, banksOn } from "./banks.ts";
import { isPlannedLoop, type Planned, type PlannedLoop } from "./demand.ts";
import { stripeBytes } from "./dram.ts";
import { isDram, type Region, type Turns } from "./region.ts";

/** A region as a loop's turns see it. */
interface Seen {
  readonly region: Region;
  readonly isWrite: boolean;
  /** How far each turn moves it. */
  readonly stride: number;
  /** Every byte that it may be at in the first turn, whatever turn an inner loop is in. */
  readonly from: number;
  readonly to: number;
  /** Whether an inner loop moves it in there. */
  readonly isSpread: boolean;
  /** How far each turn of an outer loop moves it. */
  readonly carried: number;
}

type Pair = readonly [one: Seen, other: Seen];

/**
 * In which turns of a loop the same instructions meet.
 *
 * Regions that move alike meet in all turns as in one. Of the others this tells how long they stay on the sides of each
 * other where they are, how long those in banks stay in theirs, and how long those in the DRAM are in no common row.
 */
export class Pattern {
  readonly #loop: PlannedLoop;
  readonly #banks: Banks;
  readonly #crossing: readonly Seen[];
  readonly #meeting: readonly Pair[];
  /** Pairs that may be in one row of the DRAM, as far as this matters. */
  readonly #sharing: readonly Pair[] = [];
  readonly #rowBytes: number;
  /** The turns after which the DRAM's regions are by whole rows of all banks from where they were; 1 where that does not matter. */
  readonly rowTurns: number;

  constructor(loop: PlannedLoop, outerTurns: number, arch: Settings) {
    this.#loop = loop;
    const seen = seenBy(loop);
    this.#banks = banksOn(arch);
    this.#crossing = seen.filter(
      ({ region, stride }) => stride !== 0 && this.#banks.bankBytes(region.space) !== undefined,
    );
    const hulls = new Map(seen.map((one) => [one, hullOf(one, loop.count, outerTurns)]));
    const near = (one: Seen, other: Seen, within: number): boolean => {
      const [a, b] = [hulls.get(one)!, hulls.get(other)!];
      return a.from < b.to + within && b.from < a.to + within;
    };
    this.#meeting = pairsOf(seen, (one, other) => (one.isWrite || other.isWrite) && near(one, other, 0));
    this.#rowBytes = arch["dram.rowBytes"];
    this.rowTurns = 1;
    if (arch["dram.pages"] === "no") return;
    const known = seen.filter(({ region }) => isDram(region) && !region.isPicked);
    this.#sharing = pairsOf(known, (one, other) => near(one, other, this.#rowBytes));
    for (const { stride } of known)
      if (stride !== 0) this.rowTurns = leastCommon(this.rowTurns, turnsToRepeat(stride, stripeBytes(arch)));
  }

  /**
   * The last turn up to which all instructions meet as they do in turn `turn`, those of that turn and those of up to
   * `ages` turns before; less than `turn` where nothing is known.
   */
  lastLike(turn: number, ages: number, turns: Turns): number {
    let last = this.#loop.count - 1;
    for (const one of this.#crossing) last = Math.min(last, turn + this.#inBanks(one, turn, turns));
    const keep = (one: Seen, other: Seen, place: typeof placed) => {
      for (let age = 0; age <= ages && last >= turn; age++) {
        last = Math.min(last, turn + apart(place(one, turn, turns), placed(other, turn - age, turns)));
        last = Math.min(last, turn + apart(place(one, turn - age, turns), placed(other, turn, turns)));
      }
    };
    for (const [one, other] of this.#meeting) keep(one, other, placed);
    const inRows = (...of: Parameters<typeof placed>) => widened(placed(...of), this.#rowBytes);
    for (const [one, other] of this.#sharing) keep(one, other, inRows);
    return last;
  }

  /** How many more turns a region stays in the banks where it is. */
  #inBanks(one: Seen, turn: number, turns: Turns): number {
    const { from, to, stride } = placed(one, turn, turns);
    const bytes = this.#banks.bankBytes(one.region.space)!;
    const into = (address: number) => address - bytes * floorDiv(address, bytes);
    if (stride > 0) return floorDiv(bytes - 1 - Math.max(into(from), into(to - 1)), stride);
    return floorDiv(Math.min(into(from), into(to - 1)), -stride);
  }
}

interface Place extends Pick<Seen, "from" | "to" | "stride" | "isSpread"> {}

function placed({ from, to, stride, isSpread, carried }: Seen, turn: number, turns: Turns): Place {
  const moved = stride * turn + carried * turns[0]!;
  return { from: from + moved, to: to + moved, stride, isSpread };
}

/** A place with all rows that reach into it; within them nothing is known. */
const widened = ({ from, to, stride }: Place, by: number): Place => ({
  from: from - by,
  to: to + by,
  stride,
  isSpread: true,
});

/** What the loop's turns move differently, in one memory, and is wanted. */
function pairsOf(seen: readonly Seen[], isWanted: (one: Seen, other: Seen) => boolean): Pair[] {
  const pairs: Pair[] = [];
  for (const one of seen) {
    if (one.stride === 0) continue;
    for (const other of seen) {
      if (one.region.space !== other.region.space || one.stride === other.stride) continue;
      if (isWanted(one, other)) pairs.push([one, other]);
    }
  }
  return pairs;
}

/** The fewest turns by `stride` that come to a multiple of `bytes`. */
const turnsToRepeat = (stride: number, bytes: number): number =>
  bytes / commonDivisor(bytes, Math.abs(stride));

const leastCommon = (a: number, b: number): number => (a / commonDivisor(a, b)) * b;

const commonDivisor = (a: number, b: number): number => (b === 0 ? a : commonDivisor(b, a % b));

/** How many more turns two places that move differently stay on their sides of each other; -1 where that is not known. */
function apart(one: Place, other: Place): number {
  const closing = one.stride - other.stride;
  const room = (bytes: number, speed: number) =>
    speed > 0 ? floorDiv(bytes, speed) : Number.POSITIVE_INFINITY;
  if (one.to <= other.from) return room(other.from - one.to, closing);
  if (other.to <= one.from) return room(one.from - other.to, -closing);
  if (one.isSpread || other.isSpread) return -1;
  return Math.min(room(other.to - one.from - 1, closing), room(one.to - other.from - 1, -closing));
}

function seenBy(loop: PlannedLoop): Seen[] {
  const seen: Seen[] = [];
  const see = (body: readonly Planned[], innerCount: number): void => {
    for (const item of body) {
      if (isPlannedLoop(item)) {
        see(item.body, item.count);
        continue;
      }
      for (const region of item.reads) seen.push(seenAs(region, false, loop.level, innerCount));
      for (const region of item.writes) seen.push(seenAs(region, true, loop.level, innerCount));
    }
  };
  see(loop.body, 1);
  return seen;
}

function seenAs(region: Region, isWrite: boolean, level: number, innerCount: number): Seen {
  const { stride, from, to } = region;
  const isSpread = stride !== 0 && region.level > level;
  const spread = isSpread ? stride * (innerCount - 1) : 0;
  return {
    region,
    isWrite,
    stride: region.level === level ? stride : 0,
    from: from + Math.min(0, spread),
    to: to + Math.max(0, spread),
    isSpread,
    carried: region.level < level ? stride : 0,
  };
}

/** Every byte that a region may be at in all turns of the loop and of the one around it. */
function hullOf({ from, to, stride, carried }: Seen, count: number, outerTurns: number) {
  const [own, other] = [stride * (count - 1), carried * (outerTurns - 1)];
  return {
    from: from + Math.min(0, own) + Math.min(0, other),
    to: to + Math.max(0, own) + Math.max(0, other),
  };
}
