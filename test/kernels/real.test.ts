import fc from "fast-check";
import seedrandom from "seedrandom";
import { describe, expect, test } from "vitest";
import { argmax } from "../../src/kernels/argmax/real.ts";
import { type AttentionParams, attend, keys } from "../../src/kernels/attention/real.ts";
import { embedding } from "../../src/kernels/embedding/real.ts";
import { linear, product } from "../../src/kernels/linear/real.ts";
import { type LstmParams, lstmCell, lstmSequence, zeroState } from "../../src/kernels/lstm/real.ts";
import { type NormParams, norm, normBlocks } from "../../src/kernels/norm/real.ts";
import { softmax } from "../../src/kernels/softmax/real.ts";
import { expectLength, type Matrix, prefixed, type Tap } from "../../src/kernels/tensors.ts";

/** Double precision, sums of at most some hundred terms of size about 1. */
const CLOSE = 1e-12;

const vec = (...values: number[]) => Float64Array.from(values);
const matrix = (...rows: number[][]): Matrix => ({
  rows: rows.length,
  columns: rows[0]!.length,
  data: Float64Array.from(rows.flat()),
});
const plain = (kind: NormParams["kind"], n: number, epsilon = 0): NormParams => ({
  kind,
  gain: new Float64Array(n).fill(1),
  shift: new Float64Array(n),
  epsilon,
});
const sum = (x: Float64Array) => x.reduce((a, b) => a + b, 0);
const uniform = (rng: seedrandom.PRNG, n: number) => Float64Array.from({ length: n }, () => 2 * rng() - 1);

function expectClose(actual: Float64Array, wanted: ArrayLike<number>, bound = CLOSE, what = "") {
  expect(actual.length, what).toBe(wanted.length);
  for (let i = 0; i < actual.length; i++) {
    if (!(Math.abs(actual[i]! - wanted[i]!) <= bound)) {
      expect.fail(`${what} element ${i}: ${actual[i]} is not ${wanted[i]} within ${bound}`);
    }
  }
}

/** A tap that keeps what it is shown, and what it kept. */
function recorder() {
  const seen = new Map<string, number[][]>();
  const tap: Tap = (site, values) => void seen.set(site, [...(seen.get(site) ?? []), [...values]]);
  return { seen, tap };
}

const row = (n: { minLength: number; maxLength: number }) =>
  fc.array(fc.double({ min: -100, max: 100, noNaN: true }), n).map((x) => Float64Array.from(x));
/** Rows whose spread is far above rounding, so that dividing by it is well conditioned. */
const spreadRow = row({ minLength: 2, maxLength: 40 }).filter((x) => Math.max(...x) - Math.min(...x) > 0.1);

describe("tensors", () => {
  test("a prefix goes before every site, and no tap stays none", () => {
    const { seen, tap } = recorder();
    prefixed(prefixed(tap, "a"), "b")?.("c", vec(1));
    expect([...seen.keys()]).toEqual(["a.b.c"]);
    expect(prefixed(undefined, "a")).toBeUndefined();
  });

  test("a wrong length is refused in a sentence", () => {
    expect(() => expectLength("a row", [1, 2], 3)).toThrow("a row has 2 elements, not 3");
  });
});

describe("linear", () => {
  test("W x + b by hand", () => {
    const weight = matrix([1, 2, 3], [4, 5, 6]);
    const { seen, tap } = recorder();
    expect(linear({ weight, bias: vec(10, 20) }, vec(1, 0, -1), tap)).toEqual(vec(8, 18));
    expect(linear({ weight }, vec(1, 0, -1))).toEqual(vec(-2, -2));
    expect(seen).toEqual(
      new Map([
        ["input", [[1, 0, -1]]],
        ["output", [[8, 18]]],
      ]),
    );
  });

  test("every shape, whole blocks of rows or not, equals the sums of its terms", () => {
    for (let rows = 0; rows <= 9; rows++) {
      for (let columns = 0; columns <= 5; columns++) {
        const data = Float32Array.from({ length: rows * columns }, (_, at) => at + 1);
        const x = Float64Array.from({ length: columns }, (_, k) => 10 ** k);
        const wanted = Float64Array.from({ length: rows }, (_, r) =>
          x.reduce((a, value, k) => a + value * (r * columns + k + 1), 0),
        );
        expect(product({ rows, columns, data }, x), `${rows} x ${columns}`).toEqual(wanted);
      }
    }
  });

  test("lengths that do not fit are refused", () => {
    expect(() => linear({ weight: matrix([1, 2]) }, vec(1))).toThrow(RangeError);
    expect(() => linear({ weight: matrix([1]), bias: vec(1, 2) }, vec(1))).toThrow(RangeError);
  });
});

