import type { ArchSpec } from "../arch/spec.ts";
import { InputError } from "../base/errors.ts";
import { hashOf } from "../base/hash.ts";
import { formatProgram } from "../isa/asm.ts";
import type { Program } from "../isa/program.ts";
import type { Weights } from "../kernels/image.ts";
import {
  bytesOfRows,
  endOf,
  fixedMapping,
  type Mapping,
  type MatrixMapping,
  matrixNames,
  rowsIn,
  type Site,
} from "../kernels/mapping.ts";
import { time } from "../machine/timing.ts";
import { buffersOf, type Cut, cutsOf, staying, stepsOf } from "./candidates.ts";

/** A program, and how often it runs beside the others. */
interface Invoked {
  readonly program: Program;
  readonly times: number;
}

/** Something whose matrices can be mapped in more than one way. */
export interface Mappable {
  readonly sites: readonly Site[];
  /** What is timed. @throws InputError where a mapping does not fit the machine */
  lower(mapping: Mapping): readonly Invoked[];
}

/** What a search found. */
export interface Found {
  readonly mapping: Mapping;
  /** Of all invocations, by the mapping found and by the one that the search set out from, the fixed rule's if that fits. */
  readonly cycles: number;
  readonly firstCycles: number;
  /** Mappings that were lowered. */
  readonly tried: number;
}

interface Cost {
  readonly cycles: number;
  readonly dramBytes: number;
}

const isBetter = (a: Cost, b: Cost): boolean =>
  a.cycles < b.cycles || (a.cycles === b.cycles && a.dramBytes < b.dramBytes);

/** Searches by the programs that they set out from and the machine: equal contents, equal answer. */
const known = new Map<string, Found>();

/**
 * The fastest mapping found, by the clock: never slower than the fixed rule's. Greedy: what stays in weight SRAM by
 * cycles or by DRAM bytes saved for each of its bytes, with stream buffers of several sizes, whole matrices and then rows
 * of others; each matrix once first of all; then each site by itself, tiles and blocks, loop order, steps at once. Of equally fast ones that which moves fewer bytes of DRAM, then the first. Mappings that do not
 * fit are passed over. A pure function of programs and machine.
 *
 * @throws InputError, the fixed rule's, where neither it fits the machine nor fewer steps at once do
 */
export function searchMapping(subject: Mappable, arch: ArchSpec): Found {
  const matrices = subject.sites.flatMap((site) => site.matrices);
  const first = firstMapping(subject, matrices, arch);
  const texts = subject.lower(first).map(({ program, times }) => [formatProgram(program), times]);
  const sites = subject.sites.map((site) => [site.name, site.vectors, site.isRecurrent ?? false]);
  const key = hashOf([texts, sites, first, arch.settings]);
  const found = known.get(key) ?? new Search(subject, arch, matrices, first).run();
  known.set(key, found);
  return found;
}

/** The fixed rule's mapping, or where activations of all steps do not fit one with as many steps at once as do. */
function firstMapping(subject: Mappable, matrices: readonly Weights[], arch: ArchSpec): Mapping {
  const fixed = fixedMapping(arch, matrices, matrixNames(subject.sites));
  const inputs = new Set(subject.sites.filter((site) => site.isRecurrent).flatMap((site) => site.matrices));
  const withSteps = (steps: number): Mapping => ({
    ...fixed,
    matrices: fixed.matrices.map((matrix, i) => (inputs.has(matrices[i]!) ? { ...matrix, steps } : matrix)),
  });
  const fewer = [...new Set(subject.sites.flatMap(stepsOf))].sort((a, b) => b - a);
  let refusal: InputError | undefined;
  for (const mapping of [fixed, ...fewer.map(withSteps)]) {
    try {
      subject.lower(mapping);
      return mapping;
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      refusal ??= error;
    }
  }
  throw refusal!;
}

class Search {
  readonly #subject: Mappable;
  readonly #arch: ArchSpec;
  readonly #matrices: readonly Weights[];
  /** What programs cost, by their text. */
  readonly #costs = new Map<string, Cost>();
  /** Mappings that need no second look. */
  readonly #offered = new Set<string>();
  readonly #first: Cost;
  #best: Mapping;
  #cost: Cost;
  #tried = 0;

  constructor(subject: Mappable, arch: ArchSpec, matrices: readonly Weights[], first: Mapping) {
    this.#subject = subject;
    this.#arch = arch;
    this.#matrices = matrices;
    this.#best = { ...first, by: "search" };
    this.#first = this.#costOf(first);
    this.#cost = this.#first;
  }

