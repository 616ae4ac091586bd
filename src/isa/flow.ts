import type { Settings } from "../arch/fields.ts";
import type { Space, Span } from "./define.ts";
import { type Extent, Footprints } from "./footprint.ts";
import type { Program } from "./program.ts";
import {
  addressAt,
  eachSite,
  isSiteLoop,
  operandsAt,
  type Placement,
  type Site,
  type SiteLoop,
  sitesOf,
} from "./sites.ts";
import { Stretches } from "./stretches.ts";
import type { Stretch } from "./walk.ts";

/** Memories that hold nothing before a program has written it. The image and the data region are the host's. */
const OWN = ["weight", "activation", "table", "acc"] as const;
type Own = (typeof OWN)[number];
type Memories = Readonly<Record<Own, Stretches<number>>>;

/** Steps in which instructions are followed one by one in turns of loops after the first; what needs more of them is refused. */
export const MOST_FOLLOWED = 2 ** 20;

/** The width of what is not codes, or was written by somebody else. */
const ANY = 0;

const isOwn = (space: Space): space is Own => space !== "dram" && space !== "data";

const memories = (): Memories => ({
  weight: new Stretches(),
  activation: new Stretches(),
  table: new Stretches(),
  acc: new Stretches(),
});

/** What programs may write of a machine's own memories: what another one may find there. */
export class Written {
  readonly memories = memories();

  constructor(programs: readonly Program[], arch: Settings) {
    const footprints = new Footprints(arch);
    for (const { items } of programs) {
      eachSite(sitesOf(items), (site) => {
        for (const write of footprints.of(site).writes) {
          const { space } = write.span;
          if (isOwn(space)) noteTurns(this.memories[space], site, write, 0, ANY);
        }
      });
    }
  }

  /**
   * Of each program what all others write, as if these were asked for each program anew.
   * @param programs  each once
   */
  static byOthers(programs: readonly Program[], arch: Settings): Written[] {
    const own = programs.map((program) => new Written([program], arch));
    const before = own.map(() => new Written([], arch));
    for (let i = 1; i < own.length; i++) before[i]!.#add(before[i - 1]!).#add(own[i - 1]!);
    const behind = new Written([], arch);
    for (let i = own.length - 1; i >= 0; i--) {
      before[i]!.#add(behind);
      behind.#add(own[i]!);
    }
    return before;
  }

  #add({ memories }: Written): this {
    for (const space of OWN)
      for (const { from, to } of memories[space].all) this.memories[space].note(from, to, ANY);
    return this;
  }
}

/** Where what a program touches of a memory ends, and whose operand is the last there. */
interface End {
  readonly end: number;
  /** `matmul of encoder.x`. */
  readonly of: string;
  /** The operand's bytes (or accumulators). */
  readonly size: number;
}

/** Where what a program touches of each memory ends: the fewest bytes (or accumulators) that it can be run with. */
export function endsOf({ items }: Program, arch: Settings): ReadonlyMap<Space, End> {
  const footprints = new Footprints(arch);
  const ends = new Map<Space, End>();
  eachSite(sitesOf(items), (site) => {
    const { op, x, layer } = site.instruction;
    for (const { span, field, size } of footprints.of(site).spans) {
      const move = site.moves.find((one) => one.field === field);
      const reach = move === undefined ? 0 : Math.max(0, move.stride * (site.counts[move.level]! - 1));
      const end = x[field]! + span.from + reach + size;
      if (end <= (ends.get(span.space)?.end ?? 0)) continue;
      ends.set(span.space, { end, of: layer === undefined ? op.name : `${op.name} of ${layer}`, size });
    }
  });
  return ends;
}

/** Notes what a site writes in the turns from `turn` on of the loop that moves it, in those of the loops around it where none does. */
function noteTurns(
  held: Stretches<number>,
  { instruction: { x }, moves, counts }: Site,
  { span, field, stretches }: Extent,
  turn: number,
  value: number,
): void {
  const move = moves.find((one) => one.field === field);
  const { level, stride } = move ?? { level: 0, stride: 0 };
  const turns = move === undefined ? 1 : counts[level]! - turn;
  const end = stride * (turns - 1);
  for (const { at, size } of stretches) {
    const from = x[field]! + span.from + at + stride * turn;
    if (Math.abs(stride) <= size) held.note(from + Math.min(0, end), from + size + Math.max(0, end), value);
    else {
      // Ascending, whichever way they go: what is noted last is then at the end of the list.
      const first = from + Math.min(0, end);
      const step = Math.abs(stride);
      for (let i = 0; i < turns; i++) held.note(first + i * step, first + i * step + size, value);
    }
  }
}

const UNFOLLOWED = "what its loops leave in memory cannot be told at once";

