import type { Figures } from "./front.ts";
import type { Candidate, Space } from "./space.ts";

/** What is known of a point before its costly objectives are. */
export interface Priced {
  /** Costly ones are undefined. */
  readonly objectives: readonly (number | undefined)[];
  /** By how much constraints are broken that cheap figures decide. */
  readonly violation: number;
}

/** What a search asks. Answers come in the order of the candidates; undefined where a point turns out not to be one. */
export interface Problem {
  readonly space: Space;
  readonly evaluate: (candidates: readonly Candidate[]) => Promise<readonly (Figures | undefined)[]>;
  /** The cheap stage, where there is one. */
  readonly price?: (candidates: readonly Candidate[]) => Promise<readonly (Priced | undefined)[]>;
}

/** A point whose objectives were all asked for. */
export interface Evaluated extends Figures {
  readonly candidate: Candidate;
}

/** What a search has asked so far, and may still ask. */
export class Ledger {
  readonly evaluated: Evaluated[] = [];
  readonly #problem: Problem;
  readonly #budget: number;
  readonly #closed = new Set<string>();

  constructor(problem: Problem, budget: number) {
    this.#problem = problem;
    this.#budget = budget;
  }

  get left(): number {
    return this.#budget - this.evaluated.length;
  }

  readonly isNew = (identity: string): boolean => !this.#closed.has(identity);

  /** Nobody asks for it again. */
  close(candidate: Candidate): void {
    this.#closed.add(this.#problem.space.identify(candidate)!);
  }

  /**
   * Asks for all objectives of new candidates, one after another, as far as the budget goes. What turns out to be no point costs nothing of
   * it.
   */
  async evaluate(candidates: readonly Candidate[]): Promise<Evaluated[]> {
    const found: Evaluated[] = [];
    for (let from = 0; from < candidates.length && this.left > 0; ) {
      const asked = candidates.slice(from, from + this.left);
      from += asked.length;
      for (const candidate of asked) this.close(candidate);
      const answers = await this.#problem.evaluate(asked);
      const some = asked.flatMap((candidate, i) => {
        const figures = answers[i];
        return figures === undefined ? [] : [{ candidate, ...figures }];
      });
      this.evaluated.push(...some);
      found.push(...some);
    }
    return found;
  }
}
