import type { Settings } from "../../arch/fields.ts";
import type { Grid } from "../../fixed/real.ts";
import type { Builder, Tensor } from "../../kernels/builder.ts";
import type { Floats } from "../../kernels/floats.ts";
import type { Weights } from "../../kernels/image.ts";
import type { Tap } from "../../kernels/tensors.ts";
import type { Tensor as Real } from "../../onnx/tensor.ts";
import type { Ranges } from "../../quant/grid.ts";
import type { Numerics } from "../../quant/numerics.ts";
import type { Recipe } from "../../quant/recipe.ts";
import type { Operation } from "./operation.ts";

/** Axes of a value in the order in which memory has them, the outermost first. */
export type Order = readonly number[];

/** What an input takes is what an output gave a step before. */
export interface State {
  readonly input: string;
  readonly output: string;
}

/** What a node is quantized among: grids of its operands that are no constants, in their order, and what its results come on. */
interface Surroundings {
  readonly inputs: readonly Grid[];
  readonly outputs: readonly Grid[];
  /** What its own sites were observed at, and its `input` and `output`. */
  readonly ranges: Ranges;
  readonly numerics: Numerics;
}

/** An operand as a node wants it. */
export interface Wanted {
  readonly order: Order;
  /** Its elements by their row-major numbers, in place of all of them in an order; negative: the 0 of padding. */
  readonly pick?: Int32Array;
  /** The shape that it is repeated over, where that is not its own. */
  readonly over?: readonly number[];
  /** Whether the instruction repeats it by itself: it then takes the part that repeats. */
  readonly isPart?: true;
}

/** A result: where in its piece of memory it lies, in which order. */
interface Given {
  readonly order: Order;
  /** Elements before and behind it that are the node's own to use. */
  readonly margin?: number;
}

/** A node of a known size: what it wants and gives, and how that is computed. */
export interface Placement {
  /** Of the operands that are no constants. */
  readonly inputs: readonly Wanted[];
  readonly outputs: readonly Given[];
  /** How many vectors the matrices multiply at one use. */
  readonly vectors?: number;
  /** Whether these are the steps of a recurrence. */
  readonly isRecurrent?: boolean;
  /** Plain loops over codes in memory's order. */
  exact(inputs: readonly Int32Array[], arch: Settings): readonly Int32Array[];
  /** Instructions that compute `exact`; results have a tensor each, with its margins. */
  lower(b: Builder, inputs: readonly Tensor[], outputs: readonly Tensor[]): void;
}

/**
 * What operators become on the machine: one of the building blocks of `kernels`, with what it takes to get there. `Q` is that block
 * quantized, plain data that holds for inputs of any size.
 */
export interface Kind<Q = unknown> {
  readonly name: string;
  /** The operators. */
  readonly ops: readonly string[];
  /** Why one of their nodes cannot be taken; undefined where it can. */
  refusal?(op: Operation): string | undefined;
  /** Shows what is inside a node over the reals, beside its operands and results. */
  observe?(op: Operation, operands: readonly (Real | undefined)[], tap: Tap): void;
  /** Widths of its operands and of each of its results, where they are not those of activations. */
  widths?(
    recipe: Recipe,
    op: Operation,
  ): { readonly input?: number; readonly outputs?: readonly (number | undefined)[] };
  /** Values that have one grid by their nature, such as a state before and behind a step. */
  ties?(op: Operation): readonly (readonly string[])[];
  /** Whether its accumulators can be kept as they are, where nothing reads them but the host. */
  readonly isWide?: true;
  /** Whether a result's grid that begins at 0 makes a ReLU of it. */
  readonly saturates?: true;
  quantize(op: Operation, at: Surroundings): Q;
  /** The grids on which results come. */
  outputs(q: Q): readonly Grid[];
  matrices?(q: Q): readonly Weights[];
  widen(q: Q, floats: Floats): Q;
  /** @param naturals  the orders in which its operands lie in memory, or could without a move */
  place(q: Q, op: Operation, naturals: readonly Order[]): Placement;
}

/** A kind with its types closed over. */
export const kind = <Q>(record: Kind<Q>): Kind => record as Kind;
