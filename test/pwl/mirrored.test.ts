import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { interpolateMirrored } from "../../src/fixed/interpolate.ts";
import { mirroredSigmoid } from "../../src/pwl/mirrored.ts";

const table = mirroredSigmoid();

describe("the table", () => {
  test("is the one that CMSIS-NN ships", () => {
    // Of the shipped entries, joined by commas.
    const digest = createHash("sha256").update(table.join(",")).digest("hex");
    expect(digest).toBe("f88f300405ba5e0c73301c5c230dbacd28448eab3242e2ed52ca475a73c8245d");
  });

  test("begins at a half, rises, and ends one below 1", () => {
    expect(table).toHaveLength(256);
    expect([table[0], table[1], table[24], table[48], table[254], table[255]]).toEqual([
      32768, 33451, 47911, 57724, 65534, 65535,
    ]);
    for (let i = 1; i < 256; i++)
      if (table[i]! < table[i - 1]!) expect.fail(`entry ${i} is ${table[i]}, below ${table[i - 1]}`);
  });
});

/** How d is taken from a code of Q3.12: three steps of 512 (sigmoid) or of 256 at twice the argument (tanh). */
const FACTOR = 3;
const Q12 = 2 ** 12;
const Q15 = 2 ** 15;

test.each([
  { what: "sigmoid", odd: false, real: (x: number) => 1 / (1 + Math.exp(-x)), bound: 1.02 },
  { what: "tanh", odd: true, real: Math.tanh, bound: 1.48 },
])("$what of every code of Q3.12 is within $bound of a last place of Q0.15", ({ odd, real, bound }) => {
  let most = 0;
  for (let x = -(2 ** 15); x < 2 ** 15; x++) {
    const y = interpolateMirrored(table, x * FACTOR, odd);
    const off = Math.abs(y - real(x / Q12) * Q15);
    most = Math.max(most, off);
    if (!Number.isInteger(y) || y < -Q15 || y >= Q15 || !(off <= bound))
      expect.fail(`${x} gives ${y}, off by ${off}`);
  }
  // The bound is no looser than it need be.
  expect(most).toBeGreaterThan(bound - 0.02);
});
