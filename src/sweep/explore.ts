import { frontOf } from "../search/front.ts";
import type { Evaluated, Problem } from "../search/problem.ts";
import { nearestOf } from "../search/screen.ts";
import { type Method, search } from "../search/search.ts";
import type { Candidate } from "../search/space.ts";
import { figuresOf, type Goals, pricedOf, UNEXECUTED } from "./goals.ts";
import type { Numerics } from "./known.ts";
import type { Lattice } from "./lattice.ts";
import type { Asked, Measurer, Row } from "./run.ts";

/** A search over the points of an experiment. */
export interface Quest {
  readonly about: Omit<Asked, "points">;
  readonly lattice: Lattice;
  readonly goals: Goals;
  readonly method: Method;
  readonly budget: number;
  readonly seed: number;
  /** Told of points evaluated, and of the latest piece of work. */
  readonly onProgress?: (evaluated: number, label: string) => void;
}

/** What a search came to. */
export interface Explored {
  readonly method: Method;
  /** In the order in which they were asked for. */
  readonly found: readonly Found[];
  /** Which of them make the front. */
  readonly front: readonly number[];
  /** Points that were priced. */
  readonly priced: number;
}

interface Found extends Evaluated {
  readonly row: Row;
  /** Identity of what executing it gave: points that share it cost one execution. */
  readonly numerics: string;
}

/**
 * Searches the points of an experiment for the front of its goals. A pure function of files, goals, method, budget and seed: neither
 * threads nor what a cache holds change which points are asked for.
 */
export async function explore(quest: Quest, measurer: Measurer): Promise<Explored> {
  const explorer = new Explorer(quest, measurer);
  const { method, budget, seed } = quest;
  await search(explorer, { method, budget, seed });
  const { found, priced } = explorer;
  return { method, found, front: frontOf(found), priced: priced.size };
}

class Explorer implements Problem {
  readonly found: Found[] = [];
  readonly priced = new Set<number>();
  readonly space: Lattice;
  readonly #quest: Quest;
  readonly #measurer: Measurer;
  /** What executing gave, of the points evaluated and of no other that a cache may know. */
  readonly #executed = new Map<string, Numerics>();

  constructor(quest: Quest, measurer: Measurer) {
    this.space = quest.lattice;
    this.#quest = quest;
    this.#measurer = measurer;
  }

  readonly evaluate = async (candidates: readonly Candidate[]) => {
    const asked = this.#asked(candidates);
    const { rows } = await this.#measurer.measure(asked, this.#told());
    const offers = await this.#measurer.price(asked);
    const rowOf = new Map(rows.map((row) => [row.point, row]));
    return asked.points.map((point, i) => {
      const row = rowOf.get(point);
      if (row === undefined) return undefined;
      const { numerics, measured } = offers.get(point)!;
      this.#executed.set(numerics, measured!);
      const figures = figuresOf(this.#quest.goals, row);
      this.found.push({ candidate: candidates[i]!, row, numerics, ...figures });
      return figures;
    });
  };

  /**
   * Of a model that was executed for another point everything is known. Of others, how often programs run is not: it is taken from the
   * nearest point of the same samples. While there is none, nothing is known but who is refused.
   */
  readonly price = async (candidates: readonly Candidate[]) => {
    const asked = this.#asked(candidates);
    const offers = await this.#measurer.price(asked, this.#told());
    const { goals } = this.#quest;
    return asked.points.map((point, i) => {
      this.priced.add(point.index);
      const offer = offers.get(point);
      if (offer === undefined) return undefined;
      const own = this.#executed.get(offer.numerics);
      if (own !== undefined) return figuresOf(goals, offer.rowWith(own));
      const alike = this.found.filter(({ row }) => row.point.subject.model === point.subject.model);
      const [nearest] = nearestOf(this.space.dimensions, candidates[i]!, alike);
      if (nearest === undefined) return { objectives: goals.objectives.map(() => undefined), violation: 0 };
      const { runs } = this.#executed.get(nearest.numerics)!;
      return pricedOf(goals, offer.rowWith({ runs, accuracy: UNEXECUTED }));
    });
  };

  #asked(candidates: readonly Candidate[]): Asked {
    const points = candidates.map((candidate) => this.space.pointAt(candidate)!);
    return { ...this.#quest.about, points };
  }

  #told() {
    const { onProgress } = this.#quest;
    return {
      onProgress: (_done: number, _all: number, label: string) => onProgress?.(this.found.length, label),
    };
  }
}
