// Computes what the convolutions of PP-OCRv4's recogniser make of lines of text, seconds a line: files that the model `ppocr` begins with.
//   node scripts/ppocr-features.mjs [SPLIT ...]
// Those of `calibration` and `sample` are kept; `test` wants its lines drawn first, by render-lines.mjs. The build in dist/ has to be current.
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { linesOf } from "../dist/model/lines/lines.js";
import { featuresBytes, featuresFile } from "../dist/model/ppocr/features.js";
import { loadPpocr, locateWeights } from "../dist/model/ppocr/weights.js";

const FOLDER = join(dirname(fileURLToPath(import.meta.url)), "../experiments/models/ppocr");
const splits = process.argv.length > 2 ? process.argv.slice(2) : ["calibration", "sample"];

try {
  const recognizer = loadPpocr(locateWeights(FOLDER));
  for (const split of splits) {
    const lines = linesOf(split, FOLDER);
    const path = featuresFile(split, FOLDER);
    const bytes = featuresBytes(recognizer, lines, (done) =>
      console.error(`ppocr-features: ${split}: line ${done + 1} of ${lines.length}`),
    );
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, bytes);
  }
} catch (error) {
  console.error(`ppocr-features: ${error.message}`);
  process.exit(1);
}
