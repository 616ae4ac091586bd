import { readFileSync } from "node:fs";
import { parseCsv } from "../../src/report/csv.ts";
import { frontOf } from "../../src/search/front.ts";
import { type Frame, frameOf, growthOf } from "../../src/search/hypervolume.ts";
import type { Evaluated, Priced, Problem } from "../../src/search/problem.ts";
import { nearestOf } from "../../src/search/screen.ts";
import { type Method, search } from "../../src/search/search.ts";
import type { Candidate } from "../../src/search/space.ts";
import { loadDesign } from "../../src/sweep/experiment.ts";
import { quantKey } from "../../src/sweep/factor.ts";
import { Lattice } from "../../src/sweep/lattice.ts";

const COSTLY = 0;

/** A search of a grid, and how much of the known front's hypervolume it had after each evaluation. */
export interface Run {
  readonly evaluated: readonly Evaluated[];
  readonly growth: readonly number[];
  /** Distinct executions after each evaluation. */
  readonly executions: readonly number[];
}

/** An experiment all of whose points `shiftline sweep` has measured: a CSV of point, per_pct, cycles, energy_uj and macs_per_word. */
export class Grid {
  readonly lattice: Lattice;
  readonly front: readonly (readonly number[])[];
  readonly #points: readonly { readonly objectives: readonly number[]; readonly macs: number }[];
  readonly #frame: Frame;
  readonly #whole: number;

  constructor(experiment: string, csv: string) {
    this.lattice = new Lattice(loadDesign(experiment));
    this.#points = parseCsv(readFileSync(csv, "utf8"), csv).rows.map(([, ...figures]) => {
      const [per, cycles, energy, macs] = figures.map(Number);
      return { objectives: [per!, cycles!, energy!], macs: macs! };
    });
    const all = this.#points.map(({ objectives }) => ({ objectives, violation: 0 }));
    this.front = frontOf(all).map((i) => all[i]!.objectives);
    this.#frame = frameOf(this.front);
    this.#whole = growthOf(this.front, this.#frame).at(-1)!;
  }

  get points(): number {
    return this.#points.length;
  }

  figuresOf(index: number): readonly number[] {
    return this.#points[index - 1]!.objectives;
  }

  async replay(method: Method, budget: number, seed: number): Promise<Run> {
    const evaluated = await search(this.#replayed(), { method, budget, seed });
    const growth = growthOf(
      evaluated.map(({ objectives }) => objectives),
      this.#frame,
    ).map((volume) => volume / this.#whole);
    const executed = new Set<string>();
    const executions = evaluated.map(({ candidate }) => executed.add(this.#numericsOf(candidate)).size);
    return { evaluated, growth, executions };
  }

  #at(candidate: Candidate) {
    return this.#points[this.lattice.pointAt(candidate)!.index - 1]!;
  }

  #numericsOf(candidate: Candidate): string {
    const { recipe, arch } = this.lattice.pointAt(candidate)!;
    return quantKey(recipe, arch);
  }

  /**
   * The grid as a search meets it: of a model that was executed for another point everything is known; of others the cycles and energy are
   * off by as much as the nearest one that was executed runs its programs oftener or more rarely, which its MACs tell.
   */
  #replayed(): Problem {
    const executed: { readonly candidate: Candidate }[] = [];
    const keys = new Set<string>();
    const { lattice } = this;
    const priceOf = (candidate: Candidate): Priced => {
      const { objectives, macs } = this.#at(candidate);
      if (keys.has(this.#numericsOf(candidate))) return { objectives, violation: 0 };
      const [nearest] = nearestOf(lattice.dimensions, candidate, executed);
      const oftener = nearest && this.#at(nearest.candidate).macs / macs;
      return {
        objectives: objectives.map((value, o) => (o === COSTLY || !oftener ? undefined : value * oftener)),
        violation: 0,
      };
    };
    return {
      space: lattice,
      evaluate: async (candidates) =>
        candidates.map((candidate) => {
          executed.push({ candidate });
          keys.add(this.#numericsOf(candidate));
          return { objectives: this.#at(candidate).objectives, violation: 0 };
        }),
      price: async (candidates) => candidates.map(priceOf),
    };
  }
}
