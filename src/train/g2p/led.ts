import { INDEX_GRID } from "../../kernels/define.ts";
import type { QLinear } from "../../kernels/linear/quantize.ts";
import type { QG2p } from "../../model/g2p/quantize.ts";
import type { Run } from "../define.ts";
import type { Engine } from "../engine.ts";
import { MachineLead, type Session } from "../machine.ts";
import type { Parameters } from "../parameters.ts";
import { OPS } from "../table.ts";
import { type Batch, putBatch } from "./batches.ts";
import { type G2pConfig, type G2pGraph, type G2pShape, g2pGraph } from "./model.ts";

/** A graph whose values are a machine's, and the float model beside it where that is its teacher. */
export interface LedG2p {
  readonly lead: MachineLead;
  readonly led: G2pGraph;
  readonly teacher?: G2pGraph;
}

/** @param distilled  the teacher's weights, and its share of the targets */
export function ledG2p(
  engine: Engine,
  parameters: Parameters,
  config: G2pConfig,
  shape: G2pShape,
  distilled: { readonly teaching: Parameters; readonly share: number } | undefined,
): LedG2p {
  const lead = new MachineLead(engine, shape.batch);
  if (distilled === undefined) return { lead, led: g2pGraph(engine, parameters, config, shape, 0, { lead }) };
  const teacher = g2pGraph(engine, distilled.teaching, config, shape, 0);
  const likelihoods = teacher.tape.apply(OPS.softmax, [teacher.logits], {});
  const led = g2pGraph(engine, parameters, config, shape, 0, {
    lead,
    teacher: { likelihoods, share: distilled.share },
  });
  return { lead, led, teacher };
}

/** The machine reads the words and is told each phone that goes before, then the tape. */
export function forwardG2p(
  { lead, led, teacher }: LedG2p,
  { machine, stages }: Session,
  batch: Batch,
  run: Run,
): void {
  const { engine } = run;
  putBatch(engine, led, batch);
  if (teacher) {
    putBatch(engine, teacher, batch);
    teacher.tape.forward({ ...run, training: false });
  }
  const [start, step] = [stages.get("start")!, stages.get("step")!];
  const observer = lead.watch(machine);
  const letters = engine.ints(led.letters.at, led.letters.n);
  const fed = engine.ints(led.fed.at, led.fed.n);
  const lanes = machine.lanes;
  const { address, bits, count } = start.takes!;
  for (let lane = 0; lane < lanes; lane++) {
    const word = Array.from({ length: count }, (_, t) => letters[t * lanes + lane]!);
    machine.writeData(bits, address, word, lane);
  }
  machine.run(start.program, observer);
  const token = step.state!["token"]!.at as number;
  for (let from = 0; from < fed.length; from += lanes) {
    for (let lane = 0; lane < lanes; lane++)
      machine.state.write("activation", INDEX_GRID.format.bits, token, [fed[from + lane]!], lane);
    machine.run(step.program, observer);
  }
  lead.expectFilled();
  led.tape.forward(run);
}

/** Where the array finds its weights, by their names in a file. */
export const layersOfG2p = (q: QG2p): readonly (readonly [string, QLinear])[] => [
  ["encoder.forward.weight_x", q.forward.productX],
  ["encoder.forward.weight_h", q.forward.productH],
  ["encoder.backward.weight_x", q.backward.productX],
  ["encoder.backward.weight_h", q.backward.productH],
  ["attention.key.weight", q.attention.key],
  ["attention.query.weight", q.attention.query],
  ["attention.v", q.attention.score],
  ["bridge.weight", q.bridge],
  ["decoder.weight_x", q.decoder.productX],
  ["decoder.weight_h", q.decoder.productH],
  ["output.weight", q.output],
];
