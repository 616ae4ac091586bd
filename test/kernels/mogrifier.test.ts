import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { uniformRounds } from "../../src/kernels/mogrifier/index.ts";
import { mogrify, type RoundParams } from "../../src/kernels/mogrifier/real.ts";
import { uniform } from "../../src/kernels/samples.ts";

const vec = (...values: number[]) => Float64Array.from(values);
const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));

const scalarRound = (down: number, up: number, bias: number): RoundParams => ({
  down: { rows: 1, columns: 1, data: vec(down) },
  up: { weight: { rows: 1, columns: 1, data: vec(up) }, bias: vec(bias) },
});

const lengths = fc.record({
  ...{ x: fc.integer({ min: 1, max: 6 }), h: fc.integer({ min: 1, max: 6 }) },
  ...{ rank: fc.integer({ min: 1, max: 3 }), rounds: fc.nat(7) },
});
const seeds = fc.integer({ min: 1, max: 2 ** 31 - 1 });
const rngOf = (seed: number) => {
  let state = seed;
  return () => {
    state = (state * 48_271) % (2 ** 31 - 1);
    return state / 2 ** 31;
  };
};

describe("mutual gating over the reals", () => {
  test("three rounds by hand: each reads what the one before has left", () => {
    const rounds = [scalarRound(0.5, 2, 0.1), scalarRound(-1, 1, 0), scalarRound(1, 3, -0.2)];
    const { x, h } = mogrify(rounds, vec(0.8), vec(-0.4));
    const first = 2 * sigmoid(0.5 * 2 * -0.4 + 0.1) * 0.8;
    const second = 2 * sigmoid(-first) * -0.4;
    expect(h[0]).toBeCloseTo(second, 12);
    expect(x[0]).toBeCloseTo(2 * sigmoid(3 * second - 0.2) * first, 12);
  });

  test("x and h keep their lengths and signs, and no round more than doubles them", () => {
    fc.assert(
      fc.property(lengths, seeds, (shape, seed) => {
        const rng = rngOf(seed);
        const rounds = uniformRounds(rng, shape);
        const before = { x: uniform(rng, shape.x), h: uniform(rng, shape.h) };
        const after = mogrify(rounds, before.x, before.h);
        const gatings = { x: Math.ceil(shape.rounds / 2), h: Math.floor(shape.rounds / 2) };
        for (const part of ["x", "h"] as const) {
          expect(after[part].length).toBe(before[part].length);
          for (const [i, value] of after[part].entries()) {
            const ratio = value / before[part][i]!;
            expect(ratio).toBeGreaterThan(gatings[part] === 0 ? 0.999 : 0);
            expect(ratio).toBeLessThanOrEqual(2 ** gatings[part]);
          }
        }
      }),
    );
  });

  test("gates of 0 are open by half, which the 2 makes whole", () => {
    fc.assert(
      fc.property(lengths, seeds, (shape, seed) => {
        const rng = rngOf(seed);
        const rounds = uniformRounds(rng, shape).map(({ down, up: { weight } }) => ({
          down,
          up: { weight: { ...weight, data: new Float64Array(weight.data.length) } },
        }));
        const before = { x: uniform(rng, shape.x), h: uniform(rng, shape.h) };
        expect(mogrify(rounds, before.x, before.h)).toEqual(before);
      }),
    );
  });

  test("shows every round's sites", () => {
    const rounds = uniformRounds(rngOf(7), { x: 3, h: 2, rank: 1, rounds: 3 });
    const seen: [string, number, string | undefined][] = [];
    mogrify(rounds, vec(1, 2, 3), vec(4, 5), (site, { length }, lookedUp) =>
      seen.push([site, length, lookedUp]),
    );
    expect(seen).toEqual([
      ["1.low", 1, undefined],
      ["1.gate", 3, "lookedUp"],
      ["1.gated", 3, undefined],
      ["2.low", 1, undefined],
      ["2.gate", 2, "lookedUp"],
      ["2.gated", 2, undefined],
      ["3.low", 1, undefined],
      ["3.gate", 3, "lookedUp"],
      ["3.gated", 3, undefined],
    ]);
  });

  test("lengths that do not fit are refused", () => {
    const rounds = uniformRounds(rngOf(7), { x: 3, h: 2, rank: 1, rounds: 1 });
    expect(() => mogrify(rounds, vec(1, 2), vec(4, 5))).toThrow("what a round gates has 2 elements, not 3");
    expect(() => mogrify(rounds, vec(1, 2, 3), vec(4))).toThrow(RangeError);
  });
});
