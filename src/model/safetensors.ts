import { z } from "zod";
import { InputError } from "../base/errors.ts";
import { readBytes } from "../base/files.ts";
import { decodeHalf } from "../fixed/real.ts";

/** One named array of a safetensors file, row-major, in single precision whatever its stored type. */
export interface Tensor {
  readonly dtype: "F32" | "F16";
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** A tensor as the header announces it: `from` and `to` count bytes from the start of the body. */
interface Entry {
  readonly name: string;
  readonly dtype: Tensor["dtype"];
  readonly shape: readonly number[];
  readonly from: number;
  readonly to: number;
}

const LENGTH_BYTES = 8;

const size = z.int().min(0);
const description = z.object({
  dtype: z.string(),
  shape: z.array(size),
  data_offsets: z.tuple([size, size]),
});

/** How an element of each dtype is stored (little-endian) and read. Other dtypes are refused. */
const formats: Readonly<
  Record<Tensor["dtype"], { bytes: number; read(view: DataView, at: number): number }>
> = {
  F32: { bytes: 4, read: (view, at) => view.getFloat32(at, true) },
  F16: { bytes: 2, read: (view, at) => decodeHalf(view.getUint16(at, true)) },
};

/**
 * Reads the F32 and F16 tensors of a safetensors file, in header order: a little-endian 64-bit length, that many
 * bytes of JSON, then the raw arrays. Every stored value must be finite, and the arrays must fill the body without
 * overlap or hole, as the format demands.
 *
 * Source: https://github.com/huggingface/safetensors, section "Format".
 *
 * @throws InputError naming every fault found in the file, joined by "; "
 */
export function readSafetensors(path: string): Map<string, Tensor> {
  const file = readBytes(path);
  const { header, body } = split(path, file);
  const problems: string[] = [];
  const entries = Object.entries(header)
    .filter(([name]) => name !== "__metadata__")
    .flatMap(([name, value]) => describe(name, value, problems));
  problems.push(...layoutProblems(entries, body.byteLength, problems.length > 0));
  const tensors = new Map<string, Tensor>();
  for (const entry of entries) {
    if (entry.to <= body.byteLength) tensors.set(entry.name, readTensor(entry, body, problems));
  }
  if (problems.length > 0) throw new InputError(path, problems.join("; "));
  return tensors;
}

/** What a file's header says of it as a whole; nothing where it says nothing. @throws InputError for a file that is none */
export function readMetadata(path: string): Readonly<Record<string, string>> {
  const { header } = split(path, readBytes(path));
  const parsed = z.record(z.string(), z.string()).safeParse(header["__metadata__"] ?? {});
  if (!parsed.success) throw new InputError(path, "__metadata__: not a mapping of texts");
  return parsed.data;
}

function split(path: string, file: Uint8Array): { header: Record<string, unknown>; body: DataView } {
  if (file.byteLength < LENGTH_BYTES) {
    throw new InputError(
      path,
      `truncated: ${file.byteLength} bytes are less than the ${LENGTH_BYTES} of a length`,
    );
  }
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const length = Number(view.getBigUint64(0, true));
  const rest = file.byteLength - LENGTH_BYTES;
  if (length > rest) {
    throw new InputError(
      path,
      `truncated or not safetensors: a header of ${length} bytes, but ${rest} follow`,
    );
  }
  const text = new TextDecoder().decode(file.subarray(LENGTH_BYTES, LENGTH_BYTES + length));
  const body = new DataView(file.buffer, file.byteOffset + LENGTH_BYTES + length, rest - length);
  return { header: parseHeader(path, text), body };
}

function parseHeader(path: string, text: string): Record<string, unknown> {
  let header: unknown;
  try {
    header = JSON.parse(text);
  } catch (e) {
    throw new InputError(path, `header is not JSON: ${e instanceof Error ? e.message : String(e)}`);
  }
  if (typeof header !== "object" || header === null || Array.isArray(header)) {
    throw new InputError(path, "header is not a JSON object of tensors");
  }
  return { ...header };
}

/** The entry of one tensor, or none and its problems. */
function describe(name: string, value: unknown, problems: string[]): Entry[] {
  const parsed = description.safeParse(value);
  if (!parsed.success) {
    problems.push(...parsed.error.issues.map((i) => `${[name, ...i.path].join(".")}: ${i.message}`));
    return [];
  }
  const { dtype, shape, data_offsets } = parsed.data;
  if (dtype !== "F32" && dtype !== "F16") {
    problems.push(`${name}: dtype ${dtype} is not one of ${Object.keys(formats).join(", ")}`);
    return [];
  }
  const [from, to] = data_offsets;
  const bytes = shape.reduce((a, b) => a * b, formats[dtype].bytes);
  if (to - from !== bytes) {
    problems.push(
      `${name}: ${dtype} [${shape.join(", ")}] takes ${bytes} bytes, but data_offsets ${from} … ${to}`,
    );
    return [];
  }
  return [{ name, dtype, shape, from, to }];
}

/** Arrays that leave the body or overlap and, unless some entry was refused anyway, bytes that belong to none. */
function layoutProblems(entries: readonly Entry[], bodyBytes: number, incomplete: boolean): string[] {
  const problems: string[] = [];
  let end = 0;
  let before = "the header";
  for (const { name, from, to } of entries.toSorted((a, b) => a.from - b.from || a.to - b.to)) {
    if (to > bodyBytes) problems.push(`${name}: ends at byte ${to} of a body of ${bodyBytes} (truncated?)`);
    if (from < end) problems.push(`${name}: begins at byte ${from}, but ${before} ends at ${end}`);
    if (from > end && !incomplete)
      problems.push(`${name}: bytes ${end} … ${from} before it belong to no tensor`);
    if (to >= end) before = name;
    end = Math.max(end, to);
  }
  if (end < bodyBytes && !incomplete) problems.push(`the last ${bodyBytes - end} bytes belong to no tensor`);
  return problems;
}

function readTensor(entry: Entry, body: DataView, problems: string[]): Tensor {
  const { name, dtype, shape, from, to } = entry;
  const { bytes, read } = formats[dtype];
  const data = new Float32Array((to - from) / bytes);
  for (let i = 0; i < data.length; i++) data[i] = read(body, from + i * bytes);
  const first = data.findIndex((value) => !Number.isFinite(value));
  if (first !== -1) {
    const count = data.reduce((n, value) => n + (Number.isFinite(value) ? 0 : 1), 0);
    problems.push(
      `${name}: element ${first} is ${data[first]}, not a finite number (${count} such of ${data.length})`,
    );
  }
  return { dtype, shape, data };
}
