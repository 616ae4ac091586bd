import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { InputError } from "../../src/base/errors.ts";
import { readText, YamlFile } from "../../src/base/yaml.ts";

const room = mkdtempSync(join(tmpdir(), "yaml-"));
afterAll(() => rmSync(room, { recursive: true }));

/** What a person reads when this fails. */
function refusal(attempt: () => unknown): string {
  try {
    attempt();
  } catch (error) {
    if (error instanceof InputError) return error.message.replaceAll(room, "");
    throw error;
  }
  return "nothing is wrong";
}

const TEXT = `question: how narrow
axes:
  mac.rows: [8, 16]
  acc:
    bits: 24
`;

function complaints(
  ...problems: readonly (readonly [keys: readonly (string | number)[], problem: string])[]
) {
  const file = new YamlFile("q.yaml", TEXT);
  for (const [keys, problem] of problems) file.complain(keys, problem);
  return refusal(() => file.refuse());
}

test("an input error says where and what in one line", () => {
  const error = new InputError("arch/x.yaml:2:3", "0 rows");
  expect([error.name, error.where, error.message]).toEqual([
    "InputError",
    "arch/x.yaml:2:3",
    "arch/x.yaml:2:3: 0 rows",
  ]);
});

test("a file's text and value", () => {
  const path = join(room, "q.yaml");
  writeFileSync(path, TEXT);
  expect(readText(path)).toBe(TEXT);
  expect(new YamlFile(path).value).toEqual({
    question: "how narrow",
    axes: { "mac.rows": [8, 16], acc: { bits: 24 } },
  });
});

test("an empty file has the value null", () => {
  expect(new YamlFile("empty.yaml", "# nothing\n").value).toBe(null);
});

test("a file that cannot be read", () => {
  expect(refusal(() => readText(join(room, "absent.yaml")))).toMatchInlineSnapshot(
    `"/absent.yaml: no such file"`,
  );
  expect(refusal(() => readText(room))).toMatchInlineSnapshot(`": cannot be read (EISDIR)"`);
});

test("a problem is placed at its key", () => {
  expect(complaints([["axes", "acc", "bits"], "too few"])).toMatchInlineSnapshot(
    `"q.yaml: line 5, column 5: axes.acc.bits: too few"`,
  );
  expect(complaints([["axes", "mac.rows"], "too few"])).toMatchInlineSnapshot(
    `"q.yaml: line 3, column 3: axes.mac.rows: too few"`,
  );
  expect(complaints([["question"], "too short"])).toMatchInlineSnapshot(
    `"q.yaml: line 1, column 1: question: too short"`,
  );
});

test("or at an element of a list", () => {
  expect(complaints([["axes", "mac.rows", 1], "too many"])).toMatchInlineSnapshot(
    `"q.yaml: line 3, column 17: axes.mac.rows.1: too many"`,
  );
});

test("or at the nearest thing around it that the file has", () => {
  expect(complaints([["axes", "acc", "kind"], "is missing"])).toMatchInlineSnapshot(
    `"q.yaml: line 4, column 3: axes.acc.kind: is missing"`,
  );
  expect(complaints([["arch"], "is missing"])).toMatchInlineSnapshot(`"q.yaml: arch: is missing"`);
});

test("all problems are told at once", () => {
  expect(complaints([["question"], "too short"], [["axes", "acc"], "unknown"])).toMatchInlineSnapshot(
    `"q.yaml: line 1, column 1: question: too short; line 4, column 3: axes.acc: unknown"`,
  );
  expect(complaints()).toBe("nothing is wrong");
});

test("what is not YAML is refused with its line and column", () => {
  const bad = [
    ["a bracket left open", "a: [1, 2\nb: 3\n"],
    ["a key twice", "a: 1\nb:\n  c: 2\n  c: 3\n"],
    ["two documents", "a: 1\n---\nb: 2\n"],
    ["a tab for indentation", "a:\n\tb: 1\n"],
    ["an alias of nothing", "a: *b\n"],
  ] as const;
  const lines = bad.map(([what, text]) => `${what}: ${refusal(() => new YamlFile("bad.yaml", text))}`);
  expect(lines.join("\n")).toMatchInlineSnapshot(`
    "a bracket left open: bad.yaml:2:1: Flow sequence in block collection must be sufficiently indented and end with a ]
    a key twice: bad.yaml:4:3: Map keys must be unique
    two documents: bad.yaml:2:1: Source contains multiple documents; please use YAML.parseAllDocuments()
    a tab for indentation: bad.yaml:2:1: Tabs are not allowed as indentation
    an alias of nothing: bad.yaml: Unresolved alias (the anchor must be set before the alias): b"
  `);
});
