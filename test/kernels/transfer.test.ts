import fc from "fast-check";
import { expect, test } from "vitest";
import { makeArch } from "../../src/arch/spec.ts";
import { storageBytes } from "../../src/fixed/format.ts";
import { fetch, loadTable, loadWeight, store } from "../../src/isa/ops/dma.ts";
import { unroll } from "../../src/isa/program.ts";
import { alignmentOf } from "../../src/isa/tables.ts";
import { validate } from "../../src/isa/validate.ts";
import { compile } from "../../src/kernels/compile.ts";
import { transfers } from "../../src/kernels/transfer.ts";

const grid = (bits: number) => ({ format: { bits, signed: true }, scale: 1, zero: 0 });

test("transfers follow each other without a gap, cut no code, and keep to their fields", () => {
  const arbitrary = fc.record({
    op: fc.constantFrom(loadWeight, loadTable, fetch, store),
    bits: fc.integer({ min: 2, max: 48 }),
    n: fc.oneof(fc.integer({ min: 1, max: 2 ** 23 }), fc.integer({ min: 2 ** 20 - 9, max: 2 ** 20 + 9 })),
    lines: fc.tuple(fc.nat(9), fc.nat(9)),
  });
  fc.assert(
    fc.property(arbitrary, ({ op, bits, n, lines }) => {
      const [dst, src] = lines.map((line) => line * alignmentOf(bits)) as [number, number];
      let done = 0;
      for (const part of transfers(op, dst, src, n, bits)) {
        expect([part.dst - dst, part.src - src]).toEqual([(done * bits) / 8, (done * bits) / 8]);
        for (const [name, value] of Object.entries(part)) {
          const { min, max } = (op.fields as Record<string, { min: number; max: number }>)[name]!;
          if (value < min || value > max) expect.fail(`${name} ${value} is not in ${min} … ${max}`);
        }
        // Of bytes the last few bits may be filling.
        const left = n - done;
        done += "n" in part ? part.n : Math.min(left, (part.bytes! * 8) / bits);
        if (done < n) expect((done * bits) % 8).toBe(0);
      }
      expect(done).toBe(n);
    }),
    { numRuns: 400, seed: 31 },
  );
});

test("weights that one transfer does not hold are loaded by several: 4096 x 8192 of 8 bits", () => {
  const arch = makeArch({ "weight.bytes": 2 ** 26 });
  const weights = { rows: 4096, columns: 8192, bits: 8, codes: new Int32Array(4096 * 8192) };
  const { load, image, dataBytes } = compile(arch, { inputs: [], matrices: [weights], lower: () => [] });
  const extents = { image: image.bytes, data: dataBytes };
  expect(validate(load, arch.settings, extents)).toEqual([]);
  const moved = unroll(load).reduce((sum, { x }) => sum + x["bytes"]!, 0);
  expect([load.items.length, moved]).toEqual([3, 2 ** 25]);
});

test("operands lie in the data region one after another, each on the next line its width allows", () => {
  const arch = makeArch({ "activation.bytes": 65_536 });
  const widths = [8, 3, 12, 16, 8];
  const inputs = widths.map((bits) => ({ grid: grid(bits), length: 5, count: 3 }));
  const ports = compile(arch, { inputs, lower: () => [] }).inputs;
  for (const [i, { address, bits }] of ports.entries()) {
    const line = 16 * alignmentOf(bits);
    const before = ports[i - 1];
    const end = before === undefined ? 0 : before.address + storageBytes(15, before.bits);
    expect([address % line, address - end >= 0, address - end < line]).toEqual([0, true, true]);
  }
});
