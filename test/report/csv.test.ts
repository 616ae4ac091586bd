import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Column } from "../../src/report/column.ts";
import { parseCsv, toCsv } from "../../src/report/csv.ts";

const columnsOf = (names: readonly string[]): Column<readonly string[]>[] =>
  names.map((name, i) => ({ name, unit: "", doc: "", show: "always", of: (row) => row[i]! }));

test("a header always, a line a row, LF line ends", () => {
  expect(toCsv(columnsOf(["a", "b"]), [])).toBe("a,b\n");
  expect(
    toCsv(columnsOf(["a", "b"]), [
      ["1", "2"],
      ["", "x y"],
    ]),
  ).toBe("a,b\n1,2\n,x y\n");
});

test("quotes what RFC 4180 quotes", () => {
  expect(toCsv(columnsOf(["a"]), [["x,y"], ['say "hi"'], ["two\nlines"]])).toBe(
    'a\n"x,y"\n"say ""hi"""\n"two\nlines"\n',
  );
});

test("what was written is read back, whatever the text", () => {
  const field = fc.string({ unit: fc.constantFrom("a", ",", '"', "\n", "\r", " ", "é"), maxLength: 5 });
  const rows = fc.array(fc.tuple(field, field, field), { maxLength: 4 });
  fc.assert(
    fc.property(rows, (rows) => {
      const header = ["a", "b", "c"];
      expect(parseCsv(toCsv(columnsOf(header), rows), "x.csv")).toEqual({ header, rows });
    }),
  );
});

describe("reading", () => {
  test.each([
    ["LF at the end", "a,b\n1,2\n"],
    ["no line end at the end", "a,b\n1,2"],
    ["CRLF", "a,b\r\n1,2\r\n"],
    ["quotes where none are needed", '"a","b"\n"1","2"\n'],
  ])("%s", (_, text) => {
    expect(parseCsv(text, "x.csv")).toEqual({ header: ["a", "b"], rows: [["1", "2"]] });
  });

  test("an empty last field", () => {
    expect(parseCsv("a,b\n1,", "x.csv").rows).toEqual([["1", ""]]);
  });

  test.each([
    ["", "x.csv: an empty file, without a header"],
    ["a,b\n1\n", "x.csv: record 2 has 1 fields, the header 2"],
    ['a\n"open\n', "x.csv: record 2 is not CSV"],
    ['a\nx"y\n', "x.csv: record 2 is not CSV"],
  ])("refuses %j", (text, message) => {
    expect(() => parseCsv(text, "x.csv")).toThrow(message);
  });
});
