import { expect } from "vitest";
import type { ArchSpec } from "../../src/arch/spec.ts";
import { parseProgram } from "../../src/isa/asm.ts";
import type { Program } from "../../src/isa/program.ts";
import { time } from "../../src/machine/timing.ts";
import { draw, pick, type Rng } from "../support/machines.ts";
import { chain, fetch, fill, matmul, pwl, requant, rescale, store } from "./bench.ts";
import { stepped, withoutEnergy } from "./stepped.ts";

/** Bytes that every address may be in, with room for the operands behind it. */
const REACH = 2000;

/** A register that an address may have added, and how far it goes. */
interface Mover {
  readonly register: string;
  readonly reach: number;
}

/** Programs of loops around everything, at random. */
export class Loops {
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
      () => `gather dst=0 src=1 index=0 rows=4 n=${n} bits=8`,
      () => "add dst=0 a=1 b=2 n=6 period=3 aBits=8 bBits=4 bits=8 aZero=0 bZero=0 zero=0 aScale=4 bScale=64",
    ])();
    return line
      .replaceAll(/\b(dst|a|b|x|src|w)=\d+/g, (_, field: string) => `${field}=${place()}`)
      .replace(/acc=\d+/, () => `acc=${acc()}`);
  }
}

/** Fails where a program's loops are not timed as stepping each of their turns times them. */
export function expectSame(program: Program, arch: ArchSpec, what: string): void {
  const [got, want] = [withoutEnergy(time(program, arch)), stepped(program, arch)];
  if (JSON.stringify(got) !== JSON.stringify(want)) expect(got, what).toEqual(want);
}
