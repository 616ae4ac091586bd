import type { ArchSpec } from "../../arch/spec.ts";
import { InputError } from "../../base/errors.ts";
import { version } from "../../base/package.ts";
import type { Program } from "../../isa/program.ts";
import { Machine } from "../../machine/machine.ts";
import { type Recording, recorder } from "../../machine/record.ts";
import { letters } from "../../model/g2p/alphabet.ts";
import { compileG2p } from "../../model/g2p/lower.ts";
import { quantizeG2p } from "../../model/g2p/quantize.ts";
import { phonesToText } from "../../model/g2p/words.ts";
import { programsOf, type SequenceJob } from "../../model/job.ts";
import { subjectOf } from "../../sweep/subject.ts";
import { type Chosen, chosenPoint, POINT_LISTS, pointOptions } from "../chosen.ts";
import { defineCommand, type Io, STATUS, UsageError } from "../command.ts";
import { grouped, toJson } from "../layout.ts";
import { json, wholeNumber } from "../options.ts";
import { progressOn } from "../progress.ts";
import { refuseTaken, VectorFolder, type Written } from "../vector-folder.ts";
import { vectorsReadme } from "../vectors-readme.ts";

/** The programs of a job, in the order in which they run. */
const PROGRAMS = ["load", "start", "step"] as const;
type ProgramName = (typeof PROGRAMS)[number];

export const vectors = defineCommand({
  command: "vectors [experiment]",
  describe: "Write every instruction's inputs and outputs, for firmware and RTL to be held against",
  lists: POINT_LISTS,
  builder: (y) =>
    pointOptions(y)
      .option("words", {
        type: "string",
        requiresArg: true,
        default: "1",
        describe: "what the model reads: words, as in cat,dog, or how many of the experiment's split",
      })
      .option("programs", {
        type: "string",
        requiresArg: true,
        default: PROGRAMS.join(),
        describe: "which of its programs are recorded",
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
    const recorded = recordedOf(args.programs);
    const { count, spellings } = wordsOf(args.words);
    const chosen = chosenPoint(args, count);
    const folder = new VectorFolder(args.out);
    try {
      const written = exportTo(folder, chosen, spellings, recorded, io);
      io.out(args.json ? toJson({ folder: args.out, ...written }) : summary(args.out, written));
    } finally {
      folder.discard();
    }
    return STATUS.done;
  },
});

/** @throws UsageError for a name that is no program's */
function recordedOf(list: string): ReadonlySet<ProgramName> {
  const names = list.split(",");
  const odd = names.find((name) => !(PROGRAMS as readonly string[]).includes(name));
  if (odd !== undefined) throw new UsageError(`--programs takes any of ${PROGRAMS.join()}, not "${odd}"`);
  return new Set(names as ProgramName[]);
}

/** Words as they are typed, in capitals; or a number of them to sample, where one stands in their place. */
function wordsOf(text: string): { readonly count: number; readonly spellings?: readonly string[] } {
  if (/^\d/.test(text)) return { count: wholeNumber(text, "--words", 1) };
  return { count: 1, spellings: text.toUpperCase().split(",") };
}

/** @throws InputError for a letter that the model does not know */
function lettersOf(spelling: string): readonly number[] {
  const indices = Array.from(spelling, (letter) => letters.indexOf(letter));
  const odd = indices.indexOf(-1);
  if (odd >= 0) throw new InputError("--words", `the model knows no letter "${Array.from(spelling)[odd]}"`);
  if (indices.length === 0) throw new InputError("--words", "a word without letters");
  return indices;
}

function exportTo(
  folder: VectorFolder,
  { experiment, point }: Chosen,
  spellings: readonly string[] | undefined,
  recorded: ReadonlySet<ProgramName>,
  io: Io,
): Written {
  const subject = subjectOf(experiment.subject);
  const words = (spellings ?? subject.words.map(({ spelling }) => spelling)).map((spelling) => ({
    spelling,
    letters: lettersOf(spelling),
  }));
  const { arch, recipe, recipeName } = point;
  const quantized = quantizeG2p(subject.params, subject.ranges, { recipe, arch: arch.settings });
  const job = compileG2p(quantized, arch, [...new Set(words.map((word) => word.letters.length))]);
  const said = play(job, arch, words, recorded, folder, io);
  const machine = {
    version: version(),
    experiment: experiment.name,
    point: point.index,
    machine: arch.name,
    arch: arch.settings,
    recipe: { file: recipeName, ...recipe },
    model: { name: experiment.subject.model, norm: subject.norm, parameters: subject.parameters },
    words: said,
  };
  return folder.finish(machine, vectorsReadme(said.map(({ word }) => word)));
}

interface Played {
  readonly word: string;
  readonly phones: string;
}

/** Runs the job on each word, one at a time, as its host does, and has what it executes recorded. */
function play(
  job: SequenceJob,
  arch: ArchSpec,
  words: readonly { readonly spelling: string; readonly letters: readonly number[] }[],
  recorded: ReadonlySet<ProgramName>,
  folder: VectorFolder,
  io: Io,
): Played[] {
  const { image, load, programs, dataBytes, input, output } = job;
  const machine = new Machine(arch, { image, programs: programsOf(job), lanes: 1, dataBytes });
  const run = (program: Program, name: ProgramName, where: string): void => {
    let next = 0;
    const tell = (recording: Recording) => folder.add(`${where}#${next++}`, recording);
    machine.run(program, recorded.has(name) ? recorder(machine.state, image, tell) : undefined);
  };
  const progress = progressOn(io);
  try {
    run(load, "load", "load");
    return words.map(({ spelling, letters }, i) => {
      progress.update(i, words.length, spelling);
      const { start, step } = programs.get(letters.length)!;
      machine.writeData(input.bits, input.address, letters);
      run(start, "start", `${spelling}/start`);
      const tokens: number[] = [];
      for (let turn = 1; turn <= job.maxSteps; turn++) {
        run(step, "step", `${spelling}/step${turn}`);
        const [token] = machine.readData(output.bits, output.address, 1);
        if (token === job.endToken) break;
        tokens.push(token!);
      }
      return { word: spelling, phones: phonesToText(tokens) };
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
