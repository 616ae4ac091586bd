import { InputError } from "../../base/errors.ts";

/** A part of a file: its bytes, the first one's offset in the whole, and what it is called. */
export interface Part {
  readonly path: string;
  readonly name: string;
  readonly offset: number;
  readonly bytes: Uint8Array;
}

/** Bytes of the longest text that is read with its length: names, and a network's description. */
const MOST_TEXT = 1024;
const CONTROL = /\p{Cc}/u;

const utf8 = new TextDecoder("utf-8", { fatal: true });

/** Reads little-endian values of a part of a file, one after the other; what does not fit is refused by its place in the file. */
export class Cursor {
  readonly #part: Part;
  readonly #view: DataView;
  #at = 0;

  constructor(part: Part) {
    const { buffer, byteOffset, byteLength } = part.bytes;
    this.#part = part;
    this.#view = new DataView(buffer, byteOffset, byteLength);
  }

  /** Offset in the file of what is read next. */
  get offset(): number {
    return this.#part.offset + this.#at;
  }

  /** Bytes that are left. */
  get left(): number {
    return this.#view.byteLength - this.#at;
  }

  /** @param at  offset in the file of what is wrong */
  refuse(problem: string, at = this.offset): never {
    throw new InputError(this.#part.path, `${this.#part.name}, byte ${at}: ${problem}`);
  }

  int8(what: string): number {
    return this.#view.getInt8(this.#take(1, what));
  }

  uint8(what: string): number {
    return this.#view.getUint8(this.#take(1, what));
  }

  int32(what: string): number {
    return this.#view.getInt32(this.#take(4, what), true);
  }

  float32(what: string): number {
    return this.#view.getFloat32(this.#take(4, what), true);
  }

  /** An offset or a size of 64 bits, as a double: exact below 2^53. */
  int64(what: string): number {
    return Number(this.#view.getBigInt64(this.#take(8, what), true));
  }

  float64(what: string): number {
    return this.#view.getFloat64(this.#take(8, what), true);
  }

  /** A number of things of at least `bytes` bytes each, which must be there. */
  count(what: string, bytes: number): number {
    const at = this.offset;
    const count = this.#view.getUint32(this.#take(4, `the number of ${what}`), true);
    if (count * bytes > this.left) this.refuse(`${count} ${what}, and ${this.left} bytes are left`, at);
    return count;
  }

  codes(count: number, what: string): Int8Array {
    const from = this.#take(count, what);
    return new Int8Array(this.#view.buffer, this.#view.byteOffset + from, count).slice();
  }

  /** A line of text behind its length in bytes. */
  text(what: string): string {
    const { offset } = this;
    const length = this.count(`bytes of ${what}`, 1);
    if (length > MOST_TEXT) this.refuse(`${length} bytes of ${what}, more than ${MOST_TEXT}`, offset);
    const from = this.#take(length, what);
    const text = this.#decoded(this.#part.bytes.subarray(from, from + length), what, offset);
    // Errors have it in their one line.
    return CONTROL.test(text) ? this.refuse(`${what} is no plain text`, offset) : text;
  }

  /** All that is left, as text. */
  rest(what: string): string {
    const at = this.offset;
    return this.#decoded(this.#part.bytes.subarray(this.#take(this.left, what)), what, at);
  }

  /** Refuses bytes that nobody has read. */
  finish(): void {
    if (this.left > 0) this.refuse(`${this.left} bytes behind its end`);
  }

  #take(bytes: number, what: string): number {
    if (bytes > this.left) this.refuse(`${what} takes ${bytes} bytes, and ${this.left} are left`);
    const at = this.#at;
    this.#at += bytes;
    return at;
  }

  #decoded(bytes: Uint8Array, what: string, at: number): string {
    try {
      return utf8.decode(bytes);
    } catch {
      return this.refuse(`${what} is no UTF-8`, at);
    }
  }
}
