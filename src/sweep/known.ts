import type { ArchSpec } from "../arch/spec.ts";
import { onceFor } from "../base/hash.ts";
import { Recent } from "../base/recent.ts";
import type { Scores } from "../model/model.ts";
import type { Runs } from "./baseline.ts";
import { type Cache, type Kind, pack, unpack } from "./cache.ts";
import { bitsOf, compiledFor, type Family, machineKey } from "./factor.ts";
import type { Priced } from "./halves.ts";
import type { JobCost } from "./price.ts";
import type { Refusal } from "./refusal.ts";
import { factsOf, type SubjectSpec } from "./subject.ts";

/** How well a model did. */
export interface Accuracy {
  /** By the model's metrics. */
  readonly scores: Scores;
  /** Over all samples: elements clamped to their range, accumulators that left theirs. */
  readonly saturations: number;
  readonly overflows: number;
  /** Beats of the array that skipping zeros would have saved: an estimate that no cycle has a part in. */
  readonly skippedCycles: number;
}

/** What is kept of an execution. */
export interface Numerics {
  readonly accuracy: Accuracy;
  readonly runs: readonly Runs[];
}

export type Outputs = readonly (readonly number[])[];

/** What of a cost decides what else is needed. */
type Summary = Pick<JobCost, "results"> | Refusal;

/** Identity of a model and of all data that it is run on, for the keys of what is kept. */
const dataOf = onceFor((spec: SubjectSpec) => ({ model: spec.model, data: factsOf(spec).hash }));
/** Identity of what the real-valued model gives. */
const referenceOf = onceFor((spec: SubjectSpec) => ({
  model: spec.model,
  reference: factsOf(spec).referenceHash,
}));

/**
 * All that is known of a sweep's two halves so far: what was found in the cache, and what was computed since, which goes there at once.
 * Costs stay packed, for a sweep may have thousands of them.
 */
export class Known {
  readonly #cache: Cache | undefined;
  readonly #layouts = new Map<string, string | undefined>();
  readonly #numerics = new Map<string, Numerics | undefined>();
  readonly #costs = new Map<string, { readonly packed: Buffer; readonly summary: Summary } | undefined>();
  /** Refusals of machines whose limits let a model not even be quantized, so that it has no layout. */
  readonly #refused = new Map<string, Refusal>();
  readonly #unpacked = new Recent<JobCost>(16);
  readonly #references = new Map<string, Outputs | undefined>();

  constructor(cache: Cache | undefined) {
    this.#cache = cache;
  }

  /** The real-valued model's outputs. */
  reference(subject: SubjectSpec): Outputs | undefined {
    const key = referenceOf(subject);
    return lookUp(this.#references, key.reference, () => this.#find("reference", key));
  }

  keepReference(subject: SubjectSpec, outputs: Outputs): void {
    const key = referenceOf(subject);
    this.#references.set(key.reference, outputs);
    this.#cache?.put("reference", key, pack(outputs));
  }

  layout(family: Family): string | undefined {
    return lookUp(this.#layouts, mappedKey(family), () =>
      this.#find("layouts", [family.mapper, quantized(family)]),
    );
  }

  keepLayout(family: Family, layout: string): void {
    this.#layouts.set(mappedKey(family), layout);
    this.#cache?.put("layouts", [family.mapper, quantized(family)], pack(layout));
  }

  /** What the family's model gave, of the results of that name. */
  numerics(family: Family, results: string): Numerics | undefined {
    return lookUp(this.#numerics, `${family.key} ${results}`, () =>
      this.#find("numerics", [results, quantized(family)]),
    );
  }

  keepNumerics(family: Family, results: string, numerics: Numerics): void {
    this.#numerics.set(`${family.key} ${results}`, numerics);
    this.#cache?.put("numerics", [results, quantized(family)], pack(numerics));
  }

  /** Which results the family's model has on a machine, or why it does not run there. */
  summary(family: Family, arch: ArchSpec): Summary | undefined {
    const key = this.costKey(family, arch);
    if (this.layout(family) === undefined) return this.#refused.get(key);
    const cost = lookUp(this.#costs, key, () => {
      const packed = this.#cache?.get("costs", keyOfCost(key, arch));
      return packed && { packed, summary: summaryOf(unpack(packed)) };
    });
    return cost?.summary;
  }

  /** Families and machines of one key share the cost. A family without a layout, so far or for good, shares with none. */
  costKey(family: Family, arch: ArchSpec): string {
    return `${this.layout(family) ?? mappedKey(family)} ${machineKey(arch)}`;
  }

  /** The cost of a key that is known, and no refusal. */
  cost(key: string): JobCost {
    return this.#unpacked.recall(key, () => unpack<JobCost>(this.#costs.get(key)!.packed));
  }

  keepCost(family: Family, arch: ArchSpec, priced: Priced): void {
    const key = this.costKey(family, arch);
    if (this.layout(family) === undefined) {
      this.#refused.set(key, priced as Refusal);
      return;
    }
    const packed = pack(priced);
    this.#costs.set(key, { packed, summary: summaryOf(priced) });
    this.#cache?.put("costs", keyOfCost(key, arch), packed);
  }

  #find<T>(kind: Kind, key: unknown): T | undefined {
    const packed = this.#cache?.get(kind, key);
    return packed && unpack<T>(packed);
  }
}

/** All that decides a quantized model. */
const quantized = ({ subject, recipe, archs }: Family): unknown => [
  dataOf(subject),
  recipe,
  bitsOf(recipe, archs[0]!),
];

const mappedKey = ({ key, mapper }: Family): string => `${key} ${mapper}`;

/** In memory a machine is told by its hash, which the cache of years does not rest on. */
const keyOfCost = (key: string, arch: ArchSpec): unknown => [key.split(" ")[0], compiledFor(arch)];

const summaryOf = (priced: Priced): Summary =>
  "problem" in priced ? { where: priced.where, problem: priced.problem } : { results: priced.results };

/** What a map has under a key, looked up elsewhere once. */
function lookUp<V>(map: Map<string, V | undefined>, key: string, find: () => V | undefined): V | undefined {
  if (!map.has(key)) map.set(key, find());
  return map.get(key);
}
