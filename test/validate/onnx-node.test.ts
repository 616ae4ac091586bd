import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import seedrandom from "seedrandom";
import { afterAll, describe, expect, test } from "vitest";
import { onnxNode } from "../../src/validate/references/onnx-node.ts";
import { runSuite, type SuiteReport } from "../../src/validate/run.ts";

const DATA = "test/golden/vectors/onnx-node";

const home = mkdtempSync(join(tmpdir(), "onnx-node-"));
afterAll(() => rmSync(home, { recursive: true }));
let folders = 0;

/** What becomes of a folder with this one file. */
function reportOf(contents: unknown): SuiteReport {
  const folder = join(home, String(folders++));
  mkdirSync(folder);
  writeFileSync(join(folder, "test.json"), JSON.stringify(contents));
  return runSuite(onnxNode.suites(folder)[0]!);
}

// biome-ignore lint/suspicious/noExplicitAny: files are changed in places of any kind
const read = (name: string): any => JSON.parse(readFileSync(join(DATA, `${name}.json`), "utf8"));

const tensor = (name: string, dtype: string, shape: readonly number[], data: ArrayLike<number>) => ({
  ...{ name, dtype, shape },
  data: Array.from(data),
});

/** A test of one set. */
const nodeTest = (
  op: string,
  attributes: Record<string, unknown>,
  inputs: readonly unknown[],
  outputs: readonly unknown[],
  opset = 13,
) => ({ op, opset: { "": opset }, attributes, sets: [{ inputs, outputs }] });

const OUT = ["LogSoftmax", "MeanVarianceNormalization", "Reciprocal", "Sqrt"].map(
  (name) => `onnx-node/${name}`,
);

const suites = onnxNode.suites(DATA);

describe("the machine computes ONNX's node tests", () => {
  test.each(suites.filter(({ name }) => !OUT.includes(name)))("$name", (suite) => {
    const report = runSuite(suite);
    expect(report).toMatchObject({ failed: 0, skipped: 0, failures: [] });
    expect(report.passed).toBeGreaterThan(0);
    // No element of any output is left out.
    const outputs = suite.cases().flatMap(({ name }) => read(name).sets[0].outputs);
    expect(report.elements).toBe(outputs.flatMap((output) => output.data).length);
  });

  test.each(suites.filter(({ name }) => OUT.includes(name)))("$name is skipped with a reason", (suite) => {
    const report = runSuite(suite);
    expect(report).toMatchObject({ passed: 0, failed: 0 });
    for (const { reason } of report.skips) expect(reason.length).toBeGreaterThan(20);
  });

  test("the matrix has a row for each operator that is run", () => {
    const names = onnxNode.support.map(({ suite }) => suite);
    expect([...names].sort()).toEqual(suites.map(({ name }) => name).filter((name) => !OUT.includes(name)));
  });
});

describe("one wrong element fails its case and is named", () => {
  test.each([
    ["test_matmulinteger", "Y", 1],
    ["test_qlinearmatmul_3D", "y", 1],
    ["test_convinteger_with_padding", "y", 1],
    ["test_qlinearconv", "y", -1],
    ["test_quantizelinear_axis", "y", -1],
    ["test_dequantizelinear_axis", "y", 0.5],
    ["test_lstm_with_peepholes", "Y_h", 0.002],
    ["test_gru_seq_length", "Y_h", 0.003],
    ["test_simple_rnn_defaults", "Y_h", 0.002],
    ["test_layer_normalization_4d_axis1", "Y", 0.01],
    ["test_softmax_axis_1", "output", 0.001],
    ["test_erf", "Y", 0.001],
    ["test_gemm_all_attributes", "Y", 0.001],
    ["test_matmul_4d", "Y", 0.002],
  ])("%s", (name, formal, by) => {
    const file = read(name);
    const { data } = file.sets[0].outputs[0];
    data[2] += by;
    const report = reportOf(file);
    expect(report).toMatchObject({ cases: 1, passed: 0, failed: 1 });
    expect(report.failures[0]).toMatchObject({ case: "test", tensor: formal, index: 2, want: data[2] });
  });

  test.each(["Mean", "InvStdDev"])("layer norm's %s", (name) => {
    const file = read("test_layer_normalization_3d_axis1_epsilon");
    file.sets[0].outputs.find((one: { name: string }) => one.name === name).data[1] += 0.001;
    expect(reportOf(file).failures).toMatchObject([{ tensor: name, index: 1 }]);
  });

  test("in the second of two sets", () => {
    const file = read("test_matmulinteger");
    file.sets.push(structuredClone(file.sets[0]));
    file.sets[1].outputs[0].data[0] += 1;
    const report = reportOf(file);
    expect(report).toMatchObject({ cases: 2, passed: 1 });
    expect(report.failures[0]!.case).toBe("test/1");
  });
});

