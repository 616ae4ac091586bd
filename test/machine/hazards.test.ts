import seedrandom from "seedrandom";
import { expect, test } from "vitest";
import type { Space } from "../../src/isa/define.ts";
import { Hazards } from "../../src/machine/hazards.ts";
import type { Region } from "../../src/machine/region.ts";
import { Servers } from "../../src/machine/servers.ts";
import { draw, pick } from "../support/machines.ts";

const SIZE = 40;
const STILL = { trafficBytes: 0, isPicked: false, stride: 0, level: 0, id: 0 };

/** The definition: two times for every byte, kept for ever. */
class ByteHazards {
  readonly #written = new Map<string, number>();
  readonly #read = new Map<string, number>();

  clearAt(reads: readonly Region[], writes: readonly Region[]): number {
    const written = [...reads, ...writes].flatMap(bytes).map((byte) => this.#written.get(byte) ?? 0);
    return Math.max(0, ...written, ...writes.flatMap(bytes).map((byte) => this.#read.get(byte) ?? 0));
  }

  note(reads: readonly Region[], writes: readonly Region[], endAt: number, visibleAt: number): void {
    for (const byte of reads.flatMap(bytes)) this.#read.set(byte, Math.max(endAt, this.#read.get(byte) ?? 0));
    for (const byte of writes.flatMap(bytes)) this.#written.set(byte, visibleAt);
  }
}

const bytes = ({ space, from, to }: Region): string[] =>
  Array.from({ length: to - from }, (_, i) => `${space} ${from + i}`);

test("the interlock gives for regions what a pair of times for every byte would", () => {
  for (let run = 0; run < 12; run++) {
    const rng = seedrandom(`hazards ${run}`);
    const regions = (most: number): Region[] =>
      Array.from({ length: draw(rng, 0, most) }, () => {
        const from = draw(rng, 0, SIZE - 1);
        const to = draw(rng, from + 1, SIZE);
        return { space: pick<Space>(rng, ["activation", "acc"]), from, to, ...STILL };
      });
    const got = new Hazards();
    const want = new ByteHazards();
    for (let i = 0, now = 0; i < 200; i++) {
      const [reads, writes] = [regions(3), regions(2)];
      const at = Math.max(now, want.clearAt(reads, writes));
      if (Math.max(now, got.clearAt(reads, writes)) !== at)
        expect.fail(`run ${run}, instruction ${i}: ${got.clearAt(reads, writes)}, want ${at}`);
      const endAt = at + draw(rng, 1, 20);
      const visibleAt = endAt + draw(rng, 0, 5);
      got.note(reads, writes, endAt, visibleAt);
      want.note(reads, writes, endAt, visibleAt);
      now += draw(rng, 0, 6);
      if (rng() < 0.5) got.forget(now);
    }
  }
});

test("servers: an asker gets the one that is free first, and keeps its place", () => {
  const two = new Servers(2);
  expect(two.freeAt()).toBe(0);
  two.take(10);
  expect(two.freeAt()).toBe(0);
  two.take(4);
  expect(two.freeAt()).toBe(4);
  two.take(20);
  expect(two.freeAt()).toBe(10);
});
