import type { Argv } from "yargs";
import { InputError } from "../base/errors.ts";
import type { Graph } from "../onnx/graph.ts";
import { loadModel, loadPart } from "../onnx/load.ts";
import { UsageError } from "./command.ts";
import { pairsOf } from "./options.ts";

/** An option that may be repeated. */
export const listed = { type: "string", array: true, nargs: 1, requiresArg: true } as const;

/** The options of a verb that reads an ONNX model, or a part of it. */
export const importOptions = (y: Argv) =>
  y
    .positional("model", { type: "string", demandOption: true, describe: "an .onnx file, opset 7 … 22" })
    .option("shape", {
      ...listed,
      describe: "sizes of an input, as in x=1,3,48,320; may be repeated",
    })
    .option("fix", { ...listed, describe: "make an input a constant, as in sr=16000; may be repeated" })
    .option("from", {
      type: "string",
      requiresArg: true,
      describe: "only the part that begins with these values, as in A,B",
    })
    .option("to", {
      type: "string",
      requiresArg: true,
      describe: "only the part that ends with these values, as in C,D",
    });

/** Those of them that may be given more than once. */
export const IMPORT_LISTS = ["shape", "fix"] as const;

interface Asked {
  readonly model: string;
  readonly shape: readonly string[] | undefined;
  readonly fix: readonly string[] | undefined;
  readonly from: string | undefined;
  readonly to: string | undefined;
}

/** A graph, and where it is a part of a model what else there is. */
interface Loaded {
  readonly graph: Graph;
  readonly parts?: ReturnType<typeof loadPart>;
}

/**
 * The model that `importOptions` say, or the part of it; a first size that nobody gives is 1.
 * @param known  sizes of inputs that are known otherwise, which `--shape` goes over
 * @throws UsageError for what is no list of numbers or names, InputError for files, names and sizes that are refused
 */
export function loadAsked(asked: Asked, known: ReadonlyMap<string, readonly number[]> = new Map()): Loaded {
  const ends = { ...namesIn("from", asked.from), ...namesIn("to", asked.to) };
  const shapes = [...known].filter(([name]) => !ends.from?.includes(name));
  const given = {
    shapes: new Map([...shapes, ...listsOf(asked.shape, "--shape")]),
    fixed: listsOf(asked.fix, "--fix"),
    batch: 1,
  };
  for (const [name, sizes] of given.shapes)
    if (sizes.some((size) => !Number.isSafeInteger(size) || size < 1))
      throw new InputError("--shape", `${name}=${sizes.join(",")}: sizes are whole numbers from 1 on`);
  if (asked.from === undefined && asked.to === undefined) return { graph: loadModel(asked.model, given) };
  const parts = loadPart(asked.model, given, ends);
  return { graph: parts.part, parts };
}

/** Names of values as an option has them, apart by commas; nothing where it is not given. @throws UsageError where one is empty */
function namesIn<K extends string>(option: K, list: string | undefined): Partial<Record<K, string[]>> {
  if (list === undefined) return {};
  const names = list.split(",").map((name) => name.trim());
  if (names.includes("")) throw new UsageError(`--${option} takes NAME,…, not "${list}"`);
  return { [option]: names } as Record<K, string[]>;
}

/** Numbers by names. @throws UsageError for what is none */
function listsOf(
  pairs: readonly string[] | undefined,
  option: string,
): ReadonlyMap<string, readonly number[]> {
  return new Map(
    pairsOf(pairs, option).map(([name, list]) => {
      const numbers = list.split(",").map((part) => (part.trim() === "" ? NaN : Number(part)));
      if (numbers.some(Number.isNaN))
        throw new UsageError(`${option} takes NAME=NUMBER,…, not "${name}=${list}"`);
      return [name, numbers] as const;
    }),
  );
}
