import fc from "fast-check";
import seedrandom from "seedrandom";
import type { Settings } from "../../src/arch/fields.ts";
import { InputError } from "../../src/base/errors.ts";
import { maxOf, minOf } from "../../src/fixed/format.ts";
import { type Program, unroll } from "../../src/isa/program.ts";
import {
  type Codes,
  type Definition,
  defineKernel,
  encodeInputs,
  type Kernel,
  type Quantized,
  type Reals,
} from "../../src/kernels/define.ts";
import { PWL_METHODS } from "../../src/pwl/placement.ts";
import { OBJECTIVES } from "../../src/pwl/polish.ts";
import { makeRecipe, RECIPE_FIELDS, type Recipe } from "../../src/quant/recipe.ts";
import { Bench, compile, expectExact, flat } from "../kernels/harness.ts";
import { expectSameInts } from "../support/ints.ts";
import type { Changes } from "../support/machines.ts";
import { anyChanges, type Compared, machineOf } from "./fuzz-machines.ts";

/** Kernels of random shapes, recipes and machines: the plain loops against the machine on either backend. */

type Rng = () => number;

/** A kernel whose shape is drawn. */
export interface Family<S = unknown> {
  readonly name: string;
  readonly shape: fc.Arbitrary<S>;
  /** What the recipe must be for this shape, whatever was drawn. */
  readonly recipe?: (shape: S, recipe: Partial<Recipe>) => Partial<Recipe>;
  /** The kernel with one sample of that shape; weights come from `rng`. */
  readonly kernel: (shape: S, rng: Rng) => Kernel;
}

/** A family with the type of its shapes closed over. */
export const family = <S>(of: Family<S>): Family => of as unknown as Family;

export const upTo = (max: number): fc.Arbitrary<number> => fc.integer({ min: 1, max });
/** A length as drawn, or so many that they end on a whole byte at every width: others most recipes cannot cut. */
export const sized = (length: number, whole: boolean): number => (whole ? 8 * Math.ceil(length / 8) : length);

/** How far inputs reach: ranges of a few units, of fractions, and of many. */
export const limits = fc.constantFrom(1, 4, 0.3, 20);

/** A kernel of one sample, whose parameters its functions close over. */
export function kernelOf<Q>(
  draw: Definition<undefined, Q>["samples"][number]["draw"],
  parts: Omit<Definition<undefined, Q>, "name" | "doc" | "bound" | "samples">,
): Kernel {
  return defineKernel<undefined, Q>({
    ...{ name: "fuzzed", doc: "", bound: { rms: 0, reason: "" } },
    samples: [{ name: "drawn", params: undefined, draw }],
    ...parts,
  });
}

interface KernelCase {
  readonly shape: unknown;
  readonly recipe: Partial<Recipe>;
  readonly machine: Changes;
  readonly lanes: number;
  readonly data: number;
}

const MEMORIES: Changes = {
  ...{ "activation.bytes": 32_768, "weight.bytes": 8192, "table.bytes": 32_768, "acc.entries": 64 },
};
/** What is drawn less widely than is legal: a table of more pieces takes longer to place, and computes in the same way. */
const MOST: Partial<Record<keyof Recipe, number>> = { cell_bits: 12, exp_bits: 12 };
const MOST_PIECES = 20;
/** What searches for long when a table is made. It is looked up in the same way whatever made it. */
const QUICK: readonly string[] = ["slope", "gap", "uniform"];
const SEARCHES: ReadonlySet<string> = new Set([
  ...PWL_METHODS.filter((method) => !QUICK.includes(method)),
  ...OBJECTIVES,
]);

/** The recipe with tables as narrow as the machine holds them, where it asks for more: else most would be refused. */
const held = (recipe: Partial<Recipe>, arch: Settings): Partial<Recipe> =>
  Object.fromEntries(
    Object.entries(recipe).filter(
      ([name, value]) =>
        !(
          (name.endsWith("_slope_bits") && (value === 1 || Number(value) > arch["pwl.slopeBits"])) ||
          (name.endsWith("_offset_fraction") && Number(value) > arch["pwl.offsetFraction"])
        ),
    ),
  );

