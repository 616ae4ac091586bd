import type { Space } from "../isa/define.ts";

/** The turns that the loops around an instruction are in, the outer one's first; 0 where there is none. */
export type Turns = readonly number[];
export const NO_TURNS: Turns = [0, 0];

/** Bytes (or accumulators) from `from` to before `to`, and the bytes that are moved for them. */
export interface Region {
  readonly space: Space;
  readonly from: number;
  readonly to: number;
  readonly trafficBytes: number;
  /** Whether the data pick where it lies, so that only its size is known. */
  readonly isPicked: boolean;
  /** How far every turn of the loop at `level` moves it: 0 where it stays. */
  readonly stride: number;
  readonly level: number;
  /** Tells the regions of a plan apart; 0 outside of one. */
  readonly id: number;
}

/** How far the loops have moved a region. */
export const movedBy = ({ stride, level }: Region, turns: Turns): number =>
  stride === 0 ? 0 : stride * turns[level]!;

/** Whether it lies behind the DRAM's channel. */
export const isDram = ({ space }: Pick<Region, "space">): boolean => space === "dram" || space === "data";
