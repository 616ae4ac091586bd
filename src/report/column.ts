/** What can be known of a column without a row. */
export interface ColumnFacts {
  /** Lower case with underscores; the unit is its last part where it has one. */
  readonly name: string;
  /** Empty for words and identities. */
  readonly unit:
    | ""
    | "bit"
    | "piece"
    | "row"
    | "column"
    | "count"
    | "cycle"
    | "byte"
    | "%"
    | "us"
    | "uJ"
    | "ratio"
    | "LSB";
  readonly doc: string;
  /** Where a person sees it: in every table, in tables whose rows differ in it, or in the CSV alone. */
  readonly show: "always" | "varying" | "csv";
  /**
   * What the column is to those who read it back; absent of results.
   * - identity: rows equal in all of these are about the same thing;
   * - setting: a choice of the designer's, an axis;
   * - incidental: may differ without a result having moved.
   */
  readonly role?: "identity" | "setting" | "incidental";
  /** Of a column without a unit: its values may be numbers for all that, as one in a list is, or what is derived of others. */
  readonly mayBeNumber?: true;
  /** Of a setting: its name in `changes`, where that is another than the column's. */
  readonly parameter?: string;
  /** Of a result: which way is better. Absent where neither is. */
  readonly better?: "lower" | "higher";
  /** The column of the same figure of the float model. */
  readonly floatColumn?: string;
  /** The column that this one is a part of: with the other parts of it, it adds up to that. */
  readonly partOf?: string;
}

/** One result column: header, unit, meaning and value, said once. */
export interface Column<Row> extends ColumnFacts {
  /** Real values as text with a fixed number of decimals, so that equal results are equal bytes. */
  readonly of: (row: Row) => number | string;
}
