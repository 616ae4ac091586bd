import { describe, expect, test } from "vitest";
import { makeArch } from "../../src/arch/spec.ts";
import { InputError } from "../../src/base/errors.ts";
import { signed } from "../../src/fixed/format.ts";
import { fill } from "../../src/isa/ops/vector.ts";
import { unroll } from "../../src/isa/program.ts";
import { ActivationMap, Builder, bytesOf, rowOf, strideOf } from "../../src/kernels/builder.ts";
import { ImageBuilder } from "../../src/kernels/image.ts";
import { Residency } from "../../src/kernels/residency.ts";

const gridOf = (bits: number) => ({ format: signed(bits), scale: 1, zero: 0 });
const arch = makeArch({ "activation.bytes": 1024 });

function builder(): Builder {
  const image = new ImageBuilder(arch);
  return new Builder(image, new Residency(arch, image, []), new ActivationMap(arch), arch);
}

const filled = (dst: Parameters<Builder["emit"]>[1][string]) => ({ dst, n: 1, bits: 8, value: 3 });
const addressesOf = (b: Builder) => unroll(b.finish("test")).map(({ x: { dst } }) => dst);

describe("tensors", () => {
  test("a vector of 3 codes of 8 bits takes 3 bytes, and vector 2 begins 6 bytes in", () => {
    const tensor = new ActivationMap(arch).tensor(gridOf(8), 3, 4);
    expect(strideOf(tensor)).toBe(3);
    expect(rowOf(tensor, 2)).toEqual({ ...tensor, at: (tensor.at as number) + 6, count: 1 });
  });

  test("a tensor is not cut inside a byte", () => {
    const tensor = { grid: gridOf(4), length: 3 };
    expect(() => strideOf(tensor)).toThrow(InputError);
    expect(() => strideOf(tensor)).toThrow("3 codes of 4 bits");
    expect(bytesOf(tensor, 6)).toBe(3);
  });
});

describe("the map of activations", () => {
  test.each([2, 3, 8, 12, 16, 32, 48])(
    "tensors of %i bits do not overlap and lie where their width allows",
    (bits) => {
      const map = new ActivationMap(arch);
      map.reserve(1, 8);
      const addresses = [1, 5, 2].map((count) => ({
        at: map.reserve(count, bits),
        bytes: Math.ceil((count * bits) / 8),
      }));
      for (const [i, { at }] of addresses.entries()) {
        expect((at * 8) % bits).toBe(0);
        const before = addresses[i - 1];
        if (before) expect(at).toBeGreaterThanOrEqual(before.at + before.bytes);
      }
    },
  );

  test("what is released is given out again, and a fork gives nothing back", () => {
    const map = new ActivationMap(arch);
    map.reserve(100, 8);
    const { mark } = map;
    const fork = map.fork();
    const first = map.reserve(10, 8);
    expect(fork.reserve(10, 8)).toBe(first);
    map.release(mark);
    expect(map.reserve(10, 8)).toBe(first);
  });

  test("the last byte can be had, and the next is refused with the tensor, its bytes and the memory", () => {
    expect(new ActivationMap(arch).reserve(1024, 8)).toBe(0);
    expect(() => new ActivationMap(arch).reserve(2050, 4)).toThrow(
      "default: activation.bytes: 1024 bytes, 0 of them taken, cannot hold a tensor, 1025 bytes: 2050 codes of 4 bits",
    );
    const b = builder();
    b.map.tensor(gridOf(8), 1000);
    expect(() => b.map.tensor(gridOf(8), 20, 2, "keys")).toThrow(
      "activation.bytes: 1024 bytes, 1008 of them taken, cannot hold keys, 40 bytes: 40 codes of 8 bits",
    );
    const inside = () => b.label("encoder", () => b.label("h", () => b.map.reserve(20, 8)));
    expect(inside).toThrow("cannot hold a tensor of encoder.h, 20 bytes: 20 codes of 8 bits");
  });

  test("scratch is given back after its body, and its result is not lost", () => {
    const b = builder();
    const { mark } = b.map;
    expect(b.scratch(() => b.map.reserve(10, 8))).toBe(0);
    expect(b.map.mark).toBe(mark);
  });
});

describe("loops", () => {
  test("an address advances by its stride, others stay", () => {
    const b = builder();
    b.loop(3, [4, -2], (indexed) => {
      b.emit(fill, filled(indexed(10, 0)));
      b.emit(fill, filled(indexed(20, 1)));
      b.emit(fill, filled(100));
    });
    expect(addressesOf(b)).toEqual([10, 20, 100, 14, 18, 100, 18, 16, 100]);
  });

  test("loops nest twice, each with registers of its own", () => {
    const b = builder();
    b.loop(2, [100], (outer) => {
      b.emit(fill, filled(outer(0, 0)));
      b.loop(2, [1], (inner) => b.emit(fill, filled(inner(7, 0))));
    });
    expect(addressesOf(b)).toEqual([0, 7, 8, 100, 7, 8]);
  });

  test("neither a third level, nor a fifth stride, nor two registers on an address", () => {
    const b = builder();
    const deep = () => b.loop(1, [], () => b.loop(1, [], () => b.loop(1, [], () => {})));
    expect(deep).toThrow(RangeError);
    expect(() => builder().loop(1, [1, 2, 3, 4, 5], () => {})).toThrow(RangeError);
    expect(() => builder().loop(1, [1], (indexed) => indexed(indexed(0, 0), 0))).toThrow(RangeError);
  });
});
