import { storageBytes } from "../fixed/format.ts";
import { floorDiv } from "../fixed/round.ts";
import type { fetch, loadTable, loadWeight, store } from "../isa/ops/dma.ts";

/** An operation of the DMA unit that moves what lies in one piece: counted in bytes, or in codes. */
export type Transfer = typeof loadWeight | typeof loadTable | typeof fetch | typeof store;

/** Codes of any width end on a whole byte, and on an address that their width may begin at, after so many. */
const CODE_STEP = 8;

/**
 * The operands of as many transfers as `n` codes of `bits` bits from byte `src` to byte `dst` take: each but the last
 * as large as the operation's own count holds, none of them ending inside a code.
 */
export function* transfers(op: Transfer, dst: number, src: number, n: number, bits: number) {
  const { fields } = op;
  const isOfBytes = "bytes" in fields;
  const steps = isOfBytes ? floorDiv(fields.bytes.max, bits) : floorDiv(fields.n.max, CODE_STEP);
  const most = steps * CODE_STEP;
  for (let done = 0; done < n; done += most) {
    const offset = storageBytes(done, bits);
    const codes = Math.min(most, n - done);
    const amount = isOfBytes ? { bytes: storageBytes(codes, bits) } : { n: codes, bits };
    yield { dst: dst + offset, src: src + offset, ...amount };
  }
}
