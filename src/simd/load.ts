import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Kernels } from "./kernels.ts";
import { MAX_PAGES } from "./memory.ts";
import { twinKernels } from "./twin/index.ts";

/** A memory and the kernels that work on it. */
export interface Backend {
  readonly name: "simd" | "twin";
  readonly memory: WebAssembly.Memory;
  readonly kernels: Kernels;
}

/** A module of one function that returns a v128: valid where SIMD is there. */
const SIMD_PROBE = Uint8Array.of(
  ...[0, 97, 115, 109, 1, 0, 0, 0],
  ...[1, 5, 1, 96, 0, 1, 123],
  ...[3, 2, 1, 0],
  ...[10, 10, 1, 8, 0, 65, 0, 253, 15, 253, 98, 11],
);

const WASM = new URL("../../dist/simd/kernels.wasm", import.meta.url);

let compiled: WebAssembly.Module | undefined;

/**
 * A fresh memory with kernels bound to it; every call makes its own, so that machines do not share data.
 *
 * `prefer` "simd" (the default) gives the WebAssembly kernels, or the twin on an engine without SIMD; "twin" gives
 * the plain TypeScript kernels. Both compute the same bits.
 * @throws Error when the compiled kernels are not there
 */
export function loadKernels(prefer: "simd" | "twin" = "simd"): Backend {
  const memory = new WebAssembly.Memory({ initial: 1, maximum: MAX_PAGES });
  if (prefer === "twin" || !WebAssembly.validate(SIMD_PROBE)) {
    return { name: "twin", memory, kernels: twinKernels(memory) };
  }
  compiled ??= new WebAssembly.Module(readCompiled());
  const { exports } = new WebAssembly.Instance(compiled, { env: { memory } });
  return { name: "simd", memory, kernels: exports as unknown as Kernels };
}

function readCompiled(): Uint8Array {
  try {
    return readFileSync(WASM);
  } catch (cause) {
    throw new Error(`${fileURLToPath(WASM)} is missing: run \`npm run build\``, { cause });
  }
}
