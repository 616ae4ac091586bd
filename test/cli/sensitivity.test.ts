import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { toNpyTensor } from "../../src/base/npy.ts";
import { parseCsv } from "../../src/report/csv.ts";
import { f32, modelBytes } from "../onnx/models.ts";
import { folder, shiftline, without } from "./shiftline.ts";

function files() {
  const at = folder();
  const [model, data] = [join(at, "model.onnx"), join(at, "x.csv")];
  writeFileSync(
    model,
    modelBytes({
      inputs: [{ name: "x", shape: ["N", 2] }],
      outputs: ["y"],
      constants: { a: f32([2, 2], [1, 0.5, -0.25, 0.01]), b: f32([2, 2], [1, -1, 0.3, 0.7]) },
      nodes: [
        { op: "MatMul", name: "first", inputs: ["x", "a"], outputs: ["g"] },
        { op: "Relu", name: "relu", inputs: ["g"], outputs: ["h"] },
        { op: "MatMul", name: "second", inputs: ["h", "b"], outputs: ["y"] },
      ],
    }),
  );
  writeFileSync(data, "left,right\n1,2\n3,-4\n0.5,0.25\n-1,1\n");
  return { at, model, data };
}

test("sensitivity prints, writes and answers in JSON the same table", async () => {
  const { at, model, data } = files();
  const csv = join(at, "s.csv");
  const words = ["sensitivity", model, "--data", data, "--recipe", "weight_bits=4"];
  const { status, out, err } = await shiftline(...words, "--out", csv);
  expect(status).toBe(0);
  expect(out).toMatchInlineSnapshot(`
    "tensor  kind        op      bits  elements  loss
    ------  ----------  ------  ----  --------  ---------
    a       weights     MatMul     4         4  1.5884e-3
    b       weights     MatMul     4         4  3.4297e-5
    x       activation  -          8         2  1.3312e-5
    h       activation  Relu       8         2  8.4195e-7

    in every row: changed_pct 0.0000
    "
  `);
  // One line for each tensor and sample.
  expect(err.trimEnd().split("\n")).toHaveLength(16);
  const { header, rows } = parseCsv(readFileSync(csv, "utf8"), csv);
  expect(header).toEqual(["tensor", "kind", "node", "op", "bits", "elements", "loss", "changed_pct"]);
  const document = JSON.parse((await shiftline(...words, "--json")).out) as Record<string, unknown>[];
  expect(document.map(({ tensor, node }) => [tensor, node])).toEqual(
    rows.map(([tensor, , node]) => [tensor, node]),
  );
  expect(document.map(({ loss }) => (loss as number).toExponential(4))).toEqual(rows.map((row) => row[6]));
});

test("fewer samples are evenly spaced ones", async () => {
  const { at, model, data } = files();
  const some = join(at, "some.npy");
  writeFileSync(some, toNpyTensor({ dtype: "float32", shape: [2, 2], data: [1, 2, 0.5, 0.25] }));
  const of = async (...words: readonly string[]) =>
    (await shiftline("sensitivity", model, ...words, "--json")).out;
  expect(await of("--data", data, "--samples", "2")).toBe(await of("--data", some));
});

test("what cannot be done is refused in a line", async () => {
  const { at, model, data } = files();
  const refused = async (...words: readonly string[]) => {
    const { status, err } = await shiftline("sensitivity", model, ...words);
    return `${status} ${without(at, err).replace(/^shiftline: |\n$/g, "")}`;
  };
  expect(await refused()).toMatch(/^2 Missing required argument: data/);
  expect(await refused("--data", join(at, "none.npz"))).toBe("1 FOLDER/none.npz: no such file");
  expect(await refused("--data", model)).toBe("1 FOLDER/model.onnx: samples are read of .npz, .npy and .csv");
  expect(await refused("--data", data, "--recipe", "weight_bits=1")).toMatch(
    /^1 --recipe: weight_bits: 1 is not an integer in 2 … 16/,
  );
  expect(await refused("--data", data, "--recipe", "no-such")).toMatch(/^1 no-such: no such file/);
  expect(await refused("--data", data, "--samples", "0")).toMatch(/^2 --samples takes a whole number/);
  expect(await refused("--data", data, "--to", "z")).toMatch(/^1 FOLDER\/model\.onnx: value z/);
  expect(existsSync(join(at, "s.csv"))).toBe(false);
});
