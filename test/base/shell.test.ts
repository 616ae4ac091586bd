import { execFileSync } from "node:child_process";
import fc from "fast-check";
import { expect, test } from "vitest";
import { quoted, wordsOf } from "../../src/base/shell.ts";

test("a shell takes a quoted word for that word, whatever is in it", () => {
  const word = fc.string({ unit: fc.constantFrom(..."ab $'\"\\`!*?;&|<>()#~\n\t=-%é") });
  fc.assert(
    fc.property(fc.array(word, { minLength: 1, maxLength: 8 }), (words) => {
      const script = `printf '%s\\0' ${words.map(quoted).join(" ")}`;
      const said = execFileSync("/bin/sh", ["-c", script], { encoding: "utf8" });
      expect(said.split("\0").slice(0, -1)).toEqual(words);
    }),
    { numRuns: 50 },
  );
});

test.each([
  ["", []],
  ["  ", []],
  ["--partition=short  --time=1:00:00", ["--partition=short", "--time=1:00:00"]],
  ["-p short --comment='two words'", ["-p", "short", "--comment=two words"]],
  [`--comment="it's" ''`, ["--comment=it's", ""]],
  ["--comment='two words", undefined],
  ['a"b', undefined],
])("the words of %j", (line, words) => {
  expect(wordsOf(line)).toEqual(words);
});
