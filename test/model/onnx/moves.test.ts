import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { laidOut } from "../../../src/model/onnx/memory.ts";
import { type Move, movesOf } from "../../../src/model/onnx/moves.ts";
import { offsetsOf, stridesOf } from "../../../src/onnx/tensor.ts";

/** What copies leave at each place; -1 where none comes to. */
function moved(moves: readonly Move[], length: number): number[] {
  const places = new Array<number>(length).fill(-1);
  for (const { from, to, rows, columns, fromRow, fromColumn, toRow } of moves)
    for (let r = 0; r < rows; r++)
      for (let c = 0; c < columns; c++) places[to + r * toRow + c] = from + r * fromRow + c * fromColumn;
  return places;
}

const regionOf = (element: number): number => (element < 7 ? 0 : 7);

describe("moves", () => {
  test("bring any elements to any places, forward and in one region, no more at once than allowed", () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: -1, max: 14 }), { maxLength: 40 }),
        fc.integer({ min: 1, max: 9 }),
        (list, most) => {
          const moves = movesOf(Int32Array.from(list), regionOf, most);
          expect(moved(moves, list.length)).toEqual(list);
          for (const { from, rows, columns, fromRow, fromColumn, toRow } of moves) {
            expect(Math.min(fromRow, fromColumn)).toBeGreaterThanOrEqual(0);
            expect(toRow).toBeGreaterThanOrEqual(columns);
            expect(rows * columns).toBeLessThanOrEqual(most);
            expect(regionOf(from + (rows - 1) * fromRow + (columns - 1) * fromColumn)).toBe(regionOf(from));
          }
        },
      ),
      { numRuns: 2000 },
    );
  });

  test.each([
    ["a matrix is transposed by one", [5, 8], [1, 0], 1],
    ["an image's channels come last by one", [3, 4, 6], [1, 2, 0], 1],
    ["heads come before tokens by one for each", [6, 4, 5], [1, 0, 2], 4],
  ] as const)("%s", (_, shape, order, count) => {
    const strides = stridesOf(shape);
    const sources = offsetsOf(
      order.map((axis) => shape[axis]!),
      order.map((axis) => strides[axis]!),
    );
    const moves = movesOf(sources, () => 0);
    expect(moved(moves, sources.length)).toEqual([...sources]);
    expect(moves).toHaveLength(count);
  });

  test("rows of two matrices are joined by one for each", () => {
    const sources = Int32Array.from({ length: 40 }, (_, i) => {
      const [row, column] = [Math.floor(i / 10), i % 10];
      return column < 4 ? row * 4 + column : 100 + row * 6 + column - 4;
    });
    const moves = movesOf(sources, (element) => Number(element >= 100));
    expect(moved(moves, 40)).toEqual([...sources]);
    expect(moves).toHaveLength(2);
  });
});

test("of codes that live at the same time none lie upon others, and what is over is used again", () => {
  const life = fc.record({
    elements: fc.integer({ min: 1, max: 60 }),
    bits: fc.constantFrom(4, 8, 16, 32),
    from: fc.integer({ min: 0, max: 12 }),
    length: fc.integer({ min: 0, max: 6 }),
  });
  fc.assert(
    fc.property(fc.array(life, { maxLength: 24 }), fc.integer({ min: 0, max: 100 }), (drawn, base) => {
      const lives = drawn.map(({ from, length, ...rest }) => ({ ...rest, from, to: from + length }));
      const { addresses, end } = laidOut(lives, base);
      const bytes = (i: number) => Math.ceil((lives[i]!.elements * lives[i]!.bits) / 8);
      for (const [i, a] of lives.entries()) {
        expect(addresses[i]).toBeGreaterThanOrEqual(base);
        expect(addresses[i]! + bytes(i)).toBeLessThanOrEqual(end);
        for (const [k, b] of lives.entries()) {
          const meet = i !== k && a.from <= b.to && b.from <= a.to;
          const apart =
            addresses[i]! + bytes(i) <= addresses[k]! || addresses[k]! + bytes(k) <= addresses[i]!;
          expect(meet && !apart).toBe(false);
        }
      }
    }),
    { numRuns: 500 },
  );
  const chain = Array.from({ length: 10 }, (_, i) => ({ elements: 16, bits: 8, from: i, to: i + 1 }));
  expect(laidOut(chain, 0).end).toBe(32);
});
