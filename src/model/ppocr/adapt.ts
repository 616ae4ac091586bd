import { InputError } from "../../base/errors.ts";
import type { ParsedModel, ParsedNode } from "../../onnx/parse.ts";
import { elementsIn, type Tensor, tensorOf } from "../../onnx/tensor.ts";

/** Constants of the file with other sizes: outputs that are left out, and zeros that fill up. */

/** Where elements along an axis come from; `FILLED` where they are new. */
type Sources = readonly number[];
const FILLED = -1;

/** A constant's shape in the file, and along which of its axes it changes. */
interface Change {
  readonly shape: readonly number[];
  readonly axis: number;
  readonly sources: Sources;
  /** What new elements are: 0, but 1 of variances, which are divided by. */
  readonly fill?: number;
}

const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

/** `groups` of `size` each, filled up to `filled` each. */
const inGroups = (groups: number, size: number, filled: number): Sources =>
  upTo(groups).flatMap((group) => upTo(filled).map((i) => (i < size ? group * size + i : FILLED)));

/** Outputs of the head. */
const OUTPUTS = 6625;
/** Between the two convolutions of a pair, filled up. */
const [BETWEEN, BETWEEN_FILLED] = [60, 64];
/** Sizes of a transformer block, and of its heads, filled up. */
const [MODEL, HEADS, HEAD, HEAD_FILLED] = [120, 8, 15, 16];

/** The two pairs of convolutions with what is between them, by the numbers of their names. */
const PAIRS = [
  { first: 142, second: 143, norm: 148, inputs: 480 },
  { first: 145, second: 146, norm: 151, inputs: 960 },
];
/** The two blocks: their projections to queries, keys and values, and from contexts; constants that say sizes. */
const BLOCKS = [
  { into: 77, from: 78, head: 7, contexts: 11 },
  { into: 81, from: 82, head: 19, contexts: 23 },
];

/** Changes by the names of constants. @param kept  outputs of the head that stay */
function changesOf(kept: Sources): ReadonlyMap<string, Change> {
  const between = inGroups(1, BETWEEN, BETWEEN_FILLED);
  const tripled = inGroups(3 * HEADS, HEAD, HEAD_FILLED);
  return new Map<string, Change>([
    ...PAIRS.flatMap(({ first, second, norm, inputs }): [string, Change][] => [
      [`conv2d_${first}.w_0`, { shape: [BETWEEN, inputs, 1, 3], axis: 0, sources: between }],
      [`conv2d_${second}.w_0`, { shape: [MODEL, BETWEEN, 1, 1], axis: 1, sources: between }],
      ...["w_0", "b_0", "w_1", "w_2"].map((part): [string, Change] => [
        `batch_norm2d_${norm}.${part}`,
        { shape: [BETWEEN], axis: 0, sources: between, fill: part === "w_2" ? 1 : 0 },
      ]),
    ]),
    ...BLOCKS.flatMap(({ into, from }): [string, Change][] => [
      [`linear_${into}.w_0`, { shape: [MODEL, 3 * MODEL], axis: 1, sources: tripled }],
      [`linear_${into}.b_0`, { shape: [3 * MODEL], axis: 0, sources: tripled }],
      [`linear_${from}.w_0`, { shape: [MODEL, MODEL], axis: 0, sources: inGroups(HEADS, HEAD, HEAD_FILLED) }],
    ]),
    ["linear_85.w_0", { shape: [MODEL, OUTPUTS], axis: 1, sources: kept }],
    ["linear_85.b_0", { shape: [OUTPUTS], axis: 0, sources: kept }],
  ]);
}

/** Sizes that reshapes ask for, by the names of their constants: what they are in the file, and become. */
const SIZES: ReadonlyMap<string, readonly [number, number]> = new Map(
  BLOCKS.flatMap(({ head, contexts }) => [
    [`fill_constant_${head}.tmp_0`, [HEAD, HEAD_FILLED]],
    [`fill_constant_${contexts}.tmp_0`, [MODEL, HEADS * HEAD_FILLED]],
  ]),
);

/**
 * The model with a head of fewer outputs, and with 60 channels filled up to 64, and heads of 15 to 16, by zeros that change no result:
 * codes of any width then end on a byte.
 *
 * @param kept  outputs of the head that stay, in their order
 * @throws InputError naming a constant that is missing or has another shape
 */
export function adapted(model: ParsedModel, kept: Sources): ParsedModel {
  const changes = changesOf(kept);
  const missing = new Set([...changes.keys(), ...SIZES.keys()]);
  const nodes = model.graph.nodes.map((node) => {
    const [name] = node.outputs;
    const value = node.attributes.get("value");
    if (node.type !== "Constant" || name === undefined || !missing.delete(name)) return node;
    return withValue(node, changedValue(value as Tensor, name, changes.get(name), model.file));
  });
  const [first] = missing;
  if (first !== undefined) throw new InputError(`${model.file}: constant ${first}`, "is missing");
  return { ...model, graph: { ...model.graph, nodes } };
}

const withValue = (node: ParsedNode, value: Tensor): ParsedNode => ({
  ...node,
  attributes: new Map([...node.attributes, ["value", value]]),
});

function changedValue(value: Tensor, name: string, change: Change | undefined, file: string): Tensor {
  const where = `${file}: constant ${name}`;
  if (change === undefined) {
    const [size, filled] = SIZES.get(name)!;
    if (value.data.length !== 1 || value.data[0] !== size)
      throw new InputError(where, `is [${[...value.data.subarray(0, 9)]}], not ${size}`);
    return tensorOf(value.dtype, value.shape, [filled]);
  }
  if (value.shape.join() !== change.shape.join())
    throw new InputError(where, `has the shape [${value.shape}], not [${change.shape}]`);
  return regrouped(value, change);
}

/** A tensor with other elements along an axis. */
function regrouped({ dtype, shape, data }: Tensor, { axis, sources, fill = 0 }: Change): Tensor {
  const inner = elementsIn(shape.slice(axis + 1));
  const size = shape[axis]!;
  const values: number[] = [];
  for (let outer = 0; outer < data.length; outer += size * inner)
    for (const source of sources)
      for (let i = 0; i < inner; i++)
        values.push(source === FILLED ? fill : data[outer + source * inner + i]!);
  return tensorOf(dtype, [...shape.slice(0, axis), sources.length, ...shape.slice(axis + 1)], values);
}
