import type { FieldName, Settings } from "../arch/fields.ts";
import { type ArchSpec, partOf } from "../arch/spec.ts";
import { hashOf } from "../base/hash.ts";
import { formatProgram } from "../isa/asm.ts";
import type { Program } from "../isa/program.ts";
import type { Recipe } from "../quant/recipe.ts";
import type { Point } from "./points.ts";

/** What decides where an array pass ends, and with it where an accumulator wraps, saturates or counts an overflow. */
const ARRAY_SHAPE: readonly FieldName[] = [
  "mac.rows",
  "mac.dataflow",
  "mac.multiplier",
  "mac.weightBits",
  "mac.activationBits",
];

/** What the estimate of skipped zeros depends on, beside the operands. */
const ZERO_SKIP: readonly FieldName[] = [
  ...ARRAY_SHAPE,
  "mac.zeroSkip",
  "mac.columns",
  "mac.preload",
  "mac.outputs",
  "weight.bytesPerCycle",
  "activation.bytesPerCycle",
];

/** What no cycle, byte or picojoule of a legal program depends on. */
const UNTIMED: readonly FieldName[] = [
  "mac.zeroSkip",
  "pwl.maxPieces",
  "acc.overflow",
  "requant.rounding",
  "vector.rounding",
  "pwl.rounding",
];

/** Identity of a quantized model: everything that quantization reads. */
export const quantKey = (recipe: Recipe, arch: ArchSpec): string =>
  hashOf({ recipe, bits: partOf(arch, "bits") });

/**
 * Identity of a quantized model's results, among machines with one `quantKey`. The array's shape takes part where
 * some accumulator may overflow, and with all that feeds it where skipped zeros are counted, and nowhere else.
 */
export function shapeKey({ settings }: ArchSpec, mayOverflow: boolean): string {
  const isCounting = settings["mac.zeroSkip"] !== "none";
  if (!mayOverflow && !isCounting) return "any shape";
  return hashOf((isCounting ? ZERO_SKIP : ARRAY_SHAPE).map((name) => settings[name]));
}

/** Identity of what a program costs: its text, and every parameter that a cost depends on. */
export const timingKey = (program: Program, arch: ArchSpec): string =>
  hashOf({ text: formatProgram(program), settings: without(arch.settings, UNTIMED) });

/** Points that share a quantized model. */
export interface Family {
  readonly recipe: Recipe;
  /** One for each point. */
  readonly archs: readonly ArchSpec[];
  readonly points: readonly Point[];
}

/** The points by quantized model, in the order in which each first occurs. */
export function familiesOf(points: readonly Point[]): Family[] {
  const families = new Map<string, Point[]>();
  for (const point of points) {
    const key = quantKey(point.recipe, point.arch);
    const family = families.get(key);
    if (family === undefined) families.set(key, [point]);
    else family.push(point);
  }
  return [...families.values()].map((members) => ({
    recipe: members[0]!.recipe,
    archs: members.map(({ arch }) => arch),
    points: members,
  }));
}

const without = (settings: Readonly<Partial<Settings>>, names: readonly FieldName[]) =>
  Object.fromEntries(Object.entries(settings).filter(([name]) => !names.includes(name as FieldName)));
