import { InputError } from "../../base/errors.ts";
import type { Dtype } from "../dtype.ts";
import { elementsIn, isConcrete, type Shape, type Tensor, UNKNOWN, type ValueType } from "../tensor.ts";

/** Versions of ONNX's own operators that are read. */
export const OPSETS = { from: 7, to: 22 } as const;

/** More dimensions than this no value has. */
export const MOST_RANK = 64;
/** Inputs or outputs of operators that take any number. */
export const MOST_OPERANDS = 4096;
/** More axes, sizes or places than this no operator is given as an input. */
const MOST_NUMBERS = 2 ** 16;

/** What the machine has, or would take an operator's work to; `host` is what it has no unit for. */
export type Target =
  | "matrix product"
  | "convolution"
  | "recurrent"
  | "norm"
  | "softmax"
  | "curve"
  | "element-wise"
  | "layout"
  | "host";

export type AttributeValue = number | string | readonly number[] | readonly string[] | Tensor;
export type AttributeKind = "int" | "real" | "text" | "ints" | "reals" | "texts" | "tensor";

/** An attribute over the opsets that have it; several rows where a default changes. One without a default may be absent. */
export interface Attribute {
  readonly name: string;
  readonly kind: AttributeKind;
  readonly otherwise?: AttributeValue | undefined;
  readonly choices?: readonly string[];
  readonly from: number;
  readonly to: number;
  readonly isRequired?: true;
}

type Bounds = Partial<Pick<Attribute, "from" | "to" | "choices" | "isRequired">>;
const attribute =
  (kind: AttributeKind) =>
  (name: string, otherwise?: AttributeValue, bounds: Bounds = {}): Attribute => ({
    ...{ name, kind, otherwise, from: 1, to: Infinity },
    ...bounds,
  });
export const int = attribute("int");
export const real = attribute("real");
export const ints = attribute("ints");
export const reals = attribute("reals");
export const text = attribute("text");
export const texts = attribute("texts");
export const tensor = attribute("tensor");

/** An operator of ONNX, whole: everything that is known of it is in its record. */
export interface Op {
  readonly name: string;
  /** Opsets that have it, of those that are read. */
  readonly from?: number;
  readonly to?: number;
  readonly attributes?: readonly Attribute[];
  /** Fewest and most inputs; the last may be given as "". */
  readonly inputs: readonly [fewest: number, most: number];
  readonly outputs?: readonly [fewest: number, most: number];
  readonly target: Target;
  /** Names of the attributes that hold graphs, one of which is computed: where its input is true, and where it is false. */
  readonly branches?: readonly [then: string, otherwise: string];
  /**
   * Types of the outputs, from those of the inputs and from the values of the inputs that are known. Where all inputs are, every
   * shape is known too. @throws InputError where the inputs do not fit
   */
  infer(call: Call): readonly ValueType[];
  /**
   * Fills the outputs, whose shapes are those that `infer` gives. Operands are read as doubles, everything is computed in double
   * precision, and rounded once, to the output's type, when it is stored; onnxruntime rounds every step to float32.
   */
  compute(call: Call, x: readonly (Tensor | undefined)[], y: readonly Tensor[]): void;
  /** Multiplications that are added up, where shapes are known; 0 where absent. */
  macs?(call: Call, out: readonly ValueType[]): number;
  /** The function of one real number that it is, of every element; of curves. */
  curve?(call: Call): (x: number) => number;
  /**
   * The elements of the input that each output is made of, in row-major order of the outputs, as many for each; undefined where they are
   * not as many for each. Negative: the 0 of padding. Of reductions and pooling, where shapes are known.
   */
  gathers?(call: Call): { readonly each: number; readonly sources: Int32Array } | undefined;
  /** Whether its first output is its first input, unchanged. */
  passes?(call: Call): boolean;
  /** Its output where it holds that as an attribute. */
  constant?(call: Call): Tensor;
  /** Elementary steps, where these are more than outputs and products. */
  work?(call: Call, out: readonly ValueType[]): number;
  /** The sizes that its output holds as elements, where inputs hold sizes that a model leaves open. */
  sizes?(call: Call): Shape | undefined;
}

/** What is known of an input. */
export interface Operand extends ValueType {
  readonly tensor?: Tensor | undefined;
  /** Elements of an integer vector or scalar, where some are sizes that the model leaves open. */
  readonly sizes?: Shape | undefined;
}

/** One node, with what is known of its inputs: all that a record's functions see. */
export class Call {
  /** File, node, operator and opset, for errors. */
  readonly where: string;
  readonly opset: number;
  readonly operands: readonly (Operand | undefined)[];
  /** How many outputs are asked for. */
  readonly outputs: number;
  readonly #attributes: ReadonlyMap<string, AttributeValue>;

  constructor(
    where: string,
    opset: number,
    operands: readonly (Operand | undefined)[],
    outputs: number,
    attributes: ReadonlyMap<string, AttributeValue>,
  ) {
    this.where = where;
    this.opset = opset;
    this.operands = operands;
    this.outputs = outputs;
    this.#attributes = attributes;
  }

  refuse(rule: string): never {
    throw new InputError(this.where, rule);
  }

  has(i: number): boolean {
    return this.operands[i] !== undefined;
  }

  input(i: number): Operand {
    return this.operands[i] ?? this.refuse(`needs input ${i}`);
  }

  dtype(i: number): Dtype {
    return this.input(i).dtype;
  }

  /** An input's shape; undefined where not even its rank is known. */
  shape(i: number): Shape | undefined {
    return this.input(i).shape;
  }