test("a GRU of either reset gate, any direction, and start states is what nested loops make of it", () => {
  const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
  const small = fc.integer({ min: 1, max: 4 });
  const shape = fc.record({
    ...{ steps: small, count: small, input: small, hidden: small, after: fc.integer({ min: 0, max: 1 }) },
    ...{ direction: fc.constantFrom("forward", "reverse", "bidirectional"), seed: fc.integer() },
  });
  fc.assert(
    fc.property(shape, ({ steps, count, input, hidden, after, direction, seed }) => {
      const rng = seedrandom(String(seed));
      const reals = (n: number) => Array.from({ length: n }, () => Math.fround(2 * rng() - 1));
      const directions = direction === "bidirectional" ? 2 : 1;
      const x = reals(steps * count * input);
      const [w, r] = [reals(directions * 3 * hidden * input), reals(directions * 3 * hidden * hidden)];
      const [b, h0] = [reals(directions * 6 * hidden), reals(directions * count * hidden)];
      const y = new Float64Array(steps * directions * count * hidden);
      for (let k = 0; k < directions; k++)
        for (let i = 0; i < count; i++) {
          let h = h0.slice((k * count + i) * hidden, (k * count + i + 1) * hidden);
          const isReverse = direction === "reverse" || k === 1;
          for (let s = 0; s < steps; s++) {
            const t = isReverse ? steps - 1 - s : s;
            const wx = (gate: number, n: number) =>
              Array.from(
                { length: input },
                (_, j) => w[((k * 3 + gate) * hidden + n) * input + j]! * x[(t * count + i) * input + j]!,
              ).reduce((sum, v) => sum + v, b[k * 6 * hidden + gate * hidden + n]!);
            const rh = (gate: number, n: number, from: readonly number[]) =>
              Array.from(
                { length: hidden },
                (_, j) => r[((k * 3 + gate) * hidden + n) * hidden + j]! * from[j]!,
              ).reduce((sum, v) => sum + v, b[k * 6 * hidden + (3 + gate) * hidden + n]!);
            const units = [...h.keys()];
            const z = units.map((n) => sigmoid(wx(0, n) + rh(0, n, h)));
            const reset = units.map((n) => sigmoid(wx(1, n) + rh(1, n, h)));
            const gated = h.map((value, n) => reset[n]! * value);
            const own = h;
            h = units.map((n) => {
              const inner = after === 1 ? reset[n]! * rh(2, n, own) : rh(2, n, gated);
              return (1 - z[n]!) * Math.tanh(wx(2, n) + inner) + z[n]! * own[n]!;
            });
            y.set(h, ((t * directions + k) * count + i) * hidden);
          }
        }
      const file = nodeTest(
        "GRU",
        { hidden_size: hidden, direction, linear_before_reset: after },
        [
          tensor("X", "float32", [steps, count, input], x),
          tensor("W", "float32", [directions, 3 * hidden, input], w),
          tensor("R", "float32", [directions, 3 * hidden, hidden], r),
          tensor("B", "float32", [directions, 6 * hidden], b),
          tensor("sequence_lens", "int32", [count], new Array(count).fill(steps)),
          tensor("initial_h", "float32", [directions, count, hidden], h0),
        ],
        [tensor("Y", "float32", [steps, directions, count, hidden], y)],
      );
      expect(reportOf(file)).toMatchObject({ passed: 1, elements: y.length, failures: [] });
    }),
    { numRuns: 40 },
  );
});

