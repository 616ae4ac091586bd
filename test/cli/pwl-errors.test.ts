import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { parseCsv } from "../../src/report/csv.ts";
import { shiftline } from "./shiftline.ts";

const FILE = "experiments/pwl.csv";

/** Those of test/golden/pwl/continuous.csv on a whole domain. */
const CURVES = [
  ["sigmoid", -8, 8],
  ["tanh", -4, 4],
  ["exp", -8, 0],
  ["gelu", -4, 4],
  ["silu", -8, 8],
  ["reciprocal", 1, 2],
  ["rsqrt", 1, 4],
] as const;

/** Every method; then the best table that there is with some room. */
const VARIANTS = ["--all", "--method minimax --offset-fraction 4 --shifts per-piece --polish free-knots"];

test("experiments/pwl.csv is what the commands print", async () => {
  let csv = "";
  for (const [curve, lo, hi] of CURVES) {
    for (const variant of VARIANTS) {
      const words = `pwl ${curve} --lo ${lo} --hi ${hi} --pieces 8,16 ${variant} --csv`;
      const { out, err } = await shiftline(...words.split(" "));
      expect(err).toBe("");
      const [header, ...rows] = out.split("\n");
      csv += csv === "" ? `${header}\n` : "";
      csv += rows.join("\n");
    }
  }
  await expect(csv).toMatchFileSnapshot(`../../${FILE}`);
});

test("the README's table of errors is that file, beside the least errors known", () => {
  const { header, rows } = parseCsv(readFileSync(FILE, "utf8"), FILE);
  const known = parseCsv(readFileSync("test/golden/pwl/continuous.csv", "utf8"), "continuous.csv");
  const readme = readFileSync("README.md", "utf8");
  const find = (curve: string, polish: string, method: string, pieces: number) => {
    const wanted = { curve, polish, method, pieces: String(pieces) };
    const row = rows.find((one) =>
      Object.entries(wanted).every(([key, value]) => one[header.indexOf(key)] === value),
    )!;
    return (name: string) => Number(row[header.indexOf(name)]);
  };
  for (const [curve, lo, hi] of CURVES) {
    const pair = (of: (pieces: number) => string) => `${of(8)} / ${of(16)}`;
    const max = (method: string) =>
      pair((pieces) => (1e4 * find(curve, "none", method, pieces)("max_error")).toFixed(1));
    const least = pair((pieces) => {
      const row = known.rows.find((one) => one.slice(0, 4).join() === `${curve},${lo},${hi},${pieces}`)!;
      return (1e4 * Number(row[known.header.indexOf("max_error")])).toFixed(1);
    });
    const lsb = pair((pieces) =>
      find(curve, "free-knots", "minimax", pieces)("table_max_error_lsb").toFixed(2),
    );
    const errors = ["slope", "gap", "uniform", "optimal-max", "minimax"].map(max);
    expect(readme).toContain(`| ${curve} on [${lo}, ${hi}] | ${[...errors, least, lsb].join(" | ")} |\n`);
  }
  const above = [8, 16].map((pieces) => {
    const ratios = CURVES.map(([curve]) => {
      const [found, least] = ["genetic", "optimal-rms"].map((method) =>
        find(curve, "none", method, pieces)("rms_error"),
      );
      return found! / least!;
    });
    return (100 * (Math.max(...ratios) - 1)).toFixed(0);
  });
  expect(readme.replaceAll("\n", " ")).toContain(
    `up to ${above[0]} % above the least root mean square of 8 pieces, up to ${above[1]} % above that of 16`,
  );
});
