import { InputError } from "../../src/base/errors.ts";
import { type Model, weightsOf } from "../../src/model/model.ts";

/** Why a model's weights are not here, for the name of what is skipped without them; undefined where they are. */
export function missing(model: Pick<Model, "file" | "locate">, folder: string): string | undefined {
  try {
    weightsOf(model, folder);
    return undefined;
  } catch (error) {
    if (error instanceof InputError) return error.message;
    throw error;
  }
}

/** A name that says why it is skipped, if it is. */
export const because = (name: string, reason: string | undefined): string =>
  reason === undefined ? name : `${name} (skipped: ${reason})`;