describe("norm", () => {
  test("layer norm by hand: mean 2, variance 2/3", () => {
    const p = { ...plain("layer", 3, 1 / 3), gain: vec(1, 2, 3), shift: vec(0, 0, 5) };
    expectClose(norm(p, vec(1, 2, 3)), [-1, 0, 8]);
  });

  test("mad norm by hand: mean 3, mean absolute deviation 2", () => {
    const p = { ...plain("mad", 4), gain: vec(1, 1, 2, 1), shift: vec(0, 1, 0, 0) };
    expectClose(norm(p, vec(0, 2, 4, 6)), [-1.5, 0.5, 1, 1.5]);
  });

  test.each(["layer", "mad"] as const)("%s: neither a shift nor a positive scale of x matters", (kind) => {
    const check = (x: Float64Array, scale: number, shift: number) => {
      const moved = x.map((value) => scale * value + shift);
      expectClose(norm(plain(kind, x.length), moved), norm(plain(kind, x.length), x), 1e-8);
    };
    const scale = fc.double({ min: 0.1, max: 10, noNaN: true });
    fc.assert(fc.property(spreadRow, scale, fc.integer({ min: -100, max: 100 }), check));
  });

  test("layer norm's result has mean 0 and variance 1, mad norm's mean 0 and mean absolute value 1", () => {
    const check = (x: Float64Array) => {
      const n = x.length;
      const layer = norm(plain("layer", n), x);
      const mad = norm(plain("mad", n), x);
      expectClose(vec(sum(layer) / n, sum(layer.map((y) => y * y)) / n), [0, 1], 1e-8);
      expectClose(vec(sum(mad) / n, sum(mad.map(Math.abs)) / n), [0, 1], 1e-8);
    };
    fc.assert(fc.property(spreadRow, check));
  });

  test("d <= sigma <= sqrt(H / 2) d and |y| <= H / 2", () => {
    const check = (x: Float64Array) => {
      const slack = 1 + 1e-9;
      const { seen: mad, tap } = recorder();
      const y = norm(plain("mad", x.length), x, tap);
      const { seen: layer, tap: layerTap } = recorder();
      norm(plain("layer", x.length), x, layerTap);
      const d = mad.get("deviation")![0]![0]!;
      const sigma = layer.get("deviation")![0]![0]!;
      expect(d).toBeLessThanOrEqual(sigma * slack);
      expect(sigma).toBeLessThanOrEqual(Math.sqrt(x.length / 2) * d * slack);
      expect(Math.max(...y.map(Math.abs))).toBeLessThanOrEqual((x.length / 2) * slack);
    };
    fc.assert(fc.property(spreadRow, check));
  });

  test("one outlier among equals reaches the bound H / 2", () => {
    expectClose(norm(plain("mad", 8), vec(0, 0, 0, 0, 0, 0, 0, 1)).slice(7), [4]);
  });

  test("for Gaussian rows d is sqrt(2 / pi) sigma", () => {
    const rng = seedrandom("norm/gaussian");
    const n = 100_000;
    const gaussian = () => Math.sqrt(-2 * Math.log(1 - rng())) * Math.cos(2 * Math.PI * rng());
    const x = Float64Array.from({ length: n }, gaussian);
    const ratio = norm(plain("layer", n), x)[0]! / norm(plain("mad", n), x)[0]!;
    // d / sigma has a standard error of about 0.6 / (2 sqrt n) < 0.001 here; three times that is allowed.
    expect(Math.abs(ratio - Math.sqrt(2 / Math.PI))).toBeLessThan(0.003);
  });

  test("a constant row gives the shift, with or without a floor", () => {
    for (const epsilon of [0, 1e-5]) {
      for (const kind of ["layer", "mad"] as const) {
        const p = { ...plain(kind, 3, epsilon), shift: vec(1, 2, 3) };
        expect(norm(p, vec(7, 7, 7)), `${kind} ${epsilon}`).toEqual(vec(1, 2, 3));
      }
    }
  });

  test("blocks are normalized apart, gain and shift per element", () => {
    const p = { ...plain("mad", 4), gain: vec(1, 2, 3, 4), shift: vec(0, 0, 0, 1) };
    const { seen, tap } = recorder();
    expectClose(normBlocks(p, vec(0, 2, 10, 30), 2, tap), [-1, 2, -3, 5]);
    expect(seen).toEqual(
      new Map([
        ["mean", [[1, 20]]],
        ["centred", [[-1, 1, -10, 10]]],
        ["deviation", [[1, 10]]],
        ["normalized", [[-1, 1, -1, 1]]],
        ["output", [[-1, 2, -3, 5]]],
      ]),
    );
  });

  test("lengths that do not fit are refused", () => {
    expect(() => norm(plain("mad", 3), vec(1, 2))).toThrow("a norm's gain has 3 elements, not 2");
    expect(() => norm({ ...plain("mad", 2), shift: vec(1) }, vec(1, 2))).toThrow("a norm's shift");
    expect(() => normBlocks(plain("mad", 3), vec(1, 2, 3), 2)).toThrow("2 blocks do not divide 3 elements");
    expect(() => norm(plain("mad", 0), vec())).toThrow(RangeError);
  });
});

