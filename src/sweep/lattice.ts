import { FIELDS } from "../arch/fields.ts";
import { type ArchSpec, partOf } from "../arch/spec.ts";
import { InputError } from "../base/errors.ts";
import { hashOf } from "../base/hash.ts";
import { Recent } from "../base/recent.ts";
import type { Candidate as Choice, Dimension, Space as SearchSpace } from "../search/space.ts";
import { type Design, shapeFaults } from "./experiment.ts";
import { expand, type Point } from "./points.ts";
import { attempt } from "./refusal.ts";
import { type Axis, type Candidate, choiceAt, type Group, identityOf, type Space, sizesOf } from "./space.ts";

/** Combinations of which every one is looked at before a search: so few that nobody waits for it. */
const MOST_COUNTED = 100_000;
/** Points of the latest candidates: a generation's, several times over. */
const RECENT = 10_000;

/** An axis of some groups. Axes of the same parameters are one, whose values are those of all of them. */
interface Merged {
  readonly names: readonly string[];
  /** Each as text that tells it from the others, and as it is. */
  readonly values: Map<string, readonly unknown[]>;
}

/**
 * All groups of a design as one space: which group is the first dimension where there are several, then comes each axis. An axis is ordinal
 * where its values are numbers. Combinations that constraints leave out, or that no machine can be built for, stand for no point; equal
 * ones for the same.
 */
