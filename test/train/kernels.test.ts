import { readFileSync } from "node:fs";
import fc from "fast-check";
import seedrandom from "seedrandom";
import { describe, expect, test } from "vitest";
import { Engine } from "../../src/train/engine.ts";

const engine = new Engine();
const { kernels } = engine;

/** Arrays for one call; what a test allocated before stays where it is. */
function put(values: ArrayLike<number>): number {
  const at = engine.allocate(values.length);
  engine.floats(at, values.length).set(values);
  return at;
}

const uniform = (n: number, name: string, reach = 1): number[] => {
  const random = seedrandom(name);
  return Array.from({ length: n }, () => reach * (2 * random() - 1));
};

test("the module has no data of its own: its arrays and tables would share addresses with the engine's", () => {
  const DATA_SECTION = 11;
  const file = readFileSync("dist/simd/train.wasm");
  const sections: number[] = [];
  for (let at = 8; at < file.length; ) {
    sections.push(file[at]!);
    let [size, scale, next] = [0, 1, at + 1];
    for (; file[next]! >= 128; next++, scale *= 128) size += (file[next]! - 128) * scale;
    at = next + 1 + size + file[next]! * scale;
  }
  expect(sections).toContain(10); // code: the walk went through
  expect(sections).not.toContain(DATA_SECTION);
});

test("small arrays seldom make the memory grow, which detaches views and collects garbage each time", () => {
  const fresh = new Engine();
  const view = fresh.floats(fresh.allocate(4), 4);
  for (let i = 0; i < 10_000; i++) fresh.allocate(16);
  expect(view).toHaveLength(4);
});

describe("product", () => {
  const shape = fc.record({
    m: fc.integer({ min: 1, max: 140 }),
    n: fc.integer({ min: 1, max: 40 }),
    k: fc.integer({ min: 1, max: 300 }),
    turnedA: fc.boolean(),
    turnedB: fc.boolean(),
    keep: fc.constantFrom(0 as const, 1 as const),
  });

  /** Sums of k products of numbers below 1, each rounded to 2^-24 of a partial sum below k. */
  test("is the sum of products, for every shape, transposed or not, added or not", () => {
    fc.assert(
      fc.property(shape, ({ m, n, k, turnedA, turnedB, keep }) => {
        const [a, b, c] = [uniform(m * k, "a"), uniform(k * n, "b"), uniform(m * n, "c")];
        const [aRow, aColumn] = turnedA ? [1, m] : [k, 1];
        const [bRow, bColumn] = turnedB ? [1, k] : [n, 1];
        const to = put(c);
        kernels.product(put(a), aRow, aColumn, put(b), bRow, bColumn, to, n, m, n, k, keep, engine.scratch);
        const found = engine.floats(to, m * n);
        for (let i = 0; i < m; i++) {
          for (let j = 0; j < n; j++) {
            let sum = keep ? c[i * n + j]! : 0;
            for (let p = 0; p < k; p++) sum += a[i * aRow + p * aColumn]! * b[p * bRow + j * bColumn]!;
            expect(Math.abs(found[i * n + j]! - sum)).toBeLessThan(1e-7 * (k + 1));
          }
        }
      }),
      { numRuns: 40 },
    );
  });

  test("writes rows that are apart, and nothing between them", () => {
    const to = put(new Float32Array(3 * 11).fill(5));
    kernels.product(
      put(uniform(3 * 4, "a")),
      4,
      1,
      put(uniform(4 * 9, "b")),
      9,
      1,
      to,
      11,
      3,
      9,
      4,
      0,
      engine.scratch,
    );
    const found = engine.floats(to, 3 * 11);
    for (const row of [0, 1, 2]) expect([...found.slice(row * 11 + 9, row * 11 + 11)]).toEqual([5, 5]);
  });

  test("of no terms is zero", () => {
    const to = put([1, 2, 3, 4]);
    kernels.product(put([0]), 0, 1, put([0]), 2, 1, to, 2, 2, 2, 0, 0, engine.scratch);
    expect([...engine.floats(to, 4)]).toEqual([0, 0, 0, 0]);
  });
});

