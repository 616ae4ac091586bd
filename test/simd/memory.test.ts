import { expect, test } from "vitest";
import { loadKernels } from "../../src/simd/load.ts";
import { Heap } from "../../src/simd/memory.ts";

test("addresses are multiples of 16, never 0, and do not overlap", () => {
  const heap = new Heap(loadKernels("twin").memory);
  let end = 1;
  for (const bytes of [1, 0, 16, 17, 100_000, 3]) {
    const at = heap.allocate(bytes);
    expect(at % 16).toBe(0);
    expect(at).toBeGreaterThanOrEqual(end);
    end = at + bytes;
  }
});

test("memory is zero when handed out, and grows", () => {
  const { memory } = loadKernels("twin");
  const heap = new Heap(memory);
  heap.int8(heap.allocate(64), 64).fill(1);
  const at = heap.allocate(1_000_000);
  expect(memory.buffer.byteLength).toBeGreaterThanOrEqual(at + 1_000_000);
  expect(heap.float64(at, 125_000).every((x) => x === 0)).toBe(true);
});

test("views of an address see the same bytes", () => {
  const heap = new Heap(loadKernels("twin").memory);
  const at = heap.allocate(8);
  heap.int32(at, 2).set([-1, 0x0102_0304]);
  expect([...heap.int16(at, 4)]).toEqual([-1, -1, 0x0304, 0x0102]);
  expect([...heap.int8(at, 5)]).toEqual([-1, -1, -1, -1, 4]);
});

test("a heap beyond 4 GiB is refused, and nothing is lost by asking", () => {
  const heap = new Heap(loadKernels("twin").memory);
  const before = heap.allocate(16);
  expect(() => heap.allocate(2 ** 32)).toThrow("needs more than 4 GiB");
  expect(() => heap.allocate(-1)).toThrow(RangeError);
  expect(() => heap.allocate(1.5)).toThrow(RangeError);
  expect(heap.allocate(16)).toBe(before + 16);
});

test.each(["simd", "twin"] as const)(
  "%s: kernels survive a growing memory, and each load has its own",
  (name) => {
    const first = loadKernels(name);
    const second = loadKernels(name);
    expect(first.memory).not.toBe(second.memory);
    const heap = new Heap(first.memory);
    const table = heap.allocate(4);
    heap.int8(table, 4).set([1, 2, 3, 4]);
    const index = heap.allocate(32);
    heap.int16(index, 16).fill(1);
    const out = heap.allocate(1_000_000);
    first.kernels.gather(table, 1, index, 2, out, 2, 16);
    expect([...heap.int8(out, 32)]).toEqual([...Array(16).fill(3), ...Array(16).fill(4)]);
    expect(new Int8Array(second.memory.buffer).every((x) => x === 0)).toBe(true);
  },
);

test("SIMD is what is loaded where the engine has it", () => {
  expect(loadKernels().name).toBe("simd");
  expect(loadKernels("twin").name).toBe("twin");
});