/** A span in a loop, in all turns that are left of it. */
interface Access {
  readonly site: Site;
  readonly placed: Extent;
  readonly space: Own;
  readonly from: number;
  readonly to: number;
  readonly isWrite: boolean;
  /** The level of the loop that moves it, this one or an inner one; -1 where it stays. */
  readonly level: number;
}

/** Takes a broken rule. @returns whether more are wanted */
type Complain = (site: Site, turns: readonly number[], rule: string) => boolean;

/**
 * What a program finds in the machine's own memories, in the order of issue: codes of the width that they are read
 * at, and, where it is known what others have written, nothing that nobody wrote.
 *
 * Loops are not unrolled where that can be helped. Once a turn is over, the next one finds what that one found,
 * but for what moves: so if all that moving operands read in the turns that are left is there, and nothing
 * that moving results overwrite is of another width for somebody else in the loop, no turn can break a rule.
 */
export class Flow {
  readonly #held = memories();
  readonly #footprints: Footprints;
  readonly #isClosed: boolean;
  readonly #complain: Complain;
  /** Sites of which some turns have operands out of their ranges, and whether these are of that kind. */
  readonly #isOutside: (site: Site, x: Readonly<Record<string, number>>) => boolean;
  readonly #mayBeOutside: ReadonlySet<Site>;
  readonly #turns = [0, 0];
  #complaints = 0;
  #followed = 0;
  #isOver = false;

  constructor(
    footprints: Footprints,
    written: Written | undefined,
    complain: Complain,
    mayBeOutside: ReadonlySet<Site>,
    isOutside: (site: Site, x: Readonly<Record<string, number>>) => boolean,
  ) {
    this.#footprints = footprints;
    this.#isClosed = written !== undefined;
    this.#complain = complain;
    this.#mayBeOutside = mayBeOutside;
    this.#isOutside = isOutside;
    if (written === undefined) return;
    for (const space of OWN)
      for (const { from, to } of written.memories[space].all) this.#held[space].note(from, to, ANY);
  }

