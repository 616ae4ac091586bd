import { describe, test } from "vitest";
import { REQUANT_ROUNDINGS } from "../../src/fixed/requant.ts";
import { exactRoundShift } from "../support/exact.ts";
import {
  Draw,
  exactClamp,
  exactScaled,
  FLAVOURS,
  isFloat32,
  LANES,
  MODES,
  multiplierBits,
  Pair,
  rangeOf,
  target,
} from "./harness.ts";

const CASES = 12;

/** A multiplier of at most `bits` bits, most often positive, and a shift, most often one that leaves a few bits. */
function scale(
  draw: Draw,
  bits: number,
  inputBits: number,
  rounding: number,
): readonly [m: number, s: number] {
  const width = draw.int(1, multiplierBits(bits, rounding));
  const m = draw.pick([1, 1, 1, -1]) * draw.int(2 ** (width - 1), 2 ** width - 1);
  const s = draw.pick([draw.int(0, 62), Math.min(62, Math.max(0, width + inputBits - draw.int(2, 20)))]);
  return [m, s];
}

/** One case for each rounding, and several for each, named so that the name is the seed. */
function forModes(kernel: string, body: (draw: Draw, rounding: number, name: string) => void): void {
  for (const rounding of MODES) {
    for (let i = 0; i < CASES; i++) {
      const name = `${kernel} rounding ${rounding} case ${i}`;
      body(new Draw(name), rounding, name);
    }
  }
}

describe("requant", () => {
  for (const accBytes of [4, 8]) {
    for (const outBytes of [1, 2, 4]) {
      test(`${accBytes}-byte accumulators to int${8 * outBytes}`, () => {
        const pair = new Pair();
        forModes(`requant ${accBytes} ${outBytes}`, (draw, rounding, name) => {
          const [rows, lanes] = [draw.int(1, 4), draw.pick(LANES)];
          const acc = draw.codes(rows * lanes, accBytes, draw.pick(FLAVOURS));
          const bias = draw.codes(rows, accBytes, draw.pick(["any", "mixed"]));
          const scales = bias.map(() =>
            scale(draw, accBytes === 4 || isFloat32(rounding) ? 31 : 15, 8 * Math.min(accBytes, 6), rounding),
          );
          const { zero, lo, hi } = target(draw, outBytes);
          const out = pair.room(outBytes, rows * lanes);
          const sat = pair.zeros(lanes);
          pair.run(
            "requant",
            ...([pair.put(accBytes, acc), accBytes, out, outBytes, rows, lanes] as const),
            pair.put(accBytes, bias),
            pair.put(
              4,
              scales.map(([m]) => m),
            ),
            pair.put(
              4,
              scales.map(([, s]) => s),
            ),
            ...([zero, lo, hi, rounding, sat] as const),
          );
          const counts = Array<number>(lanes).fill(0);
          const raw = acc.map((x, i) => {
            const r = Math.floor(i / lanes);
            return exactScaled(BigInt(x) + BigInt(bias[r]!), ...scales[r]!, rounding) + BigInt(zero);
          });
          pair.expect(
            out,
            outBytes,
            exactClamp(raw, lo, hi, counts),
            () => `${name} scales ${scales.join(" ")}`,
          );
          pair.expect(sat, 4, counts, () => `${name}: counts`);
        });
      });
    }
  }
});

test("requant takes sums of 33 bits whose products leave no room for the rounding", () => {
  const pair = new Pair();
  const lanes = 16;
  for (const end of rangeOf(4)) {
    const acc = pair.put(4, Array<number>(lanes).fill(end));
    for (const rounding of MODES) {
      for (const s of [33, 61, 62]) {
        const m = 2 ** multiplierBits(31, rounding) - 1;
        const out = pair.room(4, lanes);
        const sat = pair.zeros(lanes);
        pair.run(
          "requant",
          ...([acc, 4, out, 4, 1, lanes, pair.put(4, [end]), pair.put(4, [m]), pair.put(4, [s])] as const),
          ...([0, ...rangeOf(4), rounding, sat] as const),
        );
        const want = Array<bigint>(lanes).fill(exactScaled(2n * BigInt(end), m, s, rounding));
        pair.expect(
          out,
          4,
          exactClamp(want, ...rangeOf(4), [0]),
          () => `${end} rounding ${rounding} shift ${s}`,
        );
      }
    }
  }
});

