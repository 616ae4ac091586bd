/** The part of DuckDB that this room uses, declared here so that the sources compile where that package is missing. */
declare module "@duckdb/node-api" {
  class DuckDBInstance {
    static create(path: string, options: Readonly<Record<string, string>>): Promise<DuckDBInstance>;
    connect(): Promise<DuckDBConnection>;
    closeSync(): void;
  }
  interface DuckDBConnection {
    run(sql: string): Promise<unknown>;
    runAndReadAll(sql: string): Promise<DuckDBResultReader>;
    prepare(sql: string): Promise<DuckDBPreparedStatement>;
    closeSync(): void;
  }
  interface DuckDBPreparedStatement {
    readonly statementType: number;
    runAndReadAll(): Promise<DuckDBResultReader>;
  }
  interface DuckDBResultReader {
    deduplicatedColumnNames(): string[];
    /** As in SQL: `DECIMAL(18,3)`. */
    columnTypes(): { toString(): string }[];
    /** Whole numbers of 64 bits and more, decimals, infinities and NaN are text. */
    getRowsJson(): Json[][];
  }
  type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
  const StatementType: { readonly SELECT: number };
}
