import fc from "fast-check";
import { expect, test } from "vitest";
import { execute } from "../../src/onnx/execute.ts";
import type { AttributeValue } from "../../src/onnx/ops/define.ts";
import { elementsIn, type Tensor } from "../../src/onnx/tensor.ts";
import { f32, graphOf, i64 } from "./models.ts";

/** One operator on constants as its other inputs: y. */
function apply(
  op: string,
  x: Tensor,
  constants: Readonly<Record<string, Tensor>> = {},
  attributes: Readonly<Record<string, AttributeValue>> = {},
  opset = 22,
): Tensor {
  const graph = graphOf({
    ...{ opset, constants, inputs: [{ name: "x", ...x }], outputs: ["y"] },
    nodes: [{ op, inputs: ["x", ...Object.keys(constants)], outputs: ["y"], attributes }],
  });
  return execute(graph, new Map([["x", x]])).get("y")!;
}

const counting = (...shape: readonly number[]): Tensor =>
  f32(
    shape,
    Array.from({ length: elementsIn(shape) }, (_, i) => ((i * 37) % 23) - 11),
  );

/** A convolution by its definition: a sum over all that a filter sees, what is outside being 0. */
function convolved(
  x: Tensor,
  w: Tensor,
  { stride, dilation, before, after, group }: Record<string, number>,
): Tensor {
  const [batch, channels, height, width] = x.shape as [number, number, number, number];
  const [filters, depth, rows, columns] = w.shape as [number, number, number, number];
  const size = (n: number, k: number) =>
    Math.floor((n + before! + after! - dilation! * (k - 1) - 1) / stride!) + 1;
  const shape = [batch, filters, size(height, rows), size(width, columns)] as const;
  const values: number[] = [];
  for (let n = 0; n < batch; n++)
    for (let f = 0; f < filters; f++)
      for (let i = 0; i < shape[2]; i++)
        for (let j = 0; j < shape[3]; j++) {
          let sum = 0;
          for (let c = 0; c < depth; c++)
            for (let r = 0; r < rows; r++)
              for (let k = 0; k < columns; k++) {
                const [row, column] = [
                  i * stride! + r * dilation! - before!,
                  j * stride! + k * dilation! - before!,
                ];
                if (row < 0 || row >= height || column < 0 || column >= width) continue;
                const channel = Math.floor(f / (filters / group!)) * depth + c;
                sum +=
                  x.data[((n * channels + channel) * height + row) * width + column]! *
                  w.data[((f * depth + c) * rows + r) * columns + k]!;
              }
          values.push(sum);
        }
  return f32(shape, values);
}

test("a convolution is what its definition says, for any stride, dilation, padding and grouping", () => {
  const small = fc.integer({ min: 1, max: 3 });
  const setting = fc.record({
    ...{
      stride: small,
      dilation: small,
      group: small,
      rows: small,
      columns: small,
      depth: small,
      perGroup: small,
    },
    ...{
      batch: fc.integer({ min: 1, max: 2 }),
      before: fc.integer({ min: 0, max: 3 }),
      after: fc.integer({ min: 0, max: 3 }),
    },
    ...{ height: fc.integer({ min: 7, max: 9 }), width: fc.integer({ min: 7, max: 9 }) },
  });
  fc.assert(
    fc.property(setting, ({ rows, columns, depth, perGroup, batch, height, width, ...rest }) => {
      const { stride, dilation, group, before, after } = rest;
      const x = counting(batch, group * depth, height, width);
      const w = counting(group * perGroup, depth, rows, columns);
      const attributes = {
        ...{ group, strides: [stride, stride], dilations: [dilation, dilation] },
        pads: [before, before, after, after],
      };
      // Whole numbers this small are exact.
      expect(apply("Conv", x, { w }, attributes)).toEqual(convolved(x, w, rest));
    }),
    { numRuns: 60 },
  );
});

test("so is a pointwise one, with a bias, for any grouping", () => {
  const small = fc.integer({ min: 1, max: 5 });
  const setting = fc.record({ batch: small, group: small, depth: small, perGroup: small, width: small });
  fc.assert(
    fc.property(setting, ({ batch, group, depth, perGroup, width }) => {
      const x = counting(batch, group * depth, 2, width);
      const w = counting(group * perGroup, depth, 1, 1);
      const b = counting(group * perGroup);
      const sums = convolved(x, w, { stride: 1, dilation: 1, before: 0, after: 0, group });
      const places = 2 * width;
      const wanted = sums.data.map((sum, i) => sum + b.data[Math.floor(i / places) % b.data.length]!);
      expect([...apply("Conv", x, { w, b }, { group }).data]).toEqual([...wanted]);
    }),
    { numRuns: 60 },
  );
});

