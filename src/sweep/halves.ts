import type { ArchSpec } from "../arch/spec.ts";
import type { Recipe } from "../quant/recipe.ts";
import { resultsKey } from "./factor.ts";
import type { LegalJob } from "./legal.ts";
import type { Mapper } from "./mapped.ts";
import { type Compiler, compilerFor, type Results, resultsOf } from "./measure.ts";
import { type JobCost, jobCostOf } from "./price.ts";
import { attempt, type Refusal, refusalOf } from "./refusal.ts";
import type { Subject } from "./subject.ts";

/** A quantized model, on machines that agree in everything that quantization reads. */
interface Asked {
  readonly subject: Subject;
  readonly recipe: Recipe;
  readonly archs: readonly ArchSpec[];
  readonly mapper: Mapper;
}

/** What a job costs on a machine, or why the model does not run there. */
export type Priced = JobCost | Refusal;

/** What executing a quantized model once gave, on the first machine that it runs on. */
export interface Executed {
  /** Absent where none of the machines' limits let the model be quantized. */
  readonly layout?: string;
  /** Of the machines up to that one; of all of them where it runs on none, or is fine-tuned. */
  readonly priced: readonly Priced[];
  readonly results?: { readonly key: string; readonly of: Results };
}

/** Quantizes a model and executes it on the first of the machines that it runs on. */
export function executeOnFirst(asked: Asked): Executed {
  const { subject, recipe, archs, mapper } = asked;
  const priced: Priced[] = [];
  let compiler: Compiler | undefined;
  for (const [i, arch] of archs.entries()) {
    const tried = attempt(() => {
      compiler = compilerFor(subject, recipe, arch, mapper);
      return { compiler, job: compiled(compiler, arch) };
    });
    if ("problem" in tried) {
      priced.push(tried);
      continue;
    }
    const { job, compiler: own } = tried;
    priced.push(jobCostOf(job, own.floats));
    // Whoever is to quantize a fine-tuned model again has to train it again.
    if (recipe.tuning_steps > 0) priced.push(...priceOnAll({ ...asked, archs: archs.slice(i + 1) }).priced);
    return { layout: own.layout, priced, results: { key: resultsKey(job), of: resultsOf(job, own.inputs) } };
  }
  return compiler === undefined ? { priced } : { layout: compiler.layout, priced };
}

/** What a quantized model costs on each of the machines; nothing is executed. */
export function priceOnAll({ subject, recipe, archs, mapper }: Asked): Omit<Executed, "results"> {
  let compiler: Compiler | undefined;
  const priced = archs.map((arch) =>
    attempt(() => {
      compiler = compilerFor(subject, recipe, arch, mapper);
      return jobCostOf(compiled(compiler, arch), compiler.floats);
    }),
  );
  return compiler === undefined ? { priced } : { layout: compiler.layout, priced };
}

/** The job on a machine. @throws InputError that says of it what it would say of the machine alone */
function compiled(compiler: Compiler, arch: ArchSpec): LegalJob {
  try {
    return compiler.compile(arch);
  } catch (error) {
    refusalOf(error);
    // The model may have been quantized for a machine of wider limits, which this one would refuse before its programs are.
    compiler.refuse(arch);
    throw error;
  }
}
