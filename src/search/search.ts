import seedrandom from "seedrandom";
import { type Standing, standingsOf } from "./front.ts";
import { type Evaluated, Ledger, type Priced, type Problem } from "./problem.ts";
import { best, choose, predict } from "./screen.ts";
import { evenly } from "./sobol.ts";
import { type Candidate, drawNew, type Random } from "./space.ts";
import { childOf, tournament } from "./variation.ts";

/** Where candidates come from, and whether all of them are evaluated or the cheap stage decides which. */
export const METHODS = {
  nsga2: { breeds: true, screens: true },
  "nsga2-unscreened": { breeds: true, screens: false },
  random: { breeds: false, screens: false },
  "random-screened": { breeds: false, screens: true },
} as const;

export type Method = keyof typeof METHODS;

export interface SearchOptions {
  readonly method: Method;
  /** Points whose objectives may be asked for. */
  readonly budget: number;
  /** Names the run: equal seeds, equal runs. */
  readonly seed: number;
}

/** Parents that a generation leaves. */
const PARENTS = 16;
/** Points that a generation evaluates. The first one's are spread evenly. */
const BATCH = 8;
/** Candidates that are priced for each point that is evaluated. */
const PRICED_A_POINT = 8;
/** Evenly spread candidates that are tried for the first generation: where constraints keep out all of these, breeding goes on. */
const MOST_EVEN = 10 * BATCH;
/** Children that are tried for each that is wanted, before the rest is drawn. */
const MOST_CHILDREN = 20;

/**
 * Searches a space for its front: NSGA-II (K. Deb, A. Pratap, S. Agarwal and T. Meyarivan, IEEE Trans. Evol. Comput. 6 (2002)) with an
 * evenly spread first generation and candidates that are none but new, or draws at random. Where the method screens and there is a
 * cheap stage, more candidates are priced than evaluated (`choose`). What breaks a constraint by its price alone is never evaluated, but
 * may be a parent as long as there is nothing better. Where none of the priced is promising, new ones drawn at random are evaluated.
 *
 * What is asked for first does not depend on the budget: a greater one goes on where a lesser one ended.
 *
 * @returns what was evaluated, in the order in which it was asked for: fewer than the budget where the space has no more points
 */
export const search = async (problem: Problem, options: SearchOptions): Promise<readonly Evaluated[]> =>
  new Search(problem, options).run();

interface Member extends Evaluated {
  readonly standing: Standing;
}

class Search {
  readonly #problem: Problem;
  readonly #breeds: boolean;
  readonly #price: Problem["price"];
  readonly #random: Random;
  readonly #ledger: Ledger;
  readonly #even: Generator<Candidate>;
  #evenLeft: number;
  /** Whether the latest prices told nothing of any objective. */
  #isBlind = true;
  #members: readonly Member[] = [];

  constructor(problem: Problem, { method, budget, seed }: SearchOptions) {
    const { breeds, screens } = METHODS[method];
    this.#problem = problem;
    this.#breeds = breeds;
    this.#price = screens ? problem.price : undefined;
    this.#random = seedrandom(`search/${seed}`);
    this.#ledger = new Ledger(problem, budget);
    this.#even = evenly(problem.space.dimensions, this.#random);
    this.#evenLeft = breeds ? MOST_EVEN : 0;
  }

  async run(): Promise<readonly Evaluated[]> {
    const ledger = this.#ledger;
    while (ledger.left > 0) {
      const proposed = this.#propose(this.#wanted());
      if (proposed.length === 0) break;
      this.#keep(await ledger.evaluate(await this.#chosenOf(proposed)));
    }
    return ledger.evaluated;
  }

  get #isFirstGeneration(): boolean {
    return this.#ledger.evaluated.length < BATCH;
  }

  /** Whether prices decide who is evaluated. */
  get #isScreening(): boolean {
    return this.#price !== undefined && !this.#isBlind && !this.#isFirstGeneration;
  }

  /** How many candidates are looked for. The very first point stands alone: a price may rest on what was evaluated. */
  #wanted(): number {
    if (this.#isScreening) return BATCH * PRICED_A_POINT;
    return this.#price !== undefined && this.#ledger.evaluated.length === 0 ? 1 : BATCH;
  }

  /** So many new candidates, or all that are left: evenly spread at first, then bred, and drawn where these are none or not enough. */
  #propose(count: number): Candidate[] {
    const { identify } = this.#problem.space;
    const proposed = new Map<string, Candidate>();
    const offer = (candidate: Candidate): void => {
      const identity = identify(candidate);
      if (identity !== undefined && this.#ledger.isNew(identity)) proposed.set(identity, candidate);
    };
    for (; this.#isFirstGeneration && this.#evenLeft > 0; this.#evenLeft--) {
      if (proposed.size === count) break;
      offer(this.#even.next().value as Candidate);
    }
    if (this.#breeds && this.#members.length > 0)
      for (let tries = 0; proposed.size < count && tries < MOST_CHILDREN * count; tries++)
        offer(this.#child());
    return this.#fill(proposed, count);
  }

  /** Adds draws. */
  #fill(proposed: Map<string, Candidate>, count: number): Candidate[] {
    const { space } = this.#problem;
    const isNew = (identity: string) => this.#ledger.isNew(identity) && !proposed.has(identity);
    while (proposed.size < count) {
      const drawn = drawNew(space, this.#random, isNew);
      if (drawn === undefined) break;
      proposed.set(space.identify(drawn)!, drawn);
    }
    return [...proposed.values()];
  }

  #child(): Candidate {
    const [mother, father] = [this.#members, this.#members].map((all) => tournament(all, this.#random));
    return childOf(this.#problem.space.dimensions, mother!.candidate, father!.candidate, this.#random);
  }

  /** Those that are worth an evaluation. */
  async #chosenOf(proposed: readonly Candidate[]): Promise<readonly Candidate[]> {
    const price = this.#price;
    if (price === undefined) return proposed;
    const isScreening = this.#isScreening;
    const admitted = await this.#admitted(proposed, price);
    const promising = isScreening ? choose(admitted, this.#ledger.evaluated, BATCH) : admitted;
    const chosen =
      promising.length > 0 ? promising : await this.#admitted(this.#fill(new Map(), BATCH), price);
    return chosen.map(({ candidate }) => candidate);
  }

  /** Closes what is no point or breaks a constraint by its price, and says what the others may come to. */
  async #admitted(
    candidates: readonly Candidate[],
    price: NonNullable<Problem["price"]>,
  ): Promise<Evaluated[]> {
    const { dimensions } = this.#problem.space;
    const answers = await price(candidates);
    const expected = (candidate: Candidate, priced: Priced): Evaluated => ({
      candidate,
      ...predict(dimensions, candidate, priced, this.#ledger.evaluated),
    });
    const admitted: Evaluated[] = [];
    const refused: Evaluated[] = [];
    for (const [i, candidate] of candidates.entries()) {
      const priced = answers[i];
      if (priced?.violation === 0) admitted.push(expected(candidate, priced));
      else this.#ledger.close(candidate);
      if (priced !== undefined && priced.violation > 0) refused.push(expected(candidate, priced));
    }
    this.#keep(refused);
    this.#isBlind = answers.every((priced) => priced?.objectives.every((one) => one === undefined) ?? true);
    return admitted;
  }

  /** The best of the parents and these are the next parents. */
  #keep(found: readonly Evaluated[]): void {
    const kept = best([...this.#members, ...found], PARENTS);
    const standings = standingsOf(kept);
    this.#members = kept.map((one, i) => ({ ...one, standing: standings[i]! }));
  }
}
