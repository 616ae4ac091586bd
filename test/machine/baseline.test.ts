import seedrandom from "seedrandom";
import { describe, expect, test } from "vitest";
import { FIELDS } from "../../src/arch/fields.ts";
import { makeArch } from "../../src/arch/spec.ts";
import { arrayCost, leastCycles } from "../../src/isa/array.ts";
import { channelBlock, pwlBlock, scaleBlock } from "../../src/isa/tables.ts";
import { BASELINES } from "../../src/machine/area.ts";
import { BASELINE_BITS, baselineMachine } from "../../src/machine/baseline.ts";
import { randomArch } from "../support/machines.ts";

/** What a float machine may differ in from its integer one: the formats of its units. */
const FORMATS = [
  ...["mac.multiplier", "mac.weightBits", "mac.activationBits", "acc.bits", "acc.overflow"],
  ...["pwl.slopeBits", "pwl.offsetFraction", "pwl.shifts"],
  ...["requant.kind", "requant.multiplierBits", "requant.rounding"],
  ...["vector.multiplierBits", "vector.rounding", "pwl.rounding"],
];

const rng = seedrandom("float machines");
const machines = Array.from({ length: 200 }, () => randomArch(rng));

describe.each(BASELINES)("the machine in %s", (float) => {
  const bits = BASELINE_BITS[float];

  test("is the integer one in everything but the formats of its units", () => {
    for (const arch of machines) {
      const { settings } = baselineMachine(arch, float);
      for (const name of Object.keys(FIELDS) as (keyof typeof FIELDS)[]) {
        if (FORMATS.includes(name) || settings[name] === arch.settings[name]) continue;
        expect.fail(`${arch.name}: ${name} is ${settings[name]}, was ${arch.settings[name]}`);
      }
    }
  });

  test("completes one MAC an element a cycle, whatever multiplier the integer one has", () => {
    for (const multiplier of ["fixed", "fused", "serial"]) {
      const integer = makeArch({ "mac.multiplier": multiplier, "mac.dataflow": "dot" });
      const { settings } = baselineMachine(integer, float);
      const product = { m: 64, k: 32, n: 3, weightBits: bits, activationBits: bits };
      expect(leastCycles(product, settings)).toBe((64 * 32 * 3) / 256);
      expect(arrayCost(product, settings).cycles).toBe((64 * 32 * 3) / 256);
    }
  });

  const table = { pieces: 16, inBits: bits, bits, slopeBits: bits, fraction: 0, mirrored: 0 };

  test("keeps biases in 32 bits, tables in its own width, and a byte for each scale", () => {
    for (const arch of machines) {
      const { settings } = baselineMachine(arch, float);
      expect(channelBlock(10, false, settings).bytes).toBe(4 * 10 + 1);
      expect(scaleBlock(settings).bytes).toBe(1);
      expect(pwlBlock(table, settings).bytes).toBe((16 * 3 * bits) / 8 + 1);
    }
  });
});

test("integer machines that differ in formats alone have one float machine", () => {
  const changes = [{}, { "acc.bits": 24 }, { "requant.kind": "shift" }, { "mac.multiplier": "fused" }];
  const [first, ...others] = changes.map((change) => baselineMachine(makeArch(change), "fp32"));
  for (const other of others) expect(other).toEqual(first);
});
