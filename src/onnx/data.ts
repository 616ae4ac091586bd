import { csvRecords } from "../base/csv.ts";
import { InputError } from "../base/errors.ts";
import { readBytes } from "../base/files.ts";
import { fromNpyTensor } from "../base/npy.ts";
import { readZip } from "../base/zip.ts";
import { type Dtype, formatOf } from "./dtype.ts";
import type { Input } from "./graph.ts";
import { elementsIn, isConcrete, shown, type Tensor, textOf } from "./tensor.ts";

/** Values of a model's inputs, by their names. */
export type Sample = ReadonlyMap<string, Tensor>;

/** An array of a file: elements in row-major order. */
interface Numbers {
  /** File and entry, for errors. */
  readonly where: string;
  readonly shape: readonly number[];
  readonly data: ArrayLike<number>;
}

/**
 * Reads samples for a graph's inputs. The first axis of an array counts them:
 *
 * | file   | what is in it |
 * | ------ | --- |
 * | `.npz` | an array for each input, by its name, and others that are left alone; stored or deflated |
 * | `.npy` | the array of the only input |
 * | `.csv` | the only input's: a row a sample, its elements in row-major order; a first row without any number is a header |
 *
 * A sample is the array without that axis. Where the input begins with an axis of size 1, the batch, arrays of the input's own
 * rank are taken too: that axis counts the samples, and each keeps it, of size 1. Elements become the input's type: real numbers
 * are rounded to it and must be finite in it; integers must be whole and within it; bool is 0 or 1.
 *
 * @param inputs  of which the first axis that a model leaves open is taken as 1, as `Given.batch` of `resolve` has it
 * @throws InputError naming file, entry, element and rule
 */
export function readSamples(path: string, inputs: readonly Input[]): readonly Sample[] {
  const arrays = arraysAt(path, inputs);
  const columns = inputs.map((input) => {
    const array = arrays.get(input.name)!;
    return { input, where: array.where, samples: samplesOf(array, input) };
  });
  const [first, ...rest] = columns;
  if (first === undefined) throw new InputError(path, "the model takes no inputs, so it has no samples");
  const odd = rest.find(({ samples }) => samples.length !== first.samples.length);
  if (odd !== undefined)
    throw new InputError(
      odd.where,
      `${odd.samples.length} samples where ${shown(first.input.name)} has ${first.samples.length}`,
    );
  if (first.samples.length === 0) throw new InputError(first.where, "has no samples");
  return first.samples.map((_, i) => new Map(columns.map(({ input, samples }) => [input.name, samples[i]!])));
}

/** The arrays of a file by the inputs that they are for, one for each. */
function arraysAt(path: string, inputs: readonly Input[]): ReadonlyMap<string, Numbers> {
  const ending = /\.(npz|npy|csv)$/i.exec(path)?.[1]?.toLowerCase();
  if (ending === undefined) throw new InputError(path, "samples are read of .npz, .npy and .csv");
  if (ending === "npz") return archivedAt(path, inputs);
  const [input, another] = inputs;
  if (input === undefined) return new Map();
  if (another !== undefined)
    throw new InputError(path, `.${ending} is for one input, not ${namesOf(inputs)}: take an .npz of them`);
  const array = ending === "npy" ? arrayIn(readBytes(path), path) : tableAt(path, input);
  return new Map([[input.name, array]]);
}

const namesOf = (inputs: readonly Input[]): string => inputs.map(({ name }) => shown(name)).join(", ");

function arrayIn(bytes: Uint8Array, where: string): Numbers {
  return { where, ...fromNpyTensor(bytes, where) };
}

const ENTRY_ENDING = ".npy";

function archivedAt(path: string, inputs: readonly Input[]): ReadonlyMap<string, Numbers> {
  const entries = readZip(readBytes(path), path);
  return new Map(
    inputs.map(({ name }) => {
      const bytes = entries.get(`${name}${ENTRY_ENDING}`);
      if (bytes === undefined) {
        const others = [...entries.keys()].slice(0, 8).map(shown).join(", ");
        throw new InputError(
          path,
          `has no array for the input ${shown(name)}: its entries are ${others || "none"}`,
        );
      }
      return [name, arrayIn(bytes(), `${path}: ${shown(name)}`)] as const;
    }),
  );
}