  walk(placements: readonly Placement[]): void {
    for (const placement of placements) {
      if (this.#isOver) return;
      if (isSiteLoop(placement)) this.#loop(placement);
      else this.#step(placement);
    }
  }

  #step(site: Site): void {
    const turns = this.#turns;
    const isRepeated = turns[0]! > 0 || turns[1]! > 0;
    if (isRepeated && ++this.#followed + this.#held.activation.toll > MOST_FOLLOWED) {
      this.#complain(
        site,
        turns,
        `${UNFOLLOWED}, and turn by turn it takes more than ${MOST_FOLLOWED} steps`,
      );
      this.#isOver = true;
      return;
    }
    if (this.#mayBeOutside.has(site) && this.#isOutside(site, operandsAt(site, turns))) return;
    const { reads, writes, gaps } = this.#footprints.of(site);
    if (isRepeated) this.#followed += gaps;
    for (const { field, span, size, stretches } of reads) {
      if (!this.#isKept(span.space)) continue;
      const from = addressAt(site, field, turns) + span.from;
      for (const rule of this.#faults(span, from, from + size, stretches)) {
        this.#complaints++;
        if (!this.#complain(site, turns, rule)) this.#isOver = true;
      }
    }
    for (const write of writes) this.#write(write, addressAt(site, write.field, turns) + write.span.from);
  }

  /** Whether it matters what lies in a memory. */
  #isKept(space: Space): space is Own {
    return space === "activation" || (this.#isClosed && isOwn(space));
  }

  #write({ span: { space, bits }, stretches }: Extent, from: number): void {
    if (!this.#isKept(space)) return;
    const value = space === "activation" ? bits : ANY;
    for (const { at, size } of stretches) this.#held[space].note(from + at, from + at + size, value);
  }

  /** What is wrong with reading there: all of it, or those stretches from `from` on. */
  #faults(
    { space, bits }: Span,
    from: number,
    to: number,
    stretches: readonly Stretch[] = [{ at: 0, size: to - from }],
  ): string[] {
    if (!this.#isKept(space)) return [];
    const held = this.#held[space];
    let other: number | undefined;
    let gap: number | undefined;
    for (const { at, size } of stretches) {
      const [first, end] = [from + at, from + at + size];
      if (space === "activation") other ??= held.otherThan(bits, ANY, first, end);
      if (this.#isClosed) gap ??= held.gap(first, end);
    }
    const faults: string[] = [];
    if (other !== undefined)
      faults.push(`reads ${bits}-bit codes at activation ${from} that were written with ${other} bits`);
    if (gap !== undefined) faults.push(`reads ${space} ${from} … ${to - 1}, but nothing wrote ${gap}`);
    return faults;
  }

  #loop(loop: SiteLoop): void {
    const { count, level, body } = loop;
    let next = 1;
    for (let turn = 0; turn < count && !this.#isOver; turn++) {
      const before = this.#complaints;
      this.#turns[level] = turn;
      this.walk(body);
      const over = turn + 1;
      if (over < next || count - over < 2 || this.#complaints > before) continue;
      next = 2 * over;
      if (this.#summed(loop, over)) break;
    }
    this.#turns[level] = 0;
  }

  /** Whether the turns of a loop from `turn` on are known to break no rule; if so, their results are noted. */
  #summed(loop: SiteLoop, turn: number): boolean {
    const accesses = this.#accesses(loop, turn);
    if (accesses === undefined || !areApart(accesses)) return false;
    let isFine = true;
    const moved: Access[] = [];
    const walk = (body: readonly Placement[]): void => {
      for (const placement of body) {
        if (isSiteLoop(placement)) {
          // Later turns of an inner loop find what its first one left.
          walk(placement.body);
          if (placement.count > 1) walk(placement.body);
          continue;
        }
        for (const access of accesses.get(placement)!) {
          if (!access.isWrite) isFine &&= this.#isThere(access, moved, loop.level);
          else if (access.level < 0) this.#write(access.placed, access.from);
          else if (access.level === loop.level) moved.push(access);
        }
      }
    };
    walk(loop.body);
    if (!isFine || !moved.every(({ placed }) => isOnePiece(placed))) return false;
    for (const { site, placed, space } of moved) {
      if (!this.#isKept(space)) continue;
      const value = space === "activation" ? placed.span.bits : ANY;
      noteTurns(this.#held[space], site, placed, turn, value);
    }
    return true;
  }

  /** Whether a read may find what it asks for: there before the turn, or written in the turn by what moves along with it. */
  #isThere({ site, placed, from, to, level }: Access, moved: readonly Access[], loopLevel: number): boolean {
    if (this.#faults(placed.span, from, to).length === 0) return true;
    if (level !== loopLevel) return false;
    const bits = placed.span.bits;
    const { space } = placed.span;
    if (space === "activation" && this.#held.activation.otherThan(bits, ANY, from, to) !== undefined)
      return false;
    const place = (one: Site, { field, span }: Extent) => one.instruction.x[field]! + span.from;
    const strideOf = (one: Site, { field }: Extent) => one.moves.find((move) => move.field === field)!.stride;
    const at = place(site, placed);
    return moved.some((write) => {
      if (write.space !== space || strideOf(write.site, write.placed) !== strideOf(site, placed))
        return false;
      const start = place(write.site, write.placed);
      return start <= at && at + placed.size <= start + write.placed.size;
    });
  }

  /** What the sites of a loop touch in the turns from `turn` on, whatever turns inner loops are in; nothing where some of that is out of range. */
  #accesses(loop: SiteLoop, turn: number): ReadonlyMap<Site, readonly Access[]> | undefined {
    const accesses = new Map<Site, readonly Access[]>();
    let isInside = true;
    eachSite(loop.body, (site) => {
      if (this.#mayBeOutside.has(site)) isInside = false;
      else accesses.set(site, this.#accessesOf(site, loop, turn));
    });
    return isInside ? accesses : undefined;
  }

  #accessesOf(site: Site, loop: SiteLoop, turn: number): Access[] {
    const { reads, writes } = this.#footprints.of(site);
    const access = (placed: Extent, isWrite: boolean): Access[] => {
      const { span, field, size } = placed;
      const { space } = span;
      if (!isOwn(space)) return [];
      const move = site.moves.find((one) => one.field === field);
      const { level, stride } = move ?? { level: -1, stride: 0 };
      const first =
        level < 0 ? 0 : level < loop.level ? this.#turns[level]! : level === loop.level ? turn : 0;
      const last = level < loop.level ? first : site.counts[level]! - 1;
      const at = site.instruction.x[field]! + span.from;
      const from = at + Math.min(stride * first, stride * last);
      const to = at + Math.max(stride * first, stride * last) + size;
      return [{ site, placed, space, from, to, isWrite, level: level < loop.level ? -1 : level }];
    };
    return [
      ...reads.flatMap((read) => access(read, false)),
      ...writes.flatMap((write) => access(write, true)),
    ];
  }
}

/** Whether an operand has no gaps. */
const isOnePiece = ({ stretches }: Extent): boolean => stretches.length === 1;

/** Whether no moving result ever lies where codes of another width are read or written. */
function areApart(accesses: ReadonlyMap<Site, readonly Access[]>): boolean {
  const all = [...accesses.values()].flat().filter(({ space }) => space === "activation");
  const moving = all.filter(({ isWrite, level }) => isWrite && level >= 0);
  return moving.every((write) =>
    all.every(
      ({ placed, from, to }) =>
        placed.span.bits === write.placed.span.bits || to <= write.from || from >= write.to,
    ),
  );
}
