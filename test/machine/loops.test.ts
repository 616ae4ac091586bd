import seedrandom from "seedrandom";
import { describe, expect, test } from "vitest";
import type { ArchSpec } from "../../src/arch/spec.ts";
import { loadArch, makeArch } from "../../src/arch/spec.ts";
import { parseProgram } from "../../src/isa/asm.ts";
import type { Program } from "../../src/isa/program.ts";
import { validate } from "../../src/isa/validate.ts";
import { time } from "../../src/machine/timing.ts";
import { lstmOverTime } from "../support/lstm.ts";
import { draw, pick, type Rng, randomArch } from "../support/machines.ts";
import { chain, fetch, fill, matmul, pwl, requant, rescale, store } from "./bench.ts";
import { stepped, withoutEnergy } from "./stepped.ts";

const RUNS = 2000;
/** Bytes that every address may be in, with room for the operands behind it. */
const REACH = 2000;

/** A register that an address may have added, and how far it goes. */
interface Mover {
  readonly register: string;
  readonly reach: number;
}

class Loops {
  readonly #rng: Rng;

  constructor(rng: Rng) {
    this.#rng = rng;
  }

  program(): Program {
    const lines = [...this.#lines(draw(this.#rng, 0, 3), []), ...this.#loop([])];
    if (this.#rng() < 0.5) lines.push(...this.#loop([]), ...this.#lines(draw(this.#rng, 0, 2), []));
    return parseProgram(lines.join("\n"), "loops");
  }

  #loop(outer: readonly Mover[]): string[] {
    const rng = this.#rng;
    const isInner = outer.length > 0;
    const count = pick(rng, isInner ? [0, 1, 3, 5, 12] : [1, 2, 5, 17, 60, 150]);
    const most = Math.floor(REACH / 4 / Math.max(1, count - 1));
    const strides = [0, 1, 2, 3].map(() => pick(rng, [0, 0, 1, 4, 16, 64, most, draw(rng, -most, most)]));
    const kept = strides.map((stride) => Math.max(-most, Math.min(most, stride)));
    const movers = kept.map((stride, i) => ({
      register: `${isInner ? "j" : "i"}${i}`,
      reach: stride * Math.max(0, count - 1),
    }));
    const body = this.#lines(draw(rng, 1, 5), [...outer, ...movers]);
    if (!isInner && rng() < 0.4) body.splice(draw(rng, 0, body.length), 0, ...this.#loop(movers));
    return [`loop count=${count} by=${kept.join(",")}`, ...body, "end"];
  }

  #lines(count: number, movers: readonly Mover[]): string[] {
    return Array.from({ length: count }, () => this.#line(movers));
  }

  #line(movers: readonly Mover[]): string {
    const rng = this.#rng;
    const n = pick(rng, [1, 2, 7, 20, 60]);
    const place = (top = REACH) => {
      const mover = rng() < 0.5 ? undefined : pick(rng, [undefined, ...movers]);
      const reach = mover?.reach ?? 0;
      const at = draw(rng, Math.max(0, -reach), Math.max(0, -reach) + top - Math.abs(reach));
      return `${at}${mover === undefined ? "" : `+${mover.register}`}`;
    };
    const acc = () => String(draw(rng, 0, 40));
    const line = pick(rng, [
      () => fill(0, n),
      () => rescale(0, 1, n),
      () => pwl(0, 1, n),
      () => fetch(0, 1, n),
      () => store(0, 1, n),
      () => matmul(0, draw(rng, 1, 12), draw(rng, 1, 40), draw(rng, 0, 1)),
      () => requant(0, 0, Math.min(n, 12)),
      () => chain(0, 0, Math.min(n, 12)),
      () => "load.weight dst=0 src=1 bytes=30",
      () => "add dst=0 a=1 b=2 n=6 period=3 aBits=8 bBits=4 bits=8 aZero=0 bZero=0 zero=0 aScale=4 bScale=64",
    ])();
    return line
      .replaceAll(/\b(dst|a|b|x|src|w)=\d+/g, (_, field: string) => `${field}=${place()}`)
      .replace(/acc=\d+/, () => `acc=${acc()}`);
  }
}

function expectSame(program: Program, arch: ArchSpec, what: string): void {
  const [got, want] = [withoutEnergy(time(program, arch)), stepped(program, arch)];
  if (JSON.stringify(got) !== JSON.stringify(want)) expect(got, what).toEqual(want);
}

test("loops are timed as if every turn were stepped: random programs on random machines", () => {
  for (let run = 0; run < RUNS; run++) {
    const seed = `loops ${run}`;
    const rng = seedrandom(seed);
    expectSame(new Loops(rng).program(), randomArch(rng), seed);
  }
});

describe("a steady loop", () => {
  const timed = (lines: readonly string[], changes: Readonly<Record<string, unknown>> = {}) =>
    time(parseProgram(lines.join("\n"), "steady"), makeArch(changes));
  /** Turns of a product whose result moves through the data region. */
  const product = (count: number) => [
    `loop count=${count} by=16`,
    fetch(0, 0, 16).replace("src=0", "src=0+i0"),
    matmul(0, 8, 8).replace("x=768", "x=0"),
    requant(64, 0, 8),
    store(100_000_000, 64, 8).replace("dst=100000000", "dst=100000000+i0"),
    "end",
  ];

  test("of a million turns takes as long as its turns, and is timed at once", () => {
    const [short, longer, long] = [1000, 2000, 1_000_000].map((count) => timed(product(count)));
    expect(long!.issued).toBe(4_000_000);
    expect(long!.cycles).toBe(short!.cycles + 999 * (longer!.cycles - short!.cycles));
    expect(long!.compulsoryDramBytes).toBe(1_000_000 * (16 + 8));
  });
});

describe("an LSTM of 1024 on edge16x16", () => {
  const arch = loadArch("arch/edge16x16.yaml");
  const program = lstmOverTime(arch, { input: 128, hidden: 1024 });

  test("over a thousand steps takes what stepping each of them gives", () => {
    expectSame(program(1000), arch, "1000 steps");
  });

  test("over a million steps takes a thousand times as long, and is judged and timed at once", () => {
    const [one, two, million] = [1000, 2000, 1_000_000].map((steps) => time(program(steps), arch));
    expect(million!.cycles).toBe(one!.cycles + 999 * (two!.cycles - one!.cycles));
    expect(validate(program(1_000_000), arch.settings, { image: 2 ** 28, data: 2 ** 28 })).toEqual([]);
  });
});
