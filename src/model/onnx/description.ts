import { dirname, isAbsolute, join } from "node:path";
import { z } from "zod";
import { InputError } from "../../base/errors.ts";
import { YamlFile } from "../../base/yaml.ts";
import type { State } from "./define.ts";

/** One file or several. */
const files = z.union([z.string(), z.array(z.string()).min(1)]);
const sizes = z.array(z.int().positive());

const schema = z.strictObject({
  onnx: z.string(),
  /** Sizes of inputs that the model leaves open; what is left open all the same is 1. */
  shapes: z.record(z.string(), sizes).optional(),
  /** Elements of inputs that are constants from now on. */
  fixed: z.record(z.string(), z.union([z.number(), z.array(z.number())])).optional(),
  /** Values at which the machine's part begins and ends; what is before and behind is the host's. */
  from: z.array(z.string()).min(1).optional(),
  to: z.array(z.string()).min(1).optional(),
  /** Of a stream: the output that gives what an input takes at the next frame. */
  states: z.record(z.string(), z.string()).optional(),
  /** What ranges are observed on, and what is scored. */
  calibration: files,
  samples: files,
  test: files.optional(),
});

/** A model that a person brings, as a file describes it: paths are beside the file. */
export interface Description {
  readonly path: string;
  readonly onnx: string;
  readonly shapes: ReadonlyMap<string, readonly number[]>;
  readonly fixed: ReadonlyMap<string, readonly number[]>;
  readonly from?: readonly string[];
  readonly to?: readonly string[];
  readonly states: readonly State[];
  /** Files of each split. */
  readonly splits: Readonly<Record<string, readonly string[]>>;
  /** The text of the file, which decides what the model is. */
  readonly text: string;
}

/** @throws InputError with every fault: file, line, key, and the rule that is broken */
export function readDescription(path: string): Description {
  const file = new YamlFile(path);
  const parsed = schema.safeParse(file.value);
  if (!parsed.success) {
    for (const { path: keys, message } of parsed.error.issues)
      file.complain(
        keys.filter((key) => typeof key !== "symbol"),
        message,
      );
    file.refuse();
    throw new InputError(path, "is no description of a model");
  }
  const { onnx, shapes = {}, fixed = {}, from, to, states = {}, ...splits } = parsed.data;
  const beside = (name: string) => (isAbsolute(name) ? name : join(dirname(path), name));
  return {
    ...{ path, onnx: beside(onnx), shapes: new Map(Object.entries(shapes)) },
    fixed: new Map(
      Object.entries(fixed).map(([name, value]) => [name, typeof value === "number" ? [value] : value]),
    ),
    ...(from && { from }),
    ...(to && { to }),
    states: Object.entries(states).map(([input, output]) => ({ input, output })),
    splits: Object.fromEntries(
      Object.entries({ calibration: splits.calibration, sample: splits.samples, test: splits.test })
        .filter(([, some]) => some !== undefined)
        .map(([split, some]) => [split, [some!].flat().map(beside)]),
    ),
    text: JSON.stringify(file.value),
  };
}
