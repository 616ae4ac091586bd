import { join } from "node:path";
import { describe, expect, test } from "vitest";
import check from "../../experiments/models/g2p/float-check.json" with { type: "json" };
import { InputError } from "../../src/base/errors.ts";
import { BOS, EOS, letters, PAD, phones } from "../../src/model/g2p/alphabet.ts";
import { loadG2p } from "../../src/model/g2p/weights.ts";
import { readSafetensors } from "../../src/model/safetensors.ts";
import { G2P_WEIGHTS, temporaryFolder, writeTensors } from "./files.ts";

const shipped = readSafetensors(G2P_WEIGHTS);
const parent = temporaryFolder();

/** What loading says of the shipped tensors after `damage`, without the file's name. */
function complaint(name: string, damage: (tensors: typeof shipped) => void): string {
  const path = join(parent, `${name}.safetensors`);
  const tensors = new Map(shipped);
  damage(tensors);
  writeTensors(path, tensors);
  try {
    loadG2p(path);
  } catch (e) {
    if (!(e instanceof InputError)) throw e;
    expect(e.where).toBe(path);
    return e.message.slice(path.length + 2);
  }
  return "nothing";
}

describe("the shipped weights", () => {
  test("every parameter of the card is taken up", () => {
    let count = 0;
    for (const { data } of shipped.values()) count += data.length;
    expect(count).toBe(297_386);
    expect(complaint("whole", () => {})).toBe("nothing");
  });

  test("tensors land where they belong", () => {
    const p = loadG2p(G2P_WEIGHTS);
    expect(p.letters.data).toEqual(shipped.get("letters.embedding")!.data);
    expect(p.phones).toMatchObject({ rows: 42, columns: 48 });
    expect(p.encoder.backward.weightH.data).toEqual(shipped.get("encoder.backward.weight_h")!.data);
    expect(p.encoder.forward).toMatchObject({ input: 48, hidden: 96, forgetBias: 1, normScope: "all" });
    expect(p.decoder.weightX).toMatchObject({ rows: 384, columns: 240 });
    expect(p.decoder.normC!.shift).toEqual(Float64Array.from(shipped.get("decoder.norm_c.shift")!.data));
    expect(p.decoder.normX).toMatchObject({ kind: "layer", epsilon: 1e-5 });
    expect(p.attention.v).toHaveLength(64);
    expect("bias" in p.decoder).toBe(false);
  });

  test("the alphabets are those of the float check", () => {
    expect(letters).toEqual(check.letters);
    expect(phones).toEqual(check.phones);
    expect([PAD, BOS, EOS].map((i) => phones[i])).toEqual(["<pad>", "<bos>", "<eos>"]);
  });
});

describe("what is refused", () => {
  test("no file", () => {
    const path = join(parent, "nowhere", "g2p.safetensors");
    expect(() => loadG2p(path)).toThrow(new InputError(path, "no such file"));
  });

  test("each tensor that is missing", () => {
    for (const name of shipped.keys()) {
      expect(complaint(`without-${name}`, (t) => void t.delete(name))).toBe(`${name}: missing`);
    }
  });

  test("another shape of as many elements, a missing and an unknown tensor, all at once", () => {
    const said = complaint("several", (t) => {
      t.set("bridge.weight", { ...t.get("bridge.weight")!, shape: [192, 96] });
      t.set("attention.v", { ...t.get("attention.v")!, shape: [64] });
      t.delete("output.bias");
      t.set("decoder.bias", { dtype: "F32", shape: [1], data: Float32Array.of(0) });
    });
    expect(said).toBe(
      [
        "attention.v: shape [64] is not [1, 64]",
        "bridge.weight: shape [192, 96] is not [96, 192]",
        "output.bias: missing",
        "decoder.bias: not a tensor of this model",
      ].join("; "),
    );
  });
});
