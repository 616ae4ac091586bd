import seedrandom from "seedrandom";
import { hashOf } from "../../base/hash.ts";
import { roundReal } from "../../fixed/real.ts";
import { BOS, EOS, PAD } from "../../model/g2p/alphabet.ts";
import { score } from "../../model/g2p/metrics.ts";
import { runReal } from "../../model/g2p/real.ts";
import { loadG2p } from "../../model/g2p/weights.ts";
import type { Word } from "../../model/g2p/words.ts";
import { type Run, sizeOf } from "../define.ts";
import { Engine } from "../engine.ts";
import { Parameters } from "../parameters.ts";
import type { Recipe, Subject } from "../trainer.ts";
import { type G2pConfig, type G2pGraph, g2pGraph, g2pParameters } from "./model.ts";

export interface G2pRecipe extends Recipe {
  readonly config: G2pConfig;
  readonly dropout: number;
  readonly batch: number;
}

interface G2pWords {
  readonly training: readonly Word[];
  readonly validation: readonly Word[];
  readonly test: readonly Word[];
}

/** One way to say a word. */
interface Example {
  readonly letters: readonly number[];
  readonly phones: readonly number[];
}

/** Words of one length. */
type Batch = readonly Example[];

/**
 * Letters to phones, led by a teacher; every listed pronunciation is an example. Batches are of words of one length, drawn
 * anew for each epoch from its number and the seed. Weights are measured over the reals, by greedy decoding of the test words.
 */
export function g2pSubject(words: G2pWords, recipe: G2pRecipe, seed: number): Subject {
  const engine = new Engine();
  const parameters = new Parameters(engine, g2pParameters(recipe.config), seed);
  const training = examplesOf(words.training);
  const validation = batchesOf(examplesOf(words.validation), recipe.batch);
  const graphs = graphsOf(engine, parameters, recipe, [...training, ...validation.flat()]);
  let order: readonly Batch[] = [];
  return {
    recipe,
    seed,
    data: hashOf({
      words: words.training.length,
      phones: training.reduce((n, { phones }) => n + phones.length, 0),
    }),
    engine,
    parameters,
    stepsPerEpoch: batchesOf(training, recipe.batch).length,
    carried: [],
    start(epoch) {
      const random = seedrandom(`${seed}/epoch ${epoch}`);
      order = shuffled(batchesOf(shuffled(training, random), recipe.batch), random);
    },
    step(index, run) {
      const batch = order[index]!;
      const graph = graphs(batch);
      lossOf(graph, batch, run);
      graph.tape.backward(graph.loss, run);
      return engine.floats(graph.loss.at, 1)[0]!;
    },
    validate() {
      const run = { engine, training: false, seed: 0, step: 0 };
      const losses = validation.map((batch) => targetsOf(batch) * lossOf(graphs(batch), batch, run));
      return sumOf(losses) / sumOf(validation.map(targetsOf));
    },
    measure(_, where) {
      const model = loadG2p(where);
      const { per, wer } = score(
        words.test.map(({ letters }) => runReal(model, letters).phones),
        words.test,
      );
      return { per_pct: 100 * per, wer_pct: 100 * wer };
    },
  };
}

const sumOf = (values: readonly number[]): number => values.reduce((sum, x) => sum + x, 0);

const examplesOf = (words: readonly Word[]): Example[] =>
  words.flatMap(({ letters, pronunciations }) => pronunciations.map((phones) => ({ letters, phones })));

/** Phones of a batch, with the end of each word. */
const targetsOf = (batch: Batch): number => batch.reduce((n, { phones }) => n + phones.length + 1, 0);

/** Cut into batches, in order; the last one of each length may be smaller. */
function batchesOf(examples: readonly Example[], batch: number): Batch[] {
  const open = new Map<number, Example[]>();
  const batches: Batch[] = [];
  for (const example of examples) {
    const { length } = example.letters;
    const mates = open.get(length) ?? [];
    mates.push(example);
    open.set(length, mates);
    if (mates.length === batch) {
      batches.push(mates);
      open.delete(length);
    }
  }
  return [...batches, ...open.values()];
}

/** In a random order (Fisher and Yates). */
function shuffled<T>(items: readonly T[], random: () => number): T[] {
  const order = items.slice();
  for (let i = order.length - 1; i > 0; i--) {
    const j = roundReal(random() * (i + 1), "floor");
    [order[i], order[j]] = [order[j]!, order[i]!];
  }
  return order;
}

/** The graph of each length, made when it is first needed, long enough for every way to say a word of that length. */
function graphsOf(
  engine: Engine,
  parameters: Parameters,
  { config, dropout, batch }: G2pRecipe,
  examples: readonly Example[],
): (batch: Batch) => G2pGraph {
  const steps = new Map<number, number>();
  for (const { letters, phones } of examples) {
    steps.set(letters.length, Math.max(steps.get(letters.length) ?? 0, phones.length + 1));
  }
  const graphs = new Map<number, G2pGraph>();
  return ([first]) => {
    const letters = first!.letters.length;
    const known = graphs.get(letters);
    if (known) return known;
    const shape = { batch, letters, steps: steps.get(letters)! };
    const made = g2pGraph(engine, parameters, config, shape, dropout);
    graphs.set(letters, made);
    return made;
  };
}

/** The mean loss of a batch's phones, in nats; what a smaller batch leaves free counts nothing. */
function lossOf(graph: G2pGraph, batch: Batch, run: Run): number {
  const { engine } = run;
  const letters = engine.ints(graph.letters.at, graph.letters.n).fill(PAD);
  const fed = engine.ints(graph.fed.at, graph.fed.n).fill(PAD);
  const targets = engine.ints(graph.targets.at, graph.targets.n).fill(PAD);
  const weights = engine.floats(graph.weights.at, sizeOf(graph.weights)).fill(0);
  const width = letters.length / batch[0]!.letters.length;
  const weight = 1 / targetsOf(batch);
  for (const [b, example] of batch.entries()) {
    for (const [t, letter] of example.letters.entries()) letters[t * width + b] = letter;
    for (const [t, phone] of [...example.phones, EOS].entries()) {
      fed[t * width + b] = t === 0 ? BOS : example.phones[t - 1]!;
      targets[t * width + b] = phone;
      weights[t * width + b] = weight;
    }
  }
  graph.tape.forward(run);
  return engine.floats(graph.loss.at, 1)[0]!;
}
