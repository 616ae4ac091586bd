/** What a site may be given: a number of pieces, and what that costs. */
export interface Choice {
  readonly pieces: number;
  /** >= 0. */
  readonly cost: number;
}

/**
 * The choice for each site with the least sum of costs among those whose pieces add up to the budget or less: exact, by dynamic
 * programming over sites and pieces spent. Of equal sums the one with the least sum of 1 / pieces^2 is taken, as the error of
 * a smooth curve goes, so that what is left of a budget goes where pieces are fewest.
 *
 * @param sites  the choices of each, one or more
 * @returns a choice for each site, or undefined where the budget is below the fewest pieces that sites can be given
 */
export function allocate(
  sites: readonly (readonly Choice[])[],
  budget: number,
): readonly Choice[] | undefined {
  /** The best choices of the sites so far, by the pieces they take together. */
  let best: readonly (Partial | undefined)[] = Array.from({ length: budget + 1 }, (_, spent) =>
    spent === 0 ? { cost: 0, bend: 0, chosen: [] } : undefined,
  );
  for (const choices of sites) {
    const next: (Partial | undefined)[] = best.map(() => undefined);
    for (const [spent, partial] of best.entries()) {
      if (partial === undefined) continue;
      for (const choice of choices) {
        const total = spent + choice.pieces;
        if (total > budget) continue;
        const candidate = {
          cost: partial.cost + choice.cost,
          bend: partial.bend + 1 / choice.pieces ** 2,
          chosen: [...partial.chosen, choice],
        };
        if (isBetter(candidate, next[total])) next[total] = candidate;
      }
    }
    best = next;
  }
  return best.reduce((a, b) => (b !== undefined && isBetter(b, a) ? b : a), undefined)?.chosen;
}

interface Partial {
  readonly cost: number;
  readonly bend: number;
  readonly chosen: readonly Choice[];
}

const isBetter = (a: Partial, b: Partial | undefined): boolean =>
  b === undefined || a.cost < b.cost || (a.cost === b.cost && a.bend < b.bend);
