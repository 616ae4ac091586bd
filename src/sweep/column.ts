import type { Column, ColumnFacts } from "../report/column.ts";
import type { Row } from "./run.ts";

type Show = Column<Row>["show"];

/** A column by position: name, unit, where it is shown, meaning, value. */
export const column = (
  name: string,
  unit: Column<Row>["unit"],
  show: Show,
  doc: string,
  of: Column<Row>["of"],
  facts: Partial<ColumnFacts> = {},
): Column<Row> => ({ name, unit, doc, show, of, ...facts });

export const IDENTITY = { role: "identity" } as const;
export const INCIDENTAL = { role: "incidental" } as const;
export const LOWER = { better: "lower" } as const;
export const HIGHER = { better: "higher" } as const;
export const SETTING = { role: "setting" } as const;
/** A setting by its name in files, where the column's is another. */
export const setting = (parameter: string) => ({ role: "setting", parameter }) as const;
