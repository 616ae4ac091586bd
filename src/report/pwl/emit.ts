import { toC } from "./c.ts";
import type { DescribedTable } from "./described.ts";
import { toJsonDocument, toPiecesCsv } from "./document.ts";
import { toSystemVerilog } from "./systemverilog.ts";

/** What a table can be written as. */
export const EMITTERS = {
  json: { doc: "every field, the grids and the rounding", write: toJsonDocument },
  csv: { doc: "a row for each piece", write: toPiecesCsv },
  c: { doc: "a header with arrays and a function", write: toC },
  sv: { doc: "a SystemVerilog package with parameters and a function", write: toSystemVerilog },
} as const satisfies Readonly<
  Record<string, { readonly doc: string; readonly write: (described: DescribedTable) => string }>
>;

export type EmitFormat = keyof typeof EMITTERS;
