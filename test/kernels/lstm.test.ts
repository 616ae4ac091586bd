import seedrandom from "seedrandom";
import { describe, expect, test } from "vitest";
import { type ArchSpec, makeArch } from "../../src/arch/spec.ts";
import { InputError } from "../../src/base/errors.ts";
import { logistic, tanh } from "../../src/fixed/elementary.ts";
import { interpolateMirrored } from "../../src/fixed/interpolate.ts";
import { rsqrtNewton } from "../../src/fixed/newton.ts";
import type { Grid } from "../../src/fixed/real.ts";
import { mirroredSteps } from "../../src/kernels/curve.ts";
import { exactLstm } from "../../src/kernels/lstm/exact.ts";
import { lstm } from "../../src/kernels/lstm/index.ts";
import { lowerLstm } from "../../src/kernels/lstm/lower.ts";
import { matricesOf, type QLstm } from "../../src/kernels/lstm/quantize.ts";
import { type LstmParams, lstmCell, lstmSequence, zeroState } from "../../src/kernels/lstm/real.ts";
import {
  type CmsisLstmParameters,
  cmsisLstmOf,
  type GateParameters,
  type Multiplier,
  type TfliteLstmParameters,
  tfliteLstmOf,
} from "../../src/kernels/lstm/reference.ts";
import type { Matrix, Tap } from "../../src/kernels/tensors.ts";
import { mirroredSigmoid } from "../../src/pwl/mirrored.ts";
import type { Recipe } from "../../src/quant/recipe.ts";
import { expectSameInts } from "../support/ints.ts";
import { Bench, caseOf, compile } from "./harness.ts";

const CLOSE = 1e-12;
const HIDDEN = 3;
const INPUT = 2;

const vec = (...values: number[]) => Float64Array.from(values);
const uniform = (rng: () => number, n: number) => Float64Array.from({ length: n }, () => 2 * rng() - 1);
const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));

function randomCell(gates: number, extra: Partial<LstmParams> = {}): LstmParams {
  const rng = seedrandom("options");
  const rows = gates * HIDDEN;
  const matrix = (columns: number): Matrix => ({ rows, columns, data: uniform(rng, rows * columns) });
  const weightX = matrix(INPUT);
  return {
    input: INPUT,
    hidden: HIDDEN,
    weightX,
    weightH: matrix(HIDDEN),
    forgetBias: 1,
    normScope: "gate",
    ...extra,
  };
}

const xs = [vec(0.3, -0.9), vec(-1, 0.4), vec(0.7, 0.7)];

function expectSameRuns(a: LstmParams, b: LstmParams) {
  const [one, other] = [a, b].map((p) => lstmSequence(p, xs, false).flatMap((h) => [...h]));
  for (const [i, h] of one!.entries()) expect(Math.abs(h - other![i]!), `element ${i}`).toBeLessThan(CLOSE);
}

