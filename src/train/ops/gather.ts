import { defineOp, type Ids } from "../define.ts";

/** Input table [symbols][n]; ids must be rows of it, which is not checked. */
export const gather = defineOp<{ readonly ids: Ids }>({
  name: "gather",
  doc: "y_i = row id_i of the table; the gradient is added to the rows that were read",
  shape: ([table], { ids }) => ({ rows: ids.n, columns: table!.columns }),
  forward({ inputs: [table], settings: { ids }, out }, { engine: { kernels } }) {
    kernels.gather(table!.at, ids.at, out.at, ids.n, out.columns);
  },
  backward({ inputs: [table], settings: { ids }, out }, { engine: { kernels } }) {
    kernels.scatter(out.gradient, ids.at, table!.gradient, ids.n, out.columns);
  },
});