/** A number as people and programs write it: not a name for one, and not hexadecimal. */
const NUMBER = /^\s*[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?\s*$/i;
/** Longer files are no text that a string can hold. */
const LONGEST_TABLE = 2 ** 28;

function tableAt(path: string, input: Input): Numbers {
  const { shape } = input;
  if (!isConcrete(shape))
    throw new InputError(path, `${textOf(input)} leaves sizes open, so that rows have no length: give them`);
  const bytes = readBytes(path);
  if (bytes.length > LONGEST_TABLE)
    throw new InputError(path, `a table of more than ${LONGEST_TABLE} bytes: take an .npy`);
  const wanted = elementsIn(shape);
  const values: number[] = [];
  let record = 0;
  for (const fields of csvRecords(new TextDecoder().decode(bytes), path)) {
    record++;
    if (record === 1 && !fields.some((field) => NUMBER.test(field))) continue;
    if (fields.length !== wanted)
      throw new InputError(
        path,
        `record ${record} has ${fields.length} fields where ${textOf(input)} takes ${wanted}`,
      );
    for (const [i, field] of fields.entries()) {
      if (!NUMBER.test(field))
        throw new InputError(path, `record ${record}, field ${i + 1}: "${shown(field)}" is no number`);
      values.push(Number(field));
    }
  }
  return { where: path, shape: [values.length / Math.max(wanted, 1), ...shape], data: values };
}

function samplesOf({ where, shape, data }: Numbers, input: Input): readonly Tensor[] {
  const [count, ...rest] = shape;
  if (count === undefined) throw new InputError(where, "one number has no axis that counts samples");
  const size = input.shape?.[0] === 1 && shape.length === input.shape.length ? [1, ...rest] : rest;
  const isFit =
    input.shape === undefined ||
    (input.shape.length === size.length &&
      input.shape.every((own, i) => typeof own === "string" || own === size[i]));
  if (!isFit) throw new InputError(where, `[${shape.join(", ")}] where ${wantedOf(input)} is needed`);
  const each = elementsIn(size);
  if (each === 0) throw new InputError(where, `samples of [${size.join(", ")}] have no elements`);
  return Array.from({ length: count }, (_, sample) => ({
    dtype: input.dtype,
    shape: size,
    data: storedAs(input.dtype, data, sample * each, each, `${where}: sample ${sample + 1}`),
  }));
}

/** The shapes that an array of samples may have. */
function wantedOf({ shape }: Input): string {
  const sizes = shape ?? [];
  const whole = `[samples, ${sizes.join(", ")}]`;
  return sizes[0] === 1 ? `[${["samples", ...sizes.slice(1)].join(", ")}] or ${whole}` : whole;
}

function storedAs(dtype: Dtype, values: ArrayLike<number>, from: number, count: number, where: string) {
  const { make, round = (x) => x, kind } = formatOf(dtype);
  const stored = make(count);
  const { lo, hi } = limitsOf(dtype);
  for (let i = 0; i < count; i++) {
    const x = values[from + i]!;
    stored[i] = round(x);
    const isFit = kind === "real" ? Number.isFinite(stored[i]) : Number.isInteger(x) && x >= lo && x <= hi;
    if (!isFit) throw new InputError(where, `element ${i} is ${x}, which ${dtype} has not`);
  }
  return stored;
}

/** The smallest and largest integer of a type, of those that are exact here. */
function limitsOf(dtype: Dtype): { readonly lo: number; readonly hi: number } {
  const { bits, kind } = formatOf(dtype);
  if (kind === "boolean") return { lo: 0, hi: 1 };
  const [lo, hi] = dtype.startsWith("u") ? [0, 2 ** bits - 1] : [-(2 ** (bits - 1)), 2 ** (bits - 1) - 1];
  return { lo: Math.max(lo, Number.MIN_SAFE_INTEGER), hi: Math.min(hi, Number.MAX_SAFE_INTEGER) };
}
