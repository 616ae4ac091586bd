import { type ArchSpec, partOf } from "../arch/spec.ts";
import { InputError } from "../base/errors.ts";
import { hashOf } from "../base/hash.ts";
import { formatProgram } from "../isa/asm.ts";
import type { Space } from "../isa/define.ts";
import type { Image } from "../isa/image.ts";
import type { Program } from "../isa/program.ts";
import { endsOf, mayOverflow, validate, Written } from "../isa/validate.ts";

/** Everything that a machine will be asked to run, and what is in the DRAM for it. */
export interface Runnable {
  /** The constants that the programs load. */
  readonly image: Image;
  readonly programs: readonly Program[];
  /** Bytes of the data region of the DRAM. */
  readonly dataBytes: number;
  /** Whether the host puts codes into the machine's own memories by itself, so that programs may read what none of them writes. */
  readonly filled?: boolean;
}

/** Programs that are legal on a machine: what it executes, and what a report gives the time of. */
export class Legal {
  readonly arch: ArchSpec;
  readonly runnable: Runnable;
  /** Whether an accumulator might leave its range, by the widths of operands. */
  readonly mayOverflow: boolean;

  private constructor(arch: ArchSpec, runnable: Runnable, overflows: boolean) {
    this.arch = arch;
    this.runnable = runnable;
    this.mayOverflow = overflows;
  }

  /**
   * @param known  what was found legal before, by what legality goes by, and whether it may overflow: so much is judged once
   * @throws InputError where a memory of the machine is smaller than the programs need, or a program is illegal on it
   */
  static of(arch: ArchSpec, runnable: Runnable, known?: Map<string, boolean>): Legal {
    const key = known === undefined ? "" : keyOf(arch, runnable);
    let overflows = known?.get(key);
    if (overflows === undefined) {
      refuseSmallMemories(runnable, arch);
      refuseIllegal(runnable, arch);
      overflows = runnable.programs.some((program) => mayOverflow(program, arch.settings));
      known?.set(key, overflows);
    }
    return new Legal(arch, runnable, overflows);
  }
}

const keyOf = (arch: ArchSpec, { image, programs, dataBytes, filled = false }: Runnable): string =>
  hashOf([programs.map(formatProgram), image.bytes, dataBytes, filled, partOf(arch, "legality")]);

function refuseIllegal({ image, dataBytes, filled, ...runnable }: Runnable, arch: ArchSpec): void {
  const programs = [...new Set(runnable.programs)];
  const extents = { image: image.bytes, data: dataBytes };
  // In which order they are run is the host's to say, and so is how often: each may find what all others write.
  const written = filled === true ? [] : Written.byOthers(programs, arch.settings);
  const problems = programs.flatMap((program, i) => validate(program, arch.settings, extents, written[i]));
  if (problems.length === 0) return;
  const more = problems.length > 1 ? `; and ${problems.length - 1} more of its kind` : "";
  throw new InputError(arch.name, `${problems[0]}${more}`);
}

/** The parameters that give the sizes of a machine's own memories. */
const SIZES = {
  weight: "weight.bytes",
  activation: "activation.bytes",
  table: "table.bytes",
  acc: "acc.entries",
} as const;

/** Names every memory that is too small, the program that needs most of it, and the operand that does not fit. */
function refuseSmallMemories({ programs }: Runnable, arch: ArchSpec): void {
  const needs = new Map<Space, { program: string; end: number; of: string; size: number }>();
  for (const program of programs) {
    for (const [space, need] of endsOf(program, arch.settings))
      if (need.end > (needs.get(space)?.end ?? 0)) needs.set(space, { program: program.name, ...need });
  }
  const problems = Object.entries(SIZES).flatMap(([space, key]) => {
    const need = needs.get(space as Space);
    if (need === undefined || need.end <= arch.settings[key]) return [];
    const { program, end, of, size } = need;
    return [
      `${key}: program ${program} needs ${end}, the machine has ${arch.settings[key]}: an operand of ${size}, ${of}, ends there`,
    ];
  });
  if (problems.length > 0) throw new InputError(arch.name, problems.join("; "));
}
