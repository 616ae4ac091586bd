import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { InputError } from "../../src/base/errors.ts";
import { lmOf } from "../../src/model/lm/index.ts";
import { LM_SHAPES, type LmShape } from "../../src/model/lm/weights.ts";
import { readSafetensors } from "../../src/model/safetensors.ts";
import { safetensorsOf } from "../../src/model/safetensors-writer.ts";
import { LM_RECIPES } from "../../src/train/lm/recipes.ts";
import { drawnWeights } from "./drawn-lm.ts";
import { LM_WEIGHTS, temporaryFolder } from "./files.ts";

const shipped = readSafetensors(LM_WEIGHTS);
const parent = temporaryFolder();

/** What loading says of the shipped tensors after `damage`, without the file's name. */
function complaint(name: string, damage: (tensors: typeof shipped) => void): string {
  const path = join(parent, `${name}.safetensors`);
  const tensors = new Map(shipped);
  damage(tensors);
  writeFileSync(path, safetensorsOf(tensors));
  try {
    lmOf("lm-ln").load(path);
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    expect(error.where).toBe(path);
    return error.message.slice(path.length + 2);
  }
  return "nothing";
}

describe("the shipped weights", () => {
  test("every parameter is taken up, and there are as many as the model has", () => {
    let count = 0;
    for (const { data } of shipped.values()) count += data.length;
    expect(count).toBe(1_529_600);
    expect(complaint("whole", () => {})).toBe("nothing");
  });

  test("tensors land where they belong, norms are of the kind asked for", () => {
    const p = lmOf("lm-mad").load(LM_WEIGHTS);
    expect(p.layers.map(({ name, rounds }) => [name, rounds.length])).toEqual([["cell", 0]]);
    const { cell } = p.layers[0]!;
    expect(p.embedding).toMatchObject({ rows: 6000, columns: 200 });
    expect(
      Buffer.from(p.embedding.data.buffer).equals(Buffer.from(shipped.get("embedding")!.data.buffer)),
    ).toBe(true);
    expect(p.bias).toEqual(Float64Array.from(shipped.get("output.bias")!.data));
    expect(cell.weightH).toMatchObject({ rows: 800, columns: 200 });
    expect(cell).toMatchObject({ input: 200, hidden: 200, forgetBias: 1, normScope: "all" });
    expect([cell.normX, cell.normH, cell.normC].map((norm) => norm!.kind)).toEqual(["mad", "mad", "mad"]);
    expect(cell.normC!.shift).toEqual(Float64Array.from(shipped.get("cell.norm_c.shift")!.data));
  });
});

test("missing and unknown tensors and another shape are all named at once", () => {
  const said = complaint("several", (tensors) => {
    tensors.delete("output.bias");
    tensors.set("embedding", { dtype: "F32", shape: [2, 200], data: new Float32Array(400) });
    tensors.set("cell.bias", { dtype: "F32", shape: [1], data: Float32Array.of(0) });
  });
  expect(said).toBe(
    [
      "embedding: shape [2, 200] is not [6000, 200]",
      "output.bias: missing",
      "cell.bias: not a tensor of this model",
    ].join("; "),
  );
});

describe("the Mogrifier's weights", () => {
  const path = drawnWeights("lm-mogrifier");
  const tensors = readSafetensors(path);
  const { layers } = lmOf("lm-mogrifier").load(path);

  test("every parameter is taken up, and there are as many as two layers have", () => {
    const layer = 2 * 800 * 200 + 800 + 6 * (2 * 48 * 200 + 200);
    let count = 0;
    for (const { data } of tensors.values()) count += data.length;
    expect(count).toBe(6000 * 200 + 6000 + 2 * layer);
  });

  test("tensors land in their layer and round", () => {
    expect(layers.map(({ name }) => name)).toEqual(["cell.0", "cell.1"]);
    for (const { name, rounds, cell } of layers) {
      expect(cell).toMatchObject({ input: 200, hidden: 200, forgetBias: 1, capped: true });
      expect([cell.normX, cell.normH, cell.normC]).toEqual([undefined, undefined, undefined]);
      expect(cell.bias).toEqual(Float64Array.from(tensors.get(`${name}.bias`)!.data));
      expect(rounds).toHaveLength(6);
      for (const [i, { down, up }] of rounds.entries()) {
        const of = (part: string) => tensors.get(`${name}.mogrifier.${i + 1}.${part}`)!.data;
        expect(down).toEqual({ rows: 48, columns: 200, data: of("down") });
        expect(up.weight).toEqual({ rows: 200, columns: 48, data: of("up") });
        expect(up.bias).toEqual(Float64Array.from(of("bias")));
      }
    }
  });
});

test.each(Object.entries(LM_SHAPES))("%s has the shape of what its recipe trains", (name, shape: LmShape) => {
  const { layers } = LM_RECIPES[name as keyof typeof LM_SHAPES];
  const { norm, capped, mogrifier } = shape;
  expect(layers).toEqual(
    new Array(shape.layers).fill({
      ...{ input: 200, hidden: 200, forgetBias: 1, norm, capped },
      ...(mogrifier && { mogrifier }),
    }),
  );
});
