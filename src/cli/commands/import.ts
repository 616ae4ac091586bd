import { join } from "node:path";
import { InputError } from "../../base/errors.ts";
import { readBytes, writeWhole } from "../../base/files.ts";
import { fromNpyTensor, npyTypeOf, toNpyTensor } from "../../base/npy.ts";
import { partsOf } from "../../model/onnx/parts.ts";
import { oddOf, sharesOf } from "../../model/onnx/shares.ts";
import { execute } from "../../onnx/execute.ts";
import type { Graph, Input } from "../../onnx/graph.ts";
import { type Summary, summarize, type Work } from "../../onnx/summary.ts";
import { type Tensor, tensorOf, textOf, UNKNOWN } from "../../onnx/tensor.ts";
import { defineCommand, type Io, STATUS, type Status, UsageError } from "../command.ts";
import { IMPORT_LISTS, importOptions, listed, loadAsked } from "../imported.ts";
import { grouped, layOut, toJson } from "../layout.ts";
import { json, pairsOf } from "../options.ts";
import { progressOn } from "../progress.ts";

export const importCommand = defineCommand({
  command: "import <model>",
  describe: "Read an ONNX model: its operators and their work, and what of it the machine could take",
  lists: [...IMPORT_LISTS, "run"],
  builder: (y) =>
    importOptions(y)
      .option("run", {
        ...listed,
        describe: "compute the model in float32 on this input, as in x=x.npy; may be repeated",
      })
      .option("out", {
        type: "string",
        requiresArg: true,
        describe: "folder for what --run computes, as .npy",
      })
      .option("json", json)
      .example("$0 import model.onnx", "first sizes that the model leaves open are taken as 1")
      .example("$0 import vad.onnx --fix sr=16000 --shape input=1,576", "choose a branch, and all sizes")
      .example("$0 import model.onnx --run x=x.npy --out results", "compute its outputs")
      .example("$0 import ocr.onnx --from features --to logits", "a part, and what is outside it"),
  run(args, io) {
    if ((args.run === undefined) !== (args.out === undefined))
      throw new UsageError("--run and --out go together");
    const inputs = new Map(pairsOf(args.run, "--run").map(([name, path]) => [name, tensorAt(path)]));
    const shapes = new Map([...inputs].map(([name, { shape }]) => [name, shape]));
    const { graph, parts } = loadAsked(args, shapes);
    if (args.out !== undefined) return compute(graph, inputs, args.out, io);
    const summary = summarize(graph);
    const outside = parts && summarize(parts.rest).total;
    io.out(
      args.json
        ? toJson({ ...documentOf(graph, summary, outside), ...machineOf(graph) })
        : reportOf(graph, summary, outside) +
            machineText(graph) +
            openText(parts?.inputs ?? graph.inputs, summary.total),
    );
    return STATUS.done;
  },
});

/** An input's tensor. @throws InputError for a file that is none */
function tensorAt(path: string): Tensor {
  const { dtype, shape, data } = fromNpyTensor(readBytes(path), path);
  return tensorOf(dtype, shape, data);
}

/** Computes a model and writes each output as `<name>.npy`, all of them or none. */
function compute(graph: Graph, inputs: ReadonlyMap<string, Tensor>, folder: string, io: Io): Status {
  const bar = io.terminal && progressOn(io);
  const results = [...execute(graph, inputs, { watch: (done, all) => bar?.update(done, all, "nodes") })];
  bar?.stop();
  const files = results.map(([name, tensor]) => {
    const dtype = npyTypeOf(tensor.dtype);
    if (dtype === undefined)
      throw new InputError(folder, `output ${name} of ${textOf(tensor)} is not written`);
    return [
      join(folder, `${name.replaceAll(/[^\w.-]/g, "_")}.npy`),
      toNpyTensor({ ...tensor, dtype }),
    ] as const;
  });
  for (const [path, contents] of files) writeWhole(path, contents);
  io.out(layOut(files.map(([path], i) => [path, textOf(results[i]![1])])));
  return STATUS.done;
}

const typeOf = ({ name, dtype, shape }: Input) => ({ name, dtype, shape: shape ?? null });

const outputsOf = ({ outputs, types }: Graph): Input[] =>
  outputs.map(({ name, value }) => ({ name, ...types.get(value)! }));

const documentOf = (
  graph: Graph,
  { parameters, total, ops, targets }: Summary,
  outside: Work | undefined,
) => ({
  file: graph.file,
  producer: graph.producer,
  opset: graph.opset,
  inputs: graph.inputs.map(typeOf),
  outputs: outputsOf(graph).map(typeOf),
  parameters,
  total,
  ...(outside && { outside }),
  ops,
  patterns: Object.fromEntries(graph.patterns),
  targets,
});

