// What ONNX Runtime reads from the lines that ship with this project: node test/golden/ppocr/make.mjs FOLDER, where FOLDER is one in
// which `npm install onnxruntime-web@1.30.0` was run. Needs the build (npm run build).
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { linesOf } from "../../../dist/model/lines/lines.js";
import { pictureOf } from "../../../dist/model/ppocr/picture.js";
import { alphabetOf, locateCharacters, locateWeights } from "../../../dist/model/ppocr/weights.js";

const FOLDER = "experiments/models/ppocr";
/** The line of which probabilities are kept too. */
const SHORT = "sample-5-tinos-bold-24-0";

const ort = createRequire(join(process.argv[2], "package.json"))("onnxruntime-web");
ort.env.wasm.numThreads = 1;
const weights = locateWeights(FOLDER);
const characters = locateCharacters(weights);
const alphabet = alphabetOf(readFileSync(characters, "utf8"), characters);
const session = await ort.InferenceSession.create(weights);
const frames = [];
let probabilities;
for (const line of linesOf("sample", FOLDER)) {
  const { data, shape } = pictureOf(line);
  const results = await session.run({ x: new ort.Tensor("float32", Float32Array.from(data), shape) });
  const { dims, data: values } = results["softmax_11.tmp_0"];
  const rows = Array.from({ length: dims[1] }, (_, t) => values.subarray(t * dims[2], (t + 1) * dims[2]));
  const best = rows.map((row) => row.indexOf(Math.max(...row)));
  const text = best.map((output) => (output === 0 ? "·" : String.fromCodePoint(alphabet[output]))).join("");
  frames.push(`  ${JSON.stringify(line.name)}: ${JSON.stringify(text)}`);
  if (line.name === SHORT) probabilities = best.map((output, t) => Number(rows[t][output].toFixed(6)));
}
writeFileSync(
  "test/golden/ppocr/onnxruntime.json",
  `{\n "frames": {\n${frames.join(",\n")}\n },\n "probabilities": { "${SHORT}": ${JSON.stringify(probabilities)} }\n}\n`,
);