test("an RNN of tanh or relu, any direction, and start states is what nested loops make of it", () => {
  const small = fc.integer({ min: 1, max: 4 });
  const shape = fc.record({
    ...{ steps: small, count: small, input: small, hidden: small, names: fc.boolean(), seed: fc.integer() },
    direction: fc.constantFrom("forward", "reverse", "bidirectional"),
    activation: fc.constantFrom("Tanh", "Relu"),
  });
  fc.assert(
    fc.property(shape, ({ steps, count, input, hidden, names, activation, direction, seed }) => {
      const rng = seedrandom(String(seed));
      const reals = (n: number) => Array.from({ length: n }, () => Math.fround(2 * rng() - 1));
      const directions = direction === "bidirectional" ? 2 : 1;
      const x = reals(steps * count * input);
      const [w, r] = [reals(directions * hidden * input), reals(directions * hidden * hidden)];
      const [b, h0] = [reals(directions * 2 * hidden), reals(directions * count * hidden)];
      const y = new Float64Array(steps * directions * count * hidden);
      const isTanh = activation === "Tanh" || !names;
      for (let k = 0; k < directions; k++)
        for (let i = 0; i < count; i++) {
          let h = h0.slice((k * count + i) * hidden, (k * count + i + 1) * hidden);
          for (let s = 0; s < steps; s++) {
            const t = direction === "reverse" || k === 1 ? steps - 1 - s : s;
            h = h.map((_, n) => {
              let sum = b[(2 * k + 0) * hidden + n]! + b[(2 * k + 1) * hidden + n]!;
              for (let j = 0; j < input; j++)
                sum += w[(k * hidden + n) * input + j]! * x[(t * count + i) * input + j]!;
              for (let j = 0; j < hidden; j++) sum += r[(k * hidden + n) * hidden + j]! * h[j]!;
              return isTanh ? Math.tanh(sum) : Math.max(0, sum);
            });
            y.set(h, ((t * directions + k) * count + i) * hidden);
          }
        }
      const file = nodeTest(
        "RNN",
        {
          ...{ hidden_size: hidden, direction },
          ...(names && { activations: new Array(directions).fill(activation) }),
        },
        [
          tensor("X", "float32", [steps, count, input], x),
          tensor("W", "float32", [directions, hidden, input], w),
          tensor("R", "float32", [directions, hidden, hidden], r),
          tensor("B", "float32", [directions, 2 * hidden], b),
          tensor("sequence_lens", "int32", [count], new Array(count).fill(steps)),
          tensor("initial_h", "float32", [directions, count, hidden], h0),
        ],
        [tensor("Y", "float32", [steps, directions, count, hidden], y)],
      );
      expect(reportOf(file)).toMatchObject({ passed: 1, elements: y.length, failures: [] });
    }),
    { numRuns: 40 },
  );
});

test.each([
  [{ clip: 3 }, "the RNN's layer knows no clip"],
  [{ activations: ["Affine"] }, "the RNN's layer has tanh or relu, not affine"],
])("an RNN with %o is skipped", (attributes, reason) => {
  const file = read("test_simple_rnn_defaults");
  Object.assign(file.attributes, attributes);
  expect(reportOf(file).skips).toMatchObject([{ reason }]);
});

