import { InputError } from "../base/errors.ts";
import { hashOf } from "../base/hash.ts";
import { version } from "../base/package.ts";
import { floorDiv } from "../fixed/round.ts";
import { type CsvTable, csvOf, parseCsv } from "../report/csv.ts";
import type { Experiment } from "./experiment.ts";
import { familiesOf } from "./factor.ts";
import type { Point } from "./points.ts";
import type { RefusedPoint } from "./run.ts";
import { factsOf } from "./subject.ts";

/** One of several parts of a sweep, each run by itself. */
export interface Shard {
  /** From 1. */
  readonly index: number;
  readonly of: number;
}

/**
 * The points of a shard: of all points in the order of their quantized models, so that a model falls to as few shards as may be, an even
 * part. A function of the experiment alone.
 *
 * @throws InputError where there is no such shard, or it would have no point
 */
export function shardOf(points: readonly Point[], { index, of }: Shard): Point[] {
  const most = points.length;
  if (index < 1 || index > of)
    throw new InputError("--shard", `${index}/${of} is not one of 1/${of} … ${of}/${of}`);
  refuseMany(points, of, "--shard");
  const ordered = familiesOf(points).flatMap((family) => family.points);
  const part = ordered.slice(floorDiv((index - 1) * most, of), floorDiv(index * most, of));
  return part.sort((a, b) => a.index - b.index);
}

/** @throws InputError naming the option where there are more shards than points */
export function refuseMany({ length: most }: readonly Point[], of: number, option: string): void {
  if (of > most) throw new InputError(option, `${of} shards of ${most} points would leave some without any`);
}

/** A point that has no line, and why: plain data, for those who do not run the sweep themselves. */
export interface Refused {
  readonly point: number;
  readonly arch: string;
  readonly changes: string;
  readonly problem: string;
}

export const refusedOf = ({ point: { index, arch, changes }, problem }: RefusedPoint): Refused => ({
  ...{ point: index, arch: arch.name, changes, problem },
});

/** What the first line of a shard's CSV says, so that the parts find together. */
export interface ShardNote extends Shard {
  /** Identity of the whole experiment: version, and every point with its data. */
  readonly experiment: string;
  /** Digest of the code that ran it. */
  readonly code: string;
  /** Lines of the CSV. */
  readonly rows: number;
  /** Points that the model cannot be run at. */
  readonly refused: readonly Refused[];
}

const NOTE = "# shiftline shard ";

export const noteLine = (note: ShardNote): string => `${NOTE}${JSON.stringify(note)}\n`;

/** Identity of an experiment, whoever runs which part of it. */
export const experimentKey = ({ name, derived, points, baselines }: Experiment): string =>
  hashOf([
    ...[name, version(), derived.map((each) => [each.name, each.of.text])],
    [...baselines].map(([baseline, point]) => [baseline, pointKey(point)]),
    points.map(pointKey),
  ]);

const pointKey = ({ index, arch, recipe, recipeName, subject, mapper }: Point): string =>
  hashOf([index, arch, recipe, recipeName, subject.model, factsOf(subject).hash, mapper]);

/** A CSV that a sweep wrote. */
interface Sheet extends CsvTable {
  readonly path: string;
  /** Of a shard. */
  readonly note?: ShardNote;
}

/** @throws InputError for what no sweep wrote */
export function readSheet(path: string, text: string): Sheet {
  if (!text.startsWith(NOTE)) return { path, ...parseCsv(text, path) };
  if (!text.endsWith("\n")) throw new InputError(path, "ends within a line (cut short?)");
  const end = text.indexOf("\n") + 1;
  return { path, note: readNote(path, text.slice(NOTE.length, end)), ...parseCsv(text.slice(end), path) };
}

function readNote(path: string, text: string): ShardNote {
  try {
    return { code: "", ...(JSON.parse(text) as Omit<ShardNote, "code">) };
  } catch {
    throw new InputError(path, "line 1 begins as that of a shard does, and is damaged");
  }
}

/** The whole sweep again. */
export interface Merged extends CsvTable {
  /** The bytes that one sweep of all points writes. */
  readonly csv: string;
  /** `[rows]` digest of the code that computed each. */
  readonly codes: readonly string[];
  readonly refused: readonly Refused[];
}

/** Puts the shards of a sweep together. @throws InputError unless they are all shards of one, each once and whole */
export function mergeSheets(sheets: readonly Sheet[]): Merged {
  const [first] = sheets as readonly [Sheet];
  const notes = sheets.map(wholeNote);
  const [{ of, experiment }] = notes as [ShardNote];
  const places = new Map<number, string>();
  for (const [i, sheet] of sheets.entries()) {
    const note = notes[i]!;
    if (note.experiment !== experiment || note.of !== of || sheet.header.join() !== first.header.join())
      throw new InputError(sheet.path, `a shard of another sweep than ${first.path}`);
    const other = places.get(note.index);
    if (other !== undefined) throw new InputError(sheet.path, `shard ${note.index}/${of}, as ${other} is`);
    places.set(note.index, sheet.path);
  }
  const missing = Array.from({ length: of }, (_, i) => i + 1).filter((index) => !places.has(index));
  if (missing.length > 0)
    throw new InputError(
      first.path,
      `one of ${of} shards, of which these are missing: ${missing.join(", ")}`,
    );
  const point = first.header.indexOf("point");
  const lines = sheets
    .flatMap(({ rows }, i) => rows.map((cells) => ({ cells, code: notes[i]!.code })))
    .sort((a, b) => Number(a.cells[point]) - Number(b.cells[point]));
  const table = { header: first.header, rows: lines.map(({ cells }) => cells) };
  const refused = notes.flatMap((note) => note.refused).sort((a, b) => a.point - b.point);
  return { ...table, csv: csvOf(table), codes: lines.map(({ code }) => code), refused };
}

/** What a shard says of itself. @throws InputError for what is no shard, or not all of one */
export function wholeNote({ path, note, rows }: Sheet): ShardNote {
  if (note === undefined)
    throw new InputError(path, "no shard of a sweep: its first line does not say which one it is");
  if (note.rows !== rows.length)
    throw new InputError(path, `${rows.length} rows of the ${note.rows} that its first line tells of`);
  return note;
}