describe("softmax", () => {
  test("by hand, and far from zero without overflow", () => {
    expectClose(softmax(vec(0, Math.log(3))), [0.25, 0.75]);
    expectClose(softmax(vec(1000, 1000 + Math.log(3))), [0.25, 0.75], 1e-9);
  });

  test("weights are in 0 … 1, sum to 1, keep the order, and ignore a common shift", () => {
    const check = (x: Float64Array, shift: number) => {
      const y = softmax(x);
      expectClose(vec(sum(y)), [1]);
      expect(Math.min(...y)).toBeGreaterThanOrEqual(0);
      expect(argmax(y)).toBe(y.indexOf(y[argmax(x)]!));
      expectClose(softmax(x.map((value) => value + shift)), y, 1e-9);
    };
    fc.assert(fc.property(row({ minLength: 1, maxLength: 30 }), fc.integer({ min: -50, max: 50 }), check));
  });

  test("a masked element weighs nothing; nothing but masked elements is refused", () => {
    expect(softmax(vec(-Infinity, 5))).toEqual(vec(0, 1));
    for (const x of [vec(), vec(-Infinity), vec(NaN)]) expect(() => softmax(x)).toThrow(RangeError);
  });
});

describe("embedding and argmax", () => {
  test("a row of the table, as a copy", () => {
    const table = matrix([1, 2], [3, 4]);
    const found = embedding(table, 1);
    expect(found).toEqual(vec(3, 4));
    found[0] = 9;
    expect(table.data[2]).toBe(3);
    for (const index of [-1, 2, 0.5, NaN]) expect(() => embedding(table, index)).toThrow(RangeError);
  });

  test("the first of equal maxima", () => {
    expect(argmax([1, 3, 2, 3])).toBe(1);
    expect(argmax([-2])).toBe(0);
    expect(() => argmax([])).toThrow(RangeError);
  });
});