const percent = (part: number, whole: number): string =>
  whole === 0 ? "-" : ((100 * part) / whole).toFixed(1);

/** Nodes, products and elements of a line, with their shares. */
const cells = (work: Work, total: Work): string[] => [
  grouped(work.nodes),
  grouped(work.macs),
  percent(work.macs, total.macs),
  grouped(work.elements),
  percent(work.elements, total.elements),
];

const HEADING = ["nodes", "MACs", "%", "elements", "%"];
const RIGHT = [1, 2, 3, 4, 5];

/** What becomes of layout: nothing is computed, so it has no line of its own among those of the machine. */
const MEANINGS: Readonly<Record<string, string>> = {
  layout: "layout: addresses, no arithmetic",
  host: "host: stays real-valued there",
};

/** Of a whole that a part and the rest are together. */
function outsideText({ nodes, macs }: Work, part: Work): string {
  const all = macs + part.macs;
  return `${grouped(nodes)} of ${grouped(nodes + part.nodes)} nodes, ${grouped(macs)} of ${grouped(all)} MACs (${percent(macs, all)} %)`;
}

function reportOf(
  graph: Graph,
  { parameters, total, ops, targets }: Summary,
  outside: Work | undefined,
): string {
  const values = (kind: string, list: readonly Input[]) =>
    list.map((value, i) => [i === 0 ? kind : "", `${value.name}: ${textOf(value)}`]);
  const patterns = [...graph.patterns].map(([name, count]) => `${name} ${count}`);
  return [
    layOut([
      ["model", graph.file],
      ["producer", graph.producer || "unknown"],
      ["opset", String(graph.opset)],
      ...values("inputs", graph.inputs),
      ...values("outputs", outputsOf(graph)),
      ["parameters", grouped(parameters)],
      ["MACs", grouped(total.macs)],
      ...(outside ? [["outside", outsideText(outside, total)]] : []),
      ["patterns", patterns.join(", ") || "none"],
    ]),
    "\n",
    layOut([["operator", ...HEADING], ...ops.map((row) => [row.op, ...cells(row, total)])], { right: RIGHT }),
    "\n",
    layOut(
      [
        ["what a lowering takes it to", ...HEADING, "operators"],
        ...targets.map((row) => [
          MEANINGS[row.target] ?? row.target,
          ...cells(row, total),
          row.ops.join(", "),
        ]),
      ],
      { right: RIGHT },
    ),
  ].join("");
}

/** Whose the nodes are, and which of the machine's it does not take. */
function machineOf(graph: Graph) {
  try {
    const parts = partsOf(graph);
    return { shares: sharesOf(parts), odd: oddOf(parts.machine) };
  } catch (error) {
    // A model of which nothing is the machine's is one to tell about all the same.
    if (error instanceof InputError) return { refusal: error.message };
    throw error;
  }
}

function machineText(graph: Graph): string {
  const { shares, odd, refusal } = machineOf(graph);
  if (shares === undefined) return `\n${refusal}\n`;
  const { machine, front, back } = shares;
  const total = summarize(graph).total;
  const rows = [
    ["machine", ...cells(machine, total), ""],
    ...(front ? [["host, before it", ...cells(front, total), front.ops.join(", ")]] : []),
    ...(back ? [["host, behind it", ...cells(back, total), back.ops.join(", ")]] : []),
  ];
  const table = layOut([["computed by", ...HEADING, "operators"], ...rows], { right: RIGHT });
  if (odd.length === 0) return `\n${table}`;
  const lines = odd.map(({ node, op, why }) => `  ${node} (${op}) ${why}`);
  const advice = "give --from and --to around what the machine is to do; the host does the rest";
  return `\n${table}\n${grouped(odd.length)} nodes are between, and the machine does not take them: ${advice}\n${lines.join("\n")}\n`;
}

/** What the figures leave out, and what to say so that they do not. */
function openText(inputs: readonly Input[], { open, nodes }: Work): string {
  if (open === 0) return "";
  const some = inputs.filter(({ shape }) => shape?.some((size) => typeof size === "string") ?? true);
  const say = some.map(
    ({ name, shape }) => `--shape ${name}=${shape?.join(",").replaceAll(UNKNOWN, "N") ?? "N,N"}`,
  );
  const how = say.length === 0 ? "" : ` give sizes with ${say.join(" ")}`;
  return `\n${grouped(open)} of ${grouped(nodes)} nodes have open sizes and are not counted:${how || " they hang on data"}\n`;
}