test("float32 takes wide codes to results beyond 64 bits", () => {
  const pair = new Pair();
  const lanes = 16;
  const [low, high] = rangeOf(2);
  const m = 2 ** 24 - 1;
  const rounding = MODES.find(isFloat32)!;
  for (const [x, zero] of [
    [2 ** 47 - 1, high],
    [-(2 ** 47), low],
  ] as const) {
    const a = pair.put(8, Array<number>(lanes).fill(x));
    const [out, sat] = [pair.room(2, lanes), pair.zeros(lanes)];
    pair.run("rescale", a, 8, 0, out, 2, 1, lanes, m, 0, zero, low, high, rounding, sat);
    const counts = Array<number>(lanes).fill(0);
    const want = Array<bigint>(lanes).fill(exactScaled(BigInt(x), m, 0, rounding) + BigInt(zero));
    pair.expect(out, 2, exactClamp(want, low, high, counts), () => `${x}`);
    pair.expect(sat, 4, counts, () => `${x}: counts`);
  }
});

describe("rescale", () => {
  for (const aBytes of [1, 2, 4, 8]) {
    for (const outBytes of [1, 2, 4, 8]) {
      test(`${aBytes} bytes to ${outBytes}`, () => {
        const pair = new Pair();
        forModes(`rescale ${aBytes} ${outBytes}`, (draw, rounding, name) => {
          const [n, lanes] = [draw.int(1, 4), draw.pick(LANES)];
          const a = draw.codes(n * lanes, aBytes, draw.pick(FLAVOURS));
          const aZero = draw.zero(aBytes);
          const [m, s] = scale(
            draw,
            aBytes < 8 || isFloat32(rounding) ? 31 : 15,
            8 * Math.min(aBytes, 6),
            rounding,
          );
          const { zero, lo, hi } = target(draw, outBytes);
          const out = pair.room(outBytes, n * lanes);
          const sat = pair.zeros(lanes);
          const at = pair.put(aBytes, a);
          pair.run(
            "rescale",
            ...([at, aBytes, aZero, out, outBytes, n, lanes, m, s, zero, lo, hi, rounding, sat] as const),
          );
          const counts = Array<number>(lanes).fill(0);
          const raw = a.map((x) => exactScaled(BigInt(x) - BigInt(aZero), m, s, rounding) + BigInt(zero));
          pair.expect(out, outBytes, exactClamp(raw, lo, hi, counts), () => `${name}: ${aZero} ${m} ${s}`);
          pair.expect(sat, 4, counts, () => `${name}: counts`);
        });
      });
    }
  }
});

describe("add", () => {
  for (const aBytes of [1, 2, 4]) {
    for (const bBytes of [1, 2, 4]) {
      test(`int${8 * aBytes} and int${8 * bBytes} to every container`, () => {
        const pair = new Pair();
        forModes(`add ${aBytes} ${bBytes}`, (draw, rounding, name) => {
          const outBytes = draw.pick([1, 2, 4]);
          const [n, lanes, sign] = [draw.int(1, 4), draw.pick(LANES), draw.pick([1, -1])];
          const period = draw.int(1, n);
          const a = draw.codes(n * lanes, aBytes, draw.pick(FLAVOURS));
          const b = draw.codes(period * lanes, bBytes, draw.pick(FLAVOURS));
          const [aZero, bZero] = [draw.zero(aBytes), draw.zero(bBytes)];
          const widest = Math.max(aBytes, bBytes) === 4 ? 20 : 31;
          const [aM, aS] = scale(draw, draw.pick([widest, 16]), 8 * aBytes, rounding);
          const [bM, bS] = scale(draw, draw.pick([widest, 16]), 8 * bBytes, rounding);
          const { zero, lo, hi } = target(draw, outBytes);
          const out = pair.room(outBytes, n * lanes);
          const sat = pair.zeros(lanes);
          pair.run(
            "add",
            ...([pair.put(aBytes, a), aBytes, aZero, aM, aS] as const),
            ...([pair.put(bBytes, b), bBytes, bZero, bM, bS, period, sign] as const),
            ...([out, outBytes, n, lanes, zero, lo, hi, rounding, sat] as const),
          );
          const counts = Array<number>(lanes).fill(0);
          const raw = a.map((x, i) => {
            const other = b[(Math.floor(i / lanes) % period) * lanes + (i % lanes)]!;
            const left = exactScaled(BigInt(x) - BigInt(aZero), aM, aS, rounding);
            const right = exactScaled(BigInt(other) - BigInt(bZero), bM, bS, rounding);
            return left + BigInt(sign) * right + BigInt(zero);
          });
          const what = () => `${name}: ${aZero} ${aM} ${aS}, ${sign} ${bZero} ${bM} ${bS}`;
          pair.expect(out, outBytes, exactClamp(raw, lo, hi, counts), what);
          pair.expect(sat, 4, counts, () => `${what()}: counts`);
        });
      });
    }
  }

  test("terms so large that adding half to the product would not fit 64 bits", () => {
    const pair = new Pair();
    const lanes = 16;
    const [low, high] = rangeOf(4);
    const a = pair.put(4, Array<number>(lanes).fill(high));
    for (const rounding of MODES) {
      for (const s of [31, 40, 61, 62]) {
        const m = 2 ** multiplierBits(31, rounding) - 1;
        const out = pair.room(4, lanes);
        const sat = pair.zeros(lanes);
        pair.run(
          "add",
          a,
          4,
          low,
          m,
          s,
          a,
          4,
          low,
          1,
          2,
          1,
          -1,
          out,
          4,
          1,
          lanes,
          0,
          low,
          high,
          rounding,
          sat,
        );
        const x = BigInt(high) - BigInt(low);
        const sum = exactScaled(x, m, s, rounding) - exactScaled(x, 1, 2, rounding);
        const counts = Array<number>(lanes).fill(0);
        const want = exactClamp(Array<bigint>(lanes).fill(sum), low, high, counts);
        pair.expect(out, 4, want, () => `rounding ${rounding}, shift ${s}`);
        pair.expect(sat, 4, counts, () => `rounding ${rounding}, shift ${s}: counts`);
      }
    }
  });
});

