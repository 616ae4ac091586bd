import type { Tensor } from "../define.ts";
import type { ParameterSpec, Parameters } from "../parameters.ts";
import { OPS } from "../table.ts";
import { type Tape, viewOf } from "../tape.ts";

/** Additive attention, as `kernels/attention` computes it. */
interface AttentionConfig {
  /** Widths of a memory's entry, of a query, and of the sum of both. */
  readonly memory: number;
  readonly query: number;
  readonly attention: number;
}

export function attentionParameters(prefix: string, config: AttentionConfig): ParameterSpec[] {
  const { memory, query, attention } = config;
  return [
    { name: `${prefix}.key.weight`, shape: [attention, memory], initial: { uniform: memory ** -0.5 } },
    { name: `${prefix}.key.bias`, shape: [attention], initial: { constant: 0 } },
    { name: `${prefix}.query.weight`, shape: [attention, query], initial: { uniform: query ** -0.5 } },
    { name: `${prefix}.v`, shape: [1, attention], initial: { uniform: attention ** -0.5 } },
  ];
}

/**
 * @param memory  [entries * batch][memory], an entry of all streams together
 * @returns the context [batch][memory] that a query [batch][query] finds; the keys are made once
 */
export function attentionTo(
  tape: Tape,
  parameters: Parameters,
  prefix: string,
  memory: Tensor,
  batch: number,
): (query: Tensor) => Tensor {
  const part = (name: string): Tensor => parameters.tensor(`${prefix}.${name}`);
  const entries = memory.rows / batch;
  const keys = tape.apply(OPS.linear, [memory, part("key.weight"), part("key.bias")], {});
  return (query) => {
    const projected = tape.apply(OPS.linear, [query, part("query.weight")], {});
    const bent = tape.apply(OPS.tanh, [tape.apply(OPS.add, [keys, projected], {})], {});
    const scores = viewOf(tape.apply(OPS.linear, [bent, part("v")], {}), entries, batch);
    const weights = tape.apply(OPS.softmax, [tape.apply(OPS.transpose, [scores], {})], {});
    const shares = viewOf(tape.apply(OPS.transpose, [weights], {}), memory.rows, 1);
    return tape.apply(OPS.fold, [tape.apply(OPS.multiply, [memory, shares], {})], { rows: batch });
  };
}