const anyRecipe: fc.Arbitrary<Partial<Recipe>> = fc.record(
  Object.fromEntries(
    (Object.keys(RECIPE_FIELDS) as (keyof Recipe)[]).map((name) => {
      const f = RECIPE_FIELDS[name];
      if (f.kind === "choice")
        return [name, fc.constantFrom(...(f.choices as readonly string[]).filter((c) => !SEARCHES.has(c)))];
      const most = name.endsWith("_pieces") ? MOST_PIECES : f.max;
      return [name, fc.integer({ min: f.min, max: MOST[name] ?? most })];
    }),
  ),
  { requiredKeys: [] },
) as fc.Arbitrary<Partial<Recipe>>;

export const anyKernelCase = ({ shape }: Family): fc.Arbitrary<KernelCase> =>
  fc.record({
    shape,
    recipe: anyRecipe,
    machine: anyChanges,
    lanes: fc.integer({ min: 1, max: 33 }),
    data: fc.nat(2 ** 20),
  });

/** Draws that ranges are observed on. */
const CALIBRATED = 3;

/** Inputs as they were drawn, and in every second lane any codes at all. */
function codesOf(batch: readonly (readonly Reals[])[], q: Quantized, lanes: number, rng: Rng): Codes[][] {
  return Array.from({ length: lanes }, (_, lane) => {
    const drawn = encodeInputs(batch[lane % batch.length]!, q.inputs);
    if (lane % 2 === 0) return [...drawn];
    return drawn.map((vectors, i) => {
      const { format } = q.inputs[i]!;
      const [lo, hi] = [minOf(format), maxOf(format)];
      const code = () => Math.min(hi, Math.max(lo, lo - 1 + Math.floor(rng() * (hi - lo + 3))));
      return vectors.map((x) => x.map(code));
    });
  });
}

/**
 * The property: on both backends the machine gives what the plain loops give, in every lane.
 *
 * @param mutate  what the plain loops are replaced by, where they are to be found wrong
 * @throws where they differ; skips what recipe and machine have no numbers for
 */
export function checkKernel(
  of: Family,
  drawn: KernelCase,
  compared: Compared,
  mutate: (q: Quantized) => Quantized = (q) => q,
): void {
  const arch = machineOf(drawn.machine, MEMORIES);
  const rng = seedrandom(`fuzz/${of.name}/${drawn.data}`);
  const [sample] = of.kernel(drawn.shape, rng).samples;
  const batch = Array.from({ length: CALIBRATED }, () => sample!.draw(rng));
  const given = held(drawn.recipe, arch.settings);
  const recipe = makeRecipe(of.recipe?.(drawn.shape, given) ?? given);
  const made = unlessRefused(() => {
    const q = mutate(sample!.quantize(batch, { recipe, arch: arch.settings }));
    const codes = codesOf(batch, q, drawn.lanes, rng);
    return { q, codes, compiled: compile({ q, codes, arch }) };
  });
  fc.pre(made !== undefined && areWidthsLegal(made.compiled.run, arch.settings));
  const { q, codes, compiled } = made!;
  // Whatever else the machine refuses in a compiled program is a fault of the lowering, and no case to skip.
  const results = (["simd", "twin"] as const).map((backend) =>
    new Bench(compiled, arch, drawn.lanes, backend).run(codes),
  );
  const wanted = codes.map((inputs) => q.exact(inputs, arch.settings));
  for (const result of results) expectExact(result, { exact: (lane) => wanted[lane]! });
  for (const what of ["saturations", "overflows"] as const)
    expectSameInts(results[1]![what], results[0]![what], `${what} of the backends`);
  for (const vectors of wanted) compared.loops += results.length * flat(vectors).length;
}

/** Whether the operations' own rules, which are about widths, let the program be. */
const areWidthsLegal = (program: Program, arch: Settings): boolean =>
  unroll(program).every(({ op, x }) => (op.check?.(x, arch) ?? []).length === 0);

/** What `make` makes, or undefined where recipe, shape and machine do not go together. */
function unlessRefused<T>(make: () => T): T | undefined {
  try {
    return make();
  } catch (error) {
    if (error instanceof InputError) return undefined;
    throw error;
  }
}
