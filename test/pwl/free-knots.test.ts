import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { maxOf, minOf, saturate, signed } from "../../src/fixed/format.ts";
import type { Grid } from "../../src/fixed/real.ts";
import { ROUNDINGS, type Rounding, roundShift } from "../../src/fixed/round.ts";
import { buildTable, type TableOptions } from "../../src/pwl/build.ts";
import { CURVES } from "../../src/pwl/curves.ts";
import { tableError } from "../../src/pwl/error.ts";
import { leastMaxTable, type TableRoom } from "../../src/pwl/free-knots.ts";
import { PWL_METHODS } from "../../src/pwl/placement.ts";
import { carriesOf, classOf } from "../../src/pwl/ramp.ts";
import { lastOf, lookup, type Mirror, type PwlTable } from "../../src/pwl/table.ts";
import { wantedOf } from "../../src/pwl/wanted.ts";

describe("carries", () => {
  test.each(ROUNDINGS)(
    "%s: the least integer that rounds to k or more is k - 1 steps and its class's carry",
    (rounding) => {
      for (let shift = 0; shift <= 5; shift++) {
        const step = 2 ** shift;
        const carries = carriesOf(shift, rounding);
        for (let k = -6; k <= 6; k++) {
          const least = (k - 1) * step + carries[classOf(k)]!;
          expect(roundShift(least, shift, rounding), `${least} / 2^${shift}`).toBeGreaterThanOrEqual(k);
          expect(roundShift(least - 1, shift, rounding), `${least - 1} / 2^${shift}`).toBeLessThan(k);
        }
      }
    },
  );
});

/** Codes of 4 bits in and 3 bits out, a step each. */
const IN: Grid = { format: signed(4), scale: 1, zero: 0 };
const OUT: Grid = { format: signed(3), scale: 1, zero: 0 };
const CODES = Array.from({ length: 16 }, (_, i) => i - 8);

interface Tiny {
  readonly values: readonly number[];
  readonly room: TableRoom;
  readonly slopeBits: number;
  readonly rounding: Rounding;
  readonly mirror: Mirror | undefined;
}

/** Of codes by themselves, and of parabolas, whose tables are good enough that single steps of slope and offset count. */
const anyValues = fc.oneof(
  fc.array(fc.double({ min: -5, max: 4.5, noNaN: true }), { minLength: 16, maxLength: 16 }),
  fc
    .tuple(...[8, 24, 24].map((most) => fc.double({ min: -most / 2, max: most / 2, noNaN: true })))
    .map(([p, q, r]) => CODES.map((_, i) => p! + (q! * i) / 15 + r! * (i / 15) ** 2)),
);

const tiny: fc.Arbitrary<Tiny> = fc.record({
  values: anyValues,
  room: fc.record({
    pieces: fc.integer({ min: 1, max: 4 }),
    fraction: fc.integer({ min: 0, max: 2 }),
    shiftRange: fc.constantFrom(0, 0, 1, 3),
    maxShift: fc.integer({ min: 3, max: 5 }),
  }),
  slopeBits: fc.integer({ min: 2, max: 5 }),
  rounding: fc.constantFrom<Rounding>(...ROUNDINGS),
  mirror: fc.constantFrom(
    undefined,
    { inSum: 0, outSum: 0 },
    { inSum: -1, outSum: 1 },
    { inSum: 0, outSum: -3 },
  ),
});

const tableOf = (
  { slopeBits, mirror }: Tiny,
  piece: { knot: number; base: number; slope: number; shift: number; fraction: number },
): PwlTable => ({
  in: IN.format,
  out: OUT.format,
  knots: Int32Array.of(piece.knot),
  bases: Int32Array.of(piece.base),
  offsetFraction: piece.fraction,
  slopes: Int32Array.of(piece.slope),
  shifts: Int32Array.of(piece.shift),
  slopeBits,
  ...(mirror && { mirror }),
});

/** What a flat table of one piece is: where the search begins. */
const flat = (of: Tiny): PwlTable =>
  tableOf(of, {
    knot: of.mirror === undefined ? -8 : Math.ceil(of.mirror.inSum / 2),
    base: 0,
    slope: 0,
    shift: 0,
    fraction: 0,
  });

