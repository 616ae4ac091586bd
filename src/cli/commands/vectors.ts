import { InputError } from "../../base/errors.ts";
import { version } from "../../base/package.ts";
import { recorder } from "../../machine/record.ts";
import { type Input, type Job, stageNames } from "../../model/job.ts";
import { Host, type Turn } from "../../sweep/execute.ts";
import type { LegalJob } from "../../sweep/legal.ts";
import { jobOf } from "../../sweep/measure.ts";
import { type Subject, subjectOf } from "../../sweep/subject.ts";
import { type Chosen, chosenPoint, mapperOption, POINT_LISTS, pointOptions } from "../chosen.ts";
import { defineCommand, type Io, STATUS, UsageError } from "../command.ts";
import { grouped, toJson } from "../layout.ts";
import { mappingText } from "../mapping.ts";
import { json, wholeNumber } from "../options.ts";
import { progressOn } from "../progress.ts";
import { refuseTaken, VectorFolder, type Written } from "../vector-folder.ts";
import { vectorsReadme } from "../vectors-readme.ts";

const ALL = "all";

export const vectors = defineCommand({
  command: "vectors [experiment]",
  describe: "Write every instruction's inputs and outputs, for firmware and RTL to be held against",
  lists: POINT_LISTS,
  builder: (y) =>
    pointOptions(y)
      .option("mapper", mapperOption)
      .option("words", {
        type: "string",
        requiresArg: true,
        default: "1",
        describe: "what the model reads: words, as in cat,dog, or how many of the experiment's split",
      })
      .option("programs", {
        type: "string",
        requiresArg: true,
        default: ALL,
        describe: "which of its programs are recorded, as in load,step",
      })
      .option("out", {
        type: "string",
        requiresArg: true,
        demandOption: true,
        describe: "a folder that is empty or not there",
      })
      .option("json", json)
      .example("$0 vectors --out vectors", "one word through the default point")
      .example("$0 vectors --recipe cell_bits=8 --words cat,dog --out v", "two words, a narrower cell")
      .example("$0 validate --vectors v", "reads them back"),
  run(args, io) {
    refuseTaken(args.out);
    const { count, texts } = askedOf(args.words);
    const chosen = chosenPoint(args, count);
    const prepared = prepare(chosen, texts);
    const recorded = recordedOf(args.programs, prepared.job);
    const folder = new VectorFolder(args.out);
    try {
      const written = exportTo(folder, chosen, prepared, recorded, io);
      const { mapping } = prepared.job;
      const text = () => `${summary(args.out, written)}${mappingText(mapping, "")}`;
      io.out(args.json ? toJson({ folder: args.out, ...written, mapping }) : text());
    } finally {
      folder.discard();
    }
    return STATUS.done;
  },
});

/** Samples as they are typed; or a number of them to take, where one stands in their place. */
function askedOf(text: string): { readonly count: number; readonly texts?: readonly string[] } {
  if (/^\d/.test(text)) return { count: wholeNumber(text, "--words", 1) };
  return { count: 1, texts: text.split(",") };
}

/** A job, and what its host brings for each sample. */
interface Prepared {
  readonly subject: Subject;
  readonly job: LegalJob;
  readonly inputs: readonly Input[];
}

/** @throws InputError for samples that the model does not know, or where it does not fit the machine */
function prepare({ point }: Chosen, texts: readonly string[] | undefined): Prepared {
  const own = subjectOf(point.subject);
  const typed = texts?.map((text) => {
    if (own.model.typed === undefined)
      throw new InputError("--words", `${own.model.nouns.many} of ${point.subject.model} cannot be typed`);
    return own.model.typed(text, "--words");
  });
  const subject = typed === undefined ? own : { ...own, samples: typed };
  return { subject, ...jobOf(subject, point, point.mapper) };
}

/** Names of programs, or all of them. @throws UsageError for a name that is no program's */
function recordedOf(list: string, job: Job): ReadonlySet<string> {
  const known = ["load", ...stageNames(job)];
  if (list === ALL) return new Set(known);
  const names = list.split(",");
  const odd = names.find((name) => !known.includes(name));
  if (odd !== undefined) throw new UsageError(`--programs takes any of ${known.join()}, not "${odd}"`);
  return new Set(names);
}

function exportTo(
  folder: VectorFolder,
  { experiment, point }: Chosen,
  prepared: Prepared,
  recorded: ReadonlySet<string>,
  io: Io,
): Written {
  const { arch, recipe, recipeName } = point;
  const { subject, job } = prepared;
  const { norm, parameters } = subject.facts;
  const { one, many, output } = subject.model.nouns;
  const played = play(prepared, recorded, folder, io);
  const machine = {
    version: version(),
    experiment: experiment.name,
    point: point.index,
    machine: arch.name,
    arch: arch.settings,
    recipe: { file: recipeName, ...recipe },
    model: { name: point.subject.model, norm, parameters },
    mapping: job.mapping,
    [many]: played.map(({ name, text }) => ({ [one]: name, [output]: text })),
  };
  return folder.finish(machine, vectorsReadme(played.map(({ name }) => name)));
}

/** Runs the job on each sample, one at a time, and has what it executes recorded. */
function play(
  { subject: { model, samples }, job, inputs }: Prepared,
  recorded: ReadonlySet<string>,
  folder: VectorFolder,
  io: Io,
): { readonly name: string; readonly text: string }[] {
  let now = "";
  const watch = ({ machine, stage, turn }: Turn) => {
    if (!recorded.has(stage)) return undefined;
    let next = 0;
    const where = `${now}${stage}${turn ?? ""}`;
    return recorder(machine.state, job.image, (recording) => folder.add(`${where}#${next++}`, recording));
  };
  const progress = progressOn(io);
  try {
    const host = new Host(job, { lanes: 1, watch });
    return samples.map((sample, i) => {
      const name = model.nameOf(sample);
      progress.update(i, samples.length, name);
      now = `${name}/`;
      const [outcome] = host.run([inputs[i]!]);
      return { name, text: model.textOf(outcome!.outputs) };
    });
  } finally {
    progress.stop();
  }
}

const MEGA = 1e6;

function summary(out: string, { instructions, cases, operations, tensors, bytes }: Written): string {
  return [
    `wrote ${grouped(cases)} cases of ${Object.keys(operations).length} operations to ${out}: `,
    `${grouped(instructions)} instructions, ${grouped(tensors)} tensors, ${(bytes / MEGA).toFixed(1)} MB\n`,
  ].join("");
}
