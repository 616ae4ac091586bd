import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { InputError } from "../../src/base/errors.ts";
import { loadLm } from "../../src/model/lm/weights.ts";
import { readSafetensors } from "../../src/model/safetensors.ts";
import { safetensorsOf } from "../../src/model/safetensors-writer.ts";
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
    loadLm(path, "layer");
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
    const p = loadLm(LM_WEIGHTS, "mad");
    expect(p.embedding).toMatchObject({ rows: 6000, columns: 200 });
    expect(
      Buffer.from(p.embedding.data.buffer).equals(Buffer.from(shipped.get("embedding")!.data.buffer)),
    ).toBe(true);
    expect(p.bias).toEqual(Float64Array.from(shipped.get("output.bias")!.data));
    expect(p.cell.weightH).toMatchObject({ rows: 800, columns: 200 });
    expect(p.cell).toMatchObject({ input: 200, hidden: 200, forgetBias: 1, normScope: "all" });
    expect([p.cell.normX, p.cell.normH, p.cell.normC].map((norm) => norm!.kind)).toEqual([
      "mad",
      "mad",
      "mad",
    ]);
    expect(p.cell.normC!.shift).toEqual(Float64Array.from(shipped.get("cell.norm_c.shift")!.data));
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