/** `[start][end - start]` the least largest error of one piece of that shift and fraction over inputs start … end. */
function pieceErrors(of: Tiny, shift: number, fraction: number): number[][] {
  const whole = flat(of);
  const [first, last] = [whole.knots[0]!, lastOf(whole, 0)];
  const wanted = of.values.map((v) => Math.min(3, Math.max(-4, v)));
  const [slopes, step] = [signed(of.slopeBits), 2 ** fraction];
  return Array.from({ length: last - first + 1 }, (_, a) => {
    const least = Array.from({ length: last - first + 1 - a }, () => Number.POSITIVE_INFINITY);
    for (let base = -4 * step; base < 4 * step; base++) {
      for (let slope = minOf(slopes); slope <= maxOf(slopes); slope++) {
        const table = tableOf(of, { knot: first + a, base, slope, shift, fraction });
        let most = 0;
        for (const e of least.keys()) {
          const x = first + a + e;
          const image = of.mirror === undefined ? x : of.mirror.inSum - x;
          for (const code of new Set([x, image].filter((c) => CODES.includes(c))))
            most = Math.max(most, Math.abs(lookup(table, code, of.rounding) - wanted[code + 8]!));
          least[e] = Math.min(least[e]!, most);
        }
      }
    }
    return least;
  });
}

/** The least largest error of up to so many pieces, over every choice of knots. */
function leastOver(errors: readonly number[][], pieces: number, from = 0): number {
  if (from === errors.length) return 0;
  if (pieces === 0) return Number.POSITIVE_INFINITY;
  return errors[from]!.reduce(
    (least, error, e) =>
      error < least ? Math.min(least, Math.max(error, leastOver(errors, pieces - 1, from + e + 1))) : least,
    Number.POSITIVE_INFINITY,
  );
}

function leastByHand(of: Tiny): number {
  const { pieces, fraction, shiftRange, maxShift } = of.room;
  let least = Number.POSITIVE_INFINITY;
  for (let shift = 0; shift + shiftRange <= maxShift; shift++) {
    const each = Array.from({ length: shiftRange + 1 }, (_, i) =>
      pieceErrors(of, shift + i, Math.min(fraction, shift)),
    );
    const best = each[0]!.map((row, a) =>
      row.map((_, e) => Math.min(...each.map((errors) => errors[a]![e]!))),
    );
    least = Math.min(least, leastOver(best, pieces));
  }
  return least;
}

test("no choice of knots, offsets, slopes and shifts of a tiny table errs by less", () => {
  fc.assert(
    fc.property(tiny, (of) => {
      const start = flat(of);
      const f = (x: number) => of.values[x + 8]!;
      const found = leastMaxTable(start, wantedOf(start, f, IN, OUT), of.rounding, of.room) ?? start;
      const { maxLsb } = tableError(found, f, IN, OUT, of.rounding);
      expect(maxLsb).toBeCloseTo(leastByHand(of), 9);
      expect(found.knots.length).toBeLessThanOrEqual(of.room.pieces);
    }),
    { numRuns: 150, seed: 1 },
  );
});

const symmetric = (bits: number, most: number): Grid => ({
  format: signed(bits),
  scale: most / maxOf(signed(bits)),
  zero: 0,
});
const unit: Grid = { format: signed(8), scale: 1 / 255, zero: -128 };

/** Codes of 8 bits in and out. */
const SITES = {
  sigmoid: { curve: CURVES.sigmoid, input: symmetric(8, 8), output: unit },
  tanh: { curve: CURVES.tanh, input: symmetric(8, 4), output: symmetric(8, 1) },
  exp: { curve: CURVES.exp, input: { format: signed(8), scale: 8 / 255, zero: 127 }, output: unit },
  // No two of its pieces bend the same way, and it leaves the output's range.
  silu: { curve: CURVES.silu, input: symmetric(8, 8), output: { ...symmetric(8, 6), zero: -100 } },
} as const;
type Site = keyof typeof SITES;

