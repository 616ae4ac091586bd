import { expect, test } from "vitest";
import { interpolateMirrored } from "../../src/fixed/interpolate.ts";
import { edges } from "../support/exact.ts";
import { expectInt } from "../support/ints.ts";

/** The sigmoid at i / 24, raised by half the error of the chord; the last entry is the largest. */
const TABLE = Array.from({ length: 256 }, (_, i) => {
  const g = 1 / (1 + Math.exp(-i / 24));
  return i === 255 ? 65_535 : Math.round(65_536 * (g - (g * (1 - g) * (1 - 2 * g)) / (16 * 24 * 24)));
});

/** The reference's formula, word for word, on unbounded integers. */
function exactMirrored(d: bigint, odd: boolean): bigint {
  const a = d < 0n ? -d : d;
  const bits = odd ? 8n : 9n;
  const u = a >> bits;
  let r = (odd ? 0xffffn : 0xfffen) << bits;
  if (u < 255n) {
    const from = BigInt(TABLE[Number(u)]!);
    r = (from << bits) + (a - (u << bits)) * (BigInt(TABLE[Number(u) + 1]!) - from);
  }
  if (odd) return (d >= 0n ? r - 2n ** 23n + 128n : -r + 2n ** 23n + 127n) >> 8n;
  return (d >= 0n ? r + 512n : 2n ** 25n - r + 511n) >> 10n;
}

test.each([
  ["sigmoid", false],
  ["tanh", true],
] as const)("%s is its formula on unbounded integers", (name, odd) => {
  for (const d of [...Array.from({ length: 300_000 }, (_, i) => i - 150_000), ...edges(53)]) {
    expectInt(interpolateMirrored(TABLE, d, odd), exactMirrored(BigInt(d), odd), () => `${name}(${d})`);
  }
});

test("of all Q3.12, the sigmoid is within 1.02 and tanh within 1.48 of the last place of Q0.15", () => {
  let sigmoid = 0;
  let tanh = 0;
  for (let x = -(2 ** 15); x < 2 ** 15; x++) {
    const real = x / 2 ** 12;
    const y = interpolateMirrored(TABLE, 3 * x, false);
    const z = interpolateMirrored(TABLE, 3 * x, true);
    sigmoid = Math.max(sigmoid, Math.abs(y - 2 ** 15 / (1 + Math.exp(-real))));
    tanh = Math.max(tanh, Math.abs(z - 2 ** 15 * Math.tanh(real)));
  }
  expect(sigmoid).toBeLessThan(1.02);
  expect(tanh).toBeLessThan(1.48);
});

test("the ends and the middle", () => {
  const far = Number.MAX_SAFE_INTEGER;
  expect([far, -far, 0].map((d) => interpolateMirrored(TABLE, d, false))).toEqual([32_767, 1, 16_384]);
  expect([far, -far, 0].map((d) => interpolateMirrored(TABLE, d, true))).toEqual([32_767, -32_767, 0]);
  expectInt(interpolateMirrored(TABLE, -0, true), 0, () => "tanh(-0)");
});

test("a table of another length is refused", () => {
  expect(() => interpolateMirrored(TABLE.slice(1), 0, false)).toThrow(RangeError);
});