  /** An input's sizes when it is computed, or where a cost is asked for. */
  concrete(i: number): readonly number[] {
    const { shape } = this.input(i);
    return isConcrete(shape) ? shape : this.refuse(`input ${i} has sizes that are not known: ${shape}`);
  }

  /** @throws InputError where two inputs that are both there are of different types */
  sameType(...inputs: readonly number[]): Dtype {
    const [first, ...rest] = inputs.filter((i) => this.has(i)).map((i) => this.dtype(i));
    const odd = rest.find((dtype) => dtype !== first);
    if (odd !== undefined) this.refuse(`takes inputs of one type, not ${first} and ${odd}`);
    return first!;
  }

  /** An input's elements, if they are known; a wrong number of them is refused. */
  numbers(i: number, count?: number): readonly number[] | undefined {
    const known = this.operands[i]?.tensor;
    if (known === undefined) return undefined;
    if (known.data.length > MOST_NUMBERS)
      this.refuse(`input ${i} has ${known.data.length} elements where sizes or places are needed`);
    if (count !== undefined && known.data.length !== count)
      this.refuse(`input ${i} has ${known.data.length} elements where ${count} are needed`);
    return Array.from(known.data);
  }

  /** Elements of an input that are sizes: numbers, or sizes left open; undefined where they are not known. */
  sizesAt(i: number): Shape | undefined {
    const { tensor, sizes } = this.input(i);
    return tensor && tensor.data.length <= MOST_RANK ? Array.from(tensor.data) : sizes;
  }

  int(name: string): number {
    return (this.#attributes.get(name) as number | undefined) ?? this.refuse(`needs the attribute ${name}`);
  }

  real(name: string): number {
    return this.int(name);
  }

  text(name: string): string {
    return (this.#attributes.get(name) as string | undefined) ?? this.refuse(`needs the attribute ${name}`);
  }

  /** A list that may be absent; one of the wrong length is refused. */
  list(name: string, length?: number): readonly number[] | undefined {
    const list = this.#attributes.get(name) as readonly number[] | undefined;
    if (list !== undefined && length !== undefined && list.length !== length)
      this.refuse(`${name} [${list.join(", ")}] has not ${length} elements`);
    return list;
  }

  texts(name: string): readonly string[] | undefined {
    return this.#attributes.get(name) as readonly string[] | undefined;
  }

  tensor(name: string): Tensor | undefined {
    return this.#attributes.get(name) as Tensor | undefined;
  }

  given(name: string): boolean {
    return this.#attributes.has(name);
  }

  /** An axis counted from the front, of `rank`. @param end  1 where the place behind the last axis is one too */
  axis(axis: number, rank: number, end = 0): number {
    const front = axis < 0 ? axis + rank : axis;
    if (Number.isInteger(front) && front >= 0 && front < rank + end) return front;
    return this.refuse(`axis ${axis} is none of ${rank} dimensions`);
  }

  /** Several axes, none twice. */
  axes(axes: readonly number[], rank: number): number[] {
    if (rank > MOST_RANK) this.refuse(`${rank} dimensions are more than ${MOST_RANK}`);
    const fronts = axes.map((axis) => this.axis(axis, rank));
    if (new Set(fronts).size < fronts.length) this.refuse(`axes [${axes.join(", ")}] name one twice`);
    return fronts;
  }
}

/** A list that older opsets have as an attribute and newer ones as an input. */
export interface Moved {
  readonly name: string;
  readonly input: number;
  /** The opset from which on it is an input. */
  readonly from: number;
}

/** `absent` where it is not given, undefined where it is given and not known yet. */
export function movedList(
  call: Call,
  { name, input, from }: Moved,
): readonly number[] | "absent" | undefined {
  if (call.opset < from) return call.list(name) ?? "absent";
  return call.has(input) ? call.numbers(input) : "absent";
}

/** One output of the type of the first input. */
export const like = (call: Call, shape: Shape | undefined): readonly ValueType[] => [
  { dtype: call.dtype(0), shape },
];

/** Two sizes that have to be the same, as one; undefined where they cannot be. */
export function unified(a: Dim, b: Dim): Dim | undefined {
  if (a === b || typeof b === "string") return a === UNKNOWN ? b : a;
  return typeof a === "string" ? b : undefined;
}
type Dim = Shape[number];

/** ONNX's broadcasting, NumPy's rule: sizes of 1 are repeated. @throws InputError where shapes do not fit */
export function broadcast(call: Call, ...shapes: readonly (Shape | undefined)[]): Shape | undefined {
  if (shapes.some((shape) => shape === undefined)) return undefined;
  const known = shapes as readonly Shape[];
  const rank = Math.max(0, ...known.map((shape) => shape.length));
  return Array.from({ length: rank }, (_, axis) => {
    const sizes = known.map((shape) => shape[axis - rank + shape.length] ?? 1).filter((size) => size !== 1);
    const number = sizes.find((size) => typeof size === "number");
    if (sizes.some((size) => typeof size === "number" && size !== number))
      call.refuse(`shapes ${known.map((shape) => `[${shape.join(", ")}]`).join(" and ")} do not broadcast`);
    // An open size beside a number is that number or 1, and gives the number both times.
    return number ?? (sizes.every((size) => size === sizes[0]) ? (sizes[0] ?? 1) : UNKNOWN);
  });
}

/** The elements of an output, where all its sizes are known; 0 otherwise. */
export const countOf = ({ shape }: ValueType): number => (isConcrete(shape) ? elementsIn(shape) : 0);
