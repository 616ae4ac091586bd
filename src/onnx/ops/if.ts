import { MOST_OPERANDS, type Op } from "./define.ts";

/** One of two graphs, which take their inputs from the graph around them; a known condition leaves only that one. */
export const ifOp: Op = {
  ...{ name: "If", target: "host", inputs: [1, 1], outputs: [1, MOST_OPERANDS] },
  branches: ["then_branch", "else_branch"],
  // Types and values are those of its branches' nodes.
  infer: (call) => call.refuse("is not computed itself"),
  compute: (call) => call.refuse("is not computed itself"),
};
