import seedrandom from "seedrandom";
import { bench, describe } from "vitest";
import { Engine } from "../src/train/engine.ts";
import { type LstmConfig, lstmLayer, lstmParameters } from "../src/train/layers/lstm.ts";
import { adamStep } from "../src/train/optimizer.ts";
import { Parameters } from "../src/train/parameters.ts";
import { OPS } from "../src/train/table.ts";
import { Tape } from "../src/train/tape.ts";

/** The shape that engines are compared at: characters in, an LSTM, characters out. */
const BATCH = 32;
const STEPS = 64;
const CHARACTERS = 96;
const layer: LstmConfig = { input: 128, hidden: 256, norm: "none", forgetBias: 1, capped: false };

const engine = new Engine();
const parameters = new Parameters(
  engine,
  [
    { name: "embedding", shape: [CHARACTERS, layer.input], initial: { uniform: 0.1 } },
    ...lstmParameters("cell", layer),
    { name: "output.weight", shape: [CHARACTERS, layer.hidden], initial: { uniform: 0.06 } },
    { name: "output.bias", shape: [CHARACTERS], initial: { constant: 0 } },
  ],
  1,
);
const tape = new Tape(engine);
const text = tape.ids(BATCH * STEPS);
const random = seedrandom("text");
for (let i = 0; i < text.n; i++) {
  // The first CHARACTERS numbers, evenly.
  engine.ints(text.at, text.n)[i] = CHARACTERS * random();
}
const xs = tape.apply(OPS.gather, [parameters.tensor("embedding")], { ids: text });
const hs = tape.tensor(BATCH * STEPS, layer.hidden);
const start = { h: tape.tensor(BATCH, layer.hidden), c: tape.tensor(BATCH, layer.hidden) };
lstmLayer(tape, parameters, "cell", layer, { xs, hs, start, reverse: false });
const output = [hs, parameters.tensor("output.weight"), parameters.tensor("output.bias")];
const logits = tape.apply(OPS.linear, output, {});
const losses = tape.apply(OPS.crossEntropy, [logits], { targets: text, smoothing: 0 });
const loss = tape.apply(OPS.sum, [losses], {});
const adam = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, clip: 1, decay: 0 };

let step = 0;

function train(): void {
  step++;
  const run = { engine, training: true, seed: 1, step };
  parameters.clearGradients();
  tape.forward(run);
  tape.backward(loss, run);
  adamStep(engine, parameters, adam, 1e-3, step);
}

/** Characters for each second that this process had a processor, which neighbours on the machine do not change. */
function charactersPerCpuSecond(steps: number): number {
  const from = process.cpuUsage();
  for (let i = 0; i < steps; i++) train();
  const { user, system } = process.cpuUsage(from);
  return (steps * BATCH * STEPS) / ((user + system) / 1e6);
}

train(); // compiled and in the caches
const speed = Math.round(charactersPerCpuSecond(20)).toLocaleString("en");

describe(`forward, backward and Adam: LSTM of 256, embedding 128, batch 32, 64 steps: ${speed} characters a CPU second`, () => {
  bench("one step of 2,048 characters", train);
});
