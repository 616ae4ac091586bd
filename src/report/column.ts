/** One result column: header, unit, meaning and value, said once. */
export interface Column<Row> {
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
  /** Real values as text with a fixed number of decimals, so that equal results are equal bytes. */
  readonly of: (row: Row) => number | string;
}
