import type { QLinear } from "../../kernels/linear/quantize.ts";
import type { QLm } from "../../model/lm/quantize.ts";
import type { Run } from "../define.ts";
import type { Engine } from "../engine.ts";
import { MachineLead, type Session, setState } from "../machine.ts";
import type { Parameters } from "../parameters.ts";
import { type LmConfig, type LmGraph, type LmTraining, lmGraph } from "./model.ts";

/** A graph whose values are a machine's. */
export interface LedLm {
  readonly lead: MachineLead;
  readonly graph: LmGraph;
}

export function ledLm(
  engine: Engine,
  parameters: Parameters,
  config: LmConfig,
  shape: { readonly batch: number; readonly steps: number },
  training?: LmTraining,
): LedLm {
  const lead = new MachineLead(engine, shape.batch);
  return { lead, graph: lmGraph(engine, parameters, config, shape, training, lead) };
}

/** The machine reads the words, then the tape. */
export function forwardLm({ lead, graph }: LedLm, { machine, stages }: Session, run: Run): void {
  const step = stages.get("step")!;
  const { engine } = run;
  for (const { name, before } of graph.states) {
    for (const part of ["h", "c"] as const) setState(machine, step, `${name}.${part}`, engine, before[part]);
  }
  const batch = graph.states[0]!.before.h.rows;
  const words = engine.ints(graph.words.at, graph.words.n);
  const { address, bits } = step.takes!;
  const observer = lead.watch(machine);
  for (let from = 0; from < words.length; from += batch) {
    for (let lane = 0; lane < batch; lane++) machine.writeData(bits, address, [words[from + lane]!], lane);
    machine.run(step.program, observer);
  }
  lead.expectFilled();
  graph.tape.forward(run);
}

/** Where the array finds its weights, by their names in a file. */
export const layersOfLm = ({ layers, output }: QLm): readonly (readonly [string, QLinear])[] => [
  ["embedding", output],
  ...layers.flatMap(({ name, mogrifier, cell }): [string, QLinear][] => [
    [`${name}.weight_x`, cell.productX],
    [`${name}.weight_h`, cell.productH],
    ...mogrifier.rounds.flatMap(({ down, up }, i): [string, QLinear][] => [
      [`${name}.mogrifier.${i + 1}.down`, down],
      [`${name}.mogrifier.${i + 1}.up`, up],
    ]),
  ]),
];