describe("attention", () => {
  const p: AttentionParams = {
    key: { weight: matrix([1, 0], [0, 2]), bias: vec(0, 1) },
    query: matrix([1], [-1]),
    v: vec(2, 1),
  };
  const memory = [vec(1, 2), vec(-1, 0)];
  const made = memory.map((entry) => keys(p, entry));

  test("by hand, with every site", () => {
    const { seen, tap } = recorder();
    const { weights, context } = attend(p, vec(0.5), made, memory, tap);
    const score = (a: number, b: number) => 2 * Math.tanh(a) + Math.tanh(b);
    const [e0, e1] = [score(1.5, 4.5), score(-0.5, 0.5)];
    const a0 = 1 / (1 + Math.exp(e1 - e0));
    expect(made).toEqual([vec(1, 5), vec(-1, 1)]);
    expectClose(weights, [a0, 1 - a0]);
    expectClose(context, [a0 - (1 - a0), 2 * a0]);
    expect([...seen.keys()]).toEqual(["query", "sum", "tanh", "score", "softmax.below", "context"]);
    expect(seen.get("query")).toEqual([[0.5, -0.5]]);
    expect(seen.get("sum")).toEqual([
      [1.5, 4.5],
      [-0.5, 0.5],
    ]);
    expectClose(Float64Array.from(seen.get("score")![0]!), [e0, e1]);
    const most = Math.max(e0, e1);
    expectClose(Float64Array.from(seen.get("softmax.below")![0]!), [e0 - most, e1 - most]);
  });

  test("one entry is its own context, and the order of entries does not matter", () => {
    expectClose(attend(p, vec(3), made.slice(0, 1), memory.slice(0, 1)).context, memory[0]!);
    const swapped = attend(p, vec(3), made.toReversed(), memory.toReversed());
    expectClose(swapped.context, attend(p, vec(3), made, memory).context);
  });

  test("lengths that do not fit and an empty memory are refused", () => {
    expect(() => attend(p, vec(1), [], [])).toThrow(RangeError);
    expect(() => attend(p, vec(1), made.slice(1), memory)).toThrow(RangeError);
    expect(() => attend(p, vec(1), made, [vec(1, 2), vec(1)])).toThrow(RangeError);
    expect(() => attend({ ...p, v: vec(1) }, vec(1), made, memory)).toThrow(RangeError);
  });
});