describe("integers, in shapes and types that the data has none of", () => {
  test("a product of batches that broadcast, types mixed, no zero points", () => {
    const a = [200, 3, 0, 255];
    const b = [-128, 127, 5, -7];
    const y = [0, 1].flatMap((i) => [0, 1].map((j) => a[2 * i]! * b[2 * j]! + a[2 * i + 1]! * b[2 * j + 1]!));
    const inputs = [tensor("A", "uint8", [2, 1, 1, 2], a), tensor("B", "int8", [2, 2, 1], b)];
    const file = nodeTest("MatMulInteger", {}, inputs, [tensor("Y", "int32", [2, 2, 1, 1], y)]);
    expect(reportOf(file)).toMatchObject({ passed: 1, elements: 4, failures: [] });
  });

  test("convolutions of any batch, groups, strides, dilations and padding are what nested loops make of them", () => {
    const few = fc.integer({ min: 1, max: 3 });
    const geometry = fc.record({
      ...{ batch: few, groups: few, seen: few, each: few, height: fc.integer({ min: 5, max: 8 }) },
      ...{ width: fc.integer({ min: 5, max: 8 }), kernel: fc.tuple(few, few), strides: fc.tuple(few, few) },
      dilations: fc.tuple(fc.integer({ min: 1, max: 2 }), fc.integer({ min: 1, max: 2 })),
      pads: fc.tuple(...([2, 2, 2, 2].map((max) => fc.integer({ min: 0, max })) as [fc.Arbitrary<number>])),
      seed: fc.integer(),
    });
    fc.assert(
      fc.property(
        geometry,
        ({ batch, groups, seen, each, height, width, kernel, strides, dilations, pads, seed }) => {
          const rng = seedrandom(String(seed));
          const codes = (n: number) => Array.from({ length: n }, () => Math.floor(256 * rng()));
          const [channels, outputs] = [groups * seen, groups * each];
          const [top, left, bottom, right] = pads as readonly number[] as [number, number, number, number];
          const [x, w] = [
            codes(batch * channels * height * width),
            codes(outputs * seen * kernel[0] * kernel[1]),
          ];
          const [xZero, wZero] = [codes(1)[0]!, codes(1)[0]!];
          const rows =
            Math.floor((height + top + bottom - dilations[0] * (kernel[0] - 1) - 1) / strides[0]) + 1;
          const columns =
            Math.floor((width + left + right - dilations[1] * (kernel[1] - 1) - 1) / strides[1]) + 1;
          const y: number[] = [];
          for (let n = 0; n < batch; n++)
            for (let o = 0; o < outputs; o++)
              for (let r = 0; r < rows; r++)
                for (let c = 0; c < columns; c++) {
                  let sum = 0;
                  for (let s = 0; s < seen; s++)
                    for (let i = 0; i < kernel[0]; i++)
                      for (let j = 0; j < kernel[1]; j++) {
                        const row = r * strides[0] + i * dilations[0] - top;
                        const column = c * strides[1] + j * dilations[1] - left;
                        if (row < 0 || row >= height || column < 0 || column >= width) continue;
                        const channel = Math.floor(o / each) * seen + s;
                        const code = x[((n * channels + channel) * height + row) * width + column]!;
                        const weight = w[((o * seen + s) * kernel[0] + i) * kernel[1] + j]!;
                        sum += (code - xZero) * (weight - wZero);
                      }
                  y.push(sum);
                }
          const file = nodeTest(
            "ConvInteger",
            { group: groups, strides, dilations, pads },
            [
              tensor("x", "uint8", [batch, channels, height, width], x),
              tensor("w", "uint8", [outputs, seen, ...kernel], w),
              tensor("x_zero_point", "uint8", [], [xZero]),
              tensor("w_zero_point", "uint8", [], [wZero]),
            ],
            [tensor("y", "int32", [batch, outputs, rows, columns], y)],
          );
          expect(reportOf(file)).toMatchObject({ passed: 1, elements: y.length, failures: [] });
        },
      ),
      { numRuns: 40 },
    );
  });

  test.each([
    [{ auto_pad: "SAME_UPPER" }, [1, 1, 3, 3], /auto_pad/],
    [{ group: 2 }, [1, 1, 3, 3], /does not fit 1 channels in 2 groups/],
    [{}, [1, 3, 3], /batch, channels, height, width/],
  ])("a convolution with %j of %j is refused in one line", (attributes, shape, problem) => {
    const size = shape.reduce((product, n) => product * n, 1);
    const inputs = [
      tensor("x", "uint8", shape, new Array(size).fill(1)),
      tensor("w", "uint8", [1, 1, 1, 1], [1]),
    ];
    const outputs = [tensor("y", "int32", shape, new Array(size).fill(1))];
    expect(() => reportOf(nodeTest("ConvInteger", attributes, inputs, outputs))).toThrow(problem);
  });

  test("vectors", () => {
    const inputs = [tensor("A", "int8", [3], [1, -2, 3]), tensor("B", "int8", [3], [10, 20, 30])];
    const file = nodeTest("MatMulInteger", {}, inputs, [tensor("Y", "int32", [], [60])]);
    expect(reportOf(file)).toMatchObject({ passed: 1, failures: [] });
  });

  test("zero points of rows are skipped", () => {
    const inputs = [
      tensor("A", "uint8", [2, 1], [1, 2]),
      tensor("B", "uint8", [1, 1], [3]),
      tensor("a_zero_point", "uint8", [2], [1, 0]),
    ];
    const file = nodeTest("MatMulInteger", {}, inputs, [tensor("Y", "int32", [2, 1], [0, 6])]);
    expect(reportOf(file).skips[0]!.reason).toMatch(/rows and columns/);
  });

  test("words are dequantized along a negative axis", () => {
    const inputs = [
      tensor("x", "int32", [2, 2], [-(2 ** 31), 7, 2 ** 31 - 1, -8]),
      tensor("x_scale", "float32", [2], [0.5, 2]),
    ];
    const y = [-(2 ** 30), 14, 2 ** 30, -16];
    const file = nodeTest("DequantizeLinear", { axis: -1 }, inputs, [tensor("y", "float32", [2, 2], y)]);
    expect(reportOf(file)).toMatchObject({ passed: 1, failures: [] });
  });

  test("ties go to the even code, and infinitely far is the end of the type", () => {
    const inputs = [
      tensor("x", "float32", [6], [0.5, 1.5, -0.5, -1.5, 1e30, -1e30]),
      tensor("y_scale", "float32", [], [1]),
      tensor("y_zero_point", "int16", [], [-7]),
    ];
    const y = [-7, -5, -7, -9, 32_767, -32_768];
    const file = nodeTest("QuantizeLinear", {}, inputs, [tensor("y", "int16", [6], y)]);
    expect(reportOf(file)).toMatchObject({ passed: 1, failures: [] });
  });

  test("zeros have a scale of 1", () => {
    const outputs = [
      tensor("y", "uint8", [2], [0, 0]),
      tensor("y_scale", "float32", [], [1]),
      tensor("y_zero_point", "uint8", [], [0]),
    ];
    const file = nodeTest("DynamicQuantizeLinear", {}, [tensor("x", "float32", [2], [0, 0])], outputs);
    expect(reportOf(file)).toMatchObject({ passed: 1, failures: [] });
  });
});

