import fc from "fast-check";
import seedrandom from "seedrandom";
import { describe, expect, test } from "vitest";
import {
  ceilDiv,
  divide,
  floorDiv,
  mulShift,
  powerOfTwo,
  ROUNDINGS,
  type Rounding,
  roundShift,
  shiftLeft,
} from "../../src/fixed/round.ts";
import { edges, exactDivide, exactRoundShift } from "../support/exact.ts";
import { expectInt, randomInt } from "../support/ints.ts";

const MAX = Number.MAX_SAFE_INTEGER;
const SHIFTS = Array.from({ length: 63 }, (_, s) => s);
const LARGE = [MAX, MAX - 1, 2 ** 52 + 1, 2 ** 52, 2 ** 52 - 1, 3 * 2 ** 51, 2 ** 51];

test("ties and their neighbours, in words", () => {
  const rows = ROUNDINGS.map((m) => [m, ...[5, -5, 7, -7].map((x) => roundShift(x, 1, m))]);
  expect(rows).toEqual([
    ["half-away", 3, -3, 4, -4],
    ["half-up", 3, -2, 4, -3],
    ["half-even", 2, -2, 4, -4],
    ["half-zero", 2, -2, 3, -3],
    ["half-down", 2, -3, 3, -4],
    ["floor", 2, -3, 3, -4],
    ["ceiling", 3, -2, 4, -3],
    ["truncate", 2, -2, 3, -3],
  ]);
});

describe.each(ROUNDINGS)("%s", (mode) => {
  test("roundShift on every 10-bit value and shifts 0 … 12", () => {
    for (let shift = 0; shift <= 12; shift++) {
      for (let x = -512; x < 512; x++) expectShift(x, shift, mode);
    }
  });

  test("roundShift at the edges of 52 bits and of the safe integers, at every shift", () => {
    const values = [...edges(52), ...LARGE, ...LARGE.map((x) => -x)];
    for (const x of values) for (const shift of SHIFTS) expectShift(x, shift, mode);
  });

  test("roundShift on random integers, seed round/shift", () => {
    const rng = seedrandom("round/shift");
    for (let i = 0; i < 20_000; i++) expectShift(randomInt(rng, 54), Math.floor(rng() * 63), mode);
  });

  test("divide on all pairs of small integers and signs", () => {
    for (let b = -24; b <= 24; b++) {
      if (b !== 0) for (let a = -150; a <= 150; a++) expectQuotient(a, b, mode);
    }
  });

  test("divide where the quotient of doubles comes nearest to an integer from below", () => {
    for (const b of [3, 5, 7, 2 ** 20 + 1, 2 ** 26 - 1, 2 ** 31 + 1, MAX]) {
      const k = Math.floor(MAX / b);
      for (const a of [k * b - 1, k * b, k * b - Math.floor(b / 2), MAX, MAX - 1]) {
        for (const [p, q] of [
          [a, b],
          [-a, b],
          [a, -b],
          [-a, -b],
        ] as const) {
          expectQuotient(p, q, mode);
        }
      }
    }
  });

  test("divide on random integers, seed round/divide", () => {
    const rng = seedrandom("round/divide");
    for (let i = 0; i < 20_000; i++) expectQuotient(randomInt(rng, 54), randomInt(rng, 54) || 1, mode);
  });

  test("mulShift where operands and shift are at their edges", () => {
    const ms = [1, 3, 2 ** 16 - 1, 2 ** 30, 2 ** 30 + 1, 2 ** 31 - 1, 2 ** 31];
    const values = edges(49).filter((x) => Math.abs(x) < 2 ** 48);
    for (const x of values) for (const m of ms) for (const s of SHIFTS) expectProduct(x, m, s, mode);
    for (const x of values) for (const m of ms) expectProduct(x, -m, 40, mode);
  });

  test("mulShift on random wide products, seed round/product", () => {
    const rng = seedrandom("round/product");
    for (let i = 0; i < 20_000; i++) {
      expectProduct(randomInt(rng, 49), randomInt(rng, 32), Math.floor(rng() * 63), mode);
    }
  });

  test("mulShift on ties that only the full product shows", () => {
    const rng = seedrandom("round/ties");
    for (let s = 20; s <= 62; s++) {
      for (let i = 0; i < 60; i++) {
        // An odd number times 2^(s-1), split over the factors.
        const inX = Math.min(s - 1, 30 + Math.floor(rng() * 10));
        const odd = 2 * Math.floor(rng() * 60) + 1;
        const m = 2 ** (s - 1 - inX);
        if (m >= 2 ** 26) continue;
        for (const d of [-1, 0, 1]) {
          expectProduct(odd * 2 ** inX + d, m * 31, s, mode);
          expectProduct(-odd * 2 ** inX + d, m * 31, s, mode);
        }
      }
    }
  });

  test("rounding is monotone and its error below one, or half where it looks for the nearest", () => {
    const reach = mode.startsWith("half") ? 0.5 : 1;
    fc.assert(
      fc.property(
        fc.integer({ min: -(2 ** 40), max: 2 ** 40 }),
        fc.integer({ min: 1, max: 12 }),
        (x, shift) => {
          const y = roundShift(x, shift, mode);
          const error = Math.abs(y - x / 2 ** shift);
          return roundShift(x + 1, shift, mode) >= y && (reach === 1 ? error < 1 : error <= reach);
        },
      ),
      { seed: 7 },
    );
  });
});

