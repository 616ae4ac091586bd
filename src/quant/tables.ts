import { pwlRounding } from "../arch/scaling.ts";
import { InputError } from "../base/errors.ts";
import type { Grid } from "../fixed/real.ts";
import { floorDiv } from "../fixed/round.ts";
import { buildMantissaTable, buildTable, type TableOptions } from "../pwl/build.ts";
import type { Curve } from "../pwl/curves.ts";
import type { PwlTable } from "../pwl/table.ts";
import type { Numerics } from "./numerics.ts";
import type { Recipe } from "./recipe.ts";
import {
  MIRRORED_PROPERTIES,
  MIRRORED_SITES,
  TABLE_PROPERTIES,
  TABLE_SITES,
  type TableSite,
} from "./sites.ts";

/** What of a curve a table is made from. */
type TableCurve = Pick<Curve, "f" | "symmetry">;

/**
 * The PWL table of a curve at a site of the model, as the recipe has it there and the machine's unit holds it.
 *
 * @param weights  `[inputs]` how often each input code occurs there, for the methods that look at it
 * @throws InputError where the unit does not hold what the recipe asks for
 */
export function tableFor(
  site: TableSite,
  { f, symmetry }: TableCurve,
  input: Grid,
  output: Grid,
  numerics: Numerics,
  weights?: Float64Array,
): PwlTable {
  const isHalved = mirrors(site, numerics);
  const options = { ...optionsFor(site, numerics), weights, symmetry: isHalved ? symmetry : undefined };
  return buildTable(f, input, output, options);
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

/** The key that says it: the site's own, or where that is at its default, the one for all tables. */
function keyOf<P extends keyof typeof TABLE_PROPERTIES>(
  site: TableSite,
  property: P,
  recipe: Recipe,
): `${TableSite}_${P}` | `pwl_${P}` {
  const own = `${site}_${property}` as const;
  return recipe[own] === TABLE_PROPERTIES[property].default ? `pwl_${property}` : own;
}

/** Whether the unit stores half of a symmetric curve there. */
function mirrors(site: TableSite, { recipe, arch }: Numerics): boolean {
  if (!isMirroredSite(site)) return false;
  const own = recipe[`${site}_symmetry`];
  const said = own === MIRRORED_PROPERTIES.symmetry.default ? recipe.pwl_symmetry : own;
  return arch["pwl.symmetry"] === "point" && said === "point";
}

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
  const { recipe, arch } = numerics;
  const key = keyOf(site, "pieces", recipe);
  const most = arch["pwl.maxPieces"];
  const half = mirrors(site, numerics);
  const stored = half ? floorDiv(recipe[key] + 1, 2) : recipe[key];
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
