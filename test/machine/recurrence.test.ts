import { expect, test } from "vitest";
import { loadArch } from "../../src/arch/spec.ts";
import type { Program } from "../../src/isa/program.ts";
import { ActivationMap, Builder } from "../../src/kernels/builder.ts";
import { lowerZero } from "../../src/kernels/elementwise.ts";
import { ImageBuilder } from "../../src/kernels/image.ts";
import { lowerInput, lowerRecurrence } from "../../src/kernels/lstm/lower.ts";
import { Residency } from "../../src/kernels/residency.ts";
import { time } from "../../src/machine/timing.ts";
import { plainLstm } from "../mapper/layers.ts";
import { stepped, withoutEnergy } from "./stepped.ts";

const arch = loadArch("arch/edge16x16.yaml");
const SIZE = 1024;

/** An LSTM of 1024 over so many time steps: one hardware loop, its weights streamed as they do not fit. */
function recurrence(steps: number): Program {
  const q = plainLstm(SIZE, arch);
  const image = new ImageBuilder(arch);
  const matrices = [q.productH, q.productX].flatMap(({ parts }) => parts.map(({ weights }) => weights));
  const b = new Builder(image, new Residency(arch, image, matrices), new ActivationMap(arch), arch);
  const x = b.map.tensor(q.productX.parts[0]!.input, SIZE);
  const h = b.map.tensor(q.hidden, SIZE);
  const c = b.map.tensor(q.cell, SIZE);
  for (const tensor of [x, h, c]) lowerZero(b, tensor);
  b.loop(steps, [], () => {
    b.scratch(() => {
      const fromX = lowerInput(b, q, [x], 1);
      lowerRecurrence(b, q, fromX, h, c, h);
    });
  });
  return b.finish("recurrence");
}

test("a million time steps are timed from a few, and a thousand as if each were stepped", () => {
  const program = recurrence(1000);
  expect(withoutEnergy(time(program, arch))).toEqual(stepped(program, arch));
  const [thousand, million] = [program, recurrence(1_000_000)].map((one) => time(one, arch));
  const [first, second] = [recurrence(10), recurrence(11)].map((one) => time(one, arch));
  const aStep = second!.cycles - first!.cycles;
  expect(million!.cycles - thousand!.cycles).toBe(999_000 * aStep);
  expect(million!.macs).toBe(1_000_000 * 2 * 4 * SIZE * SIZE);
});