test("an exact result is the same in every mode, and zero is never negative", () => {
  for (const mode of ROUNDINGS) {
    for (const x of [-12, -4, 0, 4, 12])
      expectInt(roundShift(x, 2, mode), x / 4 + 0, () => `${x} / 4 ${mode}`);
    expectInt(roundShift(-0, 0, mode), 0, () => `-0 shifted by 0 ${mode}`);
    expectInt(divide(0, -3, mode), 0, () => `0 / -3 ${mode}`);
    expectInt(mulShift(0, -3, 5, mode), 0, () => `0 · -3 ${mode}`);
  }
});

test("floorDiv and ceilDiv", () => {
  expect([-7, -6, 0, 6, 7].map((a) => [floorDiv(a, 3), ceilDiv(a, 3)])).toEqual([
    [-3, -2],
    [-2, -2],
    [0, 0],
    [2, 2],
    [2, 3],
  ]);
});

test("shiftLeft is exact or refuses", () => {
  expect(shiftLeft(-3, 4)).toBe(-48);
  expect(shiftLeft(0, 62)).toBe(0);
  expectInt(shiftLeft(-0, 3), 0, () => "-0 shifted left");
  expect(shiftLeft(1, 52)).toBe(2 ** 52);
  expect(() => shiftLeft(1, 53)).toThrow(RangeError);
  expect(() => shiftLeft(-(2 ** 40), 13)).toThrow(RangeError);
});

test("what is out of range is refused", () => {
  for (const shift of [-1, 0.5, 64, Number.NaN]) {
    expect(() => roundShift(1, shift, "floor"), `shift ${shift}`).toThrow(RangeError);
    expect(() => powerOfTwo(shift), `exponent ${shift}`).toThrow(RangeError);
  }
  expect(() => divide(1, 0, "floor")).toThrow("1 divided by zero");
  expect(() => mulShift(2 ** 48, 2 ** 30, 40, "floor")).toThrow("beyond 48 by 32 bits");
  expect(() => mulShift(2 ** 40, 2 ** 31 + 1, 40, "floor")).toThrow("beyond 48 by 32 bits");
  expect(() => mulShift(2 ** 40, 2 ** 30, 0, "floor")).toThrow("not a safe integer");
  expect(() => mulShift(2 ** 40, 2 ** 30, 17, "floor")).toThrow("not a safe integer");
  expect(mulShift(2 ** 40, 2 ** 30, 18, "floor")).toBe(2 ** 52);
});

function expectShift(x: number, shift: number, mode: Rounding): void {
  const want = exactRoundShift(BigInt(x), shift, mode);
  expectInt(roundShift(x, shift, mode), want, () => `roundShift(${x}, ${shift}, "${mode}")`);
}

function expectQuotient(a: number, b: number, mode: Rounding): void {
  const want = exactDivide(BigInt(a), BigInt(b), mode);
  expectInt(divide(a, b, mode), want, () => `divide(${a}, ${b}, "${mode}")`);
}

/** A result beyond the safe integers must be refused, any other exact. */
function expectProduct(x: number, m: number, s: number, mode: Rounding): void {
  const want = exactRoundShift(BigInt(x) * BigInt(m), s, mode);
  const what = () => `mulShift(${x}, ${m}, ${s}, "${mode}")`;
  if (want >= -BigInt(MAX) && want <= BigInt(MAX)) expectInt(mulShift(x, m, s, mode), want, what);
  else if (!isRefused(() => mulShift(x, m, s, mode)))
    expect.fail(`${what()} is ${want}, and was not refused`);
}

function isRefused(run: () => unknown): boolean {
  try {
    run();
    return false;
  } catch (error) {
    return error instanceof RangeError;
  }
}