  run(): Found {
    this.#placeAll();
    for (const site of this.#subject.sites) this.#cutSite(site);
    const { cycles } = this.#cost;
    return { mapping: this.#best, cycles, firstCycles: this.#first.cycles, tried: this.#tried };
  }

  /** What stays, and what the rest streams through. */
  #placeAll(): void {
    const room = this.#arch.settings["weight.bytes"];
    if (endOf(this.#matrices, 0) <= room) return;
    const orders = this.#byBenefit();
    for (const buffers of buffersOf(this.#matrices, this.#arch))
      for (const order of orders) this.#offerStaying(order, buffers);
    const { buffers } = this.#best;
    const [order] = orders;
    for (const i of order!) this.#offerStaying([i, ...order!.filter((one) => one !== i)], buffers);
  }

  #offerStaying(order: readonly number[], buffers: Mapping["buffers"]): void {
    for (const parts of [false, true])
      this.#offer(this.#placed(staying(order, this.#matrices, buffers, this.#arch, parts), buffers));
  }

  /** The matrices by the cycles, and by the bytes of DRAM, that each saves for each of its bytes when it alone stays, the most first. */
  #byBenefit(): number[][] {
    const { buffers } = this.#best;
    const none = this.#tryCost(this.#placed(new Map(), buffers));
    const alone = this.#matrices.map(({ rows }, i) =>
      this.#tryCost(this.#placed(new Map([[i, rows]]), buffers)),
    );
    return (["cycles", "dramBytes"] as const).map((what) => {
      const benefits = this.#matrices.map((matrix, i) => {
        const saved = none === undefined || alone[i] === undefined ? 0 : none[what] - alone[i][what];
        return saved / bytesOfRows(matrix, matrix.rows);
      });
      return benefits.map((_, i) => i).sort((a, b) => benefits[b]! - benefits[a]! || a - b);
    });
  }

  /** @param stays  rows of matrices */
  #placed(stays: ReadonlyMap<number, number>, buffers: Mapping["buffers"]): Mapping {
    const matrices = this.#best.matrices.map((matrix, i): MatrixMapping => {
      const { kept: _, ...rest } = matrix;
      const rows = stays.get(i) ?? 0;
      if (rows === this.#matrices[i]!.rows) return { ...rest, place: "resident" };
      return { ...rest, place: "streamed", ...(rows > 0 && { kept: rows }) };
    });
    return { by: "search", buffers, matrices };
  }

  /** Tiles and blocks of a site; at the input of a recurrence how many steps at once, too. */
  #cutSite(site: Site): void {
    const own = new Set(site.matrices);
    const withCut = (cut: Cut): Mapping => ({
      ...this.#best,
      matrices: this.#best.matrices.map(({ name, place, kept }, i) =>
        own.has(this.#matrices[i]!)
          ? { name, place, ...(kept && { kept }), ...cut }
          : this.#best.matrices[i]!,
      ),
    });
    const first = this.#matrices.findIndex((matrix) => own.has(matrix));
    for (const steps of stepsOf(site)) this.#offer(withCut({ ...cutOf(this.#best.matrices[first]!), steps }));
    const { steps } = this.#best.matrices[first]!;
    for (const cut of cutsOf(site, steps, this.#fitting(own), this.#arch)) this.#offer(withCut(cut));
  }

  /** The most rows that a tile of these matrices can have. */
  #fitting(own: ReadonlySet<Weights>): number {
    const rows = this.#matrices.map((matrix, i) => {
      if (!own.has(matrix) || this.#best.matrices[i]!.place === "resident") return Number.POSITIVE_INFINITY;
      return rowsIn(this.#best.buffers.bytes, matrix);
    });
    return Math.min(...rows);
  }

  #offer(mapping: Mapping): void {
    const key = hashOf(mapping);
    if (this.#offered.has(key)) return;
    this.#offered.add(key);
    const cost = this.#tryCost(mapping);
    if (cost === undefined || !isBetter(cost, this.#cost)) return;
    this.#best = mapping;
    this.#cost = cost;
  }

  /** Nothing where the mapping does not fit. */
  #tryCost(mapping: Mapping): Cost | undefined {
    try {
      return this.#costOf(mapping);
    } catch (error) {
      if (error instanceof InputError) return undefined;
      throw error;
    }
  }

  #costOf(mapping: Mapping): Cost {
    this.#tried++;
    let cycles = 0;
    let dramBytes = 0;
    for (const { program, times } of this.#subject.lower(mapping)) {
      const cost = this.#timed(program);
      cycles += times * cost.cycles;
      dramBytes += times * cost.dramBytes;
    }
    return { cycles, dramBytes };
  }

  #timed(program: Program): Cost {
    const text = formatProgram(program);
    const held = this.#costs.get(text);
    if (held !== undefined) return held;
    const { cycles, traffic } = time(program, this.#arch);
    const cost = { cycles, dramBytes: traffic.dram.readBytes + traffic.dram.writeBytes };
    this.#costs.set(text, cost);
    return cost;
  }
}

const cutOf = ({ rows, vectors, order }: MatrixMapping): Cut => ({
  ...(rows !== undefined && { rows }),
  ...(vectors !== undefined && { vectors }),
  ...(order !== undefined && { order }),
});
