import type { ArchSpec } from "../arch/spec.ts";
import type { Recipe } from "../quant/recipe.ts";
import type { Mapper } from "./mapped.ts";
import { type Measured, measure, referenceOf } from "./measure.ts";
import { type Refusal, refusalOf } from "./refusal.ts";
import { type SubjectSpec, subjectOf } from "./subject.ts";

/** A piece of a sweep, as plain data: the real-valued reference, or one quantized model on its machines. */
export type Task =
  | { readonly kind: "reference"; readonly subject: SubjectSpec }
  | {
      readonly kind: "measure";
      readonly subject: SubjectSpec;
      readonly recipe: Recipe;
      readonly archs: readonly ArchSpec[];
      readonly mapper: Mapper;
    };

/** What a task gave, or what is wrong with its input. */
export type Answer =
  | { readonly kind: "reference"; readonly outputs: readonly (readonly number[])[] }
  | ({ readonly kind: "measure" } & Measured)
  | ({ readonly kind: "refused" } & Refusal);

export function runTask(task: Task): Answer {
  try {
    const subject = subjectOf(task.subject);
    if (task.kind === "reference") return { kind: "reference", outputs: referenceOf(subject) };
    return { kind: "measure", ...measure(subject, task.recipe, task.archs, task.mapper) };
  } catch (error) {
    return { kind: "refused", ...refusalOf(error) };
  }
}
