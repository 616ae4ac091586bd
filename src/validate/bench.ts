import type { ArchSpec } from "../arch/spec.ts";
import { overrideArch } from "../arch/spec.ts";
import { InputError } from "../base/errors.ts";
import { signed } from "../fixed/format.ts";
import type { Grid } from "../fixed/real.ts";
import { endsOf } from "../isa/validate.ts";
import { type Compiled, type Computation, compile } from "../kernels/compile.ts";
import { Machine } from "../machine/machine.ts";

/** The grid of codes that are only codes: what they stand for is the reference's business. */
export const codesOf = (bits: number, zero = 0): Grid => ({ format: signed(bits), scale: 1, zero });

/**
 * Runs a computation on a machine, one inference for each element of `lanes`, and gives every output's codes.
 *
 * @param arch   the machine; its memories are made as large as the programs need
 * @param lanes  [inferences][inputs], the codes of each
 * @returns [inferences][outputs], the codes of each
 */
export function execute(
  arch: ArchSpec,
  computation: Computation,
  lanes: readonly (readonly ArrayLike<number>[])[],
): number[][][] {
  const roomy = overrideArch(arch, ROOM, arch.name);
  const compiled = compile(roomy, computation);
  const { image, load, run, inputs, outputs, dataBytes } = compiled;
  const machine = Machine.of(overrideArch(roomy, sizesOf(compiled, roomy), arch.name), {
    ...{ image, dataBytes, programs: [load, run], lanes: lanes.length },
  });
  machine.run(load);
  for (const [lane, operands] of lanes.entries()) {
    for (const [i, { address, bits }] of inputs.entries())
      machine.writeData(bits, address, operands[i]!, lane);
  }
  machine.run(run);
  refuseOverflows(machine);
  return lanes.map((_, lane) =>
    outputs.map(({ address, bits, length, count }) => machine.readData(bits, address, length * count, lane)),
  );
}

/** An accumulator that leaves its range would hide what the reference, whose own is wider or saturates, has there. */
function refuseOverflows(machine: Machine): void {
  const overflows = machine.takeCounts().overflows.reduce((sum, count) => sum + count, 0);
  if (overflows === 0) return;
  const bits = machine.arch.settings["acc.bits"];
  throw new InputError(machine.arch.name, `${overflows} sums leave the accumulators' ${bits} bits`);
}

/** Memories that no reference's case outgrows: how large they are changes no bit. */
const ROOM = {
  "weight.bytes": 2 ** 28,
  "activation.bytes": 2 ** 24,
  "activation.banks": 1,
  "table.bytes": 2 ** 16,
  "acc.entries": 2 ** 14,
};

/** A machine's own memories, the parameter that says how large each is, and the least that it may be. */
const OWN = [
  ["weight", "weight.bytes", 256],
  ["activation", "activation.bytes", 256],
  ["table", "table.bytes", 64],
  ["acc", "acc.entries", 16],
] as const;

/** The simulator sets aside whole memories, so each is made as large as the programs reach. */
function sizesOf({ load, run }: Compiled, arch: ArchSpec): Record<string, number> {
  const ends = [load, run].map((program) => endsOf(program, arch.settings));
  return Object.fromEntries(
    OWN.map(([space, key, least]) => [key, Math.max(least, ...ends.map((end) => end.get(space)?.end ?? 0))]),
  );
}
