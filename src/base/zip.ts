import { crc32, inflateRawSync } from "node:zlib";
import { InputError } from "./errors.ts";

/** Sizes and signatures of the records of a ZIP file (PKWARE's APPNOTE.TXT, sections 4.3.7, 4.3.12 and 4.3.16). */
const LOCAL = { signature: 0x04034b50, bytes: 30 } as const;
const CENTRAL = { signature: 0x02014b50, bytes: 46 } as const;
const END = { signature: 0x06054b50, bytes: 22, longestComment: 0xffff } as const;

/** How an entry's bytes are kept. */
const STORED = 0;
const DEFLATED = 8;
const ENCRYPTED_FLAG = 1;
/** Stands in a field whose value is in a ZIP64 record. */
const IN_ZIP64 = 0xffffffff;
/** Larger entries would not fit memory. */
const MOST_BYTES = 2 ** 31;

/**
 * Entries of a ZIP archive by their names: stored or deflated, on one disk, not encrypted, of less than 2 GB each. Their bytes are
 * taken out when they are asked for, and held against length and CRC-32.
 *
 * @throws InputError naming `where`, and the entry, for any other file; the functions too
 */
export function readZip(file: Uint8Array, where: string): ReadonlyMap<string, () => Uint8Array> {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const end = endOf(view);
  if (end === undefined) throw new InputError(where, "is truncated or no ZIP archive");
  const [count, from] = [view.getUint16(end + 10, true), view.getUint32(end + 16, true)];
  const entries = new Map<string, () => Uint8Array>();
  let at = from;
  for (let i = 0; i < count; i++) {
    if (at + CENTRAL.bytes > end || view.getUint32(at, true) !== CENTRAL.signature)
      throw new InputError(where, `entry ${i + 1} of ${count} is not where the archive's directory has it`);
    const lengths = [28, 30, 32].map((field) => view.getUint16(at + field, true)) as [number, number, number];
    const next = at + CENTRAL.bytes + lengths.reduce((sum, length) => sum + length, 0);
    const name = new TextDecoder().decode(file.subarray(at + CENTRAL.bytes, at + CENTRAL.bytes + lengths[0]));
    if (entries.has(name)) throw new InputError(where, `has the entry ${shown(name)} twice`);
    const [start, entry] = [at, `${where}: ${shown(name)}`];
    entries.set(name, () => bytesOf(file, view, { at: start, before: from, where: entry }));
    at = next;
  }
  return entries;
}

/** Where the record of the archive's end begins: before a comment that ends with the file. */
function endOf(view: DataView): number | undefined {
  const last = view.byteLength - END.bytes;
  for (let at = last; at >= 0 && at >= last - END.longestComment; at--) {
    if (view.getUint32(at, true) === END.signature && view.getUint16(at + 20, true) === last - at) return at;
  }
  return undefined;
}

/** A name on one line of an error, whatever characters it is of. */
const shown = (name: string): string => name.slice(0, 60).replaceAll(/\p{C}/gu, "?");

/** Where an entry's record in the directory begins, and what its bytes lie before. */
interface Place {
  readonly at: number;
  readonly before: number;
  readonly where: string;
}

function bytesOf(file: Uint8Array, view: DataView, { at, before, where }: Place): Uint8Array {
  const refuse = (problem: string): never => {
    throw new InputError(where, problem);
  };
  const [flags, method] = [view.getUint16(at + 8, true), view.getUint16(at + 10, true)];
  const [checksum, packed, size, local] = [16, 20, 24, 42].map((field) =>
    view.getUint32(at + field, true),
  ) as [number, number, number, number];
  if (flags % 2 === ENCRYPTED_FLAG) refuse("is encrypted");
  if (method !== STORED && method !== DEFLATED)
    refuse(`is packed by method ${method}, not stored or deflated`);
  if ([packed, size, local].includes(IN_ZIP64) || size >= MOST_BYTES) refuse("has 2 GB or more");
  if (local + LOCAL.bytes > before || view.getUint32(local, true) !== LOCAL.signature)
    refuse("is not where the archive's directory has it");
  const start = local + LOCAL.bytes + view.getUint16(local + 26, true) + view.getUint16(local + 28, true);
  if (start + packed > before) refuse("is truncated");
  const stored = file.subarray(start, start + packed);
  const bytes = method === STORED ? stored : inflated(stored, size, where);
  if (bytes.length !== size) refuse(`has ${bytes.length} bytes where the archive's directory has ${size}`);
  if (crc32(bytes) !== checksum) refuse("is damaged: its CRC-32 is another");
  return bytes;
}

/** @param size  more than this is not inflated */
function inflated(bytes: Uint8Array, size: number, where: string): Uint8Array {
  try {
    return inflateRawSync(bytes, { maxOutputLength: Math.max(size, 1) });
  } catch (error) {
    throw new InputError(
      where,
      `cannot be inflated to ${size} bytes (${(error as NodeJS.ErrnoException).code})`,
    );
  }
}
