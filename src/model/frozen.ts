import { z } from "zod";
import { InputError } from "../base/errors.ts";
import { Ranges } from "../quant/grid.ts";
import { readMetadata } from "./safetensors.ts";

/** Endings of files of weights that others made: ONNX, Tesseract's. */
const OF_OTHERS = [".onnx", ".traineddata", ".traineddata.gz"];

/** The entry of a weights file's metadata with the ranges that the weights were fine-tuned for. */
export const RANGES = "ranges";

const stored = z.strictObject({
  ranges: z.record(z.string(), z.strictObject({ lo: z.number(), hi: z.number() })),
  lookups: z.record(z.string(), z.strictObject({ width: z.number(), counts: z.array(z.number().min(0)) })),
});

/** The ranges that a file of weights brings, which no calibration replaces; undefined for a float model's, and for files of others, which have no place for them. @throws InputError for a faulty file */
export function frozenRangesOf(path: string): Ranges | undefined {
  if (OF_OTHERS.some((ending) => path.endsWith(ending))) return undefined;
  const text = readMetadata(path)[RANGES];
  if (text === undefined) return undefined;
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw new InputError(path, `${RANGES}: not JSON`);
  }
  const parsed = stored.safeParse(json);
  if (parsed.success) return Ranges.restore(parsed.data);
  const [issue] = parsed.error.issues;
  throw new InputError(path, `${[RANGES, ...issue!.path].join(".")}: ${issue!.message}`);
}
