import type { Settings } from "../arch/fields.ts";
import { MOST_FOLLOWED } from "./flow.ts";
import { Footprints } from "./footprint.ts";
import type { Program } from "./program.ts";
import {
  eachSite,
  isSiteLoop,
  operandsAt,
  type Placement,
  type Site,
  type SiteLoop,
  sitesOf,
} from "./sites.ts";
import { Stretches } from "./stretches.ts";

/**
 * Whether some accumulator might leave its range: by the widths of the operands, not by their values. Where it
 * cannot, wrapping, saturation and the array's shape play no part in the bits. Sums that move in so many ways that it would take
 * more than MOST_FOLLOWED steps to tell might.
 */
export function mayOverflow(program: Program, arch: Settings): boolean {
  const limit = 2 ** (arch["acc.bits"] - 1) - 1;
  const footprints = new Footprints(arch);
  const held = new Stretches<number>();
  const turns = [0, 0];
  let followed = 0;
  const overflows = (placements: readonly Placement[]): boolean =>
    placements.some((placement) => {
      if (!isSiteLoop(placement)) return exceeds(placement);
      const { count, level, body } = placement;
      const isMoving = movesSums(placement);
      let before = "";
      for (let turn = 0; turn < count; turn++) {
        turns[level] = turn;
        if (overflows(body)) return true;
        if (isMoving) continue;
        // A turn that leaves what the one before left will do so again, unless its sums move.
        const after = JSON.stringify(held.all);
        if (after === before) break;
        before = after;
      }
      turns[level] = 0;
      return false;
    });
  const exceeds = (site: Site): boolean => {
    const { op } = site.instruction;
    const sums = op.accumulates?.(site.instruction.x);
    if (sums === undefined) return false;
    const isRepeated = turns[0]! > 0 || turns[1]! > 0;
    if (isRepeated && ++followed + held.toll > MOST_FOLLOWED) return true;
    const x = operandsAt(site, turns);
    return footprints.of(site).writes.some(({ field, span }) => {
      const from = x[field]! + span.from;
      const to = from + span.count;
      const kept = sums.keep
        ? Math.max(held.gap(from, to) === undefined ? 0 : limit, ...held.values(from, to))
        : 0;
      const most = sums.largest + kept;
      held.note(from, to, most);
      return most > limit;
    });
  };
  return overflows(sitesOf(program.items));
}

/** Whether a loop moves accumulators that are summed into. Those that an inner loop moves are the same in all its turns. */
function movesSums({ body, level }: SiteLoop): boolean {
  let moves = false;
  eachSite(body, ({ instruction: { op }, moves: all }) => {
    if (op.accumulates !== undefined)
      moves ||= all.some((move) => move.level === level && op.fields[move.field]!.space === "acc");
  });
  return moves;
}
