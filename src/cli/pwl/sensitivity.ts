import { InputError } from "../../base/errors.ts";
import { hashOf } from "../../base/hash.ts";
import { floorDiv } from "../../fixed/round.ts";
import type { Metric, Model, Scores } from "../../model/model.ts";
import { modelOf } from "../../model/table.ts";
import type { Recipe } from "../../quant/recipe.ts";
import { TABLE_SITES, type TableSite } from "../../quant/sites.ts";
import type { Executed } from "../../sweep/halves.ts";
import type { Results } from "../../sweep/measure.ts";
import type { Point } from "../../sweep/points.ts";
import { runAll } from "../../sweep/pool.ts";
import type { Refusal } from "../../sweep/refusal.ts";
import { type SubjectSpec, subjectOf } from "../../sweep/subject.ts";
import type { Task } from "../../sweep/task.ts";
import type { Chosen } from "../chosen.ts";
import { allocate, type Choice } from "./knapsack.ts";

/** What a number of pieces at one site does, all others at the finest. */
interface Sensitivity {
  readonly pieces: number;
  /** Share of the outputs that are not those of the finest tables. */
  readonly changed: number;
  /** What that adds to the model's first metric; below 0 where it happens to help. */
  readonly loss: number;
}

/** A site, what is known of it and what it is given. */
export interface SiteReport {
  readonly site: TableSite;
  readonly measured: readonly Sensitivity[];
  readonly pieces: number;
  /** Of the equal split. */
  readonly equal: number;
}

/** An allocation of a budget. */
export interface Allocation {
  readonly metric: Metric;
  readonly sites: readonly SiteReport[];
  /** Scores on the samples that are scored, which no choice was made on. */
  readonly scores: {
    readonly allocated: Scores;
    readonly equal: Scores;
    readonly finest: Scores;
    readonly float: Scores;
  };
}

export interface AllocateOptions {
  readonly budget: number;
  /** Pieces that a site is measured at, two or more, ascending; the last is what all the others have meanwhile. */
  readonly levels: readonly number[];
  readonly workers: number;
  readonly onProgress: (done: number, total: number, label: string) => void;
}

/**
 * Spends a budget of pieces over the sites of a model where tables are, and measures what comes of it.
 *
 * Each site alone is measured at each level on samples of the model's calibration split. Its cost there is the share of
 * outputs that change against the finest tables, made monotone: no table counts as better than a larger one. Costs are
 * taken to add up. The allocation with the least sum is then scored on the experiment's own samples, beside the
 * equal split of the same budget.
 *
 * @throws InputError where the budget is too small, or the model does not run at some allocation
 */
export async function allocatePieces({ point }: Chosen, options: AllocateOptions): Promise<Allocation> {
  const model = modelOf(point.subject.model);
  const runner = new Runner(point.subject, model, point, options);
  const { budget, levels } = options;
  const [coarsest, finest] = [levels[0]!, levels.at(-1)!];
  const used = usedSites(runner.tuning, model, point, [coarsest, finest]);
  if (budget < used.length * coarsest) {
    const least = `${used.length} sites take ${coarsest} pieces each or more`;
    throw new InputError("--budget", `${least}, not ${budget} together`);
  }

  const plans = used.flatMap((site) => levels.slice(0, -1).map((pieces) => ({ site, pieces })));
  runner.expect(plans.length + 4);
  const whole = (pieces: number) => Object.fromEntries(used.map((site) => [site, pieces]));
  const [fine, ...outputs] = await runner.outputs(runner.tuning, [
    { label: "the finest tables", split: whole(finest) },
    ...plans.map(({ site, pieces }) => ({
      label: `${site} at ${pieces} pieces`,
      split: { ...whole(finest), [site]: pieces },
    })),
  ]);
  const metric = model.metrics[0]!;
  const measure = sensitivityOf(model, metric, runner.tuning, fine!);
  const measured = used.map((site) => [
    ...plans.flatMap((plan, i) => (plan.site === site ? [measure(plan.pieces, outputs[i]!)] : [])),
    measure(finest, fine!),
  ]);
  const chosen = allocate(measured.map(choicesOf), budget)!;
  const sites = used.map(
    (site, i): SiteReport => ({
      ...{ site, measured: measured[i]!, pieces: chosen[i]!.pieces },
      equal: floorDiv(budget, used.length) + (i < budget % used.length ? 1 : 0),
    }),
  );
  const split = (of: (report: SiteReport) => number) =>
    Object.fromEntries(sites.map((one) => [one.site, of(one)]));
  const allocated = split(({ pieces }) => pieces);
  const scores = await runner.scores(
    allocated,
    split(({ equal }) => equal),
    whole(finest),
  );
  return { metric, sites, scores };
}

