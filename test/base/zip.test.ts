import { describe, expect, test } from "vitest";
import { readZip } from "../../src/base/zip.ts";
import { type ZippedFile, zipOf } from "../support/zip.ts";

const bytes = Uint8Array.from({ length: 1000 }, (_, i) => (i * i) % 251);
const read = (file: Uint8Array) =>
  [...readZip(file, "a.zip")].map(([name, bytesOf]) => [name, Uint8Array.from(bytesOf())] as const);

describe("a ZIP archive", () => {
  test("gives its entries, stored and deflated", () => {
    const empty = Uint8Array.of();
    for (const method of [0, 8]) {
      const files = [
        { name: "a/b.npy", bytes, method },
        { name: "ä", bytes: empty, method },
      ];
      expect(read(zipOf(files, "a comment"))).toEqual([
        ["a/b.npy", bytes],
        ["ä", empty],
      ]);
    }
    expect(read(zipOf([]))).toEqual([]);
  });

  test("is found behind a comment that looks like its end", () => {
    expect(read(zipOf([{ name: "a", bytes }], `PK\x05\x06${"x".repeat(30)}`))).toEqual([["a", bytes]]);
  });

  test.each<[Partial<ZippedFile>, string]>([
    [{ flags: 1 }, "a.zip: x: is encrypted"],
    [{ method: 12 }, "a.zip: x: is packed by method 12, not stored or deflated"],
    [{ size: 2 ** 31 }, "a.zip: x: has 2 GB or more"],
    [{ at: 0xffffffff }, "a.zip: x: has 2 GB or more"],
    [{ at: 5 }, "a.zip: x: is not where the archive's directory has it"],
    [{ at: 5000 }, "a.zip: x: is not where the archive's directory has it"],
    [{ packed: 1001 }, "a.zip: x: is truncated"],
    [{ size: 999 }, "a.zip: x: has 1000 bytes where the archive's directory has 999"],
    [{ checksum: 1 }, "a.zip: x: is damaged: its CRC-32 is another"],
    [{ method: 8, size: 1001 }, "a.zip: x: has 1000 bytes where the archive's directory has 1001"],
    [{ method: 8, size: 999 }, "a.zip: x: cannot be inflated to 999 bytes (ERR_BUFFER_TOO_LARGE)"],
    [{ method: 8, packed: 20 }, "a.zip: x: cannot be inflated to 1000 bytes (Z_BUF_ERROR)"],
    [{ name: "x\ny" }, "a.zip: x?y: is encrypted"],
  ])("with %j is refused in a line", (wrong, message) => {
    const flags = wrong.name === undefined ? {} : { flags: 1 };
    const [entry] = readZip(zipOf([{ name: "x", bytes, ...flags, ...wrong }]), "a.zip").values();
    expect(() => entry!()).toThrow(message);
  });

  test("that is another file, cut off, or names an entry twice is refused", () => {
    const file = zipOf([{ name: "a", bytes }]);
    const cut = "a.zip: is truncated or no ZIP archive";
    for (let length = 0; length < file.length; length++)
      expect(() => readZip(file.subarray(0, length), "a.zip"), String(length)).toThrow(cut);
    expect(() => readZip(bytes, "a.zip")).toThrow(cut);
    expect(() =>
      readZip(
        zipOf([
          { name: "a", bytes },
          { name: "a", bytes },
        ]),
        "a.zip",
      ),
    ).toThrow("a.zip: has the entry a twice");
    const more = file.slice();
    more[file.length - 12] = 2;
    expect(() => readZip(more, "a.zip")).toThrow(
      "a.zip: entry 2 of 2 is not where the archive's directory has it",
    );
  });
});
