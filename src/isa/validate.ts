import type { Settings } from "../arch/fields.ts";
import { maxOf, saturate, signed, unsigned } from "../fixed/format.ts";
import { floorDiv } from "../fixed/round.ts";
import type { Space, Span } from "./define.ts";
import { Flow, Footprints, type Written } from "./flow.ts";
import { type Placed, sizeOf } from "./footprint.ts";
import {
  type Issued,
  type Item,
  isLoop,
  LOOP_DEPTH,
  type Program,
  REGISTERS,
  REGISTERS_PER_LOOP,
  STRIDE_BITS,
  TURN_BITS,
} from "./program.ts";
import {
  eachSite,
  isSiteLoop,
  issuedBy,
  numberOf,
  operandsAt,
  type Placement,
  type Site,
  type SiteLoop,
  sitesOf,
} from "./sites.ts";
import { Stretches } from "./stretches.ts";
import { alignmentOf } from "./tables.ts";

export { endsOf, Written } from "./flow.ts";
export { sizeOf } from "./footprint.ts";

/** Sizes of the memories that are not the machine's own: the model's image and the data region, both in DRAM. */
export interface Extents {
  readonly image: number;
  readonly data: number;
}

/** Broken rules that are told, at most: a loop can break one in every turn. */
const MOST_PROBLEMS = 1000;
/** Instructions as issued of a program that is illegal anyway, beyond which it is not asked what each of them finds in memory. */
const MOST_FOLLOWED = 2 ** 20;

/**
 * Everything that is illegal in a program on this machine: fields out of range, addresses outside a
 * memory or off their alignment, the operations' own rules, and activation codes read at another width than
 * they were written with. Results that overlap operands other than in place are illegal too. One line each, `program: instruction number: operation: rule`,
 * in the order of issue; empty where there is nothing, and a thousand at most.
 * A loop that the sequencer cannot hold is told alone, as no instruction in it has a number.
 *
 * Loops are judged by the extremes of what moves in them, and turn by turn only where that does not decide.
 *
 * @param written  what the program may find in the machine's own memories when it starts: then reading what neither
 *   that holds nor the program wrote before is illegal; anything may be found where it is not given
 */
export function validate(
  program: Program,
  arch: Settings,
  extents: Extents,
  written?: Written,
): readonly string[] {
  const loops = loopFaults(program.items, 0);
  if (loops.length > 0) return loops.map((rule) => `${program.name}: loop: ${rule}`);
  const placements = sitesOf(program.items);
  const footprints = new Footprints(arch);
  const found = new Problems();
  const local = new Local(arch, extents, footprints, found);
  eachSite(placements, (site) => local.judge(site));
  if (found.count === 0 || issuedBy(program.items) <= MOST_FOLLOWED) {
    const followed = new Problems();
    const complain = (site: Site, turns: readonly number[], rule: string) =>
      followed.add(site, turns, [rule]);
    const isOutside = (site: Site, x: Issued["x"]) => rangeFaults({ op: site.instruction.op, x }).length > 0;
    new Flow(footprints, written, complain, local.outside, isOutside).walk(placements);
    found.addAll(followed);
  }
  return found.lines(program.name);
}

/** Broken rules by the number of the instruction as issued. */
class Problems {
  readonly #rules = new Map<number, { readonly name: string; readonly rules: Set<string> }>();
  count = 0;

  /** @returns whether there is room for more */
  add(site: Site, turns: readonly number[], rules: readonly string[]): boolean {
    return this.#add(numberOf(site, turns), site.instruction.op.name, rules);
  }

  addAll(others: Problems): void {
    for (const [number, { name, rules }] of others.#rules) this.#add(number, name, [...rules]);
  }

  lines(program: string): readonly string[] {
    const all = [...this.#rules].sort(([a], [b]) => a - b);
    const lines = all.flatMap(([i, { name, rules }]) =>
      [...rules].map((rule) => `${program}: ${i}: ${name}: ${rule}`),
    );
    return lines.slice(0, MOST_PROBLEMS);
  }

  #add(number: number, name: string, rules: readonly string[]): boolean {
    let held = this.#rules.get(number);
    if (held === undefined) {
      held = { name, rules: new Set() };
      this.#rules.set(number, held);
    }
    for (const rule of rules) held.rules.add(rule);
    this.count += rules.length;
    return this.count < MOST_PROBLEMS;
  }
}

/** Turns of each loop around an instruction, both ends included. */
interface Box {
  readonly first: readonly number[];
  readonly last: readonly number[];
}

/** The rules that an instruction keeps or breaks by itself. */
class Local {
  /** Instructions that have operands out of their ranges in some turns. */
  readonly outside = new Set<Site>();
  readonly #arch: Settings;
  readonly #limits: Readonly<Record<Space, number>>;
  readonly #footprints: Footprints;
  readonly #found: Problems;

