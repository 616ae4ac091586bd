import type { ArchSpec } from "../../arch/spec.ts";
import { InputError } from "../../base/errors.ts";
import { storageBytes } from "../../fixed/format.ts";
import { fetch, store } from "../../isa/ops/dma.ts";
import type { Program } from "../../isa/program.ts";
import { ActivationMap, Builder, lineFrom, plus, type Tensor } from "../../kernels/builder.ts";
import { loadProgram } from "../../kernels/compile.ts";
import { lowerConversion } from "../../kernels/convert.ts";
import { lowerCopy, lowerRescale, lowerZero } from "../../kernels/elementwise.ts";
import { ImageBuilder } from "../../kernels/image.ts";
import { fixedMapping, type Mapping, matrixNames, type Site } from "../../kernels/mapping.ts";
import { lowerMove } from "../../kernels/move.ts";
import { Residency } from "../../kernels/residency.ts";
import type { Job, Port, Stage } from "../job.ts";
import { type Life, laidOut } from "./memory.ts";
import { siteOf } from "./observe.ts";
import type { Part, Piece, Plan, PlannedStep } from "./plan.ts";

/** A stream has many frames for each start. */
const EXPECTED_FRAMES = 1000;

/** Where the array multiplies. */
export const sitesOf = ({ sites }: Plan): Site[] =>
  sites.map(({ name, matrices, placement }) => ({
    ...{ name, matrices, vectors: placement.vectors ?? 1 },
    ...(placement.isRecurrent && { isRecurrent: true }),
  }));

/**
 * Compiles plans of one network, by the size of their inputs, for one machine. Where there are states, `start` clears them; `run`
 * takes the inputs and gives the outputs.
 *
 * @param mapping  of the matrices of `sitesOf`; by the fixed rule where none is given
 * @throws InputError where it does not fit
 */
export function compileNetwork(plans: ReadonlyMap<number, Plan>, arch: ArchSpec, mapping?: Mapping): Job {
  const image = new ImageBuilder(arch);
  const [plan] = [...plans.values()];
  const sites = sitesOf(plan!);
  const matrices = sites.flatMap((site) => site.matrices);
  const chosen = mapping ?? fixedMapping(arch, matrices, matrixNames(sites));
  const weights = new Residency(arch, image, matrices, chosen);
  const programs = [...plans].map(
    ([size, one]) => [size, new PlanPrograms(one, arch, image, weights)] as const,
  );
  const stages = new Map(programs.map(([size, network]) => [size, network.stages()]));
  return {
    image: image.build(),
    load: loadProgram(arch, image, weights),
    stages,
    dataBytes: Math.max(...programs.map(([, { dataBytes }]) => dataBytes)),
    mapping: chosen,
    residentWeightBytes: weights.residentBytes,
  };
}

/** The programs of one plan. */
class PlanPrograms {
  readonly dataBytes: number;
  readonly #plan: Plan;
  readonly #arch: ArchSpec;
  readonly #image: ImageBuilder;
  readonly #weights: Residency;
  readonly #map: ActivationMap;
  readonly #addresses = new Map<Piece, number>();
  readonly #takes: Port;
  readonly #gives: Port;

