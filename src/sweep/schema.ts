import { FIELDS } from "../arch/fields.ts";
import type { Parameter, ParameterTable } from "../base/settings.ts";
import { MODELS } from "../model/table.ts";
import { RECIPE_FIELDS } from "../quant/recipe.ts";
import { SETTINGS } from "./space.ts";
import { SUBJECT_FIELDS } from "./subjects.ts";

/** A JSON Schema, draft 7: what editors know. */
type Schema = Readonly<Record<string, unknown>>;

const DRAFT = "http://json-schema.org/draft-07/schema#";

const text = (description: string): Schema => ({ type: "string", minLength: 1, description });
const listOf = (items: Schema): Schema => ({ type: "array", minItems: 1, items });
const oneOrMore = (items: Schema): Schema => ({ anyOf: [items, listOf(items)] });
const mapping = (properties: Readonly<Record<string, Schema>>, more: Schema = {}): Schema => ({
  ...{ type: "object", properties, additionalProperties: false },
  ...more,
});
const each = (properties: readonly string[], of: (name: string) => Schema) =>
  Object.fromEntries(properties.map((name) => [name, of(name)]));

/** A value that a parameter takes. */
function valueSchema(parameter: Parameter): Schema {
  const { doc, default: otherwise } = parameter;
  const about = { description: doc, default: otherwise };
  if (parameter.kind === "choice") {
    const { choices, file } = parameter;
    if (file === undefined) return { enum: [...choices], ...about };
    return {
      anyOf: [{ enum: [...choices] }, { type: "string", pattern: `${file.replace(".", "\\.")}$` }],
      ...about,
    };
  }
  const { min, max, unit } = parameter;
  const type = parameter.kind === "int" ? "integer" : "number";
  return { type, minimum: min, maximum: max, ...about, description: unit === "" ? doc : `${doc} (${unit})` };
}

const valuesOf = (table: ParameterTable) => each(Object.keys(table), (name) => valueSchema(table[name]!));

/** A part of the schema that stands in it once. */
const ref = (name: string): Schema => ({ $ref: `#/definitions/${name}` });

/** Values of an axis: a list, or a range of numbers. */
function axisOf(name: string, { kind, doc: description }: Parameter): Schema {
  const end = ref(name);
  const list = listOf(end);
  if (kind === "choice") return { ...list, description };
  const range = mapping(
    {
      ...{ from: end, to: end },
      step: {
        type: "number",
        exclusiveMinimum: 0,
        description: "added at each step; 1 where it is not said",
      },
      times: { type: "number", exclusiveMinimum: 1, description: "a factor in place of a step" },
    },
    { required: ["from", "to"], not: { required: ["step", "times"] } },
  );
  return { anyOf: [list, range], description };
}

const MACHINE = text("a machine: its name in arch/, or the path of its file");
const RECIPE = text("a recipe: its name in recipes/, or the path of its file");
const CONSTRAINTS = oneOrMore(
  text("what a combination has to be, as in mac.rows * mac.columns <= 1024 and weight_bits in [4, 8]"),
);

/** What a group of points may say, and the parts of that. */
function groupDefinitions(): Readonly<Record<string, Schema>> {
  const names = Object.keys(SETTINGS);
  const group = mapping({
    arch: oneOrMore(MACHINE),
    recipe: oneOrMore(RECIPE),
    set: mapping(each(names, ref), { description: "values of every point of the group" }),
    axes: { allOf: [ref("axes")], description: "a grid, the last axis fastest" },
    zip: { ...oneOrMore(ref("zip")), description: "parameters that change together" },
    where: CONSTRAINTS,
  });
  const values = {
    ...{ arch: listOf(MACHINE), recipe: listOf(RECIPE) },
    ...each(names, (name) => axisOf(name, SETTINGS[name]!)),
  };
  const zip = { allOf: [ref("axes")], minProperties: 1 };
  return { group, axes: mapping(values), zip, ...valuesOf(SETTINGS) };
}

const NAME = { pattern: "^[a-z][a-z0-9_]*$" };
const named = (items: Schema, description: string): Schema => ({
  ...{ type: "object", propertyNames: NAME, additionalProperties: items, description },
});

function experiment(): Schema {
  const { model, seed, mapper, calibration } = SUBJECT_FIELDS;
  const splits = [...new Set(Object.values(MODELS).flatMap((one) => one.splits))];
  const count = { anyOf: [{ type: "integer", minimum: 1 }, { const: "all" }] };
  return mapping(
    {
      question: text("what the experiment is to answer"),
      name: text("its name; that of the file where it is not given"),
      model: valueSchema(model),
      words: mapping(
        { split: { enum: splits }, count },
        { description: "what is scored", required: ["count"] },
      ),
      calibration: mapping({ words: { anyOf: [valueSchema(calibration), { const: "all" }] } }),
      ...{ seed: valueSchema(seed), mapper: valueSchema(mapper), arch: MACHINE },
      recipe: { anyOf: [RECIPE, mapping({ file: RECIPE, ...each(Object.keys(RECIPE_FIELDS), ref) })] },
      where: CONSTRAINTS,
      points: { ...listOf(ref("group")), description: "groups of points" },
      baselines: named(ref("group"), "points that others are compared with, by name"),
      derive: named(
        { type: ["string", "number"] },
        "columns that are computed from others, as in faster: int8.cycles / cycles",
      ),
    },
    { required: ["question", "words", "points"], definitions: groupDefinitions() },
  );
}

function recipe(): Schema {
  const about = text("what it is about, in one line");
  return mapping(
    { about, ...valuesOf(RECIPE_FIELDS), machine: mapping(valuesOf(FIELDS)) },
    { required: ["about"] },
  );
}

/** `mac: { rows: 16 }` of `mac.rows`. */
function machine(): Schema {
  const parts = new Map<string, Record<string, Schema>>();
  for (const [name, field] of Object.entries(FIELDS)) {
    const [part, key] = name.split(".") as [string, string];
    parts.set(part, { ...parts.get(part), [key]: valueSchema(field) });
  }
  return mapping(Object.fromEntries([...parts].map(([part, properties]) => [part, mapping(properties)])));
}

const KINDS = { experiment, recipe, machine } as const;
export type SchemaKind = keyof typeof KINDS;
export const SCHEMA_KINDS = Object.keys(KINDS) as [SchemaKind, ...SchemaKind[]];

/** The JSON Schema of a kind of file: keys, values and their meanings, for editors. What takes more than one key to see, only loading tells. */
export const schemaOf = (kind: SchemaKind): Schema => ({
  $schema: DRAFT,
  title: `shiftline: ${kind === "experiment" ? "an" : "a"} ${kind}`,
  ...KINDS[kind](),
});