describe("options over the reals", () => {
  test("peepholes of zero, a clip never reached and a projection by the identity change nothing", () => {
    const identity = { rows: HIDDEN, columns: HIDDEN, data: vec(1, 0, 0, 0, 1, 0, 0, 0, 1) };
    const plain = randomCell(4);
    expectSameRuns({ ...plain, peepholes: new Float64Array(3 * HIDDEN) }, plain);
    expectSameRuns({ ...plain, clip: 100 }, plain);
    expectSameRuns({ ...plain, projection: { weight: identity } }, plain);
  });

  test("a coupled cell is a free one whose input gate has the forget gate's sum, negated", () => {
    const coupled = randomCell(3, { coupled: true, bias: uniform(seedrandom("bias"), 3 * HIDDEN) });
    const negatedFirst = (x: ArrayLike<number>, forgetBias = 0): Float64Array => {
      const all = Array.from(x);
      return Float64Array.from([...all.slice(0, all.length / 3).map((w) => -(w + forgetBias)), ...all]);
    };
    const free = (m: Matrix): Matrix => ({ ...m, rows: 4 * HIDDEN, data: negatedFirst(m.data) });
    expectSameRuns(coupled, {
      ...coupled,
      coupled: false,
      weightX: free(coupled.weightX),
      weightH: free(coupled.weightH),
      bias: negatedFirst(coupled.bias!, coupled.forgetBias),
    });
  });

  test("a cap by hand: the input gate is the smaller of itself and what the forget gate leaves", () => {
    const rows = (...data: number[]): Matrix => ({ rows: 4, columns: 1, data: Float64Array.from(data) });
    const one = (i: number, f: number) =>
      lstmCell(
        {
          ...{ input: 1, hidden: 1, weightX: rows(i, f, 3, 4), weightH: rows(0, 0, 0, 0), forgetBias: 0.5 },
          ...{ normScope: "gate", capped: true },
        },
        vec(1),
        { h: vec(0), c: vec(0.8) },
      ).c[0];
    const kept = (f: number) => sigmoid(f + 0.5) * 0.8;
    expect(one(2, 1)).toBeCloseTo(kept(1) + (1 - sigmoid(1.5)) * Math.tanh(3), 12);
    expect(one(-2, 1)).toBeCloseTo(kept(1) + sigmoid(-2) * Math.tanh(3), 12);
  });

  test("a cap is nothing to a coupled cell", () => {
    const coupled = randomCell(3, { coupled: true });
    expectSameRuns({ ...coupled, capped: true }, coupled);
  });

  test("one unit with peepholes by hand: i and f see the old cell, o the new one", () => {
    const rows = (...data: number[]): Matrix => ({ rows: 4, columns: 1, data: Float64Array.from(data) });
    const p: LstmParams = {
      ...{ input: 1, hidden: 1, weightX: rows(1, 2, 3, 4), weightH: rows(0, 0, 0, 0), forgetBias: 0 },
      ...{ normScope: "gate", peepholes: vec(0.5, -0.25, 2), clip: 0.4 },
    };
    const seen = new Map<string, number[]>();
    const tap: Tap = (site, values) => void seen.set(site, [...values]);
    const { h, c } = lstmCell(p, vec(0.1), { h: vec(0), c: vec(0.8) }, tap);
    const open = sigmoid(0.2 - 0.25 * 0.8) * 0.8 + sigmoid(0.1 + 0.5 * 0.8) * Math.tanh(0.3);
    expect(open).toBeGreaterThan(0.4);
    expect(c[0]).toBe(0.4);
    expect(h[0]).toBeCloseTo(sigmoid(0.4 + 2 * 0.4) * Math.tanh(0.4), 12);
    const gates = [0.1 + 0.4, 0.2 - 0.2, 0.3, 0.4 + 0.8];
    for (const [k, gate] of seen.get("gates")!.entries()) expect(gate).toBeCloseTo(gates[k]!, 12);
  });

  test("a norm of the gates' sums leaves the biases outside, and is shown with what it reads", () => {
    const flat = {
      kind: "layer",
      gain: new Float64Array(4 * HIDDEN),
      shift: new Float64Array(4 * HIDDEN),
    } as const;
    const p = randomCell(4, {
      normGates: { ...flat, epsilon: 1 },
      bias: new Float64Array(4 * HIDDEN).fill(0.5),
    });
    const sites: string[] = [];
    const shown = new Map<string, Float64Array>();
    lstmCell(p, xs[0]!, zeroState(p), (site, values) => {
      sites.push(site);
      shown.set(site, values.slice());
    });
    expect(sites.indexOf("sum")).toBeLessThan(sites.indexOf("norm.gates.normalized"));
    expect([...shown.get("norm.gates")!]).toEqual(new Array(4 * HIDDEN).fill(0));
    expect([...shown.get("gates")!]).toEqual([0.5, 0.5, 0.5, 1.5, 1.5, 1.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5]);
  });

  test("a projection makes h as long as it has rows, and shows what it reads", () => {
    const rng = seedrandom("projection");
    const p = randomCell(4, {
      weightH: { rows: 4 * HIDDEN, columns: 2, data: uniform(rng, 8 * HIDDEN) },
      projection: { weight: { rows: 2, columns: HIDDEN, data: uniform(rng, 2 * HIDDEN) }, bias: vec(0, 1) },
    });
    const lengths = new Map<string, number>();
    expect(zeroState(p).h.length).toBe(2);
    expect(lstmCell(p, xs[0]!, zeroState(p), (site, { length }) => lengths.set(site, length)).h.length).toBe(
      2,
    );
    expect([lengths.get("shown"), lengths.get("hidden")]).toEqual([HIDDEN, 2]);
  });

  test("lengths that do not fit are refused", () => {
    const p = randomCell(4, { peepholes: vec(1, 2) });
    expect(() => lstmCell(p, xs[0]!, zeroState(p))).toThrow("an LSTM's peepholes has 2 elements, not 9");
    expect(() => lstmCell(randomCell(4, { coupled: true }), xs[0]!, zeroState(p))).toThrow(RangeError);
  });
});

