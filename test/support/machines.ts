import { FIELDS, type Field, type FieldName } from "../../src/arch/fields.ts";
import { type ArchSpec, makeArch } from "../../src/arch/spec.ts";
import { InputError } from "../../src/base/errors.ts";

export type Rng = () => number;

/** An integer from lo to hi, both included. */
export const draw = (rng: Rng, lo: number, hi: number): number => lo + Math.floor(rng() * (hi - lo + 1));
export const pick = <T>(rng: Rng, from: readonly T[]): T => from[draw(rng, 0, from.length - 1)]!;

/** What a machine has other than the defaults. */
export type Changes = Partial<Record<FieldName, number | string>>;

/** The least that a machine must have of some parameters. */
export type Floors = Partial<Record<FieldName, number>>;

/** A machine with every parameter of the table at random, small values more often than large ones. */
export function anyArch(rng: Rng, floors: Floors = {}): ArchSpec {
  for (;;) {
    const names = Object.keys(FIELDS) as FieldName[];
    const changes = Object.fromEntries(
      names.map((name) => [name, anyValue(rng, FIELDS[name], floors[name])]),
    );
    try {
      return makeArch(agreeing(changes), "any");
    } catch (error) {
      // Parameters may contradict each other in ways that `agreeing` has not heard of.
      if (!(error instanceof InputError)) throw error;
    }
  }
}

function anyValue(rng: Rng, field: Field, floor = field.kind === "choice" ? 0 : field.min): number | string {
  if (field.kind === "choice") return pick(rng, field.choices);
  if (field.kind === "real") return draw(rng, 0, 800) / 8;
  const orders = Math.log2(field.max - floor + 1);
  return Math.min(field.max, floor + Math.floor(2 ** (orders * rng() * Math.max(rng(), rng()))) - 1);
}

/** Roundings that are defined for one width of multiplier. */
const WIDTHS = new Map<unknown, number>([
  ["tflite-double", 31],
  ["float32", 24],
]);

/** The changes with the further ones that make them agree with each other. */
export function agreeing(changes: Changes): Changes {
  const s: Changes = { ...changes };
  const numberOf = (name: FieldName): number => Number(s[name] ?? FIELDS[name].default);
  const rounding = s["requant.rounding"] ?? FIELDS["requant.rounding"].default;
  const own = s["vector.rounding"] ?? "as-requant";
  const inVector = own === "as-requant" ? rounding : own;
  const [width, vectorWidth] = [WIDTHS.get(rounding), WIDTHS.get(inVector)];
  if ([rounding, inVector].some((mode) => WIDTHS.has(mode) || mode === "tflite-single"))
    s["requant.kind"] = "multiplier";
  // 0 stands for the requantizer's own width, and no multiplier has one bit.
  if (s["vector.multiplierBits"] === 1) s["vector.multiplierBits"] = 2;
  if (width !== undefined) s["requant.multiplierBits"] = width;
  if (vectorWidth !== undefined) s["vector.multiplierBits"] = vectorWidth;
  const most = rounding === "tflite-double" ? 32 : 63 - numberOf("requant.multiplierBits");
  s["acc.bits"] = Math.min(numberOf("acc.bits"), most);
  const banks = numberOf("activation.banks");
  s["activation.bytes"] = banks * Math.ceil(numberOf("activation.bytes") / banks);
  return s;
}

/** A machine with memories of the size that the random programs need and everything else at random. */
export function randomArch(rng: Rng): ArchSpec {
  const kind = pick(rng, ["shift", "two-shift", "multiplier"] as const);
  return makeArch({
    "mac.rows": pick(rng, [1, 2, 4, 8]),
    "mac.columns": pick(rng, [1, 2, 4, 8]),
    "mac.dataflow": pick(rng, ["weight-stationary", "output-stationary", "input-stationary", "dot"]),
    "mac.preload": pick(rng, ["overlapped", "serial"]),
    "mac.multiplier": pick(rng, ["fixed", "fused", "serial"]),
    "acc.bits": pick(rng, [16, 24, 32, 40]),
    "acc.entries": 128,
    "acc.overflow": pick(rng, ["wrap", "saturate"]),
    "requant.kind": kind,
    "requant.multiplierBits": kind === "multiplier" ? pick(rng, [8, 15, 16]) : 16,
    "requant.rounding": pick(rng, ["half-away", "half-up", "half-even", "half-down", "floor", "truncate"]),
    "requant.lanes": draw(rng, 1, 8),
    "requant.latency": draw(rng, 1, 6),
    "pwl.lanes": draw(rng, 1, 8),
    "pwl.maxPieces": 16,
    "pwl.search": pick(rng, ["comparators", "binary"]),
    "pwl.latency": draw(rng, 1, 6),
    "pwl.rounding": pick(rng, ["as-requant", "as-requant", "half-zero"]),
    "pwl.chained": pick(rng, ["yes", "yes", "no"]),
    "vector.lanes": draw(rng, 1, 8),
    "vector.latency": draw(rng, 1, 6),
    "vector.multiplierBits": pick(rng, [0, 0, 24]),
    "vector.rounding": pick(rng, ["as-requant", "as-requant", "half-down", "ceiling"]),
    "weight.bytes": 3000,
    "weight.bytesPerCycle": draw(rng, 1, 16),
    "activation.bytes": 3072,
    "activation.banks": pick(rng, [1, 2, 4, 8, 16]),
    "activation.readPorts": draw(rng, 1, 3),
    "activation.writePorts": draw(rng, 1, 2),
    "activation.bytesPerCycle": draw(rng, 1, 16),
    "table.bytes": 16_384,
    "dram.bytesPerCycle": draw(rng, 1, 32),
    "dram.latency": draw(rng, 0, 40),
    "dram.burst": pick(rng, [1, 4, 32]),
    "dma.channels": draw(rng, 1, 4),
    "queue.depth": pick(rng, [1, 2, 4, 8]),
  });
}
