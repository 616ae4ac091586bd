import { crc32, deflateRawSync } from "node:zlib";

/** What a test's archive holds: an entry's bytes, and fields of its record in the directory that it gets wrong. */
export interface ZippedFile {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly method?: number;
  readonly flags?: number;
  readonly size?: number;
  readonly packed?: number;
  readonly checksum?: number;
  readonly at?: number;
}

const u16 = (x: number) => [x % 256, Math.floor(x / 256) % 256];
const u32 = (x: number) => [...u16(x % 65536), ...u16(Math.floor(x / 65536))];

/** A ZIP archive as zip files are written: entries, then the directory, then its end; a comment where one is given. */
export function zipOf(files: readonly ZippedFile[], comment = ""): Uint8Array {
  const out: number[] = [];
  const directory: number[] = [];
  for (const { name, bytes, method = 0, flags = 0, ...wrong } of files) {
    const body = method === 8 ? deflateRawSync(bytes) : bytes;
    const text = [...new TextEncoder().encode(name)];
    const checksum = u32(wrong.checksum ?? crc32(bytes));
    const sizes = [...u32(wrong.packed ?? body.length), ...u32(wrong.size ?? bytes.length)];
    const start = out.length;
    // Version, flags, method, time and date of 0, CRC-32, sizes, length of the name and of nothing more.
    const common = [...u16(20), ...u16(flags), ...u16(method), ...u32(0), ...checksum, ...sizes];
    out.push(0x50, 0x4b, 3, 4, ...common, ...u16(text.length), ...u16(0), ...text, ...body);
    directory.push(0x50, 0x4b, 1, 2, ...u16(20), ...common, ...u16(text.length), ...u16(0), ...u16(0));
    directory.push(...u16(0), ...u16(0), ...u32(0), ...u32(wrong.at ?? start), ...text);
  }
  const count = u16(files.length);
  const end = [0, 0, 0, 0, ...count, ...count, ...u32(directory.length), ...u32(out.length)];
  const note = [...new TextEncoder().encode(comment)];
  return Uint8Array.from([...out, ...directory, 0x50, 0x4b, 5, 6, ...end, ...u16(note.length), ...note]);
}
