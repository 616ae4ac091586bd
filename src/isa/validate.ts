import type { Settings } from "../arch/fields.ts";
import { maxOf, saturate, signed, unsigned } from "../fixed/format.ts";
import { floorDiv } from "../fixed/round.ts";
import type { Space, Span } from "./define.ts";
import { Flow, MOST_FOLLOWED, type Written } from "./flow.ts";
import { type Extent, Footprints, haveOneShape, type Pair, sizeOf } from "./footprint.ts";
import {
  type Issued,
  type Item,
  isLoop,
  LOOP_DEPTH,
  type Loop,
  type Program,
  REGISTERS,
  REGISTERS_PER_LOOP,
  STRIDE_BITS,
  TURN_BITS,
} from "./program.ts";
import { eachSite, issuedBy, numberOf, operandsAt, type Site, sitesOf } from "./sites.ts";
import { alignmentOf } from "./tables.ts";

export { endsOf, Written } from "./flow.ts";
export { sizeOf } from "./footprint.ts";
export { mayOverflow } from "./overflow.ts";

/** Sizes of the memories that are not the machine's own: the model's image and the data region, both in DRAM. */
export interface Extents {
  readonly image: number;
  readonly data: number;
}

/** Broken rules that are told, at most: a loop can break one in every turn. */
const MOST_PROBLEMS = 1000;
/** Turns, and stretches of turns, in which one by one it is asked whether operands are legal; what needs more is refused. */
const MOST_BOXES = 2 ** 18;

