import type { Settings } from "./fields.ts";

/**
 * Cycles that a refresh keeps the DRAM from everything else: a row that was just opened has to stay open, all rows are
 * closed, refreshed, and those that were open are opened again one after the other.
 */
export const refreshBlackout = (s: Settings): number =>
  s["dram.rowActive"] +
  s["dram.precharge"] +
  s["dram.refreshCycles"] +
  (s["dram.banks"] - 1) * s["dram.activateGap"] +
  s["dram.activate"];
