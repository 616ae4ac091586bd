import seedrandom from "seedrandom";
import { describe, expect, test } from "vitest";
import { sizeOf, type Tensor } from "../../src/train/define.ts";
import { Engine } from "../../src/train/engine.ts";
import { OPS } from "../../src/train/table.ts";
import { Tape } from "../../src/train/tape.ts";
import { SAMPLES, type Sample } from "./samples.ts";

/**
 * The loss is a random combination of the outputs, summed in double precision. Central differences of step h are off by
 * about h^2 from curvature and by 1e-7 / h from single precision: 1e-4 and 1e-5 here, on gradients of about 1.
 */
const STEP = 1e-2;
const TOLERANCE = 2e-3;

const RUN = { training: true, seed: 7, step: 3 };

interface Checked {
  readonly input: number;
  readonly element: number;
  readonly byTape: number;
  /** Differences to the left, across, to the right. */
  readonly byDifference: readonly [number, number, number];
}

/** Gradients of every element of every input. Each starts from 1, since an operation adds to what is there. */
function check(sample: Sample): Checked[] {
  const engine = new Engine();
  const tape = new Tape(engine);
  const random = seedrandom(sample.what);
  const inputs = sample.inputs.map(([rows, columns]) => outside(engine, rows, columns));
  const out = sample.apply(tape, inputs);
  const run = { engine, ...RUN };
  for (const x of inputs) {
    const values = engine.floats(x.at, sizeOf(x));
    for (let i = 0; i < values.length; i++) values[i] = 4 * random() - 2;
    engine.floats(x.gradient, sizeOf(x)).fill(1);
  }
  const weights = Float64Array.from({ length: sizeOf(out) }, () => 2 * random() - 1);
  const loss = (): number => {
    tape.forward(run);
    return engine.floats(out.at, sizeOf(out)).reduce((sum, value, i) => sum + value * weights[i]!, 0);
  };
  loss();
  seedGradients(tape, out, weights, run);
  return inputs.flatMap((x, input) =>
    Array.from({ length: sizeOf(x) }, (_, element) => {
      const value = engine.floats(x.at, sizeOf(x));
      const before = value[element]!;
      value[element] = before + STEP;
      const above = loss();
      value[element] = before - STEP;
      const below = loss();
      value[element] = before;
      const here = loss();
      const byTape = engine.floats(x.gradient, sizeOf(x))[element]! - 1;
      const byDifference = [
        (here - below) / STEP,
        (above - below) / (2 * STEP),
        (above - here) / STEP,
      ] as const;
      return { input, element, byTape, byDifference };
    }),
  );
}

/** A tensor that is not the tape's, as a parameter is not: `backward` leaves its gradient to its owner. */
const outside = (engine: Engine, rows: number, columns: number): Tensor => ({
  rows,
  columns,
  at: engine.allocate(rows * columns),
  gradient: engine.allocate(rows * columns),
});

/** `backward` from the random combination: a product with constants, and a sum. */
function seedGradients(tape: Tape, out: Tensor, weights: Float64Array, run: typeof RUN & { engine: Engine }) {
  const { engine } = tape;
  const constants = outside(engine, out.rows, out.columns);
  engine.floats(constants.at, weights.length).set(weights);
  const weighted = tape.apply(OPS.multiply, [out, constants], {});
  const total = tape.apply(OPS.sum, [weighted], {});
  tape.forward(run);
  tape.backward(total, run);
}

/** Near the slope across; where there is a kink within a step, between those on either side of it. */
function isRight({ byTape, byDifference: [left, across, right] }: Checked, kinks: boolean): boolean {
  const tolerance = TOLERANCE * Math.max(1, Math.abs(across));
  const [least, most] = kinks ? [Math.min(left, right), Math.max(left, right)] : [across, across];
  return byTape >= least - tolerance && byTape <= most + tolerance;
}

describe.each(Object.entries(SAMPLES))("the gradient of %s", (_, samples) => {
  test.each(samples)("$what", (sample) => {
    expect(check(sample).filter((checked) => !isRight(checked, sample.kinks ?? false))).toEqual([]);
  });
});
