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
  const keys = tape.applyAt("keys", OPS.linear, [memory, part("key.weight"), part("key.bias")], {});
  return (query) => {
    const projected = tape.applyAt(`${prefix}.query`, OPS.linear, [query, part("query.weight")], {});
    const sums = tape.applyAt(`${prefix}.sum`, OPS.add, [keys, projected], {});
    const bent = tape.applyAt(`${prefix}.tanh`, OPS.tanh, [sums], {});
    const scores = tape.applyAt(`${prefix}.score`, OPS.linear, [bent, part("v")], {});
    const rows = tape.apply(OPS.transpose, [viewOf(scores, entries, batch)], {});
    const weights = tape.applyAt(`${prefix}.softmax.output`, OPS.softmax, [rows], {});
    const shares = viewOf(tape.apply(OPS.transpose, [weights], {}), memory.rows, 1);
    const weighted = tape.apply(OPS.multiply, [memory, shares], {});
    return tape.applyAt(`${prefix}.context`, OPS.fold, [weighted], { rows: batch });
  };
}