describe("functions", () => {
  const xs = [...uniform(999, "x", 100), ...uniform(999, "x", 4), 0, -1e-30, 1e30, -1e30];

  test.each([
    ["sigmoid", (x: number) => 1 / (1 + Math.exp(-x))],
    ["tanh", Math.tanh],
  ] as const)("%s to 2e-7", (name, real) => {
    const [from, to] = [put(xs), put(xs)];
    kernels[name](from, to, xs.length);
    const inputs = engine.floats(from, xs.length);
    const worst = engine
      .floats(to, xs.length)
      .reduce((most, y, i) => Math.max(most, Math.abs(y - real(inputs[i]!))), 0);
    expect(worst).toBeLessThan(2e-7);
  });

  test("the logarithm of a softmax's sum to 1e-6 of itself, however great the logits", () => {
    for (const reach of [0.001, 1, 30, 1e4]) {
      const x = Float32Array.from(uniform(6001, `logits ${reach}`, reach));
      const [out, saved, ids] = [put([0]), put([0]), put([0])];
      engine.ints(ids, 1)[0] = 17;
      kernels.crossEntropy(put(x), ids, out, saved, 1, x.length, 0);
      const top = Math.max(...x);
      const log = top + Math.log(x.reduce((sum, value) => sum + Math.exp(value - top), 0));
      expect(Math.abs(engine.floats(saved, 1)[0]! - log)).toBeLessThan(1e-6 * Math.max(1, log));
      expect(Math.abs(engine.floats(out, 1)[0]! - (log - x[17]!))).toBeLessThan(
        2e-6 * Math.max(1, log, reach),
      );
    }
  });

  test("a softmax sums to 1", () => {
    const to = put(new Float32Array(7));
    kernels.softmax(put([1000, 999, -1000, 0, 1000, 2, 3]), to, 1, 7);
    const sum = engine.floats(to, 7).reduce((a, b) => a + b, 0);
    expect(sum).toBeCloseTo(1, 6);
  });
});

describe("adam", () => {
  test("is the published rule, with decoupled decay", () => {
    const n = 7;
    const [w, g, m, v] = [uniform(n, "w"), uniform(n, "g"), uniform(n, "m"), uniform(n, "v").map(Math.abs)];
    const [atW, atG, atM, atV] = [put(w), put(g), put(m), put(v)];
    kernels.adam(atW, atG, atM, atV, n, 0.5, 0.9, 0.99, 0.01, 0.2, 1e-8, 0.003);
    for (let i = 0; i < n; i++) {
      const first = 0.9 * m[i]! + 0.1 * 0.5 * g[i]!;
      const second = 0.99 * v[i]! + 0.01 * (0.5 * g[i]!) ** 2;
      const after = w[i]! - (0.01 * first) / (Math.sqrt(second / 0.2) + 1e-8) - 0.003 * w[i]!;
      expect(engine.floats(atM, n)[i]).toBeCloseTo(first, 6);
      expect(engine.floats(atV, n)[i]).toBeCloseTo(second, 6);
      expect(engine.floats(atW, n)[i]).toBeCloseTo(after, 6);
    }
  });
});

describe("dropout's mask", () => {
  const N = 100_000;
  const maskOf = (rate: number, seed: number, step: number, site: number): Float32Array => {
    const at = engine.allocate(N);
    kernels.dropoutMask(at, N, rate, seed, step, site);
    return engine.floats(at, N).slice();
  };
  const kept = (mask: Float32Array): number => mask.reduce((n, x) => n + (x > 0 ? 1 : 0), 0) / N;

  test.each([0, 0.1, 0.5, 0.9])("drops %d of the elements and keeps the mean", (rate) => {
    const mask = maskOf(rate, 1, 2, 3);
    expect(new Set(mask).size).toBe(rate === 0 ? 1 : 2);
    // Five standard deviations of a binomial count.
    expect(Math.abs(kept(mask) - (1 - rate))).toBeLessThan(5 * Math.sqrt((rate * (1 - rate)) / N) + 1e-9);
    expect(Math.max(...mask)).toBeCloseTo(1 / (1 - rate), 5);
  });

  test("is the same for the same seed, step and site, and another for any other", () => {
    const mask = maskOf(0.5, 1, 2, 3);
    expect(maskOf(0.5, 1, 2, 3)).toEqual(mask);
    for (const [seed, step, site] of [
      [2, 2, 3],
      [1, 3, 3],
      [1, 2, 4],
    ] as const) {
      const agreeing = maskOf(0.5, seed, step, site).reduce((n, x, i) => n + (x === mask[i] ? 1 : 0), 0);
      expect(Math.abs(agreeing / N - 0.5)).toBeLessThan(0.01);
    }
  });
});