describe("softmax", () => {
  const share = (row: readonly number[]) => {
    const e = row.map((x) => Math.exp(x - Math.max(...row)));
    const sum = e.reduce((total, value) => total + value, 0);
    return e.map((value) => value / sum);
  };

  test("before version 13 all dimensions from the axis on are one", () => {
    const x = [0, 1, 2, 3, -4, 5, 0.5, 0.25];
    const file = nodeTest(
      "Softmax",
      {},
      [tensor("input", "float32", [2, 2, 2], x)],
      [tensor("output", "float32", [2, 2, 2], [...share(x.slice(0, 4)), ...share(x.slice(4))])],
      11,
    );
    expect(reportOf(file)).toMatchObject({ passed: 1, failures: [] });
  });

  test("a row of equal scores, and one with a score far below", () => {
    const x = [7, 7, 7, -1e6, 1e6, 1e6];
    const y = [...share(x.slice(0, 3)), ...share(x.slice(3))];
    const file = nodeTest(
      "Softmax",
      {},
      [tensor("x", "float32", [2, 3], x)],
      [tensor("y", "float32", [2, 3], y)],
    );
    expect(reportOf(file)).toMatchObject({ passed: 1, failures: [] });
  });
});

/** ONNX's LSTM by its definition, one sequence in one direction; gates in the order i, o, f, c. */
function lstmByDefinition(
  xs: readonly number[][],
  w: readonly number[][],
  r: readonly number[][],
  b: readonly number[],
  p: readonly number[],
  start: { h: readonly number[]; c: readonly number[] },
) {
  const n = r[0]!.length;
  let [h, c] = [[...start.h], [...start.c]];
  const dot = (row: readonly number[], x: readonly number[]) => row.reduce((sum, v, i) => sum + v * x[i]!, 0);
  const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
  const hs = xs.map((x) => {
    const gate = (k: number, j: number) => {
      const row = k * n + j;
      return dot(w[row]!, x) + dot(r[row]!, h) + b[row]! + b[4 * n + row]!;
    };
    const next = c.map((old, j) => {
      const i = sigmoid(gate(0, j) + p[j]! * old);
      const f = sigmoid(gate(2, j) + p[2 * n + j]! * old);
      return f * old + i * Math.tanh(gate(3, j));
    });
    const shown = next.map((value, j) => sigmoid(gate(1, j) + p[n + j]! * value) * Math.tanh(value));
    [h, c] = [shown, next];
    return shown;
  });
  return { hs, h, c };
}