describe("lstm", () => {
  const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
  const one: LstmParams = {
    input: 1,
    hidden: 1,
    weightX: matrix([1], [2], [3], [4]),
    weightH: matrix([-1], [0.5], [2], [-3]),
    bias: vec(0.1, 0.2, 0.3, 0.4),
    forgetBias: 1,
    normScope: "all",
  };

  const products = ["input.x", "product.x", "input.h", "product.h"];
  const gateSites = ["gates", "gates.sigmoid", "gates.tanh"];

  test("one unit by hand: blocks i, f, g, o, bias and forget bias", () => {
    const { seen, tap } = recorder();
    const { h, c } = lstmCell(one, vec(0.5), { h: vec(0.2), c: vec(-0.7) }, tap);
    const cell = sigmoid(2.3) * -0.7 + sigmoid(0.4) * Math.tanh(2.2);
    expectClose(c, [cell]);
    expectClose(h, [sigmoid(1.8) * Math.tanh(cell)]);
    expect([...seen.keys()]).toEqual([...products, ...gateSites, "cell", "cell.tanh", "hidden"]);
    expectClose(Float64Array.from(seen.get("gates")![0]!), [0.4, 2.3, 2.2, 1.8]);
    expectClose(Float64Array.from(seen.get("gates.sigmoid")!.flatMap((some) => [...some])), [0.4, 2.3, 1.8]);
    expectClose(Float64Array.from(seen.get("gates.tanh")![0]!), [2.2]);
  });

  /** A cell of random weights; `with` says which norms it has. */
  function randomCell(hidden: number, input: number, extra: Partial<LstmParams>): LstmParams {
    const rng = seedrandom(`lstm/${hidden}/${input}`);
    const weight = (columns: number) => ({
      rows: 4 * hidden,
      columns,
      data: uniform(rng, 4 * hidden * columns),
    });
    const weightX = weight(input);
    return { input, hidden, weightX, weightH: weight(hidden), forgetBias: 0, normScope: "all", ...extra };
  }
  const affine = (kind: NormParams["kind"], n: number): NormParams => ({
    kind,
    gain: uniform(seedrandom("gain"), n),
    shift: uniform(seedrandom("shift"), n),
    epsilon: 1e-5,
  });
  const normed = (kind: NormParams["kind"]) => ({
    normX: affine(kind, 12),
    normH: affine(kind, 12),
    normC: affine(kind, 3),
  });

  test("the norms act on the two products apart and on the cell only on its way to h", () => {
    const p = randomCell(3, 2, normed("mad"));
    const x = vec(0.3, -0.9);
    const state = { h: vec(0.1, -0.4, 0.6), c: vec(1, -2, 0.5) };
    const { seen, tap } = recorder();
    const next = lstmCell(p, x, state, tap);
    const a = norm(p.normX!, product(p.weightX, x));
    const b = norm(p.normH!, product(p.weightH, state.h));
    const gates = a.map((value, k) => value + b[k]!);
    const c = state.c.map(
      (value, k) => sigmoid(gates[3 + k]!) * value + sigmoid(gates[k]!) * Math.tanh(gates[6 + k]!),
    );
    expectClose(next.c, c);
    expectClose(
      next.h,
      norm(p.normC!, c).map((value, k) => sigmoid(gates[9 + k]!) * Math.tanh(value)),
    );
    const inner = ["mean", "centred", "deviation", "normalized"];
    const sites = (name: string) => [...inner.map((site) => `${name}.${site}`), name];
    const norms = [...sites("norm.x"), ...sites("norm.h")];
    const order = [...norms, ...gateSites, "cell", ...sites("norm.c"), "cell.tanh", "hidden"];
    expect([...seen.keys()]).toEqual([...products, ...order]);
    expectClose(a, seen.get("norm.x")![0]!);
  });

  test("scope gate normalizes each gate's block by itself", () => {
    const p = randomCell(3, 2, { ...normed("layer"), normScope: "gate" });
    const { seen, tap } = recorder();
    const x = vec(0.3, -0.9);
    lstmCell(p, x, zeroState(p), tap);
    const whole = product(p.weightX, x);
    for (let gate = 0; gate < 4; gate++) {
      const cut = (v: Float64Array) => v.slice(3 * gate, 3 * gate + 3);
      const block = { ...p.normX!, gain: cut(p.normX!.gain), shift: cut(p.normX!.shift) };
      expectClose(cut(Float64Array.from(seen.get("norm.x")![0]!)), norm(block, cut(whole)));
    }
    const all = lstmCell({ ...p, normScope: "all" }, x, zeroState(p));
    expect(all.h).not.toEqual(lstmCell(p, x, zeroState(p)).h);
  });

  test("a step changes neither its input nor the state it came from", () => {
    const p = randomCell(3, 2, normed("mad"));
    const x = vec(1, 2);
    const state = { h: vec(0.1, 0.2, 0.3), c: vec(1, 2, 3) };
    lstmCell(p, x, state);
    expect([x, state.h, state.c]).toEqual([vec(1, 2), vec(0.1, 0.2, 0.3), vec(1, 2, 3)]);
  });

  test("a reverse run is the forward run of the reversed sequence, reversed", () => {
    const p = randomCell(4, 3, {});
    const rng = seedrandom("sequence");
    const xs = Array.from({ length: 6 }, () => uniform(rng, 3));
    expect(lstmSequence(p, xs, true)).toEqual(lstmSequence(p, xs.toReversed(), false).toReversed());
    expect(lstmSequence(p, xs, false)[0]).toEqual(lstmCell(p, xs[0]!, zeroState(p)).h);
    expect(lstmSequence(p, xs, true)[5]).toEqual(lstmCell(p, xs[5]!, zeroState(p)).h);
    expect(lstmSequence(p, [], true)).toEqual([]);
  });

  test("lengths that do not fit are refused", () => {
    expect(() => lstmCell(one, vec(1, 2), zeroState(one))).toThrow(RangeError);
    expect(() => lstmCell(one, vec(1), { h: vec(1, 2), c: vec(1) })).toThrow(RangeError);
    expect(() => lstmCell(one, vec(1), { h: vec(1), c: vec(1, 2) })).toThrow(RangeError);
    expect(() => lstmCell({ ...one, hidden: 2 }, vec(1), zeroState(one))).toThrow(RangeError);
  });
});
