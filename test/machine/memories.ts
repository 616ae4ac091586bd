import type { FieldName } from "../../src/arch/fields.ts";
import { draw, pick, type Rng } from "../support/machines.ts";

/** Parameters of a DRAM with rows, so small that programs of a few kilobytes meet all of it, and of memories with few ports. */
export function randomMemory(rng: Rng): Partial<Record<FieldName, number | string>> {
  const banks = pick(rng, [1, 2, 4]);
  const [active, precharge, gap, activate] = [9, 4, 3, 5].map((most) => draw(rng, 0, most)) as [
    ...[number, number, number, number],
  ];
  const refreshCycles = draw(rng, 1, 20);
  const blackout = active + precharge + refreshCycles + (banks - 1) * gap + activate;
  const ports = () => pick(rng, ["separate", "shared"]);
  return {
    "dram.pages": "yes",
    "dram.rowBytes": pick(rng, [64, 128, 256]),
    "dram.banks": banks,
    "dram.activate": activate,
    "dram.cas": draw(rng, 0, 5),
    "dram.precharge": precharge,
    "dram.rowActive": active,
    "dram.activateGap": gap,
    "dram.readToPrecharge": draw(rng, 0, 4),
    "dram.writeRecovery": draw(rng, 0, 6),
    "dram.writeToRead": draw(rng, 0, 4),
    "dram.readToWrite": draw(rng, 0, 2),
    "dram.refreshInterval": pick(rng, [0, blackout + draw(rng, 1, 300)]),
    "dram.refreshCycles": refreshCycles,
    "weight.ports": ports(),
    "weight.banks": pick(rng, [1, 2, 3, 8]),
    "table.ports": ports(),
    "table.banks": pick(rng, [1, 2]),
    "acc.ports": ports(),
    "acc.banks": pick(rng, [1, 2, 4]),
  };
}
