import type { FieldName } from "../arch/fields.ts";

/** What a controller tells the DRAM. A column command moves the bytes of one beat; the others are a bank's. */
export const COMMANDS = ["precharge", "activate", "read", "write"] as const;
export type Command = (typeof COMMANDS)[number];

/** The least time between two commands: from one to any later `before`, of the same bank or of any. */
interface Rule {
  readonly after: Command;
  readonly before: Command;
  readonly scope: "bank" | "all banks";
  /** Parameters of the machine; their sum counts. */
  readonly cycles: readonly FieldName[];
}

/**
 * The DRAM's timing, as a datasheet has it: JESD209-3, table of core parameters. tRC is the sum of tRAS and tRP, and the
 * column commands of a row follow one another at the bus's pace (tCCD).
 */
export const RULES: readonly Rule[] = [
  { after: "activate", before: "read", scope: "bank", cycles: ["dram.activate"] },
  { after: "activate", before: "write", scope: "bank", cycles: ["dram.activate"] },
  { after: "activate", before: "precharge", scope: "bank", cycles: ["dram.rowActive"] },
  { after: "activate", before: "activate", scope: "all banks", cycles: ["dram.activateGap"] },
  { after: "precharge", before: "activate", scope: "bank", cycles: ["dram.precharge"] },
  { after: "read", before: "precharge", scope: "bank", cycles: ["dram.readToPrecharge"] },
  { after: "read", before: "write", scope: "all banks", cycles: ["dram.readToWrite"] },
  { after: "write", before: "precharge", scope: "bank", cycles: ["dram.cas", "dram.writeRecovery"] },
  { after: "write", before: "read", scope: "all banks", cycles: ["dram.cas", "dram.writeToRead"] },
];

/** What a row is found as: open, its bank closed, another row of its bank open, or one that only the data tell. */
export type Find = "hit" | "miss" | "conflict" | "picked";

/** The commands around a row's column commands. */
export const PATHS: Readonly<
  Record<Find, { readonly first: readonly Command[]; readonly last: readonly Command[] }>
> = {
  hit: { first: [], last: [] },
  miss: { first: ["activate"], last: [] },
  conflict: { first: ["precharge", "activate"], last: [] },
  // In all banks, whichever it is in, and closed again: so nothing that follows depends on data.
  picked: { first: ["precharge", "activate"], last: ["precharge"] },
};
