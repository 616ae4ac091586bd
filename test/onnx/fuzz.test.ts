import seedrandom from "seedrandom";
import { expect, test } from "vitest";
import { InputError } from "../../src/base/errors.ts";
import { execute } from "../../src/onnx/execute.ts";
import type { Graph } from "../../src/onnx/graph.ts";
import { parseModel } from "../../src/onnx/parse.ts";
import { fuse } from "../../src/onnx/patterns/fuse.ts";
import { resolve } from "../../src/onnx/resolve.ts";
import { summarize } from "../../src/onnx/summary.ts";
import { elementsIn, isConcrete, type Tensor, tensorOf } from "../../src/onnx/tensor.ts";
import { CORPUS } from "./corpus.ts";
import { modelBytes } from "./models.ts";

/** A file that is mutated from a valid one, the same for each number. */
const MUTATIONS: readonly ((file: Uint8Array, random: () => number) => Uint8Array)[] = [
  // A few bits flipped.
  (file, random) => {
    const mutated = file.slice();
    for (let n = 1 + Math.floor(random() * 3); n > 0; n--)
      mutated[Math.floor(random() * file.length)]! ^= 1 << Math.floor(random() * 8);
    return mutated;
  },
  // Cut off.
  (file, random) => file.slice(0, Math.floor(random() * file.length)),
  // A byte set to what ends a number, or goes on with it, or is the largest.
  (file, random) => {
    const mutated = file.slice();
    mutated[Math.floor(random() * file.length)] = [0, 1, 0x7f, 0x80, 0xff][Math.floor(random() * 5)]!;
    return mutated;
  },
  // A stretch of the file put where another was.
  (file, random) => {
    const [from, to] = [random(), random()].map((x) => Math.floor(x * file.length)) as [number, number];
    const stretch = file.subarray(from, from + Math.floor(random() * 40));
    const mutated = file.slice();
    mutated.set(stretch.subarray(0, file.length - to), to);
    return mutated;
  },
  // A stretch put in between, or taken out: lengths no longer fit.
  (file, random) => {
    const [from, to] = [random(), random()].map((x) => Math.floor(x * file.length)) as [number, number];
    const stretch = file.subarray(from, from + Math.floor(random() * 20));
    return random() < 0.5
      ? Uint8Array.of(...file.subarray(0, to), ...stretch, ...file.subarray(to))
      : Uint8Array.of(...file.subarray(0, to), ...file.subarray(to + stretch.length));
  },
];

const FILES = 1000;
const originals = Object.values(CORPUS).map(modelBytes);

function mutated(i: number): Uint8Array {
  const random = seedrandom(`onnx/${i}`);
  return MUTATIONS[i % MUTATIONS.length]!(originals[i % originals.length]!, random);
}

/** Inputs that fit, open sizes as 2; none where an input is larger than these models' are. */
function inputsOf({ inputs }: Graph): Map<string, Tensor> | undefined {
  const shapes = inputs.map(({ shape }) =>
    (shape ?? []).map((size) => (typeof size === "number" ? size : 2)),
  );
  if (shapes.some((shape) => elementsIn(shape) > 1000)) return undefined;
  return new Map(
    inputs.map(({ name, dtype }, i) => {
      const values = Array.from({ length: elementsIn(shapes[i]!) }, (_, k) => (k % 5) / 2 - 1);
      return [name, tensorOf(dtype, shapes[i]!, values)];
    }),
  );
}

/** What becomes of a file: everything that a person may do with it. @throws whatever is thrown */
function use(file: Uint8Array): "loaded" | "computed" {
  const graph = fuse(resolve(parseModel(file, "fuzz.onnx"), { batch: 1 }));
  summarize(graph);
  const inputs = inputsOf(graph);
  const isSmall = graph.nodes.every(({ outputs }) =>
    outputs.every((name) => {
      const shape = graph.types.get(name)?.shape;
      return !isConcrete(shape) || elementsIn(shape) <= 1e6;
    }),
  );
  if (inputs === undefined || !isSmall) return "loaded";
  execute(graph, inputs);
  return "computed";
}

test("the files that are mutated are valid", () => {
  expect(originals.map(use)).toEqual(originals.map(() => "computed"));
});

test(`${FILES} mutated files are loaded or refused in a line, each within a second`, () => {
  const fates = { loaded: 0, computed: 0, refused: 0 };
  for (let i = 0; i < FILES; i++) {
    const before = process.cpuUsage();
    try {
      fates[use(mutated(i))]++;
    } catch (error) {
      if (!(error instanceof InputError)) throw new Error(`file ${i}`, { cause: error });
      expect(error.message, `file ${i}`).toMatch(/^fuzz\.onnx\b.*: .+$/);
      expect(error.message.split("\n")).toHaveLength(1);
      fates.refused++;
    }
    const { user, system } = process.cpuUsage(before);
    expect(user + system, `microseconds for file ${i}`).toBeLessThan(1e6);
  }
  // Both fates are there, or the mutations do not mutate or nothing survives them.
  expect(fates.refused).toBeGreaterThan(FILES / 4);
  expect(fates.computed + fates.loaded).toBeGreaterThan(FILES / 10);
});
