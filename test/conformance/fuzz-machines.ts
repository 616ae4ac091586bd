import fc from "fast-check";
import { FIELDS, type Field, type FieldName } from "../../src/arch/fields.ts";
import { type ArchSpec, makeArch } from "../../src/arch/spec.ts";

/** Elements that were compared so far. */
export interface Compared {
  /** A backend's with an operation's definition in unbounded integers. */
  definitions: number;
  /** A machine's, on each backend, with a kernel's plain loops. */
  loops: number;
  /** The backends' of one instruction with each other. */
  backends: number;
}

/** What is fuzzed of a machine; whatever is left out has its default, to which a failing machine shrinks. */
export type Changes = Partial<Record<FieldName, number | string>>;

const field = (name: FieldName): fc.Arbitrary<number | string> => {
  const f: Field = FIELDS[name];
  return f.kind === "choice"
    ? fc.constantFrom(...f.choices)
    : fc.integer({ min: f.min, max: Math.min(f.max, MOST[name] ?? f.max) });
};

/** Arrays and units small enough that small shapes do not fit them in one pass. */
const MOST: Partial<Record<FieldName, number>> = { "mac.rows": 9, "mac.columns": 5 };

/** All that can change a bit, and the shape of the array, which changes bits where accumulators overflow. */
const NAMES = [
  ...(Object.keys(FIELDS) as FieldName[]).filter((name) => FIELDS[name].affects === "bits"),
  ...(["mac.rows", "mac.columns", "mac.dataflow", "mac.multiplier", "pwl.chained"] as const),
];

export const anyChanges: fc.Arbitrary<Changes> = fc.record(
  Object.fromEntries(NAMES.map((name) => [name, field(name)])),
  { requiredKeys: [] },
);

/** Roundings that are defined for one width of multiplier. */
const WIDTHS = new Map<unknown, number>([
  ["tflite-double", 31],
  ["float32", 24],
]);

/** A machine with these changes, and the further ones that make them agree with each other. */
export function machineOf(changes: Changes, memories: Changes): ArchSpec {
  const s: Changes = { ...changes };
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
  const bits = Number(s["acc.bits"] ?? FIELDS["acc.bits"].default);
  const multiplier = Number(s["requant.multiplierBits"] ?? FIELDS["requant.multiplierBits"].default);
  s["acc.bits"] = Math.min(bits, rounding === "tflite-double" ? 32 : 63 - multiplier);
  return makeArch({ ...memories, ...s }, "fuzzed");
}