describe.each([
  ["minimum", Math.min],
  ["maximum", Math.max],
] as const)("%s", (kernel, choose) => {
  for (const bytes of [1, 2, 4]) {
    test(`int${8 * bytes}`, () => {
      const pair = new Pair();
      for (let i = 0; i < CASES; i++) {
        const name = `${kernel} ${bytes} case ${i}`;
        const draw = new Draw(name);
        const [n, lanes] = [draw.int(1, 4), draw.pick(LANES)];
        const period = draw.int(1, n);
        const a = draw.codes(n * lanes, bytes, draw.pick(FLAVOURS));
        const b = draw.codes(period * lanes, bytes, draw.pick(FLAVOURS));
        const out = pair.room(bytes, n * lanes);
        pair.run(kernel, pair.put(bytes, a), pair.put(bytes, b), period, out, bytes, n, lanes);
        const want = a.map((x, at) => {
          const other = b[(Math.floor(at / lanes) % period) * lanes + (at % lanes)]!;
          return choose(x, other);
        });
        pair.expect(out, bytes, want, () => name);
      }
    });
  }

  test("in place of either operand", () => {
    const pair = new Pair();
    const draw = new Draw(`${kernel} in place`);
    const [a, b] = [draw.codes(64, 1, "mixed"), draw.codes(64, 1, "mixed")];
    const want = a.map((x, i) => choose(x, b[i]!));
    for (const own of [0, 1]) {
      const at = [pair.put(1, a), pair.put(1, b)] as const;
      pair.run(kernel, ...at, 4, at[own]!, 1, 4, 16);
      pair.expect(at[own]!, 1, want, () => `operand ${own}`);
    }
  });
});

describe("multiply", () => {
  for (const aBytes of [1, 2]) {
    for (const bBytes of [1, 2]) {
      for (const outBytes of [1, 2, 4]) {
        test(`int${8 * aBytes} by int${8 * bBytes} to int${8 * outBytes}`, () => {
          const pair = new Pair();
          forModes(`multiply ${aBytes} ${bBytes} ${outBytes}`, (draw, rounding, name) => {
            const [n, lanes] = [draw.int(1, 4), draw.pick(LANES)];
            const period = draw.int(1, n);
            const a = draw.codes(n * lanes, aBytes, draw.pick(FLAVOURS));
            const b = draw.codes(period * lanes, bBytes, draw.pick(FLAVOURS));
            const [aZero, bZero] = [draw.zero(aBytes), draw.zero(bBytes)];
            const [m, s] = scale(draw, aBytes + bBytes === 4 ? 28 : 31, 8 * (aBytes + bBytes), rounding);
            const { zero, lo, hi } = target(draw, outBytes);
            const out = pair.room(outBytes, n * lanes);
            const sat = pair.zeros(lanes);
            pair.run(
              "multiply",
              ...([pair.put(aBytes, a), aBytes, aZero, pair.put(bBytes, b), bBytes, bZero, period] as const),
              ...([out, outBytes, n, lanes, m, s, zero, lo, hi, rounding, sat] as const),
            );
            const counts = Array<number>(lanes).fill(0);
            const raw = a.map((x, i) => {
              const other = b[(Math.floor(i / lanes) % period) * lanes + (i % lanes)]!;
              const product = (BigInt(x) - BigInt(aZero)) * (BigInt(other) - BigInt(bZero));
              return exactScaled(product, m, s, rounding) + BigInt(zero);
            });
            const what = () => `${name}: ${aZero} ${bZero} ${m} ${s}`;
            pair.expect(out, outBytes, exactClamp(raw, lo, hi, counts), what);
            pair.expect(sat, 4, counts, () => `${what()}: counts`);
          });
        });
      }
    }
  }
});