  constructor(arch: Settings, extents: Extents, footprints: Footprints, found: Problems) {
    this.#arch = arch;
    this.#footprints = footprints;
    this.#found = found;
    this.#limits = {
      dram: extents.image,
      data: extents.data,
      weight: arch["weight.bytes"],
      activation: arch["activation.bytes"],
      table: arch["table.bytes"],
      acc: arch["acc.entries"],
    };
  }

  judge(site: Site): void {
    const moving = site.counts.map((_, level) => site.moves.some((move) => move.level === level));
    // Of a loop that moves nothing of it, the first turn stands for all.
    const last = site.counts.map((count, level) => (moving[level] ? count - 1 : 0));
    let told = 0;
    const tell = (turns: readonly number[], rules: readonly string[]): void => {
      const all = [...turns];
      const repeat = (level: number): void => {
        if (told >= MOST_PROBLEMS) return;
        if (level === all.length) {
          told += rules.length;
          this.#found.add(site, all, rules);
        } else if (moving[level]) repeat(level + 1);
        else
          for (let turn = 0; turn < site.counts[level]! && told < MOST_PROBLEMS; turn++) {
            all[level] = turn;
            repeat(level + 1);
          }
      };
      repeat(0);
    };
    const search = (box: Box): void => {
      if (told >= MOST_PROBLEMS) return;
      const level = box.first.findIndex((turn, i) => turn < box.last[i]!);
      if (level < 0) {
        const rules = this.#faults(site, box.first);
        if (rules.length > 0) tell(box.first, rules);
        return;
      }
      if (this.#isFine(site, box)) return;
      const middle = floorDiv(box.first[level]! + box.last[level]!, 2);
      search({ first: box.first, last: box.last.with(level, middle) });
      search({ first: box.first.with(level, middle + 1), last: box.last });
    };
    search({ first: site.counts.map(() => 0), last });
  }

  /** What is wrong with an instruction in these turns. */
  #faults(site: Site, turns: readonly number[]): readonly string[] {
    const { op } = site.instruction;
    const x = operandsAt(site, turns);
    const ranges = rangeFaults({ op, x });
    if (ranges.length > 0) {
      this.outside.add(site);
      return ranges;
    }
    const { reads, writes } = this.#footprints.of(site);
    const at = ({ span, field }: Placed): Span => ({ ...span, from: x[field]! + span.from });
    const io = { reads: reads.map(at), writes: writes.map(at) };
    const faults = [...(op.check?.(x, this.#arch) ?? [])];
    for (const span of io.reads) faults.push(...spanFaults(span, this.#limits));
    for (const span of io.writes) faults.push(...spanFaults(span, this.#limits));
    faults.push(...overlapFaults(io.reads, io.writes));
    return faults;
  }

  /** Whether nothing can be wrong in any of these turns, by the extremes of what moves. */
  #isFine(site: Site, { first, last }: Box): boolean {
    const { op } = site.instruction;
    const [start, end] = [operandsAt(site, first), operandsAt(site, last)];
    if (this.#faults(site, first).length > 0 || rangeFaults({ op, x: end }).length > 0) return false;
    const { reads, writes } = this.#footprints.of(site);
    const strideOf = (field: string) => {
      const move = site.moves.find((one) => one.field === field);
      return move === undefined || first[move.level] === last[move.level] ? 0 : move.stride;
    };
    const ranged = ({ span, field }: Placed) => {
      const from = Math.min(start[field]!, end[field]!) + span.from;
      const reach = Math.abs(end[field]! - start[field]!);
      const move = site.moves.find((one) => one.field === field);
      return {
        span,
        field,
        from,
        reach,
        stride: strideOf(field),
        level: move?.level ?? 0,
        to: from + reach + sizeOf(span),
      };
    };
    const [read, written] = [reads.map(ranged), writes.map(ranged)];
    const isInside = [...read, ...written].every(({ span, from, reach, stride }) => {
      const isAligned = span.space === "acc" || stride % alignmentOf(span.bits) === 0;
      return (
        isAligned &&
        [from, from + reach].every((at) => spanFaults({ ...span, from: at }, this.#limits).length === 0)
      );
    });
    const areFine = (one: (typeof read)[number], other: (typeof read)[number]) =>
      one.span.space !== other.span.space ||
      (one.stride === other.stride && (one.stride === 0 || one.level === other.level)) ||
      one.to <= other.from ||
      other.to <= one.from;
    return (
      isInside &&
      written.every(
        (write, i) =>
          read.every((other) => areFine(write, other)) &&
          written.slice(i + 1).every((other) => areFine(write, other)),
      )
    );
  }
}

/**
 * A result may stand where an operand of the same shape did, code for code; any other overlap would overwrite what is
 * still to be read, or one result with another.
 */
function overlapFaults(reads: readonly Span[], writes: readonly Span[]): string[] {
  const meet = (a: Span, b: Span) =>
    a.space === b.space && a.from < b.from + sizeOf(b) && b.from < a.from + sizeOf(a);
  const isInPlace = (a: Span, b: Span) => a.from === b.from && a.bits === b.bits && a.count === b.count;
  return writes.flatMap((write, i) => [
    ...reads
      .filter((read) => meet(write, read) && !isInPlace(write, read))
      .map((read) => `its result at ${write.space} ${write.from} overlaps its operand at ${read.from}`),
    ...writes
      .slice(i + 1)
      .filter((other) => meet(write, other))
      .map((other) => `its results at ${write.space} ${write.from} and ${other.from} overlap`),
  ]);
}

function loopFaults(items: readonly Item[], depth: number): string[] {
  return items.flatMap((item) => {
    if (!isLoop(item)) {
      const beyond = Object.values(item.by).filter((register) => register >= depth * REGISTERS_PER_LOOP);
      return beyond.map((register) => `${item.op.name} uses ${REGISTERS[register]} outside of its loop`);
    }
    if (depth === LOOP_DEPTH) return [`loops nest at most ${LOOP_DEPTH} deep`];
    const { count, strides, body } = item;
    const most = maxOf(unsigned(TURN_BITS));
    const rules: string[] = [];
    if (!Number.isInteger(count) || count < 0 || count > most)
      rules.push(`${count} turns are not an integer in 0 … ${most}`);
    if (body.length > most) rules.push(`a body of ${body.length} is longer than ${most}`);
    if (strides.length > REGISTERS_PER_LOOP)
      rules.push(`${strides.length} strides for ${REGISTERS_PER_LOOP} registers`);
    for (const stride of strides)
      if (!Number.isInteger(stride) || stride !== saturate(stride, signed(STRIDE_BITS)))
        rules.push(`a stride of ${stride} does not fit ${STRIDE_BITS} bits`);
    return [...rules, ...loopFaults(body, depth + 1)];
  });
}

function rangeFaults({ op, x }: Issued): string[] {
  return Object.entries(op.fields).flatMap(([name, f]) => {
    const value = x[name];
    if (value === undefined) return [`${name} is missing`];
    if (!(Number.isInteger(value) && value >= f.min && value <= f.max))
      return [`${name}: ${value} is not an integer in ${f.min} … ${f.max}`];
    const bits = f.codeOf === undefined ? undefined : x[f.codeOf];
    const isCode =
      bits === undefined || !(bits >= 2 && bits <= 48) || value === saturate(value, signed(bits));
    return isCode ? [] : [`${name}: ${value} is no code of ${bits} bits`];
  });
}

function spanFaults(span: Span, limits: Readonly<Record<Space, number>>): string[] {
  const faults: string[] = [];
  const unit = span.space === "acc" ? "accumulators" : "bytes";
  if (span.space !== "acc" && span.from % alignmentOf(span.bits) !== 0) {
    faults.push(
      `${span.space} ${span.from} is not a multiple of ${alignmentOf(span.bits)}, as ${span.bits}-bit codes need`,
    );
  }
  const end = span.from + sizeOf({ ...span, count: span.among ?? span.count });
  if (span.from < 0 || end > limits[span.space]) {
    faults.push(`${span.space} ${span.from} … ${end - 1} is outside its ${limits[span.space]} ${unit}`);
  }
  return faults;
}

/**
 * Whether some accumulator might leave its range: by the widths of the operands, not by their values. Where it
 * cannot, wrapping, saturation and the array's shape play no part in the bits.
 */
export function mayOverflow(program: Program, arch: Settings): boolean {
  const limit = 2 ** (arch["acc.bits"] - 1) - 1;
  const footprints = new Footprints(arch);
  const held = new Stretches<number>();
  const turns = [0, 0];
  const overflows = (placements: readonly Placement[]): boolean =>
    placements.some((placement) => {
      if (!isSiteLoop(placement)) return exceeds(placement);
      const { count, level, body } = placement;
      let before = "";
      for (let turn = 0; turn < count; turn++) {
        turns[level] = turn;
        if (overflows(body)) return true;
        // A turn that leaves what the one before left will do so again, unless its sums move.
        const after = JSON.stringify(held.all);
        if (after === before && !movesSums(placement)) break;
        before = after;
      }
      turns[level] = 0;
      return false;
    });
  const exceeds = (site: Site): boolean => {
    const { op } = site.instruction;
    const sums = op.accumulates?.(site.instruction.x);
    if (sums === undefined) return false;
    const x = operandsAt(site, turns);
    return footprints.of(site).writes.some(({ field, span }) => {
      const from = x[field]! + span.from;
      const to = from + span.count;
      const kept = sums.keep
        ? Math.max(held.gap(from, to) === undefined ? 0 : limit, ...held.values(from, to))
        : 0;
      const most = sums.largest + kept;
      held.note(from, to, most);
      return most > limit;
    });
  };
  return overflows(sitesOf(program.items));
}

/** Whether a loop moves accumulators that are summed into. Those that an inner loop moves are the same in all its turns. */
function movesSums({ body, level }: SiteLoop): boolean {
  let moves = false;
  eachSite(body, ({ instruction: { op }, moves: all }) => {
    if (op.accumulates !== undefined)
      moves ||= all.some((move) => move.level === level && op.fields[move.field]!.space === "acc");
  });
  return moves;
}
