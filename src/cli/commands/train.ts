import { join } from "node:path";
import { InputError } from "../../base/errors.ts";
import { suggestion } from "../../base/settings.ts";
import { RANGES } from "../../model/frozen.ts";
import type { ModelName } from "../../model/table.ts";
import { subjectOf } from "../../sweep/subject.ts";
import { tuningOf } from "../../sweep/tuned.ts";
import { TRAINABLES, type Trainable, trainableOf } from "../../train/models.ts";
import { store } from "../../train/store.ts";
import { OPS } from "../../train/table.ts";
import { type Outcome, train as trainOn } from "../../train/trainer.ts";
import { chosenPoint, POINT_LISTS } from "../chosen.ts";
import { defineCommand, STATUS, UsageError } from "../command.ts";
import { layOut, toJson } from "../layout.ts";
import { json, set, wholeNumber } from "../options.ts";
import { progressOn } from "../progress.ts";

/** About a minute of work that an interruption may cost. */
const STEPS_PER_CHECKPOINT = 250;

export const train = defineCommand({
  command: "train [model]",
  describe: "Train a float model from its data, or fine-tune one with a machine's integers, and measure it",
  lists: POINT_LISTS,
  builder: (y) =>
    y
      .positional("model", { type: "string", describe: Object.keys(TRAINABLES).join(", ") })
      .option("out", { type: "string", requiresArg: true, describe: "folder; default results/MODEL" })
      .option("epochs", {
        type: "number",
        requiresArg: true,
        describe: "passes over the data, fractions too",
      })
      .option("seed", { type: "string", requiresArg: true, default: "1", describe: "of weights and dropout" })
      .option("recipe", {
        ...set,
        describe:
          "fine-tune for a recipe, a file or its name in recipes/, or a parameter, as in tuning_steps=200",
      })
      .option("weights", {
        type: "string",
        requiresArg: true,
        describe: "fine-tune these instead of the model's own: a safetensors file",
      })
      .option("distill", {
        type: "string",
        requiresArg: true,
        describe: "of fine-tuning: the float model's share of the targets, as tuning_distill",
      })
      .option("arch", {
        type: "string",
        requiresArg: true,
        describe: "fine-tune for a machine; default edge16x16",
      })
      .option("set", set)
      .option("resume", {
        type: "boolean",
        default: false,
        describe: "go on from the folder's checkpoint, to the same bytes as without the interruption",
      })
      .option("ops", {
        type: "boolean",
        default: false,
        describe: "print the operations that gradients are known of",
      })
      .option("json", json)
      .example("$0 train lm-ln", "weights into results/lm-ln/lm-ln.safetensors")
      .example("$0 train lm-ln --resume", "the same, after an interruption")
      .example(
        "$0 train lm-ln --recipe weight_bits=4 --recipe tuning_steps=200",
        "its weights, fine-tuned to 4 bits",
      ),
  run(args, io) {
    if (args.ops) {
      const ops = Object.values(OPS).map(({ name, doc }) => ({ name, doc }));
      io.out(args.json ? toJson(ops) : layOut(ops.map(({ name, doc }) => [name, doc])));
      return STATUS.done;
    }
    if (args.model === undefined) throw new UsageError("train needs a model, as in: train lm-ln");
    if (args.epochs !== undefined && !(args.epochs > 0)) {
      throw new UsageError(`--epochs takes a number above 0, not ${args.epochs}`);
    }
    const { model, resume } = args;
    const { subject, metadata } = taskOf(model, args);
    const folder = args.out ?? join("results", model);
    const progress = progressOn(io);
    let outcome: Outcome;
    try {
      const checkpoints = { folder, resume, every: STEPS_PER_CHECKPOINT };
      outcome = trainOn(subject, { checkpoints, onProgress: progress.update });
    } finally {
      progress.stop();
    }
    const { weights, figures } = store(model, subject, outcome, folder, metadata);
    if (args.json) io.out(toJson({ model, weights, ...figures }));
    else {
      const rows = Object.entries(figures).map(([name, value]) => [name, value.toFixed(2)]);
      io.out(layOut([["model", `${model}: ${subject.recipe.doc}`], ["weights", weights], ...rows]));
    }
    return STATUS.done;
  },
});

interface Asked {
  readonly seed: string;
  readonly epochs: number | undefined;
  readonly recipe: readonly string[] | undefined;
  readonly arch: string | undefined;
  readonly set: readonly string[] | undefined;
  readonly weights: string | undefined;
  readonly distill: string | undefined;
}

/** The training that is asked for, and what its weights are to say of themselves. */
function taskOf(model: string, { seed, epochs, recipe: given, arch, set, weights, distill }: Asked) {
  const trainable = known(model);
  const others = Object.entries({ arch, set, weights, distill }).filter(([, value]) => value !== undefined);
  if (given === undefined && others.length > 0)
    throw new UsageError(`--${others[0]![0]} is for fine-tuning, with a --recipe`);
  const recipe = distill === undefined ? given : [...given!, `tuning_distill=${distill}`];
  if (recipe === undefined)
    return { subject: trainable.open(wholeNumber(seed, "--seed", 0), epochs), metadata: {} };
  if (epochs !== undefined)
    throw new UsageError("--epochs is of floats; fine-tuning has tuning_steps, in --recipe");
  const chosen = { experiment: undefined, model: model as ModelName, point: "1", recipe, arch, set, weights };
  const { point } = chosenPoint(chosen);
  if (point.recipe.tuning_steps === 0)
    throw new InputError("--recipe", "tuning_steps: 0 steps leave the weights as they are");
  const subject = subjectOf(point.subject);
  return {
    subject: tuningOf(subject, point.recipe, point.arch),
    metadata: {
      [RANGES]: JSON.stringify(subject.frozenRanges),
      recipe: `${point.recipeName} ${point.changes}`.trim(),
      arch: point.arch.name,
    },
  };
}

function known(model: string): Trainable {
  const trainable = trainableOf(model);
  if (trainable === undefined) {
    throw new InputError(model, `no such model to train${suggestion(model, Object.keys(TRAINABLES))}`);
  }
  return trainable;
}