export class Lattice implements SearchSpace {
  readonly dimensions: readonly Dimension[];
  readonly size: number;
  /** How many points there are, or, of a design with more combinations than anybody would count, may be. */
  readonly points: number;
  readonly #design: Design;
  readonly #space: Space;
  readonly #axes: readonly Merged[];
  /** Of each group's axes: which dimension it is, and which value of that each of its own is. */
  readonly #places: readonly (readonly {
    readonly dimension: number;
    readonly values: readonly number[];
  }[])[];
  /** Numbers of points by their identity, as a sweep of the experiment has them. */
  readonly #numbers: ReadonlyMap<string, number> | undefined;
  readonly #found = new Recent<{ readonly point: Point | undefined }>(RECENT);

  /** @throws InputError where a constraint makes no sense or leaves nothing, and where there is no point, or only one */
  constructor(design: Design) {
    const { groups } = design.space;
    this.#design = design;
    this.#space = design.space;
    this.#axes = mergedAxes(groups);
    const first = groups.length > 1 ? 1 : 0;
    const keys = this.#axes.map(({ names }) => names.join());
    this.#places = groups.map(({ axes }) =>
      axes.map(({ names, values }) => {
        const axis = keys.indexOf(names.join());
        const own = [...this.#axes[axis]!.values.keys()];
        return { dimension: first + axis, values: values.map((value) => own.indexOf(textOf(value))) };
      }),
    );
    this.dimensions = [
      ...(first === 1 ? [{ values: groups.length, kind: "nominal", isCostly: true } as const] : []),
      ...this.#axes.map(dimensionOf),
    ];
    this.size = groups.reduce((sum, group) => sum + countOf(group), 0);
    this.#numbers = this.size <= MOST_COUNTED ? numbersOf(design) : undefined;
    this.points = this.#numbers?.size ?? this.size;
    if (this.points === 1) throw new InputError(design.path, "has one point: nothing is to be searched");
  }

  readonly at = (index: number): Choice => {
    let rest = index;
    const g = this.#space.groups.findIndex((group) => {
      const isHere = rest < countOf(group);
      if (!isHere) rest -= countOf(group);
      return isHere;
    });
    const candidate = this.dimensions.map(() => 0);
    if (this.#places.length > 1) candidate[0] = g;
    const choice = choiceAt(sizesOf(this.#space.groups[g]!), rest);
    for (const [a, { dimension, values }] of this.#places[g]!.entries())
      candidate[dimension] = values[choice[a]!]!;
    return candidate;
  };

  readonly identify = (candidate: Choice): string | undefined => {
    const point = this.pointAt(candidate);
    return point && identityOf(point);
  };

  /** The point that a candidate stands for. */
  pointAt(candidate: Choice): Point | undefined {
    return this.#found.recall(candidate.join(" "), () => ({ point: this.#pointAt(candidate) })).point;
  }

  #pointAt(candidate: Choice): Point | undefined {
    const g = this.#places.length > 1 ? candidate[0]! : 0;
    const group = this.#space.groups[g]!;
    const choice = this.#places[g]!.map(({ dimension, values }) => values.indexOf(candidate[dimension]!));
    if (choice.includes(-1)) return undefined;
    const combination = this.#space.combination(group, choice);
    if (!this.#space.admits(group, combination)) return undefined;
    const found = attempt(() => this.#space.candidate(combination));
    if ("problem" in found) return undefined;
    const point = Object.freeze({ index: this.#numberOf(found, g, choice), ...found });
    const [fault] = shapeFaults(this.#design, [point]);
    if (fault !== undefined) throw new InputError(this.#design.path, fault);
    return point;
  }

  /** Of a design that nobody counts, the number of the combination. */
  #numberOf(found: Candidate, g: number, choice: readonly number[]): number {
    const number = this.#numbers?.get(identityOf(found));
    if (number !== undefined) return number;
    const { groups } = this.#space;
    const before = groups.slice(0, g).reduce((sum, group) => sum + countOf(group), 0);
    return 1 + before + sizesOf(groups[g]!).reduce((index, size, a) => index * size + choice[a]!, 0);
  }
}

const countOf = (group: Group): number => sizesOf(group).reduce((product, size) => product * size, 1);

function numbersOf(design: Design): ReadonlyMap<string, number> {
  const { space, path } = design;
  const problems: string[] = [];
  const points = expand(space, (_, problem, index) => {
    // One that cannot be built is no point. What is wrong with all of a group is the experiment's.
    if (index === undefined) throw new InputError(path, problem);
    problems.push(problem);
  });
  if (points.length === 0) throw new InputError(path, `no point of it can be built: ${problems[0]}`);
  const [fault] = shapeFaults(design, points);
  if (fault !== undefined) throw new InputError(path, fault);
  return new Map(points.toReversed().map((point) => [identityOf(point), point.index]));
}

function mergedAxes(groups: readonly Group[]): Merged[] {
  const merged = new Map<string, Merged>();
  for (const { names, values } of groups.flatMap(({ axes }) => axes)) {
    const key = names.join();
    const axis: Merged = merged.get(key) ?? { names, values: new Map() };
    for (const value of values) axis.values.set(textOf(value), value);
    merged.set(key, axis);
  }
  return [...merged.values()].map((axis) => (isOrdinal(axis) ? inOrder(axis) : axis));
}

const isOrdinal = ({ values }: Merged): boolean =>
  [...values.values()].flat().every((value) => typeof value === "number");

/** A parameter's values ascend, wherever groups have them from. Parameters that change together do so as they stand. */
const inOrder = ({ names, values }: Merged): Merged => ({
  names,
  values:
    names.length > 1
      ? values
      : new Map([...values].sort(([, [a]], [, [b]]) => (a as number) - (b as number))),
});

const textOf = (value: Axis["values"][number]): string =>
  JSON.stringify(value.map((one) => (one !== null && typeof one === "object" ? hashOf(one) : one)));

const dimensionOf = (axis: Merged): Dimension => ({
  values: axis.values.size,
  kind: isOrdinal(axis) ? "ordinal" : "nominal",
  isCostly: axis.names.some((name, n) =>
    isOfNumerics(
      name,
      [...axis.values.values()].map((each) => each[n]),
    ),
  ),
});

/** Whether what a model computes depends on a parameter, or on which of some files. */
function isOfNumerics(name: string, values: readonly unknown[]): boolean {
  if (name === "mapper") return false;
  if (name === "arch")
    return new Set(values.map((arch) => hashOf(partOf(arch as ArchSpec, "bits")))).size > 1;
  const field = Object.hasOwn(FIELDS, name) ? FIELDS[name as keyof typeof FIELDS] : undefined;
  return field === undefined || field.affects.includes("bits");
}
