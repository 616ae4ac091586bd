import { join } from "node:path";
import { InputError } from "../../base/errors.ts";
import { suggestion } from "../../base/settings.ts";
import { TRAINABLES, type Trainable } from "../../train/models.ts";
import { store } from "../../train/store.ts";
import { OPS } from "../../train/table.ts";
import { type Outcome, train as trainOn } from "../../train/trainer.ts";
import { defineCommand, STATUS, UsageError } from "../command.ts";
import { layOut, toJson } from "../layout.ts";
import { json, wholeNumber } from "../options.ts";
import { progressOn } from "../progress.ts";

/** About a minute of work that an interruption may cost. */
const STEPS_PER_CHECKPOINT = 250;

export const train = defineCommand({
  command: "train [model]",
  describe: "Train a float model from its data, and measure it",
  lists: [],
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
      .example("$0 train lm-ln --resume", "the same, after an interruption"),
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
    const subject = trainableOf(model).open(wholeNumber(args.seed, "--seed", 0), args.epochs);
    const folder = args.out ?? join("results", model);
    const progress = progressOn(io);
    let outcome: Outcome;
    try {
      const onProgress = progress.update;
      outcome = trainOn(subject, { folder, resume, stepsPerCheckpoint: STEPS_PER_CHECKPOINT, onProgress });
    } finally {
      progress.stop();
    }
    const { weights, figures } = store(model, subject, outcome, folder);
    if (args.json) io.out(toJson({ model, weights, ...figures }));
    else {
      const rows = Object.entries(figures).map(([name, value]) => [name, value.toFixed(2)]);
      io.out(layOut([["model", `${model}: ${subject.recipe.doc}`], ["weights", weights], ...rows]));
    }
    return STATUS.done;
  },
});

function trainableOf(model: string): Trainable {
  const trainable = Object.hasOwn(TRAINABLES, model) ? TRAINABLES[model] : undefined;
  if (trainable === undefined) {
    throw new InputError(model, `no such model to train${suggestion(model, Object.keys(TRAINABLES))}`);
  }
  return trainable;
}
