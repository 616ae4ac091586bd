import { callOf } from "../../onnx/call.ts";
import type { Graph, Node } from "../../onnx/graph.ts";
import type { Call } from "../../onnx/ops/define.ts";
import type { Tensor, ValueType } from "../../onnx/tensor.ts";

/** A node with what its graph knows of its operands. */
export class Operation {
  readonly node: Node;
  readonly call: Call;
  readonly #graph: Graph;

  constructor(node: Node, graph: Graph) {
    this.node = node;
    this.call = callOf(node, graph);
    this.#graph = graph;
  }

  get name(): string {
    return this.node.op.name;
  }

  /** What it is called in ranges, programs and errors: its first result. */
  get key(): string {
    return this.node.outputs.find((name) => name !== "")!;
  }

  /** Places of the operands that are no constants. */
  get active(): readonly number[] {
    return [...this.node.inputs.keys()].filter((i) => this.isActive(i));
  }

  isActive(i: number): boolean {
    const name = this.node.inputs[i];
    return name !== undefined && name !== "" && !this.#graph.constants.has(name);
  }

  /** Names of the operands that are no constants. */
  get operands(): readonly string[] {
    return this.active.map((i) => this.node.inputs[i]!);
  }

  /** Names of the results that are asked for. */
  get results(): readonly string[] {
    return this.node.outputs.filter((name) => name !== "");
  }

  constant(i: number): Tensor | undefined {
    return this.#graph.constants.get(this.node.inputs[i] ?? "");
  }

  /** An operand's sizes. @throws InputError where they are not known */
  shape(i: number): readonly number[] {
    return this.call.concrete(i);
  }

  typeOf(value: string): ValueType {
    return this.#graph.types.get(value)!;
  }

  /** Sizes of a value. */
  shapeOf(value: string): readonly number[] {
    return this.typeOf(value).shape as readonly number[];
  }

  /** Sizes of the first result. */
  get resultShape(): readonly number[] {
    return this.shapeOf(this.key);
  }
}