describe.each([0, 1])("LSTM, layout %s", (layout) => {
  const [steps, lengths, input, hidden] = [4, [4, 2, 3], 3, 5];
  const count = lengths.length;
  const rng = seedrandom(`lstm ${layout}`);
  const draw = (n: number, limit = 0.6) => Array.from({ length: n }, () => limit * (2 * rng() - 1));
  const rows = (n: number, columns: number) => Array.from({ length: n }, () => draw(columns));
  const batchFirst = layout === 1;

  test("two directions, sequences of three lengths, start states, peepholes", () => {
    const x = lengths.map(() => rows(steps, input)); // [batch][steps][input]
    const sides = [false, true].map((reverse) => ({
      ...{ reverse, w: rows(4 * hidden, input), r: rows(4 * hidden, hidden), b: draw(8 * hidden) },
      ...{ p: draw(3 * hidden), h: rows(count, hidden), c: rows(count, hidden) },
    }));
    const y = new Array<number>(steps * 2 * count * hidden).fill(0);
    const last = { h: new Array<number>(2 * count * hidden), c: new Array<number>(2 * count * hidden) };
    for (const [k, side] of sides.entries()) {
      for (const [i, length] of lengths.entries()) {
        const xs = x[i]!.slice(0, length);
        const start = { h: side.h[i]!, c: side.c[i]! };
        const run = lstmByDefinition(
          side.reverse ? xs.toReversed() : xs,
          side.w,
          side.r,
          side.b,
          side.p,
          start,
        );
        const hs = side.reverse ? run.hs.toReversed() : run.hs;
        for (let j = 0; j < hidden; j++) {
          for (let t = 0; t < length; t++)
            y[(batchFirst ? (i * steps + t) * 2 + k : (t * 2 + k) * count + i) * hidden + j] = hs[t]![j]!;
          const at = (batchFirst ? i * 2 + k : k * count + i) * hidden + j;
          last.h[at] = run.h[j]!;
          last.c[at] = run.c[j]!;
        }
      }
    }
    const across = (rowsOf: (side: (typeof sides)[number]) => number[][]) =>
      batchFirst
        ? lengths.flatMap((_, i) => sides.flatMap((side) => rowsOf(side)[i]!))
        : sides.flatMap((side) => rowsOf(side).flat());
    const time = batchFirst
      ? x.flat(2)
      : Array.from({ length: steps }, (_, t) => x.flatMap((s) => s[t]!)).flat();
    const states = batchFirst ? [count, 2, hidden] : [2, count, hidden];
    const file = nodeTest(
      "LSTM",
      { hidden_size: hidden, direction: "bidirectional", layout },
      [
        tensor("X", "float32", batchFirst ? [count, steps, input] : [steps, count, input], time),
        tensor(
          "W",
          "float32",
          [2, 4 * hidden, input],
          sides.flatMap(({ w }) => w.flat()),
        ),
        tensor(
          "R",
          "float32",
          [2, 4 * hidden, hidden],
          sides.flatMap(({ r }) => r.flat()),
        ),
        tensor(
          "B",
          "float32",
          [2, 8 * hidden],
          sides.flatMap(({ b }) => b),
        ),
        tensor("sequence_lens", "int32", [count], lengths),
        tensor(
          "initial_h",
          "float32",
          states,
          across(({ h }) => h),
        ),
        tensor(
          "initial_c",
          "float32",
          states,
          across(({ c }) => c),
        ),
        tensor(
          "P",
          "float32",
          [2, 3 * hidden],
          sides.flatMap(({ p }) => p),
        ),
      ],
      [
        tensor("Y", "float32", batchFirst ? [count, steps, 2, hidden] : [steps, 2, count, hidden], y),
        tensor("Y_h", "float32", states, last.h),
        tensor("Y_c", "float32", states, last.c),
      ],
    );
    const elements = y.length + 2 * last.h.length;
    expect(reportOf(file)).toMatchObject({ passed: 1, failures: [], elements });
  });
});

