// What ONNX Runtime gives for the recordings that ship with silero-vad: node test/golden/silero/make.mjs FOLDER, where FOLDER is one in
// which `npm install onnxruntime-web@1.30.0` was run. Needs the build (npm run build).
import { writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { FRAME } from "../../../dist/model/silero/mix.js";
import { recordingsOf } from "../../../dist/model/silero/recordings.js";
import { locateWeights } from "../../../dist/model/silero/weights.js";

const FOLDER = "experiments/models/silero-vad";
const CONTEXT = 64;
const STATE = [2, 1, 128];

const ort = createRequire(join(process.argv[2], "package.json"))("onnxruntime-web");
ort.env.wasm.numThreads = 1;
const session = await ort.InferenceSession.create(locateWeights(FOLDER));
const sr = new ort.Tensor("int64", [16_000n], []);
const lines = [];
for (const { name, audio, labels } of recordingsOf("sample", FOLDER)) {
  let state = new ort.Tensor("float32", new Float32Array(256), STATE);
  const probabilities = [];
  for (let t = 0; t < labels.length; t++) {
    const seen = Float32Array.from({ length: CONTEXT + FRAME }, (_, i) => audio[t * FRAME + i - CONTEXT] ?? 0);
    const input = new ort.Tensor("float32", seen, [1, seen.length]);
    const { output, stateN } = await session.run({ input, state, sr });
    state = stateN;
    probabilities.push(Number(output.data[0].toFixed(7)));
  }
  lines.push(`  ${JSON.stringify(name)}: ${JSON.stringify(probabilities)}`);
}
writeFileSync("test/golden/silero/onnxruntime.json", `{\n${lines.join(",\n")}\n}\n`);
