import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { InputError } from "../../src/base/errors.ts";
import { writeWhole, writtenWhole } from "../../src/base/files.ts";
import { temporaryFolder } from "../model/files.ts";

const folder = temporaryFolder();

test("makes the folders on the way, and leaves the file alone in its own", () => {
  const path = join(folder, "a", "b", "c.csv");
  writeWhole(path, "x\n");
  expect(readFileSync(path, "utf8")).toBe("x\n");
  expect(readdirSync(join(folder, "a", "b"))).toEqual(["c.csv"]);
});

test("replaces what was there, whatever its length", () => {
  const path = join(folder, "replaced");
  writeWhole(path, "a long text");
  writeWhole(path, "short");
  expect(readFileSync(path, "utf8")).toBe("short");
});

test("takes bytes", () => {
  const path = join(folder, "bytes");
  writeWhole(path, Uint8Array.of(0, 255));
  expect([...readFileSync(path)]).toEqual([0, 255]);
});

test("where it cannot be written, nothing half-written is left, and the sentence names the path", () => {
  const inner = join(folder, "taken");
  mkdirSync(join(inner, "name"), { recursive: true });
  writeFileSync(join(inner, "name", "keep"), "");
  expect(() => writeWhole(join(inner, "name"), "x")).toThrow(InputError);
  expect(() => writeWhole(join(inner, "name"), "x")).toThrow(
    `${join(inner, "name")}: cannot be written (EISDIR)`,
  );
  expect(readdirSync(inner)).toEqual(["name"]);
});

test("a file in the place of a folder is the user's mistake", () => {
  writeFileSync(join(folder, "file"), "");
  expect(() => writeWhole(join(folder, "file", "x.csv"), "")).toThrow(
    /cannot be written \((EEXIST|ENOTDIR)\)/,
  );
});

test("a process of the same number on another machine that writes the same file is not in the way", () => {
  const inner = join(folder, "shared");
  // By the process alone both would write there.
  mkdirSync(join(inner, `x.csv.${process.pid}.part`), { recursive: true });
  writeWhole(join(inner, "x.csv"), "of this one");
  expect(readFileSync(join(inner, "x.csv"), "utf8")).toBe("of this one");
});

test("what something else writes is in its place when that is done, or nowhere", async () => {
  const path = join(folder, "else", "x");
  const count = await writtenWhole(path, async (part) => {
    writeFileSync(part, "whole");
    expect(readdirSync(join(folder, "else"))).not.toContain("x");
    return 5;
  });
  expect(count).toBe(5);
  const failing = (error: Error) =>
    writtenWhole(path, async (part) => {
      writeFileSync(part, "half");
      throw error;
    });
  await expect(failing(new InputError("query", "is faulty"))).rejects.toThrow(/^query: is faulty$/);
  await expect(failing(new Error("no room"))).rejects.toThrow(`${path}: cannot be written (Error: no room)`);
  expect(readdirSync(join(folder, "else"))).toEqual(["x"]);
  expect(readFileSync(path, "utf8")).toBe("whole");
});
