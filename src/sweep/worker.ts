/** The file that a worker thread runs: a task in, its answer out. */
export { runTask as default } from "./task.ts";