const tableAt = (name: Site, options: TableOptions): PwlTable => {
  const { curve, input, output } = SITES[name];
  return buildTable(curve.f, input, output, options);
};
const errorAt = (name: Site, options: TableOptions) => {
  const { curve, input, output } = SITES[name];
  return tableError(tableAt(name, options), curve.f, input, output, options.rounding ?? "half-away");
};

const anyOptions: fc.Arbitrary<TableOptions> = fc.record({
  pieces: fc.integer({ min: 1, max: 12 }),
  method: fc.constantFrom(...PWL_METHODS),
  slopeBits: fc.integer({ min: 6, max: 16 }),
  offsetFraction: fc.integer({ min: 0, max: 8 }),
  shifts: fc.constantFrom("shared", "per-piece"),
  rounding: fc.constantFrom<Rounding>(...ROUNDINGS),
});
const anySite = fc.constantFrom(...(Object.keys(SITES) as Site[]));

describe("a table of free knots", () => {
  test("errs at most as much as one of any method that is polished on its own knots", () => {
    fc.assert(
      fc.property(anySite, anyOptions, fc.boolean(), (name, drawn, isHalf) => {
        const options = { ...drawn, symmetry: isHalf ? SITES[name].curve.symmetry : undefined };
        const free = errorAt(name, { ...options, polish: "free-knots" });
        const kept = errorAt(name, { ...options, polish: "max" });
        expect(free.maxLsb).toBeLessThanOrEqual(kept.maxLsb + 1e-9);
        if (free.maxLsb > kept.maxLsb - 1e-9) expect(free.rmsLsb).toBeLessThanOrEqual(kept.rmsLsb + 1e-9);
      }),
      { numRuns: 60, seed: 2 },
    );
  });

  test("is as good whatever method it begins with", () => {
    for (const name of Object.keys(SITES) as Site[]) {
      const errors = PWL_METHODS.map(
        (method) => errorAt(name, { method, pieces: 6, slopeBits: 8, polish: "free-knots" }).maxLsb,
      );
      expect(Math.max(...errors) - Math.min(...errors), name).toBeLessThan(1e-9);
    }
  });

  test("is stored in the room that was asked for", () => {
    fc.assert(
      fc.property(anySite, anyOptions, fc.boolean(), (name, drawn, isHalf) => {
        const symmetry = isHalf ? SITES[name].curve.symmetry : undefined;
        const options: TableOptions = { ...drawn, symmetry };
        const before = tableAt(name, options);
        const table = tableAt(name, { ...options, polish: "free-knots" });
        const { knots, bases, slopes, shifts, offsetFraction, ...kept } = table;
        expect(before).toMatchObject(kept);
        const most = symmetry === undefined ? drawn.pieces : Math.ceil(drawn.pieces / 2);
        expect(knots.length).toBeLessThanOrEqual(most);
        expect(knots[0]).toBe(before.knots[0]);
        for (let i = 1; i < knots.length; i++) expect(knots[i]! > knots[i - 1]!).toBe(true);
        const least = Math.min(...shifts);
        expect(offsetFraction).toBeLessThanOrEqual(Math.min(least, drawn.offsetFraction!));
        expect(shifts.length).toBe(drawn.shifts === "shared" ? 1 : knots.length);
        expect(Math.max(...shifts) - least).toBeLessThanOrEqual(15);
        for (const slope of slopes) expect(slope).toBe(saturate(slope, signed(drawn.slopeBits)));
        for (const base of bases) expect(base).toBe(saturate(base, signed(8 + offsetFraction)));
      }),
      { numRuns: 40, seed: 3 },
    );
  });

  test.each(["sigmoid", "tanh", "exp"] as const)(
    "of 8 pieces adds at most 1 LSB to rounding's half: %s",
    (name) => {
      for (const slopeBits of [8, 16]) {
        for (const symmetry of new Set([undefined, SITES[name].curve.symmetry])) {
          const plain: TableOptions = {
            pieces: 8,
            method: "uniform",
            slopeBits,
            offsetFraction: 4,
            symmetry,
          };
          expect(errorAt(name, { ...plain, polish: "free-knots" }).maxLsb).toBeLessThanOrEqual(1.5);
          expect(errorAt(name, { ...plain, polish: "max" }).maxLsb).toBeGreaterThan(1.5);
        }
      }
    },
  );
});
