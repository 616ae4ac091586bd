import { cpSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { linesOf } from "../../src/model/lines/lines.ts";
import { featuresFile, seenOf } from "../../src/model/ppocr/features.ts";
import { framesOf } from "../../src/model/ppocr/picture.ts";
import { CHANNELS } from "../../src/model/ppocr/recognizer.ts";
import { readMetadata, readSafetensors, type Tensor } from "../../src/model/safetensors.ts";
import { safetensorsOf } from "../../src/model/safetensors-writer.ts";
import { temporaryFolder } from "./files.ts";

const KEPT = "experiments/models";
const FOLDER = `${KEPT}/ppocr`;

describe.each(["calibration", "sample"])("features that ship, of %s", (split) => {
  test("are those of the lines that ship", () => {
    const [lines, seen] = [linesOf(split, FOLDER), seenOf(split, FOLDER)];
    expect(seen.map(({ features: _, ...line }) => line)).toEqual(lines);
    for (const line of seen) {
      expect(line.features).toHaveLength(CHANNELS * framesOf(line));
      expect(new Set(line.features).size).toBeGreaterThan(1000);
    }
  });
});

describe("features that are not the lines'", () => {
  const root = temporaryFolder();
  const folder = join(root, "ppocr");
  cpSync(`${KEPT}/lines/calibration`, join(root, "lines", "calibration"), { recursive: true });
  const path = featuresFile("calibration", folder);
  const tensors = readSafetensors(featuresFile("calibration", FOLDER));
  const pictures = readMetadata(featuresFile("calibration", FOLDER));
  const [[first, tensor]] = [...tensors] as [[string, Tensor]];

  function errorOf(changed: ReadonlyMap<string, Tensor>, metadata: Readonly<Record<string, string>>): string {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, safetensorsOf(changed, metadata));
    try {
      seenOf("calibration", folder);
      return "none";
    } catch (error) {
      return (error as Error).message.replace(path, "PATH");
    }
  }

  test("are refused in a line that names the line", () => {
    expect(errorOf(tensors, pictures)).toBe("none");
    expect(errorOf(new Map([...tensors].slice(1)), pictures)).toBe(
      `PATH: [nothing] for ${first}, which has [480,${tensor.shape[1]}]`,
    );
    const short = { ...tensor, shape: [480, 1], data: tensor.data.subarray(0, 480) };
    expect(errorOf(new Map([...tensors, [first, short]]), pictures)).toMatch(
      new RegExp(`^PATH: \\[480,1\\] for ${first}, which has`),
    );
    expect(errorOf(tensors, { ...pictures, [first]: "0" })).toBe(
      `PATH: of another picture than ${first} is now: \`node scripts/ppocr-features.mjs calibration\` computes it again`,
    );
  });

  test("that are not there are asked for", () => {
    rmSync(path);
    expect(() => seenOf("calibration", folder)).toThrow(
      `${path}: no such file: \`node scripts/ppocr-features.mjs calibration\` computes it`,
    );
    expect(() => seenOf("test", folder)).toThrow("`node scripts/render-lines.mjs test` draws it");
  });
});
