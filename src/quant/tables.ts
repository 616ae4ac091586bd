import { pwlRounding } from "../arch/scaling.ts";
import { InputError } from "../base/errors.ts";
import { digestOf, onceFor } from "../base/hash.ts";
import { Recent } from "../base/recent.ts";
import type { Grid } from "../fixed/real.ts";
import { floorDiv } from "../fixed/round.ts";
import { buildMantissaTable, buildTable, type TableOptions } from "../pwl/build.ts";
import type { Curve } from "../pwl/curves.ts";
import type { PwlTable } from "../pwl/table.ts";
import { codeShares, type Histogram } from "./histogram.ts";
import type { Numerics } from "./numerics.ts";
import type { Recipe } from "./recipe.ts";
import {
  MIRRORED_PROPERTIES,
  MIRRORED_SITES,
  TABLE_PROPERTIES,
  TABLE_SITES,
  type TableSite,
  WEIGHTED_PROPERTIES,
  type WEIGHTED_SITES,
} from "./sites.ts";

/** What of a curve a table is made from. */
type TableCurve = Pick<Curve, "f" | "symmetry">;

/** A site of `tableFor`. */
export type CurveSite = keyof typeof WEIGHTED_SITES;

/**
 * The PWL table of a curve at a site of the model, as the recipe has it there and the machine's unit holds it.
 *
 * @param seen  the real values that calibration saw looked up there
 * @throws InputError where the unit does not hold what the recipe asks for
 * @throws Error where the recipe asks for `observed` weights and nothing was seen
 */
export function tableFor(
  site: CurveSite,
  { f, symmetry }: TableCurve,
  input: Grid,
  output: Grid,
  numerics: Numerics,
  seen?: Histogram,
): PwlTable {
  const isHalved = mirrors(site, numerics);
  const options = {
    ...optionsFor(site, numerics),
    weights: weightsAt(site, input, numerics, seen),
    symmetry: isHalved ? symmetry : undefined,
  };
  const table = builtOnce(f, input, output, options);
  // What a site may store by half is whole for a curve without symmetry, or one that lies far to one side of its point.
  const [fault] = storedFaults(site, table.knots.length, table.mirror !== undefined, numerics);
  if (fault !== undefined) throw new InputError("recipe", fault);
  return table;
}

/** Of each curve the latest tables, by all that they are made from: a training asks for the same at every step. */
const tablesOf = onceFor((_: Curve["f"]) => new Recent<PwlTable>(TABLES_HELD));
const TABLES_HELD = 64;

function builtOnce(f: Curve["f"], input: Grid, output: Grid, options: TableOptions): PwlTable {
  const key = digestOf([input, output, { ...options, weights: options.weights && [...options.weights] }]);
  return tablesOf(f).recall(key, () => buildTable(f, input, output, options));
}

/**
 * What all codes together count beside the lookups, which count 1. Integers go where real numbers were not seen, and
 * there a table must be a curve too; but what is there decides little.
 */
const UNSEEN = 1 / 64;

/** How much each code counts; undefined where all count alike. */
function weightsAt(
  site: CurveSite,
  input: Grid,
  { recipe }: Numerics,
  seen: Histogram | undefined,
): Float64Array | undefined {
  if (recipe[keyOf(site, "weights", recipe)] === "flat") return undefined;
  if (seen === undefined) throw new Error(`no lookups were observed at ${site}`);
  const shares = codeShares(seen, input);
  return shares.map((share) => share + UNSEEN / shares.length);
}

/** The table of 1/sqrt on mantissas. */
export const rsqrtTableFor = (numerics: Numerics): PwlTable =>
  buildMantissaTable("rsqrt", optionsFor("rsqrt", numerics));

function optionsFor(site: TableSite, numerics: Numerics): Omit<TableOptions, "symmetry"> {
  const { recipe, arch } = numerics;
  const [fault] = widthFaults(site, numerics);
  if (fault !== undefined) throw new InputError("recipe", fault);
  const value = <P extends keyof typeof TABLE_PROPERTIES>(property: P) =>
    recipe[keyOf(site, property, recipe)] as Recipe[`pwl_${P}`];
  return {
    pieces: value("pieces"),
    method: value("method"),
    polish: value("polish"),
    slopeBits: value("slope_bits") || arch["pwl.slopeBits"],
    offsetFraction: value("offset_fraction") < 0 ? arch["pwl.offsetFraction"] : value("offset_fraction"),
    shifts: arch["pwl.shifts"],
    rounding: pwlRounding(arch),
  };
}

