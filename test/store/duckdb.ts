/** Whether DuckDB is here: without it the store is written all the same, and cannot be asked. */
export const HAS_DUCKDB = await import("@duckdb/node-api").then(
  () => true,
  () => false,
);

/** For the names of tests that need it. */
export const NEEDS_DUCKDB = HAS_DUCKDB
  ? ""
  : ", skipped: @duckdb/node-api, an optional dependency, is not here";
