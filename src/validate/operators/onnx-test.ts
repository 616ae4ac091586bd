import { Source } from "../source.ts";
import { allOf, compareReals, type Verdict } from "../verdict.ts";
import { codesAt, elementsIn, type Quantized, scalesAt, shapeAt, typeAt } from "./onnx.ts";

/** A result, and how far its elements may be off: not at all where nothing is said. */
export interface Result {
  readonly got: ArrayLike<number>;
  readonly bound?: number;
}

/** A file of the folder: an operator, its attributes, and data sets of inputs and outputs. */
export class NodeFile {
  readonly root: Source;
  readonly operator: string;

  constructor(file: string) {
    this.root = Source.open(file);
    this.operator = this.root.text("op");
  }

  /** Each of its sets as a source of its own, which knows the test that it belongs to. */
  sets(): readonly Source[] {
    const { file, value: test } = this.root;
    return this.root
      .at("sets")
      .items()
      .map((set) => {
        const tensors = Object.fromEntries(set.keys().map((key) => [key, set.at(key).value]));
        return new Source(file, set.path, { ...tensors, test });
      });
  }
}

/** One data set of a node test. */
export class NodeTest {
  readonly #set: Source;
  readonly #attributes: Source;
  readonly #opset: Source;

  /** @param set  of `NodeFile.sets` */
  constructor(set: Source) {
    this.#set = set;
    this.#attributes = set.at("test").at("attributes");
    this.#opset = set.at("test").at("opset");
  }

  /** The version of ONNX's own operators. */
  get version(): number {
    return this.#opset.integer("");
  }

  get attributes(): Source {
    return this.#attributes;
  }

  number(attribute: string, otherwise: number): number {
    return this.#attributes.has(attribute) ? this.#attributes.number(attribute) : otherwise;
  }

  /** The attribute `axis`, one of `rank` dimensions, counted from the front. */
  axis(rank: number, otherwise: number): number {
    const axis = this.number("axis", otherwise);
    const front = axis < 0 ? axis + rank : axis;
    if (Number.isInteger(front) && front >= 0 && front < rank) return front;
    return this.#attributes.refuse(`axis ${axis} is none of ${rank} dimensions`);
  }

  /** Inputs by their formal names: whose name is none of them is what its place says; "" is left out. */
  inputs<N extends string>(...formal: readonly N[]): { readonly [K in N]?: Tensor } {
    return this.#tensors("inputs", formal);
  }

  /** @throws InputError where it is left out */
  need(tensor: Tensor | undefined, name: string): Tensor {
    return tensor ?? this.#set.at("inputs").refuse(`no input ${name}`);
  }

  /** Holds results, by the formal names of the outputs, against those that the test has. */
  expect(results: Readonly<Record<string, Result>>): Verdict {
    const outputs = this.#tensors("outputs", Object.keys(results));
    const names = Object.keys(results).filter((name) => outputs[name] !== undefined);
    if (names.length === 0) this.#set.at("outputs").refuse("no outputs");
    return allOf(
      names.map((name) => {
        const { got, bound = 0 } = results[name]!;
        return compareReals(name, got, outputs[name]!.reals(), bound);
      }),
    );
  }

  output(): Tensor {
    const [first] = this.#set.at("outputs").items();
    return new Tensor(first ?? this.#set.at("outputs").refuse("no outputs"));
  }

  #tensors<N extends string>(key: string, formal: readonly N[]): { readonly [K in N]?: Tensor } {
    const entries = this.#set
      .at(key)
      .items()
      .map((source, i): readonly [N | undefined, Tensor] => {
        const given = source.text("name").toLowerCase();
        const named = formal.find((name) => name.toLowerCase() === given);
        return [given === "" ? undefined : (named ?? formal[i]), new Tensor(source)];
      });
    return Object.fromEntries(entries.filter(([name]) => name !== undefined)) as {
      readonly [K in N]?: Tensor;
    };
  }
}

/** A tensor of a node test. */
export class Tensor {
  readonly source: Source;
  readonly shape: readonly number[];

  constructor(source: Source) {
    this.source = source;
    this.shape = shapeAt(source, "shape");
  }

  reals(): readonly number[] {
    return this.source.reals("data", elementsIn(this.shape));
  }

  /** @param shape  what the operator asks for; a dimension of `undefined` may have any size */
  shaped(...shape: readonly (number | undefined)[]): readonly number[] {
    const fits =
      shape.length === this.shape.length && shape.every((n, i) => (n ?? this.shape[i]) === this.shape[i]);
    if (fits) return this.reals();
    return this.source.refuse(`a shape of ${this.shape} where it takes ${shape.map((n) => n ?? "any")}`);
  }

  get type() {
    return typeAt(this.source, "dtype");
  }

  codes(): readonly number[] {
    return codesAt(this.source, "data", this.type, elementsIn(this.shape));
  }

  scales(): readonly number[] {
    return scalesAt(this.source, "data", elementsIn(this.shape));
  }

  quantized(zero: number): Quantized {
    return { type: this.type, shape: this.shape, codes: this.codes(), zero };
  }
}
