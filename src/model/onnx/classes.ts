import type { Graph } from "../../onnx/graph.ts";
import type { Kind, State } from "./define.ts";
import type { Operation } from "./operation.ts";

/** What gives a value, or what reads it. */
interface Port {
  readonly op: Operation;
  readonly kind: Kind;
  /** Which of the operation's results or operands. */
  readonly index: number;
}

/** Values on one grid: what layout operators and states make of each other. */
export interface ValueClass {
  readonly members: readonly string[];
  /** Operations that compute members, in the graph's order. */
  readonly origins: readonly Port[];
  /** Operations that read members for more than their place. */
  readonly readers: readonly Port[];
  /** Whether a host brings some of it: what is no state. */
  readonly isInput: boolean;
  readonly isState: boolean;
  readonly isOutput: boolean;
}

/** Values that are one, step by step. */
class Unions {
  readonly #parents = new Map<string, string>();

  root(name: string): string {
    let at = name;
    for (let parent = this.#parents.get(at); parent !== undefined; parent = this.#parents.get(at))
      at = parent;
    return at;
  }

  join(names: readonly string[]): void {
    const [first, ...others] = names.map((name) => this.root(name));
    for (const other of others) if (other !== first) this.#parents.set(other, first!);
  }
}

/** The class of every value of a graph. */
export function classesOf(
  graph: Graph,
  operations: readonly Operation[],
  kinds: readonly (Kind | "layout")[],
  states: readonly State[],
): ReadonlyMap<string, ValueClass> {
  const unions = new Unions();
  const outputs = graph.outputs.map(({ value }) => value);
  for (const { input, output } of states) unions.join([input, output]);
  for (const [i, op] of operations.entries()) {
    const kind = kinds[i]!;
    if (kind === "layout") unions.join([...op.operands, ...op.results]);
    else for (const tied of kind.ties?.(op) ?? []) unions.join(tied);
  }
  const inputs = graph.inputs.map(({ name }) => name);
  const names = [...inputs, ...operations.flatMap((op) => op.results)];
  const made = new Map<string, { -readonly [K in keyof ValueClass]: ValueClass[K] }>();
  const classOf = (name: string) => {
    const root = unions.root(name);
    const known = made.get(root) ?? {
      ...{ members: [], origins: [], readers: [], isInput: false, isState: false, isOutput: false },
    };
    made.set(root, known);
    return known;
  };
  for (const name of names) {
    const held = classOf(name);
    held.members = [...held.members, name];
    const isState = states.some(({ input }) => input === name);
    held.isState ||= isState;
    held.isInput ||= inputs.includes(name) && !isState;
    held.isOutput ||= outputs.includes(name);
  }
  for (const [i, op] of operations.entries()) {
    const kind = kinds[i]!;
    if (kind === "layout") continue;
    for (const [index, name] of op.results.entries()) {
      const held = classOf(name);
      held.origins = [...held.origins, { op, kind, index }];
    }
    for (const [index, name] of op.operands.entries()) {
      const held = classOf(name);
      held.readers = [...held.readers, { op, kind, index }];
    }
  }
  return new Map(names.map((name) => [name, classOf(name)]));
}
