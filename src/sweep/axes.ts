import { faultOf, type Parameter } from "../base/settings.ts";
import type { Node } from "./decode.ts";
import { type Axis, SETTINGS } from "./space.ts";

/** Values of one thing that an axis may name, from the nodes that say them. */
export type ReadValues = (node: Node) => readonly unknown[];

const RANGE_KEYS = ["from", "to", "step", "times"];
const MOST_VALUES = 10_000;

/**
 * The axes of a group: those of `zip`, whose parameters change together, then each of `axes` by itself.
 *
 *     axes:
 *       weight_bits: [8, 4]
 *       cell_bits: { from: 8, to: 16, step: 2 }      # 8 10 12 14 16; step is 1 where it is not said
 *       pwl_pieces: { from: 4, to: 32, times: 2 }    # 4 8 16 32
 *     zip: { mac.rows: [8, 16], mac.columns: [16, 8] }
 *
 * @param files  how values are read that name files
 */
export function readAxes(group: Node, files: Readonly<Record<string, ReadValues>>): Axis[] {
  const known = [...Object.keys(files), ...Object.keys(SETTINGS)];
  const valuesOf = (name: string, node: Node) => (files[name] ?? settingValues(name))(node);
  const zip = group.at("zip");
  const zipped = zip.isMissing ? [] : zip.oneOrMore("mappings").map((node) => readZip(node, known, valuesOf));
  const single = group
    .at("axes")
    .entries(known, "parameter")
    .map(([name, node]): Axis => ({ names: [name], values: valuesOf(name, node).map((value) => [value]) }));
  const axes = [...zipped, ...single];
  const names = axes.flatMap((axis) => axis.names);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) group.complain(`${twice} is on two axes`);
  return axes;
}

function readZip(
  node: Node,
  known: readonly string[],
  valuesOf: (name: string, node: Node) => readonly unknown[],
): Axis {
  const columns = node
    .entries(known, "parameter")
    .map(([name, each]) => ({ name, values: valuesOf(name, each) }));
  const [first] = columns;
  if (first === undefined) {
    if (node.isMapping) node.complain("names no parameter");
    return { names: [], values: [[]] };
  }
  const shortest = Math.min(...columns.map(({ values }) => values.length));
  const odd = columns.find(({ values }) => values.length !== first.values.length);
  if (odd !== undefined)
    node.complain(
      `${odd.name} has ${odd.values.length} values and ${first.name} ${first.values.length}: they change together`,
    );
  return {
    names: columns.map(({ name }) => name),
    values: first.values.slice(0, shortest).map((_, i) => columns.map(({ values }) => values[i])),
  };
}

const settingValues =
  (name: string): ReadValues =>
  (node) =>
    node.isMapping
      ? rangeOf(node, SETTINGS[name]!)
      : node.items("values").map((item) => item.parameter(SETTINGS[name]!));

/** Both ends count; towards `to`, whichever is the larger. */
function rangeOf(node: Node, parameter: Parameter): number[] {
  const has = (key: string) => !node.at(key).isMissing;
  node.entries(RANGE_KEYS);
  if (parameter.kind === "choice") {
    node.complain("a range is of numbers; this parameter takes words");
    return [];
  }
  const lacking = ["from", "to"].filter((key) => !has(key));
  if (lacking.length > 0) {
    node.complain(`a range says from and to; there is no ${lacking.join(" and no ")}`);
    return [];
  }
  if (has("step") && has("times")) {
    node.complain("a range has a step or a factor (times), not both");
    return [];
  }
  const [from, to] = [node.at("from"), node.at("to")].map((end) => end.parameter(parameter) as number);
  const by = (key: "step" | "times", least: number) => {
    const { value } = node.at(key);
    if (typeof value === "number" && Number.isFinite(value) && value > least) return value;
    node.at(key).complain(`${JSON.stringify(value)} is not a number above ${least}`);
    return undefined;
  };
  const amount = has("times") ? by("times", 1) : has("step") ? by("step", 0) : 1;
  if (amount === undefined) return [];
  if (has("times") && Math.min(from!, to!) <= 0) {
    node.complain("no factor leads from or to what is not above 0");
    return [];
  }
  const values = has("times") ? geometric(from!, to!, amount) : arithmetic(from!, to!, amount);
  if (values.length > MOST_VALUES) node.complain(`a range of more than ${MOST_VALUES} values`);
  const fault = values.map((value) => faultOf(parameter, value)).find((one) => one !== undefined);
  if (fault !== undefined) node.complain(fault.trimEnd());
  return values;
}

const arithmetic = (from: number, to: number, step: number): number[] =>
  until(from, to, (k) => from + (to < from ? -k : k) * step);

const geometric = (from: number, to: number, factor: number): number[] =>
  until(from, to, (k) => (to < from ? from / factor ** k : from * factor ** k));

/** Room for what is lost in adding reals, and digits that do not show it: 0.3, and not 0.30000000000000004. */
const SLACK = 1e-9;
const SHOWN_DIGITS = 12;

function until(from: number, to: number, valueAt: (k: number) => number): number[] {
  const values: number[] = [];
  const beyond = (value: number) => (to < from ? to - value : value - to) > SLACK * Math.abs(to - from);
  for (let k = 0; values.length <= MOST_VALUES; k++) {
    const value = valueAt(k);
    if (beyond(value)) break;
    values.push(Number(value.toPrecision(SHOWN_DIGITS)));
  }
  return values;
}
