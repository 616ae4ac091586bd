import { linear } from "../ops/fused.ts";
import { fused, type Pattern } from "./view.ts";

/** A product with a constant matrix, and a constant vector that is added to each row. */
export const biasedProduct: Pattern = {
  name: "bias of a matrix product",
  find(root, view) {
    const [product, bias] =
      (root.op.name === "Add" ? view.pair(root, (value) => view.made(value, "MatMul")) : undefined) ?? [];
    const weight = view.constant(product?.inputs[1]);
    const added = view.constant(bias);
    if (product === undefined || weight?.shape.length !== 2 || added === undefined) return undefined;
    const columns = weight.shape[1];
    const isRow = added.data.length === columns && added.shape.at(-1) === columns;
    const rank = view.shape(product.outputs[0]!)?.length;
    if (!isRow || rank === undefined || added.shape.length > rank) return undefined;
    return {
      node: fused(root, linear, [product.inputs[0]!, product.inputs[1]!, bias!]),
      covers: [root, product],
    };
  },
};
