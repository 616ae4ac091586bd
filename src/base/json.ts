import type { z } from "zod";
import { InputError } from "./errors.ts";
import { readText } from "./yaml.ts";

/** What a JSON file holds. @throws InputError naming the first place at which it is not as `shape` has it */
export function readJson<T extends z.ZodType>(path: string, shape: T): z.infer<T> {
  let json: unknown;
  try {
    json = JSON.parse(readText(path));
  } catch (error) {
    if (error instanceof InputError) throw error;
    throw new InputError(path, "not JSON");
  }
  const parsed = shape.safeParse(json);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new InputError(path, `${issue!.path.join(".")}: ${issue!.message}`);
}
