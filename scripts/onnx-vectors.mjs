// Node tests of the ONNX project as JSON, one file an operator: those of operators that an import reads, of one node each, and small.
//   node scripts/onnx-vectors.mjs /usr/share/libonnx-testdata/data/node test/golden/onnx
// The first folder is Debian's libonnx-testdata 1.12.0-2; the build in dist/ has to be current.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fromBinary } from "@bufbuild/protobuf";
import { OPS } from "../dist/onnx/ops/table.js";
import { ModelProtoSchema, TensorProtoSchema } from "../dist/onnx/proto/onnx_pb.js";
import { readTensor } from "../dist/onnx/tensor.js";

const [from, to] = process.argv.slice(2);
/** Characters of a test that is small. */
const SMALL = 20000;
/** What `shiftline validate` has already. */
const KNOWN = new Set(readdirSync("test/golden/vectors/onnx-node").map((file) => file.replace(".json", "")));

/** A float64 as it is, any other number in the fewest digits that are the same float32; JSON has no NaN and no infinities. */
function written(x, dtype) {
  if (!Number.isFinite(x)) return String(x);
  if (dtype === "float64" || Math.fround(x) !== x) return x;
  return [6, 7, 8].map((digits) => Number(x.toPrecision(digits))).find((y) => Math.fround(y) === x) ?? x;
}
const tensorJson = (proto, name) => {
  const { dtype, shape, data } = readTensor(proto, name);
  return { name, dtype, shape, data: Array.from(data, (x) => written(x, dtype)) };
};

const READ = {
  1: ({ f }) => f,
  2: ({ i }) => Number(i),
  3: ({ s }) => new TextDecoder().decode(s),
  4: ({ t }) => tensorJson(t, ""),
  6: ({ floats }) => floats,
  7: ({ ints }) => ints.map(Number),
  8: ({ strings }) => strings.map((s) => new TextDecoder().decode(s)),
};

/** One test, or undefined where it is none of those. */
function testOf(name) {
  const { graph, opsetImport } = fromBinary(ModelProtoSchema, readFileSync(join(from, name, "model.onnx")));
  const [node, ...more] = graph.node;
  if (more.length > 0 || !OPS.has(node.opType) || OPS.get(node.opType).branches) return undefined;
  const dataset = join(from, name, "test_data_set_0");
  const read = (kind, names) =>
    names.map((value, i) =>
      tensorJson(fromBinary(TensorProtoSchema, readFileSync(join(dataset, `${kind}_${i}.pb`))), value),
    );
  return {
    test: name,
    op: node.opType,
    opset: Number(opsetImport.find(({ domain }) => domain === "").version),
    node_inputs: node.input,
    node_outputs: node.output,
    attributes: Object.fromEntries(node.attribute.map((proto) => [proto.name, READ[proto.type](proto)])),
    inputs: read(
      "input",
      graph.input.map((value) => value.name),
    ),
    outputs: read(
      "output",
      graph.output.map((value) => value.name),
    ),
  };
}

const tests = new Map();
for (const name of readdirSync(from).sort()) {
  // That release keeps bfloat16 as uint16.
  if (KNOWN.has(name) || name.includes("BFLOAT16")) continue;
  let test;
  try {
    test = testOf(name);
  } catch {
    continue; // strings, sequences and the like, which are read nowhere
  }
  if (test === undefined || JSON.stringify(test).length > SMALL) continue;
  tests.set(test.op, [...(tests.get(test.op) ?? []), test]);
}
mkdirSync(to, { recursive: true });
for (const [op, list] of tests)
  writeFileSync(join(to, `${op}.json`), `[\n${list.map((test) => JSON.stringify(test)).join(",\n")}\n]\n`);
console.log(`${[...tests.values()].flat().length} tests of ${tests.size} operators`);
