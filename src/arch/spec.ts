import { InputError } from "../base/errors.ts";
import { hashOf, onceFor } from "../base/hash.ts";
import { type ParameterTable, settle } from "../base/settings.ts";
import { stemOf, YamlFile } from "../base/yaml.ts";
import type { RequantRounding } from "../fixed/requant.ts";
import { refreshBlackout } from "./dram.ts";
import { type Aspect, FIELDS, type FieldName, type Settings } from "./fields.ts";
import { SCALING_UNITS, type ScalingUnit, scalingOf } from "./scaling.ts";

/** A machine: frozen plain data. */
export interface ArchSpec {
  /** The file's name without ending. */
  readonly name: string;
  readonly settings: Settings;
}

/** Reads, checks and completes an architecture file. Sections nest (`mac: { rows: 16 }`) or are dotted (`mac.rows: 16`). */
export function loadArch(path: string): ArchSpec {
  const file = new YamlFile(path);
  const given = new Map<string, unknown>();
  const keysOf = new Map<string, readonly string[]>();
  const root = file.value ?? {};
  if (typeof root !== "object" || Array.isArray(root))
    throw new InputError(path, "not a mapping of parameters");
  flatten(root, [], (keys, value) => {
    const key = keys.join(".");
    if (given.has(key)) file.complain(keys, "given twice");
    given.set(key, value);
    keysOf.set(key, keys);
  });
  const settings = settle(FIELDS as ParameterTable, given, (key, problem) =>
    file.complain(keysOf.get(key)!, problem),
  ) as Settings;
  for (const { key, problem } of contradictions(settings)) file.complain(keysOf.get(key) ?? [key], problem);
  file.refuse();
  return Object.freeze({ name: stemOf(path), settings });
}

/** The machine with some parameters changed, as `--set mac.rows=32` and sweep axes do. `where` names the change's origin. */
export function overrideArch(
  arch: ArchSpec,
  changes: Readonly<Record<string, unknown>>,
  where: string,
): ArchSpec {
  const problems: string[] = [];
  const given = new Map<string, unknown>([...Object.entries(arch.settings), ...Object.entries(changes)]);
  const settings = settle(FIELDS as ParameterTable, given, (key, problem) =>
    problems.push(`${key}: ${problem}`),
  ) as Settings;
  problems.push(...contradictions(settings).map(({ key, problem }) => `${key}: ${problem}`));
  if (problems.length > 0) throw new InputError(where, problems.join("; "));
  return Object.freeze({ name: arch.name, settings });
}

/** A machine with every parameter at its default but those given. */
export const makeArch = (changes: Readonly<Record<string, unknown>> = {}, name = "default"): ArchSpec =>
  overrideArch(
    { name, settings: settle(FIELDS as ParameterTable, new Map(), () => {}) as Settings },
    changes,
    name,
  );

/** Identity of a machine's parameters; the name takes no part. */
export const hashArch = ({ settings }: ArchSpec): string => hashSettings(settings);
const hashSettings = onceFor(hashOf);

/** The parameters that can change one of these. */
export function partOf(arch: ArchSpec, ...aspects: readonly Aspect[]): Readonly<Partial<Settings>> {
  const names = (Object.keys(FIELDS) as FieldName[]).filter((name) =>
    aspects.some((aspect) => FIELDS[name].affects.includes(aspect)),
  );
  return Object.fromEntries(names.map((name) => [name, arch.settings[name]]));
}

/** Rules between parameters. */
function contradictions(s: Settings): { readonly key: FieldName; readonly problem: string }[] {
  const found: { key: FieldName; problem: string }[] = [];
  const multiplierBits = s["requant.kind"] === "multiplier" ? s["requant.multiplierBits"] : 1;
  // A sign, and a bit for the bias that is added before the product.
  if (s["acc.bits"] + multiplierBits > 63) {
    found.push({
      key: "requant.multiplierBits",
      problem: `${multiplierBits} bits times an accumulator of ${s["acc.bits"]} and a bias exceed the 64-bit product`,
    });
  }
  if (s["vector.multiplierBits"] === 1) {
    found.push({
      key: "vector.multiplierBits",
      problem: "a multiplier has 2 … 31 bits, or 0 for as many as the requantizer's",
    });
  }
  for (const unit of SCALING_UNITS) found.push(...unboundRounding(unit, s));
  if (s["requant.rounding"] === "tflite-double" && s["acc.bits"] > 32) {
    found.push({
      key: "requant.rounding",
      problem: `tflite-double takes accumulators of at most 32 bits, not ${s["acc.bits"]}`,
    });
  }
  if (s["activation.bytes"] % s["activation.banks"] !== 0) {
    found.push({
      key: "activation.banks",
      problem: `${s["activation.bytes"]} bytes do not divide into ${s["activation.banks"]} equal banks`,
    });
  }
  const [interval, blackout] = [s["dram.refreshInterval"], refreshBlackout(s)];
  if (s["dram.pages"] === "yes" && interval > 0 && interval <= blackout) {
    found.push({
      key: "dram.refreshInterval",
      problem: `a refresh takes ${blackout} cycles with closing and opening the rows of ${s["dram.banks"]} banks, ${interval} leave no time for transfers`,
    });
  }
  return found;
}

/** Roundings that are defined for one width of multiplier. */
const WIDTHS: Partial<Record<RequantRounding, number>> = { "tflite-double": 31, float32: 24 };

/** Roundings that ask for a multiplier, or for one of a certain width. */
function unboundRounding(unit: ScalingUnit, s: Settings): { key: FieldName; problem: string }[] {
  const { kind, multiplierBits, rounding } = scalingOf(unit, s);
  const width = WIDTHS[rounding];
  const key = `${unit}.rounding` as const;
  if ((rounding.startsWith("tflite") || width !== undefined) && kind !== "multiplier")
    return [{ key, problem: `${rounding} needs requant.kind multiplier, not ${kind}` }];
  if (width !== undefined && multiplierBits !== width)
    return [
      {
        key,
        problem: `${rounding} is defined for multipliers of ${width} bits, ${unit}.multiplierBits is ${multiplierBits}`,
      },
    ];
  return [];
}

function flatten(
  value: unknown,
  keys: readonly string[],
  visit: (keys: readonly string[], value: unknown) => void,
): void {
  if (value !== null && typeof value === "object" && !Array.isArray(value)) {
    for (const [key, inner] of Object.entries(value)) flatten(inner, [...keys, key], visit);
  } else visit(keys, value);
}