/** Costs that never fall as pieces become fewer. */
function choicesOf(measured: readonly Sensitivity[]): readonly Choice[] {
  let most = 0;
  return [...measured].reverse().map(({ pieces, changed }) => {
    most = Math.max(most, changed);
    return { pieces, cost: most };
  });
}

function sensitivityOf(model: Model, { name, better }: Metric, spec: SubjectSpec, fine: Results["outputs"]) {
  const { samples } = subjectOf(spec);
  const relative = model.metrics.find(({ isRelative }) => isRelative === true);
  const before = model.score(samples, fine, fine);
  return (pieces: number, outputs: Results["outputs"]): Sensitivity => {
    const after = model.score(samples, outputs, fine);
    const loss = (after[name]! - before[name]!) * (better === "lower" ? 1 : -1);
    const changed =
      relative === undefined ? Math.max(0, loss) : before[relative.name]! - after[relative.name]!;
    return { pieces, changed, loss };
  };
}

/** Pieces by site. */
type Split = Readonly<Record<string, number>>;

const withPieces = (recipe: Recipe, split: Split): Recipe => ({
  ...recipe,
  ...Object.fromEntries(Object.entries(split).map(([site, pieces]) => [`${site}_pieces`, pieces])),
});

/** The sites whose pieces change anything of the model in integers. */
function usedSites(
  spec: SubjectSpec,
  model: Model,
  { recipe, arch }: Point,
  [coarsest, finest]: readonly [number, number],
): readonly TableSite[] {
  const { params, ranges } = subjectOf(spec);
  const all = Object.keys(TABLE_SITES) as TableSite[];
  const hashWith = (split: Split) =>
    hashOf(model.quantize(params, ranges, { recipe: withPieces(recipe, split), arch: arch.settings }));
  const whole = Object.fromEntries(all.map((site) => [site, finest]));
  const before = hashWith(whole);
  return all.filter((site) => hashWith({ ...whole, [site]: coarsest }) !== before);
}

/** A run that is to be made. */
interface Planned {
  readonly label: string;
  readonly split: Split;
}

/** Runs the model at splits, on the samples for tuning and on those that are scored. */
class Runner {
  /** As many samples as are scored, of the part of the data that gives the ranges. */
  readonly tuning: SubjectSpec;
  readonly #scored: SubjectSpec;
  readonly #model: Model;
  readonly #point: Point;
  readonly #options: AllocateOptions;
  #done = 0;
  #total = 0;

  constructor(scored: SubjectSpec, model: Model, point: Point, options: AllocateOptions) {
    this.#scored = scored;
    this.#model = model;
    this.#point = point;
    this.#options = options;
    this.tuning = { ...scored, split: model.calibrationSplit };
  }

  /** So many runs are to come. */
  expect(total: number): void {
    this.#total = total + 1;
  }

  /** What the model gives at each split. */
  async outputs(subject: SubjectSpec, planned: readonly Planned[]): Promise<readonly Results["outputs"][]> {
    const { recipe, arch } = this.#point;
    const tasks = planned.map(({ split }): Task => {
      return { kind: "execute", subject, recipe: withPieces(recipe, split), archs: [arch], mapper: "fixed" };
    });
    return this.#run(
      tasks,
      planned.map(({ label }) => label),
    );
  }

  async scores(allocated: Split, equal: Split, finest: Split): Promise<Allocation["scores"]> {
    const subject = this.#scored;
    const [reference] = await this.#run([{ kind: "reference", subject }], ["the real-valued reference"]);
    const outputs = await this.outputs(subject, [
      { label: "the allocation", split: allocated },
      { label: "the equal split", split: equal },
      { label: "the finest tables, scored", split: finest },
    ]);
    const { samples } = subjectOf(subject);
    const [first, second, third, float] = [...outputs, reference!].map((some) =>
      this.#model.score(samples, some, reference!),
    );
    return { allocated: first!, equal: second!, finest: third!, float: float! };
  }

  async #run(tasks: readonly Task[], labels: readonly string[]): Promise<readonly Results["outputs"][]> {
    const found = new Array<Results["outputs"]>(tasks.length);
    await runAll(tasks, this.#options.workers, (answer, i) => {
      if (answer.kind === "refused") throw new InputError(answer.where, answer.problem);
      if (answer.kind === "reference") found[i] = answer.outputs;
      if (answer.kind === "execute") found[i] = outputsOf(answer);
      this.#options.onProgress(++this.#done, this.#total, labels[i]!);
    });
    return found;
  }
}

/** Of a model that was asked for on one machine. @throws InputError where it does not run there */
function outputsOf({ results, priced }: Executed): Results["outputs"] {
  if (results !== undefined) return results.of.outputs;
  const [refusal] = priced as readonly [Refusal];
  throw new InputError(refusal.where, refusal.problem);
}
