import { writeWhole } from "../../base/files.ts";
import { ROUNDINGS } from "../../fixed/round.ts";
import { CURVES } from "../../pwl/curves.ts";
import { PWL_METHODS } from "../../pwl/placement.ts";
import { OBJECTIVES } from "../../pwl/polish.ts";
import { toCsv } from "../../report/csv.ts";
import { EMITTERS, type EmitFormat } from "../../report/pwl/emit.ts";
import { renderTable } from "../../report/table.ts";
import { type Command, defineCommand, type Io, STATUS, UsageError } from "../command.ts";
import { toJson } from "../layout.ts";
import { json } from "../options.ts";
import { progressOn } from "../progress.ts";
import { headOf, toHtml, toSvg } from "../pwl/pictures.ts";
import { outFileOf, type Request, requestOf } from "../pwl/request.ts";
import { RESULT_COLUMNS, type Result, recordOf, resultOf } from "../pwl/results.ts";
import { pwlAllocate } from "./pwl-allocate.ts";

/** From so many bits of input on a table takes long enough for its progress to be told. */
const SLOW_BITS = 12;

const word = (describe: string, fallback: string) =>
  ({ type: "string", requiresArg: true, default: fallback, describe }) as const;
const choice = <const C extends string>(describe: string, choices: readonly C[], fallback: NoInfer<C>) =>
  ({ choices, requiresArg: true, default: fallback, describe }) as const;
const file = (describe: string) => ({ type: "string", requiresArg: true, describe }) as const;

const tables = defineCommand({
  command: "$0 <curve>",
  describe: "Place the pieces of a curve, build its integer tables and say how good they are",
  lists: ["out"],
  builder: (y) =>
    y
      .positional("curve", {
        type: "string",
        demandOption: true,
        describe: `${Object.keys(CURVES).join(", ")}, or a CSV file of points x,y`,
      })
      .option(
        "in",
        word(
          "bits of an input code; codes step evenly from lo to hi, and 0 has one of its own if it is between",
          "8",
        ),
      )
      .option("out", {
        type: "string",
        array: true,
        nargs: 1,
        requiresArg: true,
        describe: "bits of an output code, 8 if not given; and, as a second one, the file that --emit writes",
      })
      .option("pieces", word("how many: 8, or 4,8,16, or 4..64, which doubles from 4 up to 64", "4..64"))
      .option("method", word(`where knots go, one or several of ${PWL_METHODS.join(",")}`, "slope"))
      .option("all", { type: "boolean", default: false, describe: "every method" })
      .option(
        "lo",
        file("what the smallest input code stands for; if not given, where the curve's domain begins"),
      )
      .option("hi", file("what the largest input code stands for"))
      .option("slope-bits", word("width of a slope, its sign included", "16"))
      .option("offset-fraction", word("fraction bits of an offset", "0"))
      .option(
        "shifts",
        choice("one shift for all pieces, or one for each", ["shared", "per-piece"], "shared"),
      )
      .option(
        "symmetry",
        choice("point: store half of a curve with f(-x) = s - f(x)", ["none", "point"], "none"),
      )
      .option(
        "polish",
        choice(
          "search slopes and offsets for the least largest or rms error; free-knots: knots too",
          ["none", ...OBJECTIVES],
          "none",
        ),
      )
      .option("rounding", choice("of slope times distance", ROUNDINGS, "half-away"))
      .option("json", json)
      .option("csv", { type: "boolean", default: false, describe: "print a CSV on stdout" })
      .option("svg", file("draw the curve, the tables and their errors into this file"))
      .option("html", file("the same on a page, with the table of results"))
      .option("emit", {
        choices: Object.keys(EMITTERS) as EmitFormat[],
        requiresArg: true,
        describe: "write the one table that is asked for, on stdout or into the file that --out names",
      })
      .example("$0 pwl sigmoid --all --pieces 8", "every method on an 8-bit sigmoid")
      .example("$0 pwl tanh --in 16 --out 16 --pieces 32 --emit c --out tanh.h", "a table for firmware")
      .example("$0 pwl curve.csv --lo 0 --hi 2 --svg curve.svg", "a curve of your own, as a picture"),
  run(args, io) {
    const request = requestOf(args);
    const path = outFileOf(args);
    checkOutputs({ ...args, path }, request);
    const results = resultsOf(request, io);
    if (args.svg !== undefined) writeTold(args.svg, toSvg(request, results), io);
    if (args.html !== undefined) writeTold(args.html, toHtml(request, results), io);
    if (args.emit !== undefined) {
      const text = EMITTERS[args.emit].write(results[0]!.described);
      if (path === undefined) io.out(text);
      else writeTold(path, text, io);
    } else if (args.json) io.out(toJson({ curve: request.curve, results: results.map(recordOf) }));
    else if (args.csv) io.out(toCsv(RESULT_COLUMNS, results));
    else io.out([...headOf(request), "", renderTable(RESULT_COLUMNS, results)].join("\n"));
    return STATUS.done;
  },
});

interface Outputs {
  readonly emit: EmitFormat | undefined;
  readonly json: boolean;
  readonly csv: boolean;
  readonly path: string | undefined;
}

/** @throws UsageError where stdout is asked to hold two things, or a file to hold none or several */
function checkOutputs({ emit, json, csv, path }: Outputs, { methods, pieces }: Request): void {
  const asked = [emit === undefined ? "" : "--emit", json ? "--json" : "", csv ? "--csv" : ""].filter(
    Boolean,
  );
  if (asked.length > 1) throw new UsageError(`${asked.join(" and ")} print different things`);
  if (path !== undefined && emit === undefined) throw new UsageError(`--out ${path} needs --emit`);
  const count = methods.length * pieces.length;
  if (emit !== undefined && count > 1)
    throw new UsageError(`--emit writes one table, not ${count}: choose one of --method and one of --pieces`);
}

function resultsOf(request: Request, io: Io): readonly Result[] {
  const { methods, pieces, input } = request;
  const wanted = methods.flatMap((method) => pieces.map((n) => ({ method, n })));
  if (input.format.bits < SLOW_BITS || wanted.length === 1)
    return wanted.map(({ method, n }) => resultOf(request, method, n));
  const progress = progressOn(io);
  try {
    return wanted.map(({ method, n }, i) => {
      progress.update(i, wanted.length, `${method}, pieces: ${n}`);
      return resultOf(request, method, n);
    });
  } finally {
    progress.stop();
  }
}

function writeTold(path: string, text: string, io: Io): void {
  writeWhole(path, text);
  io.err(`wrote ${path}\n`);
}

export const pwl: Command = (io, ended) => ({
  command: "pwl",
  describe: "Piecewise-linear tables: errors, cost, pictures, C and SystemVerilog of a curve",
  builder: (y) => y.command(tables(io, ended)).command(pwlAllocate(io, ended)),
  handler: () => {},
});
