import { describe, expect, test } from "vitest";
import { type ArchSpec, makeArch } from "../../src/arch/spec.ts";
import { InputError } from "../../src/base/errors.ts";
import { storageBytes } from "../../src/fixed/format.ts";
import { ImageBuilder, type Weights } from "../../src/kernels/image.ts";
import { Residency } from "../../src/kernels/residency.ts";

const SCALE = { multiplier: 40_000, shift: 20 };

const matrix = (rows: number, columns: number, bits = 8): Weights => ({
  ...{ rows, columns, bits },
  codes: Int32Array.from({ length: rows * columns }, (_, i) => (i % 3) - 1),
});

describe("the image", () => {
  test("a block of equal contents is kept once", () => {
    const image = new ImageBuilder(makeArch());
    const first = image.channels([1, 2], [SCALE]);
    const { tableBytes } = image;
    expect(image.channels(Float64Array.of(1, 2), [{ ...SCALE }])).toBe(first);
    expect(image.tableBytes).toBe(tableBytes);
    expect(image.channels([1, 3], [SCALE])).not.toBe(first);
    expect(image.channels([1, 2], [SCALE, SCALE])).not.toBe(first);
  });

  test("weights begin behind the largest table memory, and neither weights nor tables overlap", () => {
    const image = new ImageBuilder(makeArch({ "table.bytes": 512 }));
    image.scale(SCALE);
    image.gains([1, 2, 3], [4, 5, 6], 8);
    image.channels([1, 2, 3], [SCALE]);
    const first = image.weights(Int32Array.of(1, -1, 1), 3);
    image.weights(Int32Array.of(5, 6), 16);
    expect(first).toBeGreaterThanOrEqual(512);
    const { segments, bytes } = image.build();
    const spans = segments
      .map(({ address, bits, codes }) => ({ address, end: address + storageBytes(codes.length, bits) }))
      .sort((a, b) => a.address - b.address);
    for (const [i, { address }] of spans.entries()) {
      if (i > 0) expect(address).toBeGreaterThanOrEqual(spans[i - 1]!.end);
    }
    expect(bytes).toBe(spans.at(-1)!.end);
  });

  test("every code is one that its width holds, and lies where its width allows", () => {
    const image = new ImageBuilder(makeArch());
    image.scale({ multiplier: 65_535, shift: 62 });
    image.channels([2 ** 31 - 1, -(2 ** 31)], [{ multiplier: 32_768, shift: 0 }, SCALE]);
    for (const { address, bits, codes } of image.build().segments) {
      expect((address * 8) % bits).toBe(0);
      for (const code of Array.from(codes)) {
        expect(code).toBeGreaterThanOrEqual(-(2 ** (bits - 1)));
        expect(code).toBeLessThan(2 ** (bits - 1));
      }
    }
  });

  test("a table memory too small is refused with what is needed", () => {
    const image = new ImageBuilder(makeArch({ "table.bytes": 64 }));
    image.channels(new Float64Array(64), [SCALE]);
    expect(() => image.tableBytes).toThrow(InputError);
    expect(() => image.tableBytes).toThrow(/table\.bytes: 64 bytes cannot hold/);
  });
});

describe("where weights stay", () => {
  const place = (matrices: readonly Weights[], bytes: number) => {
    const arch: ArchSpec = makeArch({ "weight.bytes": bytes });
    const residency = new Residency(arch, new ImageBuilder(arch), matrices);
    return { residency, placements: matrices.map((matrix) => residency.of(matrix)) };
  };

  test("all of them, to the last byte", () => {
    const matrices = [matrix(16, 10), matrix(16, 6)];
    const { residency, placements } = place(matrices, 256);
    expect(placements).toEqual([{ kept: { rows: 16, address: 0 } }, { kept: { rows: 16, address: 160 } }]);
    expect(residency.loads.map(({ dst, n }) => [dst, n])).toEqual([
      [0, 160],
      [160, 96],
    ]);
  });

  test("a byte less, and two buffers come first; then those that fit, in the order given", () => {
    const matrices = [matrix(64, 10), matrix(64, 20), matrix(64, 5)];
    const { residency, placements } = place(matrices, 64 * 35 - 1);
    expect(placements.map(({ stream }) => stream === undefined)).toEqual([true, false, true]);
    expect(residency.loads.length).toBe(2);
  });

  test.each([2, 3, 5, 8, 12, 16])(
    "streamed %i-bit weights: buffers that are apart, aligned and hold whole steps of rows",
    (bits) => {
      const matrices = [matrix(80, 30, bits), matrix(80, 30, 8)];
      const bytes = 1024;
      const { placements } = place(matrices, bytes);
      const resident = placements.flatMap(({ stream, kept }) => (stream === undefined ? [kept.address] : []));
      for (const [i, { stream }] of placements.entries()) {
        if (stream === undefined) continue;
        const [a, b] = stream.buffers;
        const tile = storageBytes(stream.rows * 30, matrices[i]!.bits);
        expect(stream.rows % 8).toBe(0);
        expect(stream.rows).toBeGreaterThan(0);
        expect(b - a).toBeGreaterThanOrEqual(tile);
        expect([a, b].map((at) => (at * 8) % matrices[i]!.bits)).toEqual([0, 0]);
        for (const end of [...resident, bytes]) expect(b + tile).toBeLessThanOrEqual(end);
      }
      expect(placements.some(({ stream }) => stream !== undefined)).toBe(true);
    },
  );

  test("a weight SRAM without room for two tiles is refused", () => {
    expect(() => place([matrix(64, 100)], 1599)).toThrow(InputError);
    expect(() => place([matrix(64, 100)], 1599)).toThrow("two tiles of 8 rows of matrix 1, 800 bytes each");
    expect(place([matrix(64, 100)], 1600).placements[0]!.stream).toBeDefined();
  });

  test("a matrix that was never placed is our own mistake", () => {
    const { residency } = place([matrix(2, 2)], 256);
    expect(() => residency.of(matrix(2, 2))).toThrow("never placed");
  });
});
