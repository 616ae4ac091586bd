import { FIELDS } from "../arch/fields.ts";
import type { Parameter } from "../base/settings.ts";
import { PWL_METHODS } from "../pwl/placement.ts";
import { OBJECTIVES } from "../pwl/polish.ts";

/** Where a model has PWL tables of symmetric curves: each with keys of its own in a recipe, `gate_pieces` and so on. */
export const MIRRORED_SITES = {
  gate: "sigmoid of gates",
  candidate: "tanh of a cell's candidate",
  cell: "tanh of the cell state",
  attention: "tanh of additive attention",
  activation: "curves of bridges and of activations by themselves",
} as const;

/** Where calibration sees in real numbers what a table will look up. */
export const WEIGHTED_SITES = { ...MIRRORED_SITES, exp: "exponential of a softmax" } as const;

/** Where a model has PWL tables. */
export const TABLE_SITES = {
  ...WEIGHTED_SITES,
  rsqrt: "1/sqrt of a layer norm",
} as const;
export type TableSite = keyof typeof TABLE_SITES;

const AS_PWL = "as-pwl";

/** What a recipe may say of the integers of one site's tables, after `pwl_` has said it of all; the default leaves it at that. */
export const INTEGER_PROPERTIES = {
  polish: {
    kind: "choice",
    doc: "what tables are searched for",
    choices: [AS_PWL, "none", ...OBJECTIVES],
    default: AS_PWL,
  },
  slope_bits: {
    kind: "int",
    doc: "slope width",
    unit: "bit",
    min: 0,
    max: FIELDS["pwl.slopeBits"].max,
    default: 0,
  },
  offset_fraction: {
    kind: "int",
    doc: "offset fraction",
    unit: "bit",
    min: -1,
    max: FIELDS["pwl.offsetFraction"].max,
    default: -1,
  },
} as const;

/** The same and of their pieces, for which `pwl_` speaks too: everywhere but at `rsqrt`. */
export const TABLE_PROPERTIES = {
  pieces: { kind: "int", doc: "pieces", unit: "piece", min: 0, max: 256, default: 0 },
  method: { kind: "choice", doc: "where knots go", choices: [AS_PWL, ...PWL_METHODS], default: AS_PWL },
  ...INTEGER_PROPERTIES,
} as const;

/** The same of sites whose curve is symmetric. */
export const MIRRORED_PROPERTIES = {
  symmetry: {
    kind: "choice",
    doc: "whether half of the curve is stored where the unit can",
    choices: [AS_PWL, "point", "none"],
    default: AS_PWL,
  },
} as const;

/** The same of sites whose lookups are counted. */
export const WEIGHTED_PROPERTIES = {
  weights: {
    kind: "choice",
    doc: "how much each input counts",
    choices: [AS_PWL, "flat", "observed"],
    default: AS_PWL,
  },
} as const;

/** The recipe's key for a property of a site. */
type Own<S extends string, P extends Readonly<Record<string, Parameter>>> = {
  readonly [K in keyof P & string as `${S}_${K}`]: P[K];
};

/** A key for each site and property: `cell_pieces`. */
export function ownFields<S extends string, P extends Readonly<Record<string, Parameter>>>(
  sites: Readonly<Record<S, string>>,
  properties: P,
): Own<S, P> {
  const fields = Object.entries<string>(sites).flatMap(([site, about]) =>
    Object.entries(properties).map(([name, property]) => [
      `${site}_${name}`,
      { ...property, doc: `${property.doc}, ${about}; ${property.default}: as pwl_${name}` },
    ]),
  );
  return Object.fromEntries(fields) as Own<S, P>;
}
