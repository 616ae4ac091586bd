import { createHash } from "node:crypto";
import { toNpy } from "../base/npy.ts";
import { containerOf } from "../isa/state.ts";

/** Names in a folder of vectors that `shiftline vectors` writes and `shiftline validate` reads. */
export const EXPORTED = {
  /** The suite, and its folder. */
  suite: "shiftline",
  /** What all cases share: the machine's parameters, the model, the words. */
  machine: "machine.json",
  /** Folder of tensors, each in a file that is named after its contents. */
  tensors: "tensors",
} as const;

const NAME_DIGITS = 16;

/** A tensor as a file of the export: equal codes of equal width have equal names, and no others do. */
export function tensorFile(codes: ArrayLike<number>, bits: number): { name: string; npy: Uint8Array } {
  const npy = toNpy(codes, containerOf(bits));
  const name = createHash("sha256").update(`${bits}:`).update(npy).digest("hex").slice(0, NAME_DIGITS);
  return { name, npy };
}