describe("the recipe of the gates", () => {
  const quantized = (name: string, changes: Partial<Recipe>) => {
    const sample = lstm.samples.find((one) => one.name === name)!;
    return () => caseOf("lstm", sample, makeArch(), changes).q;
  };

  test("gemmlowp's curves name the key that must change", () => {
    expect(quantized("gemmlowp", { gate_format: "activation" })).toThrowErrorMatchingInlineSnapshot(
      `[InputError: recipe: gate_format: gate_curve gemmlowp reads q3.12, not activation]`,
    );
    expect(quantized("gemmlowp", { cell_bits: 12 })).toThrowErrorMatchingInlineSnapshot(
      `[InputError: recipe: cell_bits: gate_curve gemmlowp takes a cell of 16 bits, not 12]`,
    );
    expect(quantized("gemmlowp, norms", { norm_bits: 8 })).toThrowErrorMatchingInlineSnapshot(
      `[InputError: recipe: norm_bits: gate_curve gemmlowp takes a cell's norm of 16 bits, not 8]`,
    );
    expect(quantized("gemmlowp", { gate_format: "activation" })).toThrow(InputError);
  });

  test("steps of the mirrored table: three to a step of 2^-12, shifted for other powers of two", () => {
    expect(mirroredSteps(2 ** -12)).toEqual({ factor: 3, shift: 0 });
    expect(mirroredSteps(2 ** -14)).toEqual({ factor: 3, shift: 2 });
    expect(mirroredSteps(2 ** -9)).toEqual({ factor: 24, shift: 0 });
    const { factor, shift } = mirroredSteps(0.001);
    expect(factor / 2 ** shift).toBeCloseTo(12.288, 3);
    for (const scale of [1e-4 / 32767, 1e6]) {
      const extreme = mirroredSteps(scale);
      expect(extreme.factor).toBeLessThan(2 ** 20);
      expect(extreme.shift).toBeLessThanOrEqual(31);
    }
  });
});

