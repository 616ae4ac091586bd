import { expect, test } from "vitest";
import type { Column } from "../../src/report/column.ts";
import { renderTable } from "../../src/report/table.ts";

type Cells = Readonly<Record<string, string | number>>;

const column = (name: string, show: Column<Cells>["show"] = "always"): Column<Cells> => ({
  name,
  unit: "",
  doc: "",
  show,
  of: (row) => row[name]!,
});

test("numbers stand right and are grouped, words stand left, headings break at their parts", () => {
  const columns = [column("point"), column("changes"), column("cycles_per_word"), column("energy_uj")];
  const rows = [
    { point: 1, changes: "", cycles_per_word: "1234567.5", energy_uj: 0 },
    { point: 12, changes: "weight_bits=4", cycles_per_word: "999.0", energy_uj: -1234 },
  ];
  expect(renderTable(columns, rows)).toMatchInlineSnapshot(`
    "                           cycles
                                  per  energy
    point  changes               word      uj
    -----  -------------  -----------  ------
        1  -              1,234,567.5       0
       12  weight_bits=4        999.0  -1,234
    "
  `);
});

test("shows what varies, says once what does not, and leaves to the CSV what is for it alone", () => {
  const columns = [
    column("point"),
    column("arch", "varying"),
    column("words", "varying"),
    column("hash", "csv"),
  ];
  const rows = [
    { point: 1, arch: "a", words: 24, hash: "x" },
    { point: 2, arch: "b", words: 24, hash: "y" },
  ];
  expect(renderTable(columns, rows)).toMatchInlineSnapshot(`
    "point  arch
    -----  ----
        1  a
        2  b

    in every row: words 24
    "
  `);
});

test("no rows are a sentence", () => {
  expect(renderTable([column("point")], [])).toBe("no rows\n");
});

test("no line is wider than 120: words are cut, then columns that may go are left out and named", () => {
  const numbers = Array.from({ length: 9 }, (_, i) => column(`number_${i}`, i < 5 ? "always" : "varying"));
  const columns = [column("changes"), ...numbers];
  const rows = [0, 1].map((k) => ({
    changes: `${"long ".repeat(30)}${k}`,
    ...Object.fromEntries(numbers.map(({ name }, i) => [name, 1e8 + i + k])),
  }));
  const text = renderTable(columns, rows);
  expect(text).toContain("left out for want of room: number_6, number_7, number_8");
  expect(text).toContain("…");
  expect(Math.max(...text.split("\n").map(({ length }) => length))).toBeLessThanOrEqual(120);
});
