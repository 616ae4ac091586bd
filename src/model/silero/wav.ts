import { InputError } from "../../base/errors.ts";
import { readBytes } from "../../base/files.ts";

/** Samples a second of all audio here. */
const SAMPLE_RATE = 16_000;

const FULL_SCALE = 2 ** 15;
/** What a `fmt ` chunk says of plain mono samples of 16 bits. */
const PCM = 1;
const MONO = 1;
const BITS = 16;
const FORMAT_BYTES = 16;

/** Samples in [-1, 1) of a WAV file of 16-bit mono at 16 kHz. @throws InputError for any other file */
export function readWav(path: string): Float32Array {
  const bytes = readBytes(path);
  const refuse = (problem: string): never => {
    throw new InputError(path, problem);
  };
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const tag = (at: number) => String.fromCharCode(...bytes.subarray(at, at + 4));
  if (bytes.length < 12 || tag(0) !== "RIFF" || tag(8) !== "WAVE") refuse("is no WAV file");
  let format: readonly number[] | undefined;
  for (let at = 12; at + 8 <= bytes.length; ) {
    const [name, length, body] = [tag(at), view.getUint32(at + 4, true), at + 8];
    if (body + length > bytes.length) refuse(`its chunk "${name}" of ${length} bytes is cut off`);
    if (name === "fmt " && length >= FORMAT_BYTES)
      format = [
        view.getUint16(body, true),
        view.getUint16(body + 2, true),
        view.getUint32(body + 4, true),
        view.getUint16(body + 14, true),
      ];
    if (name === "data") {
      if (format?.join() !== [PCM, MONO, SAMPLE_RATE, BITS].join())
        refuse(`is not plain mono of ${BITS} bits at ${SAMPLE_RATE} samples a second`);
      return Float32Array.from({ length: (length - (length % 2)) / 2 }, (_, i) => {
        return view.getInt16(body + 2 * i, true) / FULL_SCALE;
      });
    }
    at = body + length + (length % 2);
  }
  return refuse("has no samples");
}
