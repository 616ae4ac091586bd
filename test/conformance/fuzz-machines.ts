import fc from "fast-check";
import { FIELDS, type Field, type FieldName } from "../../src/arch/fields.ts";
import { type ArchSpec, makeArch } from "../../src/arch/spec.ts";
import { agreeing, type Changes } from "../support/machines.ts";

/** Elements that were compared so far. */
export interface Compared {
  /** A backend's with an operation's definition in unbounded integers. */
  definitions: number;
  /** A machine's, on each backend, with a kernel's plain loops. */
  loops: number;
  /** The backends' of one instruction with each other. */
  backends: number;
}

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
  ...(Object.keys(FIELDS) as FieldName[]).filter((name) => FIELDS[name].affects.includes("bits")),
  ...(["mac.rows", "mac.columns", "mac.dataflow", "mac.multiplier", "pwl.chained"] as const),
];

/** Whatever is left out has its default, to which a failing machine shrinks. */
export const anyChanges: fc.Arbitrary<Changes> = fc.record(
  Object.fromEntries(NAMES.map((name) => [name, field(name)])),
  { requiredKeys: [] },
);

/** A machine with these changes, and the further ones that make them agree with each other. */
export const machineOf = (changes: Changes, memories: Changes): ArchSpec =>
  makeArch(agreeing({ ...memories, ...changes }), "fuzzed");