  constructor(plan: Plan, arch: ArchSpec, image: ImageBuilder, weights: Residency) {
    this.#plan = plan;
    this.#arch = arch;
    this.#image = image;
    this.#weights = weights;
    this.#map = new ActivationMap(arch);
    this.#takes = portOf(brought(plan), 0);
    const end = storageBytes(this.#takes.count, this.#takes.bits);
    const outputs = plan.outputs.map(({ piece, elements }) => ({ ...piece, elements }));
    this.#gives = portOf(outputs, end);
    this.dataBytes = this.#gives.address + storageBytes(this.#gives.count, this.#gives.bits);
    this.#reserve();
  }

  stages(): readonly Stage[] {
    const { states } = this.#plan;
    const state = Object.fromEntries(states.map(({ to }) => [to.name, this.#tensorOf(to)]));
    const ports = { takes: this.#takes, gives: this.#gives };
    const run = { name: "run", program: this.#run(), ...ports };
    if (states.length === 0) return [{ ...run, turns: 1, expectedTurns: 1 }];
    return [
      { name: "start", program: this.#start(), turns: 1, expectedTurns: 1 },
      { ...run, state, expectedTurns: EXPECTED_FRAMES },
    ];
  }

  /** Gives every piece its place: states for good, the others while they are needed. */
  #reserve(): void {
    const { pieces, states } = this.#plan;
    for (const { to } of states)
      this.#addresses.set(to, this.#map.reserve(to.elements, to.grid.format.bits, to.name));
    const others = pieces.filter((piece) => !this.#addresses.has(piece));
    const lives = livesOf(this.#plan);
    const base = this.#map.mark;
    const { addresses, end } = laidOut(
      others.map((piece) => lives.get(piece)!),
      base,
    );
    this.#map.reserve(end - base, 8, "the values of the network");
    for (const [i, piece] of others.entries()) this.#addresses.set(piece, addresses[i]!);
  }

  /** A piece with its margins, as one vector. */
  #tensorOf(piece: Piece): Tensor {
    const { grid, elements, margin } = piece;
    return { at: this.#addresses.get(piece)!, grid, length: elements + 2 * margin, count: 1 };
  }

  #partOf({ piece, from, elements }: Part): Tensor {
    const whole = this.#tensorOf(piece);
    const bits = (piece.margin + from) * piece.grid.format.bits;
    if (bits % 8 !== 0)
      throw new InputError(
        `value ${piece.name}`,
        `is cut behind ${from} codes of ${piece.grid.format.bits} bits, which is no whole byte: activation_bits of 8 or 16 are`,
      );
    return { ...whole, at: plus(whole.at, bits / 8), length: elements };
  }

  #builder(): Builder {
    return new Builder(this.#image, this.#weights, this.#map.fork(), this.#arch);
  }

  #start(): Program {
    const b = this.#builder();
    b.label("start", () => {
      for (const { to } of this.#plan.states) lowerZero(b, this.#tensorOf(to));
    });
    return b.finish("start");
  }

  #run(): Program {
    const b = this.#builder();
    b.label("host", () => this.#bring(b));
    for (const step of this.#plan.steps) this.#step(b, step);
    b.label("host", () => this.#give(b));
    b.label("state", () => this.#carry(b));
    return b.finish("run");
  }

  /** What the next frame begins with: behind everything that reads what this one began with. */
  #carry(b: Builder): void {
    const { states } = this.#plan;
    const isOld = ({ piece }: Part) => states.some(({ to }) => to === piece);
    b.scratch(() => {
      // A state that is made of what another one was is put aside before that is written.
      const next = states.map(({ from }) => {
        const part = this.#partOf(from);
        if (!isOld(from)) return part;
        const aside = b.map.tensor(part.grid, part.length);
        lowerCopy(b, part, aside);
        return aside;
      });
      for (const [i, { to }] of states.entries()) lowerCopy(b, next[i]!, this.#tensorOf(to));
    });
  }

  /** Fetches the inputs; those that are narrower than others are brought in their width. */
  #bring(b: Builder): void {
    const { bits } = this.#takes;
    let { address } = this.#takes;
    for (const piece of brought(this.#plan)) {
      const n = piece.elements;
      const to = this.#tensorOf(piece).at as number;
      const own = piece.grid.format.bits;
      if (own === bits) b.transfer(fetch, to, address, n, bits);
      else
        b.scratch(() => {
          const wide = b.map.reserve(n, bits);
          b.transfer(fetch, wide, address, n, bits);
          lowerConversion(b, { dst: to, a: wide, n, aBits: bits, bits: own, shift: 0 });
        });
      address += storageBytes(n, bits);
    }
  }

  #give(b: Builder): void {
    const { bits } = this.#gives;
    let { address } = this.#gives;
    for (const part of this.#plan.outputs) {
      const n = part.elements;
      const { at } = this.#partOf(part);
      const own = part.piece.grid.format.bits;
      b.scratch(() => {
        const wide = own === bits ? (at as number) : b.map.reserve(n, bits);
        if (own !== bits) lowerConversion(b, { dst: wide, a: at, n, aBits: own, bits, shift: 0 });
        b.transfer(store, address, wide, n, bits);
      });
      address += storageBytes(n, bits);
    }
  }

  #step(b: Builder, step: PlannedStep): void {
    if (step.kind === "moved") {
      b.label("layout", () => this.#move(b, step));
      return;
    }
    const { placement, outputs } = step;
    b.label(siteOf(step.label), () => {
      const written = outputs.map((output) => this.#tensorOf(output.written));
      placement.lower(
        b,
        step.inputs.map((input) => this.#partOf(input)),
        written,
      );
      for (const [i, { written: piece, rescaled }] of outputs.entries()) {
        if (rescaled === undefined) continue;
        const inner = this.#partOf({ piece, from: 0, elements: piece.elements });
        lowerRescale(b, step.step.rescales[i]!, inner, this.#tensorOf(rescaled));
      }
    });
  }

  #move(b: Builder, { moves, sources, to, from }: PlannedStep & { readonly kind: "moved" }): void {
    const result = this.#tensorOf(to);
    if (sources.some((source) => source < 0)) lowerZero(b, result);
    for (const { from: element, to: place, rows, columns, ...strides } of moves) {
      const piece = from.find(({ first, elements }) => element >= first && element < first + elements)!;
      const source = this.#partOf({ piece, from: element - piece.first, elements: 1 });
      const target = this.#partOf({ piece: to, from: place, elements: rows * columns });
      lowerMove(b, source, target, { rows, columns, ...strides });
    }
  }
}

/** What a host brings at each turn: the inputs that are no states. */
const brought = ({ inputs, states }: Plan): readonly Piece[] =>
  inputs.filter((piece) => !states.some(({ to }) => to === piece));

/** Codes of pieces one behind the other, all in the widest's width. */
function portOf(pieces: readonly Pick<Piece, "grid" | "elements">[], from: number): Port {
  const bits = Math.max(...pieces.map(({ grid }) => grid.format.bits));
  const count = pieces.reduce((sum, { elements }) => sum + elements, 0);
  return { address: lineFrom(from, bits), bits, count };
}

/** When each piece is in use: its number of steps from the program's beginning. */
function livesOf({ pieces, inputs, steps, outputs, states }: Plan): ReadonlyMap<Piece, Life> {
  const from = new Map<Piece, number>(inputs.map((piece) => [piece, -1]));
  const to = new Map<Piece, number>();
  for (const [i, step] of steps.entries()) {
    const written =
      step.kind === "moved"
        ? [step.to]
        : step.outputs.flatMap(({ written: first, rescaled }) => (rescaled ? [first, rescaled] : [first]));
    const read = step.kind === "moved" ? step.from : step.inputs.map(({ piece }) => piece);
    for (const piece of written) from.set(piece, i);
    for (const piece of read) to.set(piece, i);
  }
  for (const { piece } of [...outputs, ...states.map((state) => state.from)]) to.set(piece, steps.length);
  return new Map(
    pieces.map((piece) => {
      const { elements, margin, grid } = piece;
      const begin = from.get(piece)!;
      const life = { from: begin, to: Math.max(begin, to.get(piece) ?? begin) };
      return [piece, { ...life, elements: elements + 2 * margin, bits: grid.format.bits }];
    }),
  );
}