const PROPERTIES = { ...TABLE_PROPERTIES, ...MIRRORED_PROPERTIES, ...WEIGHTED_PROPERTIES };

/** The key that says it: the site's own, or where that is at its default, the one for all tables. */
function keyOf<S extends TableSite, P extends keyof typeof PROPERTIES>(
  site: S,
  property: P,
  recipe: Recipe,
): keyof Recipe & (`${S}_${P}` | `pwl_${P}`) {
  const own = `${site}_${property}` as keyof Recipe & `${S}_${P}`;
  return recipe[own] === PROPERTIES[property].default
    ? (`pwl_${property}` as keyof Recipe & `pwl_${P}`)
    : own;
}

/** Whether the unit stores half of a symmetric curve there. */
const mirrors = (site: TableSite, { recipe, arch }: Numerics): boolean =>
  isMirroredSite(site) &&
  arch["pwl.symmetry"] === "point" &&
  recipe[keyOf(site, "symmetry", recipe)] === "point";

const isMirroredSite = (site: TableSite): site is keyof typeof MIRRORED_SITES =>
  Object.hasOwn(MIRRORED_SITES, site);

/** Sites that a model has only under some recipes. */
const IN_USE: Partial<Record<TableSite, (recipe: Recipe) => boolean>> = {
  gate: ({ gate_curve }) => gate_curve === "pwl",
  candidate: ({ gate_curve }) => gate_curve === "pwl",
  cell: ({ gate_curve }) => gate_curve === "pwl",
  exp: ({ softmax_method }) => softmax_method === "pwl",
  rsqrt: ({ norm_inverse }) => norm_inverse === "rsqrt",
};

/** What of the recipe's tables the machine's PWL unit does not hold, each a clause that begins with the key. */
export function tableFaults(numerics: Numerics): readonly string[] {
  const sites = (Object.keys(TABLE_SITES) as TableSite[]).filter(
    (site) => IN_USE[site]?.(numerics.recipe) ?? true,
  );
  const faults = sites.flatMap((site) => [...pieceFaults(site, numerics), ...widthFaults(site, numerics)]);
  return [...new Set(faults)];
}

function pieceFaults(site: TableSite, numerics: Numerics): readonly string[] {
  const half = mirrors(site, numerics);
  const pieces = numerics.recipe[keyOf(site, "pieces", numerics.recipe)];
  return storedFaults(site, half ? floorDiv(pieces + 1, 2) : pieces, half, numerics);
}

function storedFaults(
  site: TableSite,
  stored: number,
  half: boolean,
  { recipe, arch }: Numerics,
): readonly string[] {
  const key = keyOf(site, "pieces", recipe);
  const most = arch["pwl.maxPieces"];
  if (stored <= most) return [];
  const what = half ? `${stored} pieces of half a curve` : `${stored} pieces`;
  return [`${key}: ${what} exceed pwl.maxPieces ${most}`];
}

function widthFaults(site: TableSite, { recipe, arch }: Numerics): readonly string[] {
  const faults: string[] = [];
  const slope = keyOf(site, "slope_bits", recipe);
  if (recipe[slope] === 1)
    faults.push(`${slope}: a slope has 2 bits or more, or 0 for as many as the unit's`);
  if (recipe[slope] > arch["pwl.slopeBits"])
    faults.push(`${slope}: ${recipe[slope]} bits exceed pwl.slopeBits ${arch["pwl.slopeBits"]}`);
  const fraction = keyOf(site, "offset_fraction", recipe);
  if (recipe[fraction] > arch["pwl.offsetFraction"])
    faults.push(
      `${fraction}: ${recipe[fraction]} bits exceed pwl.offsetFraction ${arch["pwl.offsetFraction"]}`,
    );
  return faults;
}
