import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";

/** Where the shipped models lie, and their weights. */
export const G2P = "experiments/models/g2p";
export const G2P_WEIGHTS = `${G2P}/g2p.safetensors`;
export const LM_WEIGHTS = "experiments/models/lm-ln/lm-ln.safetensors";

/** A folder of this test file's own, removed when its tests are done. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "shiftline-"));
  afterAll(() => rmSync(folder, { recursive: true }));
  return folder;
}

/** Bytes of a safetensors file: the header as text or as an object to be written as JSON, then the body. */
export function safetensorsBytes(header: unknown, body: Uint8Array): Uint8Array {
  const text = new TextEncoder().encode(typeof header === "string" ? header : JSON.stringify(header));
  const file = new Uint8Array(8 + text.length + body.length);
  new DataView(file.buffer).setBigUint64(0, BigInt(text.length), true);
  file.set(text, 8);
  file.set(body, 8 + text.length);
  return file;
}

/** Writes F32 tensors one after the other. */
export function writeTensors(
  path: string,
  tensors: Iterable<readonly [string, { readonly shape: readonly number[]; readonly data: Float32Array }]>,
): void {
  const header: Record<string, unknown> = {};
  const parts: Uint8Array[] = [];
  let at = 0;
  for (const [name, { shape, data }] of tensors) {
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    header[name] = { dtype: "F32", shape, data_offsets: [at, at + bytes.length] };
    parts.push(bytes);
    at += bytes.length;
  }
  writeFileSync(path, safetensorsBytes(header, Buffer.concat(parts)));
}
