import { floorLog2, roundReal } from "../fixed/real.ts";
import type { Tensor } from "./safetensors.ts";

/** How many bytes an element of each dtype takes, and how it is stored, little-endian. */
const formats: Readonly<
  Record<Tensor["dtype"], { bytes: number; write(view: DataView, at: number, value: number): void }>
> = {
  F32: { bytes: 4, write: (view, at, value) => view.setFloat32(at, value, true) },
  F16: { bytes: 2, write: (view, at, value) => view.setUint16(at, halfOf(value), true) },
};

/**
 * The bytes of a safetensors file of these tensors, in their order, which `readSafetensors` gives back: exactly where they
 * are F32, rounded to nearest, ties to even, where they are F16.
 *
 * @param metadata  what the header says of the file as a whole
 * @throws RangeError for a value beyond the range of its dtype
 */
export function safetensorsOf(
  tensors: ReadonlyMap<string, Tensor>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array {
  const entries: Record<string, unknown> = { __metadata__: metadata };
  let end = 0;
  for (const [name, { dtype, shape, data }] of tensors) {
    const from = end;
    end += data.length * formats[dtype].bytes;
    entries[name] = { dtype, shape, data_offsets: [from, end] };
  }
  const text = JSON.stringify(entries);
  const encoded = new TextEncoder().encode(text);
  const header = encoded.length + ((8 - (encoded.length % 8)) % 8); // arrays begin at a multiple of 8
  const file = new Uint8Array(8 + header + end).fill(" ".charCodeAt(0), 8, 8 + header);
  const view = new DataView(file.buffer);
  view.setBigUint64(0, BigInt(header), true);
  file.set(encoded, 8);
  let at = 8 + header;
  for (const { dtype, data } of tensors.values()) {
    const { bytes, write } = formats[dtype];
    for (const value of data) {
      write(view, at, value);
      at += bytes;
    }
  }
  return file;
}

const GREATEST_HALF = 65504;
const LEAST_EXPONENT = -14;

/** IEEE 754 binary16 bits of the value nearest to x, ties to even. */
function halfOf(x: number): number {
  if (!(Math.abs(x) <= GREATEST_HALF)) throw new RangeError(`${x} is beyond float16`);
  const sign = x < 0 || Object.is(x, -0) ? 0x8000 : 0;
  if (x === 0) return sign;
  const exponent = Math.max(floorLog2(Math.abs(x)), LEAST_EXPONENT);
  // In units of the last place, with the leading one, which adds 1 to the exponent's field as rounding up may do again.
  const digits = roundReal(Math.abs(x) / 2 ** (exponent - 10), "half-even");
  return sign + (exponent - LEAST_EXPONENT) * 0x400 + digits;
}
