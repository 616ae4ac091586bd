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

/** Compiled modules by name, each once. */
const compiled = new Map<string, WebAssembly.Module>();

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
  return { name: "simd", memory, kernels: loadModule("kernels", memory) as unknown as Kernels };
}

/**
 * What the compiled module of this name exports, bound to a memory.
 * @throws Error when it is not there, or the engine has no SIMD
 */
export function loadModule(name: string, memory: WebAssembly.Memory): Readonly<Record<string, unknown>> {
  let module = compiled.get(name);
  if (module === undefined) {
    module = new WebAssembly.Module(readCompiled(name));
    compiled.set(name, module);
  }
  return new WebAssembly.Instance(module, { env: { memory } }).exports;
}

function readCompiled(name: string): Uint8Array {
  const path = new URL(`../../dist/simd/${name}.wasm`, import.meta.url);
  try {
    return readFileSync(path);
  } catch (cause) {
    throw new Error(`${fileURLToPath(path)} is missing: run \`npm run build\``, { cause });
  }
}