interface AffineCase {
  readonly gain: readonly number[];
  readonly bias: readonly number[];
  readonly drop: number;
  readonly m: number;
  readonly s: number;
}

/** Gains, biases and a drop within the bounds of affine, and a multiplier that leaves the scaled sum in 64 bits. */
function affineCase(draw: Draw, aBytes: number, period: number, rounding: number): AffineCase {
  // A difference of two codes has one bit more than they have.
  const gainBits = draw.int(1, Math.min(31, 51 - 8 * aBytes));
  const gain = draw.values(period, -(2 ** gainBits), 2 ** gainBits - 1, draw.pick(FLAVOURS));
  const biasBits = draw.pick([20, 31, 46, 51]);
  const bias = draw.values(period, -(2 ** biasBits), 2 ** biasBits, "mixed");
  const drop = draw.pick([0, 0, 1, 10, draw.int(0, 31), 31]);
  const reach = 2 ** (8 * aBytes) * Math.max(...gain.map(Math.abs)) + 2 ** biasBits;
  const bits = Math.max(1, Math.ceil(Math.log2(reach)) - drop + 1);
  const wraps = REQUANT_ROUNDINGS[rounding] === "tflite-double";
  const [m, s] = scale(draw, wraps ? 31 : Math.min(31, 62 - bits), bits, rounding);
  return { gain, bias, drop, m, s };
}

describe("affine", () => {
  for (const aBytes of [1, 2, 4]) {
    for (const outBytes of [1, 2, 4]) {
      test(`int${8 * aBytes} to int${8 * outBytes}`, () => {
        const pair = new Pair();
        forModes(`affine ${aBytes} ${outBytes}`, (draw, rounding, name) => {
          const [n, lanes] = [draw.int(1, 4), draw.pick(LANES)];
          const period = draw.int(1, n);
          const a = draw.codes(n * lanes, aBytes, draw.pick(FLAVOURS));
          const aZero = draw.zero(aBytes);
          const { gain, bias, drop, m, s } = affineCase(draw, aBytes, period, rounding);
          const { zero, lo, hi } = target(draw, outBytes);
          const out = pair.room(outBytes, n * lanes);
          const sat = pair.zeros(lanes);
          pair.run(
            "affine",
            ...([pair.put(aBytes, a), aBytes, aZero, pair.put(4, gain), pair.put(8, bias), period] as const),
            ...([drop, out, outBytes, n, lanes, m, s, zero, lo, hi, rounding, sat] as const),
          );
          const counts = Array<number>(lanes).fill(0);
          const raw = a.map((x, i) => {
            const p = Math.floor(i / lanes) % period;
            const inner = (BigInt(x) - BigInt(aZero)) * BigInt(gain[p]!) + BigInt(bias[p]!);
            const dropped = exactRoundShift(inner, drop, "half-away");
            return exactScaled(dropped, m, s, rounding) + BigInt(zero);
          });
          const what = () => `${name}: ${aZero} ${gain} ${bias} drop ${drop} ${m} ${s}`;
          pair.expect(out, outBytes, exactClamp(raw, lo, hi, counts), what);
          pair.expect(sat, 4, counts, () => `${what()}: counts`);
        });
      });
    }
  }

  test("codes next to their zero point, whose products with the gain alone are beyond 2^53", () => {
    const pair = new Pair();
    const lanes = 16;
    const [low, high] = rangeOf(4);
    const a = pair.put(4, Array<number>(lanes).fill(high));
    const gain = 2 ** 31 - 1;
    // One more than the tie of two float32.
    const sum = 2 ** 52 + 2 ** 28 + 1;
    const at = { gain: pair.put(4, [gain]), bias: pair.put(8, [sum - gain]) };
    for (const rounding of MODES) {
      for (const s of [25, 30, 42]) {
        const [out, sat] = [pair.room(4, lanes), pair.zeros(lanes)];
        pair.run(
          "affine",
          ...([a, 4, high - 1, at.gain, at.bias, 1, 0, out, 4, 1, lanes, 3, s, 0, low, high] as const),
          ...([rounding, sat] as const),
        );
        const counts = Array<number>(lanes).fill(0);
        const value = exactScaled(BigInt(sum), 3, s, rounding);
        const want = exactClamp(Array<bigint>(lanes).fill(value), low, high, counts);
        pair.expect(out, 4, want, () => `rounding ${rounding}, shift ${s}`);
        pair.expect(sat, 4, counts, () => `rounding ${rounding}, shift ${s}: counts`);
      }
    }
  });
});