/**
 * Everything that is illegal in a program on this machine: fields out of range, addresses outside a
 * memory or off their alignment, the operations' own rules, and activation codes read at another width than
 * they were written with. Results that overlap operands other than in place are illegal too. One line each, `program: instruction number: operation: rule`,
 * in the order of issue; empty where there is nothing, and a thousand at most.
 * A loop that the sequencer cannot hold is told alone, as no instruction in it has a number.
 *
 * Loops are judged by the extremes of what moves in them, and turn by turn only where that does not decide. That has
 * limits, so that a program is refused in seconds that would take longer to be found legal.
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
  // A program that is illegal anyway need not be asked at length what each of its instructions finds in memory.
  if (found.count === 0 || issuedBy(program.items) <= MOST_FOLLOWED) {
    const followed = new Problems();
    const complain = (site: Site, turns: readonly number[], rule: string) =>
      followed.add(site, turns, [rule]);
    const isOutside = (site: Site, x: Issued["x"]) => !isInRange({ op: site.instruction.op, x });
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
  readonly #limits: Readonly<Record<Space, number>>;
  readonly #footprints: Footprints;
  readonly #found: Problems;
  #boxes = 0;
  /** Where the spans of the instruction in hand begin. */
  readonly #from: number[] = [];

  constructor(arch: Settings, extents: Extents, footprints: Footprints, found: Problems) {
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
    if (site.moves.length === 0 && this.#faults(site, FIRST_TURNS).length === 0) return;
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
      if (++this.#boxes === MOST_BOXES)
        tell(box.first, [`its operands meet in too many ways to be judged: ${MOST_BOXES} were`]);
      if (this.#boxes >= MOST_BOXES) return;
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
    if (!isInRange({ op, x })) {
      this.outside.add(site);
      return rangeFaults({ op, x });
    }
    const { spans, reads, writes, pairs, faults } = this.#footprints.of(site);
    this.#locate(spans, x);
    if (faults.length === 0 && this.#areInside(spans) && this.#areApart(spans, pairs)) return NO_FAULTS;
    const at = ({ span, field }: Extent): Span => ({ ...span, from: x[field]! + span.from });
    const io = { reads: reads.map(at), writes: writes.map(at) };
    return [
      ...faults,
      ...[...io.reads, ...io.writes].flatMap((span) => spanFaults(span, this.#limits)),
      ...overlapFaults(io.reads, io.writes),
    ];
  }

  /** Notes where the spans of an instruction with these operands begin. */
  #locate(spans: readonly Extent[], x: Issued["x"]): void {
    for (let i = 0; i < spans.length; i++) this.#from[i] = x[spans[i]!.field]! + spans[i]!.span.from;
  }

  /** Whether the located spans are in their memories, on their alignments. */
  #areInside(spans: readonly Extent[]): boolean {
    for (let i = 0; i < spans.length; i++) {
      const { span, among, step } = spans[i]!;
      const from = this.#from[i]!;
      if (from < 0 || from + among > this.#limits[span.space] || from % step !== 0) return false;
    }
    return true;
  }

  /** Whether no two of the located spans meet, but in place. */
  #areApart(spans: readonly Extent[], pairs: readonly Pair[]): boolean {
    for (const { write, other, mayShare } of pairs) {
      const [one, two] = [this.#from[write]!, this.#from[other]!];
      const isApart = one + spans[write]!.size <= two || two + spans[other]!.size <= one;
      if (!isApart && !(mayShare && one === two)) return false;
    }
    return true;
  }

  /** Whether nothing can be wrong in any of these turns, by the extremes of what moves. */
  #isFine(site: Site, { first, last }: Box): boolean {
    const { op } = site.instruction;
    const [start, end] = [operandsAt(site, first), operandsAt(site, last)];
    if (this.#faults(site, first).length > 0 || !isInRange({ op, x: end })) return false;
    const { spans, pairs } = this.#footprints.of(site);
    this.#locate(spans, end);
    if (!this.#areInside(spans)) return false;
    const moveOf = ({ field }: Extent) =>
      site.moves.find((move) => move.field === field && first[move.level]! < last[move.level]!);
    const lowest = ({ field, span }: Extent) => Math.min(start[field]!, end[field]!) + span.from;
    const endOf = ({ field, span, size }: Extent) => Math.max(start[field]!, end[field]!) + span.from + size;
    const stayApart = (write: Extent, other: Extent): boolean => {
      const [one, two] = [moveOf(write), moveOf(other)];
      // What moves alike meets in all turns as in the first.
      if (one?.level === two?.level && one?.stride === two?.stride) return true;
      return endOf(write) <= lowest(other) || endOf(other) <= lowest(write);
    };
    return (
      spans.every((span) => (moveOf(span)?.stride ?? 0) % span.step === 0) &&
      pairs.every(({ write, other }) => stayApart(spans[write]!, spans[other]!))
    );
  }
}

const NO_FAULTS: readonly string[] = [];
const FIRST_TURNS: readonly number[] = new Array<number>(LOOP_DEPTH).fill(0);

/**
 * A result may stand where an operand of the same shape did, code for code; any other overlap would overwrite what is
 * still to be read, or one result with another.
 */
function overlapFaults(reads: readonly Span[], writes: readonly Span[]): string[] {
  const meet = (a: Span, b: Span) =>
    a.space === b.space && a.from < b.from + sizeOf(b) && b.from < a.from + sizeOf(a);
  const isInPlace = (a: Span, b: Span) => a.from === b.from && haveOneShape(a, b);
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
  const faults: string[] = [];
  for (const item of items) {
    if (isLoop(item)) faults.push(...faultsOfLoop(item, depth));
    else
      for (const field in item.by) {
        const register = item.by[field]!;
        if (register >= depth * REGISTERS_PER_LOOP)
          faults.push(`${item.op.name} uses ${REGISTERS[register]} outside of its loop`);
      }
  }
  return faults;
}

function faultsOfLoop({ count, strides, body }: Loop, depth: number): string[] {
  if (depth === LOOP_DEPTH) return [`loops nest at most ${LOOP_DEPTH} deep`];
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
}

/** Whether every operand is in its range: `rangeFaults` says what is wrong where one is not. */
function isInRange({ op: { fields }, x }: Issued): boolean {
  for (const name in fields) {
    const { min, max, codeOf } = fields[name]!;
    const value = x[name];
    if (value === undefined || !Number.isInteger(value) || value < min || value > max) return false;
    if (codeOf !== undefined && !isCode(value, x[codeOf]!)) return false;
  }
  return true;
}

/** Whether a value is a code of that width; a width that is no width at all is told of its own field. */
const isCode = (value: number, bits: number): boolean =>
  !(bits >= 2 && bits <= 48) || value === saturate(value, signed(bits));

function rangeFaults({ op, x }: Issued): string[] {
  return Object.entries(op.fields).flatMap(([name, f]) => {
    const value = x[name];
    if (value === undefined) return [`${name} is missing`];
    if (!(Number.isInteger(value) && value >= f.min && value <= f.max))
      return [`${name}: ${value} is not an integer in ${f.min} … ${f.max}`];
    const bits = f.codeOf === undefined ? undefined : x[f.codeOf];
    return bits === undefined || isCode(value, bits) ? [] : [`${name}: ${value} is no code of ${bits} bits`];
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
