const PAGE = 65_536;
const ALIGNMENT = 16;

/** Pages of 64 KiB in the largest WebAssembly memory there is: 4 GiB. */
export const MAX_PAGES = 65_536;

/**
 * A bump allocator over a backend's memory.
 *
 * Addresses are byte offsets, multiples of 16, never 0. Memory is zero when handed out and is never taken back:
 * a heap lives as long as the machine it belongs to. One heap per memory at a time.
 */
export class Heap {
  readonly memory: WebAssembly.Memory;
  #next = ALIGNMENT;

  /** The memory may have had another heap before: whatever that one left is gone. */
  constructor(memory: WebAssembly.Memory) {
    this.memory = memory;
    new Uint8Array(memory.buffer).fill(0);
  }

  /**
   * Address of `bytes` fresh zero bytes. May grow the memory, which detaches every view taken before.
   * @throws Error when the heap needs more than 4 GiB
   */
  allocate(bytes: number): number {
    if (!Number.isSafeInteger(bytes) || bytes < 0) throw new RangeError(`${bytes} is not a number of bytes`);
    const address = this.#next;
    const end = address + bytes;
    const next = end + ((ALIGNMENT - (end % ALIGNMENT)) % ALIGNMENT);
    if (next > MAX_PAGES * PAGE) {
      throw new Error(`the simulated data needs more than 4 GiB (${next} bytes)`);
    }
    const missing = next - this.memory.buffer.byteLength;
    if (missing > 0) this.memory.grow((missing + ((PAGE - (missing % PAGE)) % PAGE)) / PAGE);
    this.#next = next;
    return address;
  }

  /** `n` int8 at address `at`. Valid until the next `allocate`, as are the other views. */
  int8(at: number, n: number): Int8Array<ArrayBuffer> {
    return new Int8Array(this.memory.buffer, at, n);
  }

  /** `n` int16 at the even address `at`. */
  int16(at: number, n: number): Int16Array<ArrayBuffer> {
    return new Int16Array(this.memory.buffer, at, n);
  }

  /** `n` int32 at address `at`, a multiple of 4. */
  int32(at: number, n: number): Int32Array<ArrayBuffer> {
    return new Int32Array(this.memory.buffer, at, n);
  }

  /** `n` wide integers at address `at`, a multiple of 8. */
  float64(at: number, n: number): Float64Array<ArrayBuffer> {
    return new Float64Array(this.memory.buffer, at, n);
  }
}
