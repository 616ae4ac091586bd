import { ceilDiv } from "../fixed/round.ts";
import { loadModule } from "../simd/load.ts";
import { Heap, MAX_PAGES } from "../simd/memory.ts";
import { PRODUCT_SCRATCH_BYTES, type TrainKernels } from "./kernels.ts";

/** The memory grows by at least so much: each growth collects garbage, and a graph has thousands of tensors. */
const CHUNK_BYTES = 2 ** 24;

/** One WebAssembly memory, the kernels on it, and room for their scratch. Nothing is ever given back. */
export class Engine {
  readonly kernels: TrainKernels;
  readonly scratch: number;
  readonly #heap: Heap;
  #next = 0;
  #end = 0;

  /** @throws Error where the engine has no WebAssembly SIMD, or the kernels were not built */
  constructor() {
    const memory = new WebAssembly.Memory({ initial: 1, maximum: MAX_PAGES });
    this.kernels = loadModule("train", memory) as unknown as TrainKernels;
    this.#heap = new Heap(memory);
    this.scratch = this.#heap.allocate(PRODUCT_SCRATCH_BYTES);
  }

  /** Byte offset of room for n floats or int32, zeros, 16-byte aligned. May detach every view taken before. */
  allocate(n: number): number {
    const bytes = 16 * ceilDiv(n, 4);
    if (bytes > this.#end - this.#next) {
      const chunk = Math.max(bytes, CHUNK_BYTES);
      this.#next = this.#heap.allocate(chunk);
      this.#end = this.#next + chunk;
    }
    const at = this.#next;
    this.#next += bytes;
    return at;
  }

  /** n floats at `at`. Valid until the next `allocate`, as is `ints`. */
  floats(at: number, n: number): Float32Array<ArrayBuffer> {
    return new Float32Array(this.#heap.memory.buffer, at, n);
  }

  ints(at: number, n: number): Int32Array<ArrayBuffer> {
    return this.#heap.int32(at, n);
  }
}