/** The published arithmetic a second time: words of 32 bits by way of unbounded integers. */
const clamp = (x: number, bits: number) => Math.max(-(2 ** (bits - 1)), Math.min(2 ** (bits - 1) - 1, x));
const clamp8 = (x: number) => clamp(x, 8);
const clamp16 = (x: number) => clamp(x, 16);
const doublingHigh = (a: number, b: number) => Number((BigInt(a) * BigInt(b) + 2n ** 30n) >> 31n);
const dividedByPowerOfTwo = (x: number, e: number) => {
  const magnitude = Number((BigInt(Math.abs(x)) + ((2n ** BigInt(e)) >> 1n)) >> BigInt(e));
  return x < 0 ? 0 - magnitude : magnitude;
};
const scaled = (x: number, { multiplier, shift }: Multiplier) => {
  const lifted = Number(BigInt.asIntN(32, BigInt(x) << BigInt(Math.max(shift, 0))));
  return dividedByPowerOfTwo(doublingHigh(lifted, multiplier), Math.max(-shift, 0));
};
/** The 16-bit multiplier on sums of 64 bits. */
const scaledOnce = (x: number, { multiplier, shift }: Multiplier) => {
  const narrow = multiplier >= 0x7fff0000 ? 0x7fff : (multiplier + 0x8000) >> 16;
  return Number((BigInt(x) * BigInt(narrow) + (1n << BigInt(14 - shift))) >> BigInt(15 - shift));
};

type Codes = ArrayLike<number>;
const dot = (w: Codes, row: number, x: Codes, zero: number) => {
  let sum = 0;
  for (let i = 0; i < x.length; i++) sum += (x[i]! - zero) * w[row * x.length + i]!;
  return sum;
};

function tfliteNorm(row: readonly number[], gate: GateParameters): number[] {
  const n = row.length;
  const { gains, scale, gainScale } = gate.norm!;
  const sum = row.reduce((a, v) => a + v, 0);
  const squares = row.reduce((a, v) => a + v * v, 0);
  const mean = Math.trunc((sum * 1024) / n);
  const variance = Math.trunc((squares * Math.floor(2 ** 20 / n) - mean * mean) / 2 ** 20);
  const guard = Math.max(1, Math.trunc(Math.fround(10000 * Math.fround(gainScale))));
  const { mantissa, exponent } = rsqrtNewton(variance < 1 ? guard : variance);
  return row.map((v, i) => {
    const r = scaled(1024 * v - mean, { multiplier: mantissa, shift: 31 - exponent });
    const u = r * gains[i]! + gate.bias[i]!;
    const dropped = Math.trunc((u > 0 ? u + 512 : u - 512) / 1024);
    return clamp16(scaled(dropped, { ...scale, shift: scale.shift + 12 }));
  });
}

function tflite(p: TfliteLstmParameters, inputs: readonly Codes[]): number[] {
  const zero = p.outputZero;
  let h: number[] = new Array((p.projection?.bias ?? p.gates.forget.bias).length).fill(zero);
  let c: number[] = new Array(p.hidden).fill(0);
  const units = c.map((_, k) => k);
  return inputs.flatMap((x) => {
    const gate = (g: GateParameters) => {
      const sums = units.map((k) => {
        const own = g.norm ? 0 : g.bias[k]!;
        const fromX = clamp16(scaled(dot(g.weightX, k, x, p.inputZero) + own, g.scaleX));
        return clamp16(fromX + scaled(dot(g.weightH, k, h, zero), g.scaleH));
      });
      return g.norm ? tfliteNorm(sums, g) : sums;
    };
    const f = gate(p.gates.forget).map((v) => logistic(v, 3, 16));
    const i = p.gates.input
      ? gate(p.gates.input).map((v) => logistic(v, 3, 16))
      : f.map((v) => clamp16(32767 - v));
    const g = gate(p.gates.candidate).map((v) => tanh(v, 3, 16));
    const o = gate(p.gates.output).map((v) => logistic(v, 3, 16));
    const limit = p.clip || 32768;
    c = units.map((k) => {
      const kept = dividedByPowerOfTwo(f[k]! * c[k]!, 15);
      const next = clamp16(kept + dividedByPowerOfTwo(i[k]! * g[k]!, 30 + p.cellExponent));
      return Math.max(-limit, Math.min(limit, next));
    });
    const bent = c.map((v) => tanh(v, 15 + p.cellExponent, 16));
    const shown = units.map((k) => clamp8(scaled(o[k]! * bent[k]!, p.hiddenScale) - p.hiddenZero));
    const { projection } = p;
    h = projection
      ? h.map((_, row) => {
          const sum = dot(projection.weight, row, shown, 0 - p.hiddenZero) + projection.bias[row]!;
          return clamp8(scaled(sum, projection.scale) + zero);
        })
      : shown;
    return h;
  });
}