test("an LSTM whose candidate is larger than any cell, as it cancels the old one", () => {
  const b = [4, 0, 0, 4, 0, 0, 0, 0];
  const zeros = [[0], [0], [0], [0]];
  const { h, c } = lstmByDefinition([[1]], zeros, zeros, b, [0, 0, 0], { h: [0], c: [-0.9] });
  const file = nodeTest(
    "LSTM",
    { hidden_size: 1 },
    [
      tensor("X", "float32", [1, 1, 1], [1]),
      tensor("W", "float32", [1, 4, 1], zeros.flat()),
      tensor("R", "float32", [1, 4, 1], zeros.flat()),
      tensor("B", "float32", [1, 8], b),
      tensor("initial_c", "float32", [1, 1, 1], [-0.9]),
    ],
    [tensor("Y_h", "float32", [1, 1, 1], h), tensor("Y_c", "float32", [1, 1, 1], c)],
  );
  expect(reportOf(file)).toMatchObject({ passed: 1, failures: [], elements: 2 });
});

test.each([
  [{ clip: 3 }, /knows no clip/],
  [{ input_forget: 1 }, /knows no input_forget/],
  [{ activations: ["Sigmoid", "Relu", "Tanh"] }, /sigmoid and tanh, not Relu/],
])("an LSTM with %o is skipped", (attributes, reason) => {
  const file = read("test_lstm_defaults");
  expect(reportOf({ ...file, attributes: { ...file.attributes, ...attributes } }).skips[0]!.reason).toMatch(
    reason,
  );
});

describe("files that do not keep to the schema", () => {
  test("an operator of another name is skipped by name", () => {
    const { skips } = reportOf(nodeTest("Einsum", {}, [], []));
    expect(skips).toEqual([{ case: "test", reason: "no operator of this name is known: Einsum" }]);
  });

  test("no operator", () => {
    expect(() => reportOf({ sets: [] })).toThrow(/test\.json: no key op$/);
  });

  test.each([
    // biome-ignore-start lint/suspicious/noExplicitAny: files are changed in places of any kind
    [
      "an input that is missing",
      "test_softmax_axis_0",
      (file: any) => file.sets[0].inputs.pop(),
      "sets[0].inputs: no input input",
    ],
    [
      "an axis that is not there",
      "test_softmax_axis_0",
      (file: any) => (file.attributes.axis = 3),
      "sets[0].test.attributes: axis 3 is none of 3 dimensions",
    ],
    [
      "weights of another shape",
      "test_lstm_defaults",
      (file: any) => (file.sets[0].inputs[1].shape = [1, 6, 4]),
      "sets[0].inputs[1]: a shape of 1,6,4 where it takes 1,12,2",
    ],
    [
      "scales for another axis",
      "test_quantizelinear_axis",
      (file: any) => (file.attributes.axis = 3),
      "sets[0].inputs[1]: 3 scales for a dimension of 2",
    ],
    ["no outputs", "test_exp", (file: any) => (file.sets[0].outputs = []), "sets[0].outputs: no outputs"],
    // biome-ignore-end lint/suspicious/noExplicitAny: as above
  ])("%s", (_, name, change, message) => {
    const file = read(name);
    change(file);
    expect(() => reportOf(file)).toThrow(message);
  });
});
