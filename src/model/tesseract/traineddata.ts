import { gunzipSync } from "node:zlib";
import { InputError } from "../../base/errors.ts";
import { readBytes } from "../../base/files.ts";
import { Cursor, type Part } from "./cursor.ts";

/**
 * The container of Tesseract's models: a number of entries, an offset of 64 bits for each, -1 where the file has none, then the
 * components in the order of the entries, each up to the next.
 */

/** Entries by their place in the table, of those that are read. */
const ENTRIES = { lstm: 17, unicharset: 21, recoder: 22 } as const;

/** Entries that the format has room for. */
const MOST_ENTRIES = 1000;
/** A model of all of Tesseract's scripts unpacks to less; more is no model. */
const MOST_BYTES = 2 ** 27;

const ABSENT = -1;
const HEAD_BYTES = 4;
const OFFSET_BYTES = 8;

/** The components that a recognizer is made of, where the file has them, in gzip or as it is. @throws InputError for a file that is none */
export function readTraineddata(path: string): { readonly [K in keyof typeof ENTRIES]: Part } {
  const bytes = unpacked(readBytes(path), path);
  const cursor = new Cursor({ path, name: "entries", offset: 0, bytes });
  const count = cursor.int32("their number");
  if (count < 1 || count > MOST_ENTRIES) cursor.refuse(`${count} entries are no table of traineddata`, 0);
  const offsets = Array.from({ length: count }, (_, i) => cursor.int64(`the offset of entry ${i}`));
  const placeOf = (i: number) => HEAD_BYTES + i * OFFSET_BYTES;
  let next = bytes.length;
  const parts = offsets.map((): Uint8Array | undefined => undefined);
  for (let i = count - 1; i >= 0; i--) {
    const offset = offsets[i]!;
    if (offset === ABSENT) continue;
    if (offset < placeOf(count) || offset > next)
      cursor.refuse(`entry ${i} at ${offset} is not within ${placeOf(count)} … ${next}`, placeOf(i));
    parts[i] = bytes.subarray(offset, next);
    next = offset;
  }
  const part = (name: keyof typeof ENTRIES): Part => {
    const entry = ENTRIES[name];
    const found = parts[entry];
    if (found === undefined)
      throw new InputError(path, `entry ${entry}: no ${name}, which a network for lines has`);
    return { path, name, offset: offsets[entry]!, bytes: found };
  };
  return { lstm: part("lstm"), unicharset: part("unicharset"), recoder: part("recoder") };
}

/** The bytes of a file, which may be packed; offsets in errors are then those of the unpacked. */
function unpacked(bytes: Uint8Array, path: string): Uint8Array {
  const isPacked = bytes[0] === 0x1f && bytes[1] === 0x8b;
  if (!isPacked) return bytes;
  try {
    return gunzipSync(bytes, { maxOutputLength: MOST_BYTES });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ERR_BUFFER_TOO_LARGE")
      throw new InputError(path, `unpacks to more than ${MOST_BYTES} bytes`);
    throw new InputError(path, `cannot be unpacked (${code ?? String(error)})`);
  }
}