function cmsis(p: CmsisLstmParameters, inputs: readonly Codes[]): number[] {
  const table = mirroredSigmoid();
  const bent = (x: number, left: number, odd: boolean) => {
    const d = left >= 0 ? (x * 3) << left : (x * 3 + (1 << (-left - 1))) >> -left;
    return interpolateMirrored(table, d, odd);
  };
  const by = p.bits === 8 ? scaled : scaledOnce;
  const zero = p.outputZero;
  let h: number[] = new Array(p.hidden).fill(zero);
  let c: number[] = new Array(p.hidden).fill(0);
  const units = c.map((_, k) => k);
  return inputs.flatMap((x) => {
    const gate = (g: GateParameters, odd: boolean) =>
      units.map((k) => {
        const fromX = clamp16(by(dot(g.weightX, k, x, p.inputZero) + g.bias[k]!, g.scaleX));
        return bent(clamp16(fromX + by(dot(g.weightH, k, h, zero), g.scaleH)), 0, odd);
      });
    const { input, forget, candidate, output } = p.gates;
    const [i, f, g, o] = [
      gate(input, false),
      gate(forget, false),
      gate(candidate, true),
      gate(output, false),
    ];
    c = units.map((k) => {
      const next = clamp16(scaled(f[k]! * c[k]!, p.forgetScale)) + scaled(i[k]! * g[k]!, p.inputScale);
      return p.clip > 0 ? Math.max(-p.clip, Math.min(p.clip, next)) : clamp16(next);
    });
    h = units.map((k) => {
      const product = scaled(o[k]! * bent(c[k]!, p.cellExponent + 12, true), p.hiddenScale);
      return clamp(product + zero, p.bits);
    });
    return h;
  });
}