test("a slice that steps backwards begins at the last element where its start is behind it, and at the first where it is before", () => {
  const backwards = (start: number, end: number) =>
    Array.from(
      apply("Slice", f32([4], [1, 2, 3, 4]), { s: i64(start), e: i64(end), a: i64(0), t: i64(-2) }).data,
    );
  expect(backwards(9, -9)).toEqual([4, 2]);
  expect(backwards(-9, -9)).toEqual([1]);
  expect(backwards(-9, 0)).toEqual([]);
});

test("clip bounds what the gates of an LSTM see, and not its cell", () => {
  const [x, W] = [f32([2, 1, 1], [1, 1]), f32([1, 4, 1], [9, 9, 9, 9])];
  const R = f32([1, 4, 1], [0, 0, 0, 0]);
  const y = apply(
    "LSTM",
    x,
    { W, R },
    { hidden_size: 1, clip: 1, activations: ["Sigmoid", "Affine", "Affine"] },
  );
  const gate = 1 / (1 + Math.exp(-1));
  const cells = [gate, gate * gate + gate];
  for (const [t, cell] of cells.entries()) expect(y.data[t]).toBeCloseTo(gate * cell, 6);
  expect(cells[1]).toBeGreaterThan(1);
});

test("whole numbers divide toward 0, and give 0 where they are divided by 0", () => {
  const x = i64(7, -7, 7, -7, 5);
  expect(Array.from(apply("Div", x, { b: i64(2, 2, -2, -2, 0) }).data)).toEqual([3, -3, -3, 3, 0]);
});

test("sizes that are known of an output are those that it has, whatever is known of its input", () => {
  const cases: readonly (readonly [string, Parameters<typeof apply>[2], Parameters<typeof apply>[3]])[] = [
    ["Conv", { w: counting(2, 3, 3, 3) }, { strides: [2, 1], auto_pad: "SAME_UPPER" }],
    ["MaxPool", {}, { kernel_shape: [3, 3], ceil_mode: 1, strides: [2, 2] }],
    ["Reshape", { s: i64(0, -1, 4) }, {}],
    ["Flatten", {}, { axis: 2 }],
    ["Slice", { s: i64(1), e: i64(-1), a: i64(2) }, {}],
    ["Softmax", {}, { axis: 1 }],
    ["ReduceMean", { a: i64(-1) }, { keepdims: 0 }],
    ["Transpose", {}, { perm: [3, 1, 2, 0] }],
    ["Pad", { p: i64(0, 0, 1, 2, 0, 0, 3, 0) }, { mode: "edge" }],
    ["Tile", { r: i64(1, 2, 1, 3) }, {}],
    ["Expand", { s: i64(1, 3, 4, 4) }, {}],
    ["Gather", { i: i64(2, 0) }, { axis: 1 }],
    ["Unsqueeze", { a: i64(0, -1) }, {}],
    ["MatMul", { w: counting(4, 5) }, {}],
  ];
  const x = counting(2, 3, 4, 4);
  fc.assert(
    fc.property(
      fc.constantFrom(...cases),
      fc.array(fc.boolean(), { minLength: 4, maxLength: 4 }),
      (one, isOpen) => {
        const [op, constants = {}, attributes = {}] = one;
        const shape = x.shape.map((size, i) => (isOpen[i] ? `d${i}` : size));
        const node = { op, inputs: ["x", ...Object.keys(constants)], outputs: ["y"], attributes };
        const graph = graphOf({ inputs: [{ name: "x", shape }], outputs: ["y"], constants, nodes: [node] });
        const known = graph.types.get("y")!.shape ?? [];
        const actual = execute(graph, new Map([["x", x]])).get("y")!.shape;
        if (graph.types.get("y")!.shape !== undefined) expect(known, op).toHaveLength(actual.length);
        for (const [i, size] of known.entries()) {
          if (typeof size === "number") expect(size, op).toBe(actual[i]);
          else if (size !== "?") expect(x.shape[Number(size.slice(1))], op).toBe(actual[i]);
        }
      },
    ),
    { numRuns: 300 },
  );
});