describe("cells from the integers of the references", () => {
  const DOUBLE = makeArch({
    ...{ "requant.rounding": "tflite-double", "requant.multiplierBits": 31, "acc.bits": 32 },
  });
  const WIDE = makeArch({
    ...{ "requant.rounding": "half-up", "requant.multiplierBits": 16, "acc.bits": 47 },
    ...{ "vector.rounding": "tflite-double", "vector.multiplierBits": 31 },
  });
  const STEPS = 5;

  /** Integers by chance, of the size that the references have. */
  function dice(seed: string) {
    const rng = seedrandom(seed);
    const integer = (lo: number, hi: number) => lo + Math.floor(rng() * (hi - lo + 1));
    const integers = (n: number, limit: number) => Array.from({ length: n }, () => integer(-limit, limit));
    const factor = (shift: number): Multiplier => ({ multiplier: integer(2 ** 30, 2 ** 31 - 1), shift });
    return { integer, integers, factor };
  }

  function expectAll(q: QLstm, arch: ArchSpec, inputs: readonly Int32Array[], input: Grid, wanted: number[]) {
    const got = exactLstm(q, [inputs], false, arch.settings).flatMap((h) => [...h]);
    expectSameInts(got, wanted, "exact");
    const made = {
      inputs: [input],
      output: q.hidden,
      matrices: matricesOf(q),
      exact: () => [],
      lower: (b: Parameters<typeof lowerLstm>[0], [x]: Parameters<typeof lowerLstm>[2]) =>
        lowerLstm(b, q, [x!], false),
    };
    const bench = new Bench(compile({ q: made, codes: [[inputs]], arch }), arch, 1);
    expectSameInts(bench.run([[inputs]]).codes[0]!, wanted, "machine");
  }

  const variants = Array.from({ length: 16 }, (_, k) => ({
    ...{ k, normed: (k & 1) > 0, coupled: (k & 2) > 0, projected: (k & 4) > 0, clipped: (k & 8) > 0 },
  }));

  test.each(variants)(
    "TensorFlow Lite's kernel, layer norm $normed, CIFG $coupled, projection $projected, clip $clipped",
    ({ k, normed, coupled, projected, clipped }) => {
      const { integer, integers, factor } = dice(`tflite/${k}`);
      const [input, hidden, outputs] = [5, 8, projected ? 3 : 8];
      const gate = (): GateParameters => ({
        weightX: integers(hidden * input, 127),
        weightH: integers(hidden * outputs, 127),
        bias: integers(hidden, normed ? 1_000_000 : 3000),
        ...{ scaleX: factor(-1), scaleH: factor(-1) },
        ...(normed && {
          norm: { gains: integers(hidden, 20_000), scale: factor(-12), gainScale: 0.0003 },
        }),
      });
      const hiddenZero = projected ? integer(-12, 12) : 0;
      const p: TfliteLstmParameters = {
        ...{ input, hidden, inputZero: integer(-9, 9), cellExponent: integer(-13, -10) },
        ...{ clip: clipped ? 3072 : 0, outputZero: projected ? integer(-12, 12) : 0, hiddenZero },
        // Sixteen times a whole h in the codes of h: some saturate, the others show the last bits of the cell.
        hiddenScale: { multiplier: 2 ** 30, shift: clipped ? -22 : -18 },
        gates: { ...(!coupled && { input: gate() }), forget: gate(), candidate: gate(), output: gate() },
        ...(projected && {
          projection: {
            weight: integers(outputs * hidden, 127),
            bias: integers(outputs, 1500),
            scale: factor(-7),
          },
        }),
      };
      const inputs = Array.from({ length: STEPS }, () => Int32Array.from(integers(input, 127)));
      const grid: Grid = { format: { bits: 8, signed: true }, scale: 1, zero: p.inputZero };
      expectAll(tfliteLstmOf(p), DOUBLE, inputs, grid, tflite(p, inputs));
    },
  );

  test.each([
    { bits: 8, cellExponent: -14, clip: 0 },
    { bits: 8, cellExponent: -11, clip: 9000 },
    { bits: 16, cellExponent: -9, clip: 32767 },
    { bits: 16, cellExponent: -12, clip: 0 },
  ] as const)(
    "CMSIS-NN's, $bits bits, cell of 2^$cellExponent, clip $clip",
    ({ bits, cellExponent, clip }) => {
      const { integer, integers, factor } = dice(`cmsis/${bits}/${clip}`);
      const [input, hidden] = [6, 7];
      const lower = bits === 8 ? 0 : -8;
      const gate = (): GateParameters => ({
        weightX: integers(hidden * input, 127),
        weightH: integers(hidden * hidden, 127),
        bias: integers(hidden, 3000),
        ...{ scaleX: factor(lower - 1), scaleH: factor(lower - 1) },
      });
      const [inputZero, outputZero] = bits === 8 ? [integer(-128, 9), integer(-9, 90)] : [0, 0];
      const p: CmsisLstmParameters = {
        ...{ input, hidden, bits, inputZero, outputZero, cellExponent, clip },
        gates: { input: gate(), forget: gate(), candidate: gate(), output: gate() },
        ...{ forgetScale: { multiplier: 2 ** 30, shift: -14 }, inputScale: factor(-30 - cellExponent) },
        hiddenScale: factor(bits === 8 ? -22 : -15),
      };
      const inputs = Array.from({ length: STEPS }, () =>
        Int32Array.from(integers(input, 2 ** (bits - 1) - 1)),
      );
      const grid: Grid = { format: { bits, signed: true }, scale: 1, zero: inputZero };
      expectAll(cmsisLstmOf(p), bits === 8 ? DOUBLE : WIDE, inputs, grid, cmsis(p, inputs));
    },
  );
});
